//go:build linux

package storage

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// A full disk stores nothing of a batch, loses nothing of what was stored, and
// takes the same batch once there is space.
func TestFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system to fill")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(dir, "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	var n uint64
	var err error
	for err == nil && n < 100_000 {
		n++
		err = s.Append(victimBatch(n))
	}
	if !errors.Is(err, uptime.ErrFull) {
		t.Fatalf("batch %d: %v", n, err)
	}
	stored := func(want uint64) {
		t.Helper()
		if es, err := s.Events(uptime.EventQuery{Limit: int(n) + 10}); err != nil || uint64(len(es)) != want {
			t.Fatalf("%d events, %v; want %d", len(es), err, want)
		}
		rs, err := s.Results(uptime.ResultQuery{Monitor: "m7", Limit: int(n) + 10})
		if err != nil || uint64(len(rs)) != want {
			t.Fatalf("%d results, %v; want %d", len(rs), err, want)
		}
	}
	stored(n - 1)
	if err := s.Append(victimBatch(n)); !errors.Is(err, uptime.ErrFull) {
		t.Errorf("again: %v", err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Append(victimBatch(n)); err != nil {
			t.Fatalf("with space: %v", err)
		}
		n++
	}
	stored(n - 1)
	wantSound(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path, Options{Now: t0.Add(time.Hour)})
	stored(n - 1)
	wantSound(t, s)
}

// A new file on a full disk leaves nothing behind.
func TestCreateFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system to fill")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8k"); err != nil {
		t.Skipf("no small file system to fill: %v", err)
	}
	defer func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }()
	if _, err := Open(filepath.Join(dir, "lookout.db"), Options{Now: t0}); !errors.Is(err, uptime.ErrFull) {
		t.Errorf("open: %v", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
