package worker

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// TestTrouble: the engine is told within seconds that the disk takes nothing, and
// that it takes again.
func TestTrouble(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var ill *illSpool
		p := o.start(func(opt *Options) { ill = &illSpool{Spool: opt.Spool}; opt.Spool = ill })
		o.assign(version(5, 1), []string{"a"}, regular(0, 60))
		after(5 * time.Minute)
		said := func() string {
			all := o.hellos()
			return all[len(all)-1].Warning
		}
		if got := said(); got != "" {
			t.Errorf("in health it says %q", got)
		}
		why := errors.New("spool /data: no space left on device")
		for _, trouble := range []*error{&why, nil, &why} {
			ill.trouble.Store(trouble)
			before := len(o.hellos())
			after(25 * time.Second)
			want := ""
			if trouble != nil {
				want = why.Error()
			}
			if got := said(); got != want {
				t.Errorf("it says %q, not %q", got, want)
			}
			if n := len(o.hellos()) - before; n > 2 {
				t.Errorf("%d hellos of one change", n)
			}
		}
		p.stop()
	})
}

// TestLine: so it is of a queue that the broker does not have, without which
// nobody here can be asked.
func TestLine(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		const missing = "queue loc.fra is missing"
		var line atomic.Value
		line.Store("")
		p := o.start(func(opt *Options) { opt.Line = func() string { return line.Load().(string) } })
		o.assign(version(5, 1), []string{"a"}, regular(0, 60))
		after(5 * time.Minute)
		for _, want := range []string{missing, ""} {
			line.Store(want)
			after(25 * time.Second)
			if all := o.hellos(); all[len(all)-1].Warning != want {
				t.Errorf("it says %q, not %q", all[len(all)-1].Warning, want)
			}
		}
		p.stop()
	})
}

// illSpool has trouble when it is told to.
type illSpool struct {
	Spool
	trouble atomic.Pointer[error]
}

func (s *illSpool) Trouble() error {
	if why := s.trouble.Load(); why != nil {
		return *why
	}
	return nil
}

// TestFolder: so it is of a disk that still takes the little that the spool
// appends, and no new file: what is obeyed would be forgotten by a restart.
func TestFolder(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		o.assign(version(5, 1), []string{"a"}, regular(0, 60))
		after(5 * time.Minute)
		said := func(want string) {
			after(25 * time.Second)
			if all := o.hellos(); all[len(all)-1].Warning != want {
				t.Errorf("it says %q, not %q", all[len(all)-1].Warning, want)
			}
		}
		counts := filepath.Join(o.dir, fileCounts)
		inTheWay := filepath.Join(counts, "x") // no file takes the place of a folder
		if err := errors.Join(os.Remove(counts), os.MkdirAll(inTheWay, 0o700)); err != nil {
			t.Fatal(err)
		}
		said("what it obeys and counts cannot be stored: file exists")
		if err := os.RemoveAll(counts); err != nil {
			t.Fatal(err)
		}
		said("")
		p.stop()
	})
}
