package storage

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	r, err := s.Resume()
	if err != nil || r.LastEvent != 0 || !r.LastAlive.IsZero() || !r.Clean {
		t.Errorf("a new file resumes at %+v, %v", r, err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	if fi.Size() > 64<<10 {
		t.Errorf("a new file has %d bytes", fi.Size())
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	wantSound(t, s)
}

// Creating never replaces a file that came meanwhile.
func TestCreateYields(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	mustAppend(t, s, uptime.Batch{Time: t0, Events: []uptime.Event{verdictEvent(1, "a", t0)}})
	if err := create(path); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	s = openStore(t, path, Options{Now: t0})
	if r, _ := s.Resume(); r.LastEvent != 1 {
		t.Errorf("the file was replaced: %+v", r)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	sound := filepath.Join(dir, "sound.db")
	wholeStore(t, sound)
	file, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(b []byte) []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, change(append([]byte(nil), file...)), 0o600) }
	}
	for _, c := range []struct {
		name string
		make func(path string) error
		want error
		says string
	}{
		{"nothing, to be read", nil, fs.ErrNotExist, "no such folder or file"},
		{"empty", with(func([]byte) []byte { return nil }), ErrDamaged, "it is empty"},
		{"ten bytes", with(func(b []byte) []byte { return b[:10] }), ErrDamaged, "no data file"},
		{"text", with(func(b []byte) []byte { return []byte(strings.Repeat("hello ", 9000)) }), ErrDamaged, "no data file"},
		{"zeros", with(func(b []byte) []byte { return make([]byte, 1<<16) }), ErrDamaged, "no data file"},
		{"cut", with(func(b []byte) []byte { return b[:8*4096] }), ErrDamaged, "bytes; restore it"},
		{"both first pages gone", with(func(b []byte) []byte { clear(b[:2*4096]); return b }), ErrDamaged, "no data file"},
		{"all pages but the first gone", with(func(b []byte) []byte { clear(b[2*4096:]); return b }), ErrDamaged, ""},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) }, syscall.EISDIR, "a data file is expected"},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
		if c.make != nil {
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
		}
		for _, readOnly := range []bool{true, false} {
			if c.make == nil && !readOnly {
				continue
			}
			s, err := Open(path, Options{Now: t0, ReadOnly: readOnly})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %v: %s", c.name, err, c.want, c.says)
			}
			if err == nil {
				_ = s.Close()
			}
		}
	}
	if _, err := Open(filepath.Join(dir, "missing", "lookout.db"), Options{Now: t0}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "data_dir") {
		t.Errorf("in no folder: %v", err)
	}
}

// One bad meta page is what a torn write leaves: bbolt goes on from the other.
func TestOpenFromOneMeta(t *testing.T) {
	for page := range int64(2) {
		path := filepath.Join(t.TempDir(), "lookout.db")
		wholeStore(t, path)
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, 4096), page*4096); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		openStore(t, path, Options{Now: t0})
	}
}

func TestOpenLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	openStore(t, path, Options{Now: t0})
	for _, readOnly := range []bool{true, false} {
		begun := time.Now()
		if _, err := Open(path, Options{Now: t0, ReadOnly: readOnly}); !errors.Is(err, ErrLocked) {
			t.Errorf("read only %v: %v", readOnly, err)
		}
		if d := time.Since(begun); d > 5*time.Second {
			t.Errorf("waited %v", d)
		}
	}
}

func TestOpenNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	if err := s.update(func(tx *bbolt.Tx) error {
		return put(tx.Bucket([]byte(bucketMeta)), bucketMeta, keySchema, binary.BigEndian.AppendUint32(fresh(1, 4), schema+1))
	}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if _, err := Open(path, Options{Now: t0}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "schema is 2") {
		t.Error(err)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	wholeStore(t, path)
	before, _ := os.ReadFile(path)
	s := openStore(t, path, Options{ReadOnly: true})
	other := openStore(t, path, Options{ReadOnly: true}) // any number of readers
	if err := s.Append(&uptime.Batch{Time: t0}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("append: %v", err)
	}
	if err := s.Rename("m1", "m9"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("rename: %v", err)
	}
	wantSound(t, other)
	if err := errors.Join(s.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file changed")
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		is   error
		says string
	}{
		{"nothing", nil, nil, ""},
		{"full", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, uptime.ErrFull, "free some space"},
		{"quota", syscall.EDQUOT, uptime.ErrFull, "free some space"},
		{"full, as bbolt tells when it extends the file", errors.New("file resize error: truncate x: file too large"), uptime.ErrFull, "free some space"},
		{"read-only file system", &fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, syscall.EROFS, "mount it for writing"},
		{"permission", &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, fs.ErrPermission, "run as the owner"},
		{"input/output", syscall.EIO, syscall.EIO, "store in /x: input/output error"},
	} {
		err := explain("store in", "/x", c.err)
		if (err == nil) != (c.err == nil) || err != nil && (!errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A data file that is removed or replaced under an engine is told within a
// minute, nothing of that batch is stored, and it does not come right again.
func TestReplaced(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(path string) error
	}{
		{"removed", os.Remove},
		{"moved away", func(path string) error { return os.Rename(path, path+".old") }},
		{"another in its place", func(path string) error { return errors.Join(os.Remove(path), create(path)) }},
		{"a folder in its place", func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lookout.db")
			s := openStore(t, path, Options{Now: t0})
			b := uptime.Batch{Time: t0, Results: []uptime.Result{good("a", t0, time.Second)}}
			mustAppend(t, s, b)
			if err := os.Rename(path, path+".kept"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".kept", path); err != nil { // the same file again
				t.Fatal(err)
			}
			mustAppend(t, s, uptime.Batch{Time: t0.Add(time.Minute)})
			if err := os.Link(path, path+".kept"); err != nil {
				t.Fatal(err)
			}
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			at := t0.Add(2 * time.Minute)
			late := uptime.Batch{Time: at, Results: []uptime.Result{good("a", at, time.Second)}, Events: []uptime.Event{verdictEvent(1, "a", at)}}
			if err := s.Append(&late); !errors.Is(err, ErrReplaced) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "start it anew") {
				t.Errorf("append: %v", err)
			}
			_ = os.Remove(path)
			if err := os.Rename(path+".kept", path); err != nil {
				t.Fatal(err)
			}
			for _, after := range []time.Duration{0, time.Second, time.Hour} {
				late.Time = at.Add(after)
				if err := s.Append(&late); !errors.Is(err, ErrReplaced) {
					t.Errorf("append %v later: %v", after, err)
				}
			}
			if err := s.Rename("a", "b"); !errors.Is(err, ErrReplaced) {
				t.Errorf("rename: %v", err)
			}
			wantResults(t, s, "a", b.Results)
			if r, _ := s.Resume(); r.LastEvent != 0 {
				t.Errorf("an event of the refused batch is there: %+v", r)
			}
		})
	}
}
