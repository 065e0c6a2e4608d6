package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func TestDetailScreens(t *testing.T) {
	goldenPage(t, "detail-down", pagesSource, func() page { return newDetail(shop) })
	goldenPage(t, "detail-up", pagesSource, func() page { return newDetail("www.example.com") })
	goldenPage(t, "detail-unread", pagesSource, func() page { return newDetail("api.example.com/v2/search") })
	goldenPage(t, "detail-lost", func() *pageSource {
		f := pagesSource()
		f.link.Lost = at.Add(-9 * time.Minute)
		return f
	}, func() page { return newDetail(shop) })
}

// TestDetailPanes holds each pane on a screen of its own to its golden file.
func TestDetailPanes(t *testing.T) {
	goldenPage(t, "detail-pane", pagesSource, func() page { return newDetail(shop) }, "tab", "tab")
	goldenPage(t, "detail-zoom", pagesSource, func() page { return newDetail(shop) }, "tab", "tab", "z")
	goldenPage(t, "detail-zoom-why", pagesSource, func() page { return newDetail(shop) }, "z")
	goldenPage(t, "detail-zoom-latency", pagesSource, func() page { return newDetail(shop) }, "z", "tab", "tab", "tab")
	for n := range len(paneNames) {
		everySize(t, pagesSource(), func() page { return &detail{name: shop, span: day, pane: paneNames[n], zoomed: true} })
	}
}

func TestDetailZoom(t *testing.T) {
	s, d := detailShell(t, func(*uptime.State, *pageSource) {})
	s.render()
	press(t, s, "tab", "tab", "z")
	got := plainText(s.render())
	if !strings.Contains(got, ">EVIDENCE") || strings.Contains(got, "LATENCY") {
		t.Errorf("the second pane zoomed:\n%s", got)
	}
	press(t, s, "n")
	if d.name == shop || !d.zoomed || d.pane != "evidence" {
		t.Errorf("n keeps %q of %s, zoomed %t", d.pane, d.name, d.zoomed)
	}
	press(t, s, "esc")
	if d.zoomed || s.top() != page(d) {
		t.Error("esc does not lead back to all panes")
	}
	press(t, s, "esc")
	if s.top() != page(s.home) {
		t.Error("a second esc does not lead back")
	}
}

// TestDetailPaneComesToTheScreen: tab scrolls to what it chooses.
func TestDetailPaneComesToTheScreen(t *testing.T) {
	s, d := detailShell(t, func(*uptime.State, *pageSource) {})
	s.w, s.h = 80, 14
	s.render()
	for range len(paneNames) {
		press(t, s, "tab")
		if got := plainText(s.render()); !strings.Contains(got, "\n>") {
			t.Errorf("%s is not on the screen:\n%s", d.pane, got)
		}
	}
}

func TestDetailOfAnySize(t *testing.T) {
	everySize(t, pagesSource(), func() page { return newDetail(shop) })
	everySize(t, pagesSource(), func() page { return newDetail("there is none") })
	f := pagesSource()
	st := hostileState()
	f.snap.States = append(f.snap.States, st)
	f.details[st.Name] = func(span time.Duration) *uptime.Detail {
		d := checkoutDetail(span)
		for i := range d.Incident.Evidence {
			e := &d.Incident.Evidence[i]
			e.Location, e.Step, e.Message, e.Address = hostile, hostile, hostile, strings.Repeat(hostile, 9)
		}
		d.Past[0].Fault = 65535
		return d
	}
	f.snap.Open = nil
	everySize(t, f, func() page { return newDetail(st.Name) })
}

// detailShell shows one monitor whose state was changed.
func detailShell(t *testing.T, change func(st *uptime.State, f *pageSource)) (*shell, *detail) {
	f := pagesSource()
	i := slices.IndexFunc(f.snap.States, func(st *uptime.State) bool { return st.Name == shop })
	change(f.snap.States[i], f)
	s := pagesShell(f, 120, 40, theme.New(theme.None, false, false))
	d := newDetail(shop)
	visit(t, s, d)
	return s, d
}

