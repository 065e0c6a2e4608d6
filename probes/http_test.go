package probes

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// made is a check of a type as a configuration makes it.
func made(t testing.TB, sys *system, typ, target string, values, expect map[string]any) uptime.Job {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	for _, ct := range typesOf(sys) {
		if ct.Name != typ {
			continue
		}
		c, mistakes := ct.New(uptime.Settings{URL: u, IP: "any", Timeout: 5 * time.Second, Values: values, Expect: expect})
		if len(mistakes) > 0 {
			t.Fatal(mistakes)
		}
		return uptime.Job{Monitor: &uptime.Monitor{Name: "m", Type: typ, Target: uptime.RedactURL(u), Timeout: 5 * time.Second}, Checker: c.Checker}
	}
	t.Fatalf("no type %s", typ)
	panic("unreachable")
}

// once runs one check.
func once(t testing.TB, job uptime.Job) uptime.Result {
	t.Helper()
	return new(Runner).Run(t.Context(), job)
}

func testSystem() *system { return newSystem("testdata/resolv.conf", "testdata/hosts") }

func TestHTTPPlain(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/503" {
			w.WriteHeader(503)
		}
	}))
	defer srv.Close()
	if r := once(t, made(t, testSystem(), "http", srv.URL, nil, nil)); r.Outcome != uptime.OutcomeUp || r.Status != 200 {
		t.Errorf("%+v", r)
	}
	r := once(t, made(t, testSystem(), "http", srv.URL+"/503", nil, nil))
	if r.Fault != uptime.FaultHTTPStatus || r.Message != "HTTP status 503, expected 200-299" {
		t.Errorf("%+v", r)
	}
}
