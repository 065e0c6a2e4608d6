package tui

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// maintained is the example world with all that can be on the page.
func maintained() *pageSource {
	f := pagesSource()
	state := func(name string, mode uptime.Mode, until time.Time) {
		st := &uptime.State{Monitor: &uptime.Monitor{Name: name, Type: "tcp", Interval: time.Minute}, Verdict: uptime.Up, Mode: mode, Until: until}
		f.snap.States = append(f.snap.States, st)
		f.snap.Counts.Add(st.Verdict, mode)
	}
	said := func(name, when, by, note string, kind uptime.EventKind, mode uptime.Mode) {
		e := event(uint64(len(f.events)+20), when, kind, name, "")
		e.By, e.Note, e.Mode = by, note, mode
		f.events = append(f.events, e)
	}
	one := clock("13:00:00.000")
	state("x-a.example.com", uptime.Maintenance, one)
	state("x-b.example.com", uptime.Maintenance, one)
	state("x-db-backup.example.com", uptime.Maintenance, clock("12:50:00.000"))
	state("x-new.example.com", uptime.Paused, at.Add(2*time.Hour))
	state("x-old.example.com", uptime.Paused, time.Time{})
	said("x-old.example.com", "2026-11-19 12:00:00", "ann", "", uptime.EventPause, uptime.Paused)
	said("x-new.example.com", "2026-11-22 12:00:00", "jo", "being moved", uptime.EventPause, uptime.Paused)
	said("x-a.example.com", "2026-11-22 12:30:00", "config", "deploy 4.2", uptime.EventMaintenance, uptime.Maintenance)
	said("x-b.example.com", "2026-11-22 12:30:00", "config", "deploy 4.2", uptime.EventMaintenance, uptime.Maintenance)
	f.snap.Events = 40
	f.snap.Planned = []uptime.Planned{
		{Of: []string{"group:shop"}, Monitors: 12, From: at.Add(13 * time.Hour), To: at.Add(15 * time.Hour), Note: "CHG-221"},
		{Of: []string{"x-db-backup.example.com"}, Monitors: 1, From: at.Add(15 * time.Hour), To: at.Add(15*time.Hour + 30*time.Minute), Every: "day 03:35"},
		{Of: []string{"tag:branch", "hq"}, Monitors: 213, From: at.Add(6 * day), To: at.Add(7*day + time.Hour), Every: "Sun 12:35"}}
	return f
}

func TestMaintenanceScreens(t *testing.T) {
	goldenPage(t, "maintenance", maintained, func() page { return newMaintenance() })
	goldenPage(t, "maintenance-none", pagesSource, func() page { return newMaintenance() })
	f := maintained()
	for i := range f.events {
		f.events[i].By, f.events[i].Note = hostile, hostile
	}
	for i := range f.snap.Planned {
		f.snap.Planned[i].Of, f.snap.Planned[i].Note = []string{hostile}, hostile
	}
	everySize(t, f, func() page { return newMaintenance() })
	everySize(t, &pageSource{snap: &uptime.Snapshot{Time: at}}, func() page { return newMaintenance() })
}

// TestMaintenanceEnds: what went in together is taken out together, after a question.
func TestMaintenanceEnds(t *testing.T) {
	f := maintained()
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, false))
	visit(t, s, newMaintenance())
	for _, tt := range []struct {
		keys []string
		verb uptime.Verb
		want string
	}{
		{[]string{"x"}, uptime.VerbUnmaintain, "x-a.example.com x-b.example.com"},
		{[]string{"G", "x"}, uptime.VerbResume, "x-old.example.com"},
	} {
		f.acted = nil
		press(t, s, tt.keys...)
		if len(f.acted) > 0 {
			t.Error("done before y")
		}
		press(t, s, "y")
		if len(f.acted) != 1 || f.acted[0].Verb != tt.verb || strings.Join(f.acted[0].Targets, " ") != tt.want {
			t.Errorf("%v: %+v", tt.keys, f.acted)
		}
	}
	press(t, s, "g", "j", "j", "x")
	if s.panel != nil || !strings.Contains(s.message.text, "nothing of this line is on now") {
		t.Errorf("a plan: %q", s.message.text)
	}
	press(t, s, "+")
	if s.panel != nil || !strings.Contains(s.message.text, "mark monitors with space first") {
		t.Errorf("without marks: %q", s.message.text)
	}
	press(t, s, "M", "*", "W", "+")
	if a, ok := s.panel.(*ask); !ok || a.verb != uptime.VerbMaintain || a.count < 5 {
		t.Errorf("with marks: %+v", s.panel)
	}
}
