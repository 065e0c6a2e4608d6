package cli

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestDataFileGone takes the data file away under a running engine, which ends
// and says so. What is in the folder then may be another engine's.
func TestDataFileGone(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t))
	c := &call{env: b.env, now: time.Now, etc: b.dir}
	in, err := c.load()
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.newHost(in, discardLog())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1) // the host's only word
	go func() { ended <- h.serve(context.Background(), func() {}) }()
	if err := os.Remove(in.folder.db()); err != nil {
		t.Fatal(err)
	}
	// The store looks once a minute, by the clock of its batches.
	h.store.Append(&uptime.Batch{Time: time.Now().Add(2 * time.Minute)}) //nolint:errcheck // the engine says it
	err = <-ended
	if err == nil || codeOf(err) != exitIO || strings.Contains(err.Error(), "\n") ||
		!strings.Contains(err.Error(), in.folder.db()+": data file was replaced or removed while the engine ran, which therefore ended; start it anew") {
		t.Errorf("it ended with %d, %v", codeOf(err), err)
	}
	for _, path := range []string{in.folder.socket(), in.folder.pid()} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}
