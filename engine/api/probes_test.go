package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

func TestExcludeOverHTTP(t *testing.T) {
	f := newFake()
	path := serveFake(t, f)
	for _, tt := range []struct {
		name, path, body string
		status, want     string // in the answer
		done             string // "": nothing
	}{
		{"exclude", "/v1/probes/fra/1/exclude", `{"note":"a bad line\u001b[2K"}`, "200", `"message":"fra/1: its vote does not count`, "exclude fra/1: a bad line[2K"},
		{"include", "/v1/probes/fra/1/include", "", "200", `"message":"fra/1: its vote counts again`, "include fra/1: "},
		{"no such probe", "/v1/probes/fra/2/exclude", "", "404", `{"error":"there is no probe fra/2","hint":"GET /v1/probes lists them"}`, ""},
		{"a hostile name", "/v1/probes/fra/%1b%5b2K/exclude", "", "404", `there is no probe fra/[2K`, ""},
		{"an end", "/v1/probes/fra/1/exclude", `{"for_ms":5}`, "400", "unknown field", ""},
		{"no such verb", "/v1/probes/fra/1/explode", "", "404", "there is no /v1/probes/fra/1/explode", ""},
		{"no location", "/v1/probes/fra/exclude", "", "404", "there is no /v1/probes/fra/exclude", ""},
	} {
		f.votes = nil
		got := curl(t, path, post(tt.path, tt.body))
		if !strings.HasPrefix(got, "HTTP/1.1 "+tt.status) || !strings.Contains(got, tt.want) || strings.Join(f.votes, ";") != tt.done {
			t.Errorf("%s: did %q, answers %q", tt.name, f.votes, got)
		}
	}
	f.publish(&uptime.Snapshot{Time: at(0)})
	if got := curl(t, path, post("/v1/probes/fra/1/exclude", "")); !strings.Contains(got, "none has said hello yet") {
		t.Errorf("without probes: %q", got)
	}
}

// TestWhoMayExclude: as for every other action, the owner and operators.
func TestWhoMayExclude(t *testing.T) {
	f := newFake()
	s := newServer(t.Context(), testOptions(f), testLimits())
	for _, tt := range []struct {
		name string
		peer peer
		want int
	}{{"owner", peer{os.Geteuid(), true}, http.StatusOK}, {"another user", peer{54321, true}, http.StatusForbidden}, {"nobody knows who", peer{}, http.StatusForbidden}} {
		f.votes = nil
		r := httptest.NewRequest("POST", "/v1/probes/fra/1/exclude", nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, tt.peer)))
		if w.Code != tt.want || (len(f.votes) == 1) != (tt.want == http.StatusOK) {
			t.Errorf("%s: %d, did %q", tt.name, w.Code, f.votes)
		}
	}
}

func TestClientOfProbes(t *testing.T) {
	f := newFake()
	path := serveFake(t, f)
	c := dial(t, path)
	got, err := c.Remotes(t.Context())
	want := f.Snapshot().Remotes()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	if err := errors.Join(c.Exclude(t.Context(), "fra/1", "on it"), c.Include(t.Context(), "syd/1", "")); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(f.votes); got != "[exclude fra/1: on it include syd/1: ]" {
		t.Errorf("did %s", got)
	}
	for _, probe := range []string{"nope/1", "..", "", "a/b/c", "x"} {
		if err := c.Exclude(t.Context(), probe, ""); err == nil {
			t.Errorf("%q was excluded", probe)
		}
	}
	f.err = fmt.Errorf("%w: fra/1 is not excluded", uptime.ErrInvalid)
	if err := c.Include(t.Context(), "fra/1", ""); !errors.Is(err, uptime.ErrInvalid) || !strings.Contains(err.Error(), "is not excluded") {
		t.Errorf("%v", err)
	}
	looks, err := Dial(t.Context(), path, ClientOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer looks.Close()
	if err := looks.Exclude(t.Context(), "fra/1", ""); !errors.Is(err, uptime.ErrNotAllowed) {
		t.Errorf("read-only: %v", err)
	}
}
