package probes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

const day = 24 * time.Hour

// registry answers every question with a status and a text.
func registry(t testing.TB, status int, text string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/rdap/domain/shop.test" || r.Header.Get("Accept") != "application/rdap+json" {
			http.Error(w, r.URL.Path, http.StatusTeapot)
			return
		}
		w.WriteHeader(status)
		w.Write([]byte(text))
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/rdap"
}

// registered is the answer of a registry about a domain that ends so late.
func registered(domain string, left time.Duration, more string) string {
	return fmt.Sprintf(`{"objectClassName":"domain","ldhName":%q,"status":["active"%s],"events":[{"eventAction":"registration","eventDate":"2001-01-01T00:00:00Z"},{"eventAction":"expiration","eventDate":%q}]}`,
		strings.ToUpper(domain), more, time.Now().Add(left).UTC().Format(time.RFC3339))
}

// looksUp makes a domain check of a registry that says this.
func looksUp(status int, text string) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "domain", "domain:shop.test", keys{"server": registry(t, status, text)}, nil))
	}
}

// byHand makes one with a date of the configuration.
func byHand(in time.Duration) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "domain", "domain:www.example.co.uk", keys{"expires": time.Now().Add(in).UTC().Format(time.DateOnly)}, nil))
	}
}

var domainFaults = []produced{
	{uptime.FaultDomainExpired, "the registration of shop.test ended ", looksUp(200, registered("shop.test", -40*day, ""))},
	{uptime.FaultDomainExpired, "it is in its redemption period", looksUp(200, registered("shop.test", 200*day, `,"redemption period"`))},
	{uptime.FaultDomainExpired, "the registration of example.co.uk ended", byHand(-5 * day)},
	{uptime.FaultDomainExpiresSoon, "warned of from 30 d on", looksUp(200, registered("shop.test", 10*day, ""))},
	{uptime.FaultDomainExpiresSoon, "the registration of example.co.uk ends", byHand(5 * day)},
	{uptime.FaultDomainUnavailable, "the answer has no date", looksUp(200, `{"ldhName":"shop.test","events":[{"eventAction":"registration","eventDate":"2001-01-01T00:00:00Z"}]}`)},
	{uptime.FaultDomainUnavailable, `"soon" is no date`, looksUp(200, `{"ldhName":"shop.test","events":[{"eventAction":"expiration","eventDate":"soon"}]}`)},
	{uptime.FaultDomainUnavailable, `the answer is about "OTHER.TEST"`, looksUp(200, registered("other.test", 99*day, ""))},
	{uptime.FaultDomainUnavailable, "the answer is no RDAP", looksUp(200, "TLD is not supported.")},
	{uptime.FaultDomainUnavailable, "the answer is no RDAP", looksUp(200, strings.Repeat("[", 1<<16))},
	{uptime.FaultDomainUnavailable, "the body is larger than", looksUp(200, strings.Repeat(" ", 2*maxBody))},
	{uptime.FaultDomainUnavailable, "there is no such domain (HTTP status 404)", looksUp(404, "{}")},
	{uptime.FaultDomainUnavailable, "it is asked too often", looksUp(429, "{}")},
	{uptime.FaultDomainUnavailable, "HTTP status 503", looksUp(503, "{}")},
	{uptime.FaultDomainUnavailable, "TCP connect 127.0.0.1", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "domain", "domain:shop.test", keys{"server": "http://" + probetest.Closed(t)}, nil))
	}},
	{uptime.FaultDomainUnavailable, "IANA knows no RDAP server for .de", fromList(`{"services":[[["com"],["https://rdap.test/"]]]}`, "domain:shop.de")},
	{uptime.FaultDomainUnavailable, "the list of RDAP servers cannot be read", fromList("no list", "domain:shop.de")},
	{uptime.FaultDomainUnavailable, "is no URL of https", fromList(`{"services":[[["de"],["http://rdap.test/"]]]}`, "domain:shop.de")},
}

// fromList makes a check that has to find its server in a list.
func fromList(list, target string) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(list)) }))
		t.Cleanup(srv.Close)
		sys := testSystem()
		sys.registries.list = srv.URL
		return once(t, made(t, sys, "domain", target, nil, nil))
	}
}

func TestDomain(t *testing.T) {
	r := looksUp(200, registered("shop.test", 300*day, ""))(t)
	last := r.Steps[len(r.Steps)-1]
	if r.Outcome != uptime.OutcomeUp || last.Step != "expires" || !strings.HasPrefix(last.Detail, "shop.test "+time.Now().Add(300*day).UTC().Format(time.DateOnly)+" (active)") || len(r.Measures) == 0 {
		t.Errorf("%s %s %+v", r.Outcome, r.Message, r.Steps)
	}
	if r := byHand(300 * day)(t); r.Outcome != uptime.OutcomeUp || len(r.Steps) != 1 || r.Address != "" {
		t.Errorf("by hand: %s %+v", r.Message, r.Steps)
	}
}