func TestDetailWhy(t *testing.T) {
	alone := func(st *uptime.State, f *pageSource) {
		st.Witness = "unreachable from web-1; nobody else was asked, there is nothing to compare with"
		f.snap.Open = nil
		f.details = nil
	}
	for _, tt := range []struct {
		name   string
		change func(st *uptime.State, f *pageSource)
		wants  []string
	}{
		{"down", func(*uptime.State, *pageSource) {}, []string{"TCP connect 203.0.113.9:443 refused (tcp.refused)", "The name was resolved; TLS was never reached",
			"fra and nyc agree", "First failed 12:31:07, sure 12:31:27"}},
		{"nobody asked", alone, []string{"unreachable from web-1; nobody else was asked"}},
		{"nobody asked, and the engine did not say so", func(st *uptime.State, f *pageSource) { alone(st, f); st.Witness = "" }, []string{"nobody else was asked"}},
		{"one place agrees", func(st *uptime.State, f *pageSource) {
			st.Witness, f.snap.Open[0].Witness, f.snap.Open[0].ConfirmedBy = "", "", []string{"fra"}
		}, []string{"fra agrees"}},
		{"no message", func(st *uptime.State, f *pageSource) { st.Message = "" }, []string{"TCP connect 203.0.113.9:443 refused"}},
		{"no address in the message", func(st *uptime.State, f *pageSource) { st.Message = "connection refused" }, []string{"connection refused at 203.0.113.9:443 (tcp.refused)"}},
		{"behind another", func(st *uptime.State, f *pageSource) {
			st.Behind, f.snap.Open[0].Behind = "office uplink", "office uplink"
		}, []string{"unreachable behind office uplink, so nobody is told"}},
		{"flapping", func(st *uptime.State, f *pageSource) { f.snap.Open[0].Reopened = 2 }, []string{"came back 2 times"}},
		{"came back", func(st *uptime.State, f *pageSource) {
			st.Since, f.snap.Open[0].Reopened = clock("12:31:17.000"), 1
		}, []string{"First failed 12:31:07, again 12:31:17, sure 12:31:27"}},
		{"suspect", func(st *uptime.State, f *pageSource) {
			st.Verdict, st.Before, st.Incident = uptime.Suspect, uptime.Up, 0
		}, []string{"being confirmed, counts as up"}},
		{"doubted while degraded", func(st *uptime.State, f *pageSource) {
			st.Verdict, st.Before, st.Since, f.snap.Open[0].Verdict = uptime.Suspect, uptime.Degraded, clock("12:35:01.000"), uptime.Degraded
		}, []string{"First failed 12:35:01; being confirmed, counts as WARN"}},
		{"degraded", func(st *uptime.State, f *pageSource) {
			st.Verdict, st.Fault, st.Message = uptime.Degraded, uptime.FaultHTTPTooSlow, "2.4 s is over 2 s"
		}, []string{"2.4 s is over 2 s", "(http.too_slow)", "Since 12:31:07"}},
		{"unknown", func(st *uptime.State, f *pageSource) {
			st.Verdict, st.Fault, st.Message, st.Incident = uptime.Unknown, uptime.NoFault, "no result for 2m30s", 0
			f.snap.Node = "the clock was set back"
		}, []string{"no result for 2m30s", "This node cannot judge: the clock was set back", "newest result is of 12:35:07", "neither up nor down"}},
		{"pending", func(st *uptime.State, f *pageSource) { st.Verdict, st.Incident = uptime.Pending, 0 }, []string{"Not checked yet"}},
		{"paused", func(st *uptime.State, f *pageSource) {
			st.Verdict, st.Mode, st.Incident, st.Until = uptime.Up, uptime.Paused, 0, clock("14:00:00.000")
		}, []string{"Paused until 14:00:00", "no checks"}},
		{"paused for good", func(st *uptime.State, f *pageSource) {
			st.Verdict, st.Mode, st.Incident = uptime.Up, uptime.Paused, 0
		}, []string{"Paused, with no end set"}},
		{"maintenance", func(st *uptime.State, f *pageSource) { st.Mode = uptime.Maintenance }, []string{"In maintenance", "nobody is told", "tcp.refused"}},
		{"up", func(st *uptime.State, f *pageSource) {
			st.Verdict, st.Fault, st.Message, st.Incident, st.Status = uptime.Up, uptime.NoFault, "", 0, 200
		}, []string{"The checks succeed since 12:31:07", "answered 200"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, d := detailShell(t, tt.change)
			text := strings.Join(d.why(s, stateOf(s.snap, shop), true), " ")
			for _, want := range tt.wants {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in %q", want, text)
				}
			}
			if strings.Count(text, "nobody else") > 1 {
				t.Errorf("said twice: %q", text)
			}
		})
	}
}

