//go:build linux

package main

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if side := os.Getenv(sideEnv); side != "" {
		os.Exit(code(runSide(side)))
	}
	os.Exit(m.Run())
}

// run makes a link where this machine has what it takes.
func run(t *testing.T, w Work) Report {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces and tun devices need root")
	}
	if f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err != nil {
		t.Skip("no tun devices here: ", err)
	} else {
		f.Close()
	}
	w.Delay = delay
	r, err := Run(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// again is how often a machine may be too busy to show anything: a link whose
// far side gets no processor for seconds is worse than lossy. What is wrong with
// lookout is so every time: with Go's schedule of questions 40 of 1,000 fail.
const again = 3

// TestLossyLink is the short form of the command: no healthy target fails at a loss of 1 %.
func TestLossyLink(t *testing.T) {
	var r Report
	for range again {
		if r = run(t, Work{Loss: 0.01, Checks: 1000}); r.Failed == 0 && r.Checks == 1000 {
			return
		}
		t.Logf("%d of %d checks failed: %q", r.Failed, r.Checks, r.Why)
	}
	t.Errorf("%d of %d checks failed, and some every time before: %q", r.Failed, r.Checks, r.Why)
}

// TestBlackHole sees every descriptor and goroutine come back.
func TestBlackHole(t *testing.T) {
	var r Report
	for range again {
		if r = run(t, Work{Checks: 2500, BlackHole: true}); r.FDsPeak >= 500 || r.FDsLeft > 0 || r.GoroutinesLeft > 0 {
			break
		}
	}
	if r.FDsLeft > 0 || r.GoroutinesLeft > 0 {
		t.Errorf("left: %d descriptors, %d goroutines", r.FDsLeft, r.GoroutinesLeft)
	}
	if r.FDsPeak < 500 {
		t.Skipf("no more than %d descriptors at once, on a machine this busy: that tests nothing", r.FDsPeak)
	}
}