// TestDomainList finds the server in IANA's list, which is fetched once, and
// follows its redirect.
func TestDomainList(t *testing.T) {
	var lists atomic.Int32
	srv, ca := webServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/domain/example.com":
			http.Redirect(w, r, "/other", http.StatusFound)
		case "/other":
			w.Write([]byte(registered("example.com", 300*day, "")))
		default:
			http.NotFound(w, r)
		}
	})
	list := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		lists.Add(1)
		fmt.Fprintf(w, `{"services":[[["net"],["https://x.test/"]],[["org","COM"],["http://x.test/",%q]]]}`, srv.URL+"/v1/")
	}))
	t.Cleanup(list.Close)
	sys := testSystem()
	sys.registries.list = list.URL
	job := made(t, sys, "domain", "domain:www.example.com", keys{"ca_file": ca.pem()}, nil)
	for range 2 {
		if r := once(t, job); r.Outcome != uptime.OutcomeUp || r.Cert != nil {
			t.Errorf("%s %+v, certificate %v", r.Message, r.Steps, r.Cert)
		}
	}
	if n := lists.Load(); n != 1 {
		t.Errorf("the list was fetched %d times", n)
	}
}

// TestDomainRemembers goes on with the date that it knows while the registry is silent.
func TestDomainRemembers(t *testing.T) {
	status := atomic.Int32{}
	status.Store(200)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		w.Write([]byte(registered("shop.test", 300*day, "")))
	}))
	t.Cleanup(srv.Close)
	sys := testSystem()
	job := made(t, sys, "domain", "domain:shop.test", keys{"server": srv.URL}, nil)
	for _, step := range []struct {
		status  int32
		outcome uptime.Outcome
		says    string
	}{{200, uptime.OutcomeUp, "(active)"}, {503, uptime.OutcomeUp, "HTTP status 503"}, {404, uptime.OutcomeUnknown, "shop.test"}} {
		status.Store(step.status)
		r := once(t, job)
		if last := r.Steps[len(r.Steps)-1]; r.Outcome != step.outcome || !strings.Contains(last.Detail, step.says) {
			t.Errorf("%d: %s %s %+v", step.status, r.Outcome, r.Message, last)
		}
	}
	sys.registries.remember("shop.test", told{time.Now().Add(300 * day), time.Now().Add(-rememberFor)})
	status.Store(503)
	if r := once(t, job); r.Outcome != uptime.OutcomeUnknown {
		t.Errorf("too old: %s %s", r.Outcome, r.Message)
	}
}

func TestRegistrable(t *testing.T) {
	for name, want := range map[string]string{
		"example.com": "example.com", "www.example.com": "example.com", "a.b.example.co.uk": "example.co.uk",
		"me.github.io": "github.io", "xn--bcher-kva.de": "xn--bcher-kva.de", "com": "", "co.uk": "", "shop.test": "", "localhost": "", "": "",
	} {
		if got := registrable(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestDomainMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		values    keys
		key       string
	}{
		{"no name", "domain:", nil, "url"},
		{"a host", "domain://example.com", nil, "url"},
		{"no public suffix", "domain:shop.internal", nil, "url"},
		{"a suffix", "domain:co.uk", nil, "url"},
		{"no date", "domain:example.com", keys{"expires": "March"}, "expires"},
		{"no server", "domain:example.com", keys{"server": "rdap.test"}, "server"},
		{"a server with a password", "domain:example.com", keys{"server": "https://me:x@rdap.test/"}, "server"},
		{"no name of a host", "domain:a..com", nil, "url"},
	} {
		if m := mistaken(t, "domain", tt.url, tt.values, nil); len(m) == 0 || m[0].Key != tt.key {
			t.Errorf("%s: %v", tt.name, m)
		}
	}
	if m := mistaken(t, "domain", "domain:bücher.de", nil, nil); m != nil {
		t.Error(m)
	}
}

func FuzzRegistration(f *testing.F) {
	f.Add([]byte(registered("shop.test", time.Hour, "")))
	f.Add([]byte(`{"events":[{"eventAction":"expiration","eventDate":"2027-03-01"}],"status":["pending delete"]}`))
	f.Add([]byte(`{"services":[[["com"],["https://x/"]]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readRegistration(b, "shop.test")
		if err == nil && r.ends.IsZero() && r.over() == "" || len(r.status) > maxStatus {
			t.Errorf("%+v", r)
		}
		if servers, err := readBootstrap(b); err == nil && len(servers) == 0 {
			t.Error("an empty list passed")
		}
	})
}