func TestDetailReached(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fault    uptime.Fault
		target   string
		measures []uptime.Measure
		want     string
	}{
		{"dns", uptime.FaultDNSNxdomain, "https://x", nil, "Nothing was connected to."},
		{"tcp of plain http", uptime.FaultTCPTimeout, "http://x", taken("dns", 2), "The name was resolved; HTTP was never reached."},
		{"tcp of an address", uptime.FaultTCPRefused, "https://192.0.2.1", nil, "TLS was never reached."},
		{"tls", uptime.FaultTLSExpired, "https://x", taken("dns", 2, "connect", 9), "The name was resolved; TCP is connected, HTTP was never reached."},
		{"http", uptime.FaultHTTPStatus, "https://x", taken("ttfb", 9), "Name, TCP and TLS are fine; the answer is not."},
		{"http, unsaid", uptime.FaultHTTPStatus, "https://x", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := &uptime.State{Monitor: &uptime.Monitor{Type: "http", Target: tt.target}, Fault: tt.fault}
			if got := reached(&uptime.Evidence{Measures: tt.measures}, st); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDetailReads(t *testing.T) {
	s, d := detailShell(t, func(*uptime.State, *pageSource) {})
	f := s.source.(*pageSource)
	same := func(step string, n int) {
		t.Helper()
		if len(f.asked) != n {
			t.Fatalf("%s: the engine was asked %d times, want %d: %q", step, len(f.asked), n, f.asked)
		}
	}
	same("opened", 1)
	settle(t, s, d.refresh(s))
	same("nothing changed", 1)
	check := func(change func(st *uptime.State)) {
		st := *stateOf(s.snap, shop)
		change(&st)
		snap := *s.snap
		snap.States = slices.Clone(snap.States)
		for i := range snap.States {
			if snap.States[i].Name == shop {
				snap.States[i] = &st
			}
		}
		s.snap = &snap
		settle(t, s, d.refresh(s))
	}
	check(func(st *uptime.State) { st.Last = st.Last.Add(time.Second) })
	same("one more check", 1)
	s.now = s.now.Add(11 * time.Second)
	check(func(st *uptime.State) { st.Last = st.Last.Add(time.Second) })
	same("one more check, and the picture is old", 2)
	check(func(st *uptime.State) { st.Verdict = uptime.Up })
	same("another verdict", 3)
	press(t, s, "t")
	same("another range", 4)
	if d.got.Span != 7*day {
		t.Errorf("the range is %v", d.got.Span)
	}

	f.err = errSource
	check(func(st *uptime.State) { st.Verdict = uptime.Down })
	same("asked, and refused", 5)
	if d.got == nil || !strings.Contains(plainText(s.render()), errSource.Error()) {
		t.Error("what was known is gone, or nobody is told that the rest is old")
	}
	settle(t, s, d.refresh(s))
	same("not again at once", 5)
	s.now, f.err = s.now.Add(retryDetail), nil
	settle(t, s, d.refresh(s))
	same("again after a while", 6)
	if d.err != nil {
		t.Errorf("the old error stays: %v", d.err)
	}
}

func TestDetailStateIsThereAtOnce(t *testing.T) {
	s := pagesShell(pagesSource(), 80, 24, theme.New(theme.None, false, false))
	s.open(newDetail(shop)) // its command does not run
	screen := plainText(s.render())
	for _, want := range []string{"DOWN", "tcp.refused", "wave 1", "fra and nyc agree", "reading …"} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q in\n%s", want, screen)
		}
	}
}

