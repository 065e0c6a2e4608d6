//go:build linux

package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"lookout/probes/remote/brokertest"
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

func TestFigures(t *testing.T) {
	var out bytes.Buffer
	d := &drill{figures: &out}
	d.most("remote_lost", 0, "results", 0, "of %d", 7)
	d.most("remote_bytes", 16.04, "B/result", 16, "at the link")
	want := "figure remote_lost 0 results goal<=0 ok (of 7)\nfigure remote_bytes 16.0 B/result goal<=16 MISS (at the link)\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}
