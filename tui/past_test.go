package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func pastShell(w, h int) (*shell, *pageSource) {
	f := pagesSource()
	f.incidents = append(f.incidents, *incident4711(), *f.snap.Open[1], *f.snap.Open[2])
	return pagesShell(f, w, h, theme.New(theme.None, false, false)), f
}

// labels are the states on the screen, by name.
func labels(s *shell) string {
	var out []string
	for _, st := range s.snap.States {
		out = append(out, st.Name[:3]+" "+st.Label())
	}
	return strings.Join(out, ", ")
}

// TestPast steps back through the log and forward again.
func TestPast(t *testing.T) {
	s, f := pastShell(80, 24)
	press(t, s, "]")
	if !strings.Contains(s.message.text, "this is now") || s.past != nil {
		t.Errorf("forward from now: %q", s.message.text)
	}
	for _, step := range []struct{ key, clock, want string }{
		{"[", "12:31:28", "api WARN, mx2 DOWN, sho DOWN, vpn up, www up"},
		{"[", "12:31:07", "api WARN, mx2 DOWN, sho chk?, vpn up, www up"},
		{"[", "12:29:40", "api WARN, mx2 DOWN, sho up, vpn up, www up"},
		{"[", "12:26:40", "api up, mx2 DOWN, sho up, vpn up, www up"},
		{"[", "09:14:07", "api up, mx2 DOWN, sho up, vpn up, www up"},
		{"[", "09:12:02", "api up, mx2 DOWN, sho up, vpn DOWN, www up"},
		{"]", "09:14:07", "api up, mx2 DOWN, sho up, vpn up, www up"},
	} {
		press(t, s, step.key)
		if got := labels(s); s.past == nil || s.past.at.Format("15:04:05") != step.clock || got != step.want {
			t.Fatalf("%s %s: %+v, %s, want %s", step.key, step.clock, s.past, got, step.want)
		}
	}
	if line := strings.Split(plainText(s.render()), "\n")[0]; !strings.HasSuffix(line, "PAST 11-22 09:14") {
		t.Errorf("line 1 is %q", line)
	}
	f.snap = &uptime.Snapshot{Seq: 2, Time: at.Add(time.Second), Events: 15, States: f.snap.States[:2]}
	settle(t, s, s.pull())
	if len(s.snap.States) != 5 || !s.now.Equal(s.past.at) {
		t.Error("a newer snapshot took its place")
	}
	press(t, s, "a")
	if s.panel != nil || !strings.Contains(s.message.text, "this is the past") {
		t.Errorf("a in the past: %q", s.message.text)
	}
	press(t, s, "esc")
	if s.past != nil || len(s.snap.States) != 2 || !s.now.Equal(at) {
		t.Errorf("esc leaves %+v, %s", s.past, labels(s))
	}
}

// TestPastEnds: the way back to now, and the beginning of the log.
func TestPastEnds(t *testing.T) {
	s, f := pastShell(80, 24)
	press(t, s, "[", "]")
	if s.past != nil || s.snap != f.snap {
		t.Errorf("forward from the last change: %+v", s.past)
	}
	for range 20 {
		press(t, s, "[")
	}
	if s.past == nil || !strings.Contains(s.message.text, "the log begins here") || s.past.at.Format("01-02 15:04") != "11-21 17:04" {
		t.Errorf("%+v, %q", s.past, s.message.text)
	}
	press(t, s, "T")
	keys(t, s, "text:2026-11-20", "enter")
	if !strings.Contains(s.message.text, "does not go back so far") || s.past == nil {
		t.Errorf("before the log: %q", s.message.text)
	}
	f.err = errors.New("no answer in time")
	press(t, s, "]")
	if !strings.Contains(s.message.text, "the past is not known: no answer in time") {
		t.Errorf("%q", s.message.text)
	}
	f.err = nil
	press(t, s, "T")
	keys(t, s, "text:now", "enter")
	if s.past != nil {
		t.Error("now is not now")
	}
}

// TestPastPages: every page tells of the moment, and nothing that is only known of now.
func TestPastPages(t *testing.T) {
	s, _ := pastShell(80, 24)
	press(t, s, "T")
	keys(t, s, "text:12:32", "enter")
	checkGolden(t, "past-overview-80x24", plainText(s.render()))
	visit(t, s, newDetail(shop))
	checkGolden(t, "past-detail-80x24", plainText(s.render()))
	visit(t, s, newIncidents(""))
	checkGolden(t, "past-incidents-80x24", plainText(s.render()))
	visit(t, s, newEvents())
	got := plainText(s.render())
	checkGolden(t, "past-events-80x24", got)
	if strings.Contains(got, "12:34:56") || !strings.Contains(got, "12:31:28") {
		t.Errorf("the log of then:\n%s", got)
	}
	press(t, s, "esc")
	if got := plainText(s.render()); !strings.Contains(got, "12:35:02") {
		t.Errorf("the log of now:\n%s", got)
	}
	press(t, s, "?")
	if got := plainText(s.render()); !strings.Contains(got, "type a time") {
		t.Errorf("help:\n%s", got)
	}
}

// TestPastSizes: in the past, too, nothing is wider than the screen.
func TestPastSizes(t *testing.T) {
	for _, size := range pageSizes {
		s, _ := pastShell(size.w, size.h)
		press(t, s, "[")
		withinScreen(t, "past", s.render(), size.w, size.h)
		press(t, s, "T")
		withinScreen(t, "time", s.render(), size.w, size.h)
	}
}

func TestParsePast(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 35, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"03:05": "2026-11-22 03:05:00", "13:00": "2026-11-21 13:00:00", "12:34:56": "2026-11-22 12:34:56", "11-20 08:00": "2026-11-20 08:00:00",
		"12-24 18:00": "2025-12-24 18:00:00", "2026-11-01": "2026-11-01 00:00:00", "2026-11-01 10:20:30": "2026-11-01 10:20:30",
		"2h": "2026-11-22 10:35:00", "3d ago": "2026-11-19 12:35:00", "2026-12-01": "", "soon": "", "-2h": "", "": "",
	} {
		got, err := parsePast(text, now)
		if err != nil && want != "" || err == nil && got.Format(time.DateTime) != want {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
}
