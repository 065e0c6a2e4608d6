//go:build linux

package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"lookout/probes/wire"
)

// small mounts a file system of that size in a folder.
func small(t *testing.T, size string) (dir string, resize func(string)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system to fill")
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func(size string) {
		t.Helper()
		change(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size="+size))
	}
}

// A full disk stops no checks: what comes is sent from memory, under numbers of
// its own, and what is on the disk is kept; all of it comes.
func TestFull(t *testing.T) {
	dir, resize := small(t, "256k")
	s := openAt(t, filepath.Join(dir, "spool"), Options{}, aBoot)
	disk := s.Epoch()
	now, id := t0, uint32(0)
	for ; s.Trouble() == nil; id++ {
		fill(t, s, id, id+1, now)
		if now = now.Add(time.Millisecond); id > 10_000 {
			t.Fatal("the disk is never full")
		}
	}
	full := id
	fill(t, s, id, id+200, now)
	id += 200
	if s.Epoch() == disk || s.Dropped() != 0 || s.Depth() != uint64(id) {
		t.Errorf("epoch %x, %d given up, %d of %d there", s.Epoch(), s.Dropped(), s.Depth(), id)
	}
	resize("8m")
	now = now.Add(2 * time.Second)
	fill(t, s, id, id+10, now)
	if s.Trouble() != nil || s.Epoch() != disk {
		t.Errorf("there is room again: %v, epoch %x", s.Trouble(), s.Epoch())
	}
	kill(s)
	s = openAt(t, filepath.Join(dir, "spool"), Options{}, aBoot)
	live, _, _ := monitors(s, now)
	if len(live) < int(full)-1+10 || len(live) > int(full)+10 || s.Epoch() != disk {
		t.Errorf("%d rows after a kill, %d had been written; epoch %x", len(live), full+10, s.Epoch())
	}
}

// A disk that comes and goes loses nothing, and gives no number twice.
func TestMemory(t *testing.T) {
	dir, resize := small(t, "64k")
	s := openAt(t, filepath.Join(dir, "spool"), Options{}, aBoot)
	seen := map[numbered]bool{}
	now, id, full := t0, uint32(0), 0
	for i := range 6 {
		for range 1000 {
			fill(t, s, id, id+1, now)
			id++
		}
		if s.Trouble() != nil {
			full++
		}
		now = now.Add(2 * time.Second)
		resize(fmt.Sprintf("%dk", 64*(i+2)))
	}
	if full < 3 {
		t.Fatalf("the disk was full %d times", full)
	}
	var came []uint32
	for {
		run, ok := s.Take(false, 700, now)
		if s.Sent(run); !ok {
			break
		}
		for i, r := range run.Rows {
			at := numbered{run.Epoch, run.From + uint64(i)}
			if seen[at] {
				t.Fatalf("%v comes twice", at)
			}
			seen[at] = true
			came = append(came, r.Monitor)
		}
	}
	if slices.Sort(came); !slices.Equal(came, numbersFrom(0, id)) || s.Dropped() != 0 {
		t.Errorf("%d of %d came, %d given up", len(came), id, s.Dropped())
	}
}

// A folder that takes nothing at the start is no reason not to check.
func TestFullAtStart(t *testing.T) {
	dir, resize := small(t, "16k")
	change(t, os.Mkdir(filepath.Join(dir, "spool"), 0o700))
	f, err := os.Create(filepath.Join(dir, "filler"))
	change(t, err)
	f.Write(make([]byte, 64<<10))
	f.Close()
	s := openAt(t, filepath.Join(dir, "spool"), Options{}, aBoot)
	fill(t, s, 0, 10, t0)
	if s.Trouble() == nil || s.Next() != 10 {
		t.Errorf("%v, next %d", s.Trouble(), s.Next())
	}
	if run, ok := s.Take(false, 100, t0); !ok || len(run.Rows) != 10 || run.Interval() != (wire.Interval{To: 10}) {
		t.Errorf("took %+v", run)
	}
	resize("4m")
	now := t0.Add(5 * time.Second)
	fill(t, s, 10, 20, now)
	if s.Trouble() != nil || s.Depth() != 20 || s.Next() != 10 {
		t.Errorf("%v, %d rows, next %d", s.Trouble(), s.Depth(), s.Next())
	}
}

// Memory is bounded: the oldest are given up and told.
func TestOldestGivesWay(t *testing.T) {
	dir, _ := small(t, "16k")
	s := openAt(t, filepath.Join(dir, "spool"), Options{}, aBoot)
	id := uint32(0)
	for s.Dropped() == 0 {
		fill(t, s, id, id+1000, t0)
		if id += 1000; id > 200_000 {
			t.Fatal("nothing is ever given up")
		}
	}
	live, _, lost := monitors(s, t0)
	if len(live)+int(lost) != int(id) || lost == 0 {
		t.Errorf("%d came, %d lost of %d", len(live), lost, id)
	}
}
