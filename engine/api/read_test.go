package api

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", name, got, want)
	}
}

// volatile is what differs from machine to machine.
var volatile = regexp.MustCompile(`(?m)^Date: .*\r\n|"you":"[^"]*"|"stream":"[^"]*"|1\.[0-9a-f]{8}`)

func get(path string) string {
	return "GET " + path + " HTTP/1.1\nHost: x\nConnection: close\n\n"
}

// TestObjects holds every object of the API to its golden file.
func TestObjects(t *testing.T) {
	path := serveFake(t, newFake())
	for name, url := range map[string]string{
		"hello":             "/v1/hello",
		"status":            "/v1/status",
		"status-page":       "/v1/status?page=public",
		"status-problems":   "/v1/status?problems=1",
		"monitors":          "/v1/monitors",
		"monitors-tag":      "/v1/monitors?tag=nope",
		"monitor":           "/v1/monitors/shop",
		"monitor-slash":     "/v1/monitors/api%2Fv1%20health%3F",
		"monitor-none":      "/v1/monitors/no%0Asuch",
		"results":           "/v1/monitors/shop/results?limit=5",
		"results-none":      "/v1/monitors/mail/results",
		"results-unknown":   "/v1/monitors/nope/results",
		"results-bad":       "/v1/monitors/shop/results?since=yesterday",
		"monitor-incidents": "/v1/monitors/shop/incidents",
		"incidents":         "/v1/incidents",
		"probes":            "/v1/probes",
		"incident":          "/v1/incidents/4711",
		"incident-none":     "/v1/incidents/4712",
		"incident-bad":      "/v1/incidents/one",
		"events":            "/v1/events?after=4&kind=verdict,ack",
		"events-bad":        "/v1/events?limit=99999999",
		"pages":             "/v1/pages",
		"page":              "/v1/pages/public",
		"page-none":         "/v1/pages/private",
		"route-none":        "/v2/status",
		"root":              "/",
		"reload-get":        "/v1/stop/",
		"stream-version":    "/v1/stream",
	} {
		got := strings.ReplaceAll(volatile.ReplaceAllString(curl(t, path, get(url)), ""), "\r\n", "\n")
		golden(t, name+".http", got)
	}
}

func TestWrongMethod(t *testing.T) {
	path := serveFake(t, newFake())
	got := curl(t, path, "PATCH /v1/monitors/shop/pause HTTP/1.1\nHost: x\nConnection: close\n\n")
	for _, want := range []string{"405 Method Not Allowed", "Allow: POST", `"error":"/v1/monitors/shop/pause does not take PATCH"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

// TestNamesInPaths asks for monitors with every sort of name.
func TestNamesInPaths(t *testing.T) {
	f := newFake()
	path := serveFake(t, f)
	c := dial(t, path)
	for _, name := range []string{"a/b", "//", "..", "../..", "a b", "a%2Fb", "ä", "a?b#c", "https://x.example/y?z", ".", "a;b", "a+b"} {
		s := *f.Snapshot()
		s.States = append(s.States[:0:0], named(name, 0))
		f.publish(&s)
		if _, err := c.Results(t.Context(), resultsOf(name)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestStartingEngine(t *testing.T) {
	f := newFake()
	f.snap = nil
	got := curl(t, serveFake(t, f), get("/v1/status"))
	if !strings.Contains(got, "503 ") || !strings.Contains(got, "the engine is starting") {
		t.Error(got)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	f := newFake()
	path := socketPath(t)
	opt := testOptions(f)
	opt.Backend = panics{f}
	start(t, path, opt, testLimits())
	got := curl(t, path, get("/v1/incidents"))
	if !strings.Contains(got, "500 ") || !strings.Contains(got, "a bug in lookout: oh no") || !strings.Contains(got, "with api_test.go:") {
		t.Error(got)
	}
}

func TestManyMonitors(t *testing.T) {
	f := newFake()
	s := *f.Snapshot()
	s.States = nil
	for i := range 3000 {
		s.States = append(s.States, named(fmt.Sprintf("m%06d", i), 1))
	}
	f.publish(&s)
	got := curl(t, serveFake(t, f), get("/v1/status"))
	if n := strings.Count(got, `"monitor":"m`); n != 3000 || !strings.Contains(got, `"up":3000`) {
		t.Errorf("%d monitors", n)
	}
}
