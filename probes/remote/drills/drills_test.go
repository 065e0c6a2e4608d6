//go:build linux

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/brokertest"
	"lookout/probes/wire"
)

// TestTenKills is the short form of the kills: ten of them over the real engine,
// three real probes and a real broker, and two resets of all connections.
func TestTenKills(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	var figures, progress bytes.Buffer
	d := &drill{figures: &figures, progress: &progress, kills: 10, resets: 2}
	err := d.killing(t.Context())
	if errors.Is(err, brokertest.ErrMissing) && os.Getenv("CI") == "" && os.Getenv("LOOKOUT_E2E") != "all" {
		t.Skip(err)
	}
	t.Log(progress.String() + figures.String())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(figures.String(), "\n"); n != 4 || strings.Contains(figures.String(), "MISS") {
		t.Errorf("%d figures, or one is missed", n)
	}
}

// TestDamagedSpool: what a probe counted in files that are gone is not forgotten quietly.
func TestDamagedSpool(t *testing.T) {
	p := &post{dir: t.TempDir()}
	if err := p.begin(); err != nil {
		t.Fatal(err)
	}
	s, err := p.spool()
	if err != nil {
		t.Fatal(err)
	}
	row := wire.Row{Monitor: 1, Result: uptime.Result{Time: time.Now(), Outcome: uptime.OutcomeUp}}
	if err := s.Append([]wire.Row{row, row, row}, wire.Version{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var a audit
	if said, err := a.count(p); err != nil || !strings.HasPrefix(said, "3 results, 3 of them not sent") || a.sent != 0 {
		t.Errorf("%q, %v, %+v", said, err, a)
	}
	if err := os.RemoveAll(filepath.Join(p.dir, "data")); err != nil {
		t.Fatal(err)
	}
	if said, err := a.count(p); err == nil || !strings.Contains(err.Error(), "another epoch") {
		t.Errorf("%q, %v", said, err)
	}
}

func TestAdds(t *testing.T) {
	for _, tc := range []struct {
		name         string
		served, sent int
		ok           bool
	}{
		{"all of them", 1000, 1000, true},
		{"some were under way", 1000, 1000 - 2*pages, true},
		{"a spool is gone", 9000, 8000, false},
		{"more than there were", 1000, 1001, false},
	} {
		a := audit{served: tc.served, sent: tc.sent}
		if err := a.adds(10); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestFigures(t *testing.T) {
	var out bytes.Buffer
	d := &drill{figures: &out}
	d.most("remote_lost", 0, "results", 0, "of %d", 7)
	d.most("remote_bytes", 16.04, "B/result", 16, "at the link")
	d.least("remote_said", 0, "sentences", 1, "none")
	want := "figure remote_lost 0 results goal<=0 ok (of 7)\nfigure remote_bytes 16.0 B/result goal<=16 MISS (at the link)\n" +
		"figure remote_said 0 sentences goal>=1 MISS (none)\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}
