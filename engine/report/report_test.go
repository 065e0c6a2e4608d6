package report

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lookout/engine/uptime"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares with testdata/NAME.
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

var cet = time.FixedZone("CET", 60*60)

// at is a time of the day of the golden files, in CET.
func at(clock string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, "2026-11-22 "+clock, cet)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func options() Options { return Options{Now: at("12:35:19"), Location: cet} }

func TestParseFormat(t *testing.T) {
	if f, err := ParseFormat("csv", Text, JSON, CSV); f != CSV || err != nil {
		t.Errorf("csv: %v, %v", f, err)
	}
	_, err := ParseFormat("xml", Text, JSON)
	if want := `format "xml" is not offered here; choose text or json`; err == nil || err.Error() != want {
		t.Errorf("xml: %v, want %s", err, want)
	}
}

func TestUnknownFormat(t *testing.T) {
	opt := options()
	opt.Format = Format(9)
	if err := Status(nil, uptime.Status{}, opt); !errors.Is(err, ErrFormat) {
		t.Errorf("status: %v", err)
	}
	opt.Format = Prometheus
	if err := Incidents(nil, nil, opt); !errors.Is(err, ErrFormat) {
		t.Errorf("incidents: %v", err)
	}
}

func TestExitCode(t *testing.T) {
	st := func(v uptime.Verdict, m uptime.Mode) *uptime.State { return &uptime.State{Verdict: v, Mode: m} }
	suspect := func(before uptime.Verdict) *uptime.State {
		return &uptime.State{Verdict: uptime.Suspect, Before: before}
	}
	up, degraded, down := st(uptime.Up, 0), st(uptime.Degraded, 0), st(uptime.Down, 0)
	unknown, pending := st(uptime.Unknown, 0), st(uptime.Pending, 0)
	off, mnt := st(uptime.Down, uptime.Paused), st(uptime.Down, uptime.Maintenance)
	for _, c := range []struct {
		name   string
		states []*uptime.State
		want   int
	}{
		{"no monitor", nil, 3},
		{"all up", []*uptime.State{up, up}, 0},
		{"degraded", []*uptime.State{up, degraded}, 1},
		{"down", []*uptime.State{up, degraded, down, unknown}, 2},
		{"unknown", []*uptime.State{unknown, up}, 3},
		{"pending", []*uptime.State{up, pending}, 3},
		{"degraded before unknown", []*uptime.State{unknown, degraded}, 1},
		{"suspect was up", []*uptime.State{suspect(uptime.Up)}, 0},
		{"suspect was degraded", []*uptime.State{suspect(uptime.Degraded), up}, 1},
		{"suspect was new", []*uptime.State{suspect(uptime.Pending), up}, 3},
		{"paused and maintenance", []*uptime.State{off, mnt, up}, 0},
		{"only paused", []*uptime.State{off}, 0},
	} {
		if got := ExitCode(c.states); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	fresh := uptime.Status{Snapshot: &uptime.Snapshot{States: []*uptime.State{up}}}
	stale := uptime.Status{Snapshot: fresh.Snapshot, Stale: true}
	if StatusExit(fresh) != 0 || StatusExit(stale) != 3 {
		t.Errorf("fresh %d, stale %d", StatusExit(fresh), StatusExit(stale))
	}
}

func TestCheckExit(t *testing.T) {
	for _, c := range []struct {
		outcomes []uptime.Outcome
		want     int
	}{
		{nil, 3},
		{[]uptime.Outcome{uptime.OutcomeUp}, 0},
		{[]uptime.Outcome{uptime.OutcomeUp, uptime.OutcomeUnknown}, 3},
		{[]uptime.Outcome{uptime.OutcomeUnknown, uptime.OutcomeDegraded}, 1},
		{[]uptime.Outcome{uptime.OutcomeDown, uptime.OutcomeUnknown}, 2},
	} {
		var rs []uptime.Result
		for _, o := range c.outcomes {
			rs = append(rs, uptime.Result{Outcome: o})
		}
		if got := CheckExit(rs); got != c.want {
			t.Errorf("%v: %d, want %d", c.outcomes, got, c.want)
		}
	}
}

func TestList(t *testing.T) {
	for want, in := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := list(in, "and"); got != want {
			t.Errorf("list(%q) = %q, want %q", in, got, want)
		}
	}
}
