package cli

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lookout/probes/spool"
)

// TestProbePulse: systemd hears of life only while the loop of the probe turns.
func TestProbePulse(t *testing.T) {
	b := newBench(t)
	write(t, filepath.Join(b.dir, "broker.pass"), "x\n")
	c := &call{env: b.env, now: time.Now, etc: b.dir}
	c.config = write(t, filepath.Join(b.dir, "probe.toml"), probeText)
	p, dir, err := c.loadProbe()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		kept, err := spool.Open(filepath.Join(b.dir, "spool"), spool.Options{})
		if err != nil {
			t.Fatal(err)
		}
		probe, err := c.newProbe(p, dir, kept, discardLog()) // its loop does not run
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := probe.pulse(); !ok {
			t.Error("it is not given the time to begin")
		}
		time.Sleep(16 * time.Second)
		if status, ok := probe.pulse(); ok || status == "" {
			t.Errorf("its loop does not turn, and it lives: %q", status)
		}
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
}