func TestDetailAnswersOfAnother(t *testing.T) {
	s, d := detailShell(t, func(*uptime.State, *pageSource) {})
	d.aimAt("www.example.com")
	d.receive(s, detailMsg{shop, day, checkoutDetail(day), nil})
	if d.got != nil {
		t.Error("it shows the detail of another monitor")
	}
}

func TestDetailStep(t *testing.T) {
	s, d := detailShell(t, func(*uptime.State, *pageSource) {})
	first := d.name
	seen := map[string]bool{}
	for range 3 {
		seen[d.name] = true
		settle(t, s, d.step(s, 1))
	}
	if len(seen) != 3 || d.name != first {
		t.Errorf("n went through %v and ended at %s", seen, d.name)
	}
}

func TestDetailCopy(t *testing.T) {
	s, d := detailShell(t, func(*uptime.State, *pageSource) {})
	short := d.copy(s, copyCell)
	if !strings.HasPrefix(short, "DOWN "+shop+" since 2026-11-22 12:31:07 UTC\n") || !strings.Contains(short, "tcp.refused") {
		t.Errorf("the short form is %q", short)
	}
	whole := d.copy(s, copyAll)
	for _, want := range []string{"EVIDENCE", "wave 1", "LATENCY", "UPTIME", "CERT", "PAST"} {
		if !strings.Contains(whole, want) {
			t.Errorf("no %s in\n%s", want, whole)
		}
	}
	if strings.Contains(whole, "\x1b") {
		t.Error("the report has escape sequences")
	}
}

func BenchmarkDetail(b *testing.B) {
	f := pagesSource()
	s := pagesShell(f, 120, 40, theme.New(theme.Many, false, false))
	d := newDetail(shop)
	s.open(d)
	d.receive(s, detailMsg{shop, day, checkoutDetail(day), nil})
	b.ReportAllocs()
	for b.Loop() {
		s.render()
	}
}

// TestCaution: a check that leaves something unverified shows it in its row and
// before all that may be cut from its facts.
func TestCaution(t *testing.T) {
	st := &uptime.State{Monitor: &uptime.Monitor{Name: "a", Type: "tls", Target: "tls://a:443", Caution: "certificate not verified"}}
	if flag, _ := flagOf(st); flag != 'u' {
		t.Errorf("flag %q", flag)
	}
	if facts := checkFacts(st); facts[1] != st.Caution {
		t.Error(facts)
	}
}

// TestDetailBounds: an uptime that does not speak for its span has its bounds below it.
func TestDetailBounds(t *testing.T) {
	part := func(shares ...uptime.Share) string {
		s, d := detailShell(t, func(*uptime.State, *pageSource) {})
		s.render()
		for i, sh := range shares {
			d.got.Uptime[i].Share = sh
		}
		return plainText(s.render())
	}
	if got := part(); strings.Contains(got, "BOUNDS") {
		t.Errorf("all is known:\n%s", got)
	}
	if got := part(uptime.Share{Up: 12 * time.Hour, Off: 12 * time.Hour, Span: day}); strings.Contains(got, "BOUNDS") {
		t.Errorf("half a day of maintenance is nothing unknown:\n%s", got)
	}
	got := part(uptime.Share{Up: 23 * time.Hour, Down: 36 * time.Minute, Span: day}, uptime.Share{Up: time.Hour, Span: 7 * day})
	if !strings.Contains(got, "BOUNDS   24h 95.8-97.5%      7d 0.5-100%         30d -               90d -") {
		t.Errorf("got\n%s", got)
	}
}

// TestDetailNewDoubt: the evidence of what is open already is not that of a new doubt.
func TestDetailNewDoubt(t *testing.T) {
	s, d := detailShell(t, func(st *uptime.State, f *pageSource) {
		st.Verdict, st.Before, f.snap.Open[0].Verdict = uptime.Suspect, uptime.Degraded, uptime.Degraded
	})
	got := d.table(s, stateOf(s.snap, shop))
	if got.title != "CHECKS" || len(got.rows) != min(len(d.got.Recent), maxRecent) {
		t.Errorf("%s with %d rows, want CHECKS with the %d newest", got.title, len(got.rows), min(len(d.got.Recent), maxRecent))
	}
}
