package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"lookout/engine/uptime"
)

const (
	pageSize  = 4096
	allocSize = 1 << 20 // how much the file grows at once
	lockWait  = time.Second
	lookEvery = time.Minute // at the path of an open file
)

// openFile opens the file, or makes it. The meta pages are compared with the
// size of the file first: bbolt maps it, and a page beyond its end is a signal
// that ends the process instead of an error.
func openFile(path string, readOnly bool) (*bbolt.DB, os.FileInfo, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !readOnly {
		if err := create(path); err != nil {
			return nil, nil, explain("create", path, err)
		}
	}
	if err := checkExtent(path); err != nil {
		return nil, nil, explain("open", path, err)
	}
	db, file, err := openBolt(path, readOnly)
	if err != nil {
		return nil, nil, explain("open", path, err)
	}
	return db, file, nil
}

func openBolt(path string, readOnly bool) (db *bbolt.DB, file os.FileInfo, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damage("the list of free pages", p)
		}
	}()
	opt := bbolt.Options{
		Timeout:  lockWait,
		ReadOnly: readOnly,
		PageSize: pageSize,
		// First fit keeps the file compact. All our needs are a page or two, so
		// the list stays short and its order costs nothing.
		FreelistType: bbolt.FreelistArrayType,
		// A mapping that has to grow waits for the slowest reader. Address space
		// is free on 64 bits; elsewhere, and on Windows, it is not.
		InitialMmapSize: mapSize(),
		// bbolt would make a file where there is none, and not in our way.
		OpenFile: func(name string, flag int, perm os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag&^os.O_CREATE, perm)
			if err != nil {
				return nil, err
			}
			if file, err = f.Stat(); err != nil {
				_ = f.Close()
				return nil, err
			}
			return f, nil
		},
	}
	db, err = bbolt.Open(path, 0o600, &opt)
	if errors.Is(err, syscall.ENOMEM) { // an address space limit
		opt.InitialMmapSize = 0
		db, err = bbolt.Open(path, 0o600, &opt)
	}
	if err == nil {
		db.AllocSize = allocSize
	}
	return db, file, err
}

// inPlace fails with ErrReplaced once the path leads to another file, or to
// none: the lock is on the open file, so that a second engine would start there.
// It looks once a minute; a path that cannot be looked at says nothing.
func (s *Store) inPlace(now time.Time) error {
	if since := now.Sub(s.looked); s.lost != nil || 0 <= since && since < lookEvery {
		return s.lost
	}
	s.looked = now
	fi, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(fi, s.file) {
		s.lost = explain("store in", s.path, ErrReplaced)
	}
	return s.lost
}

func mapSize() int {
	want := int64(16) << 30
	if runtime.GOOS == "windows" || int64(int(want)) != want {
		return 0
	}
	return int(want)
}

// create makes an empty store that is either there whole or not at all: under
// another name first, which is given up only for a file that is on disk.
func create(path string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".lookout-new-*") // 0600
	if err != nil {
		return err
	}
	_ = tmp.Close()
	defer func() { _ = os.Remove(tmp.Name()) }()
	db, err := bbolt.Open(tmp.Name(), 0o600, &bbolt.Options{Timeout: lockWait, PageSize: pageSize})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(format), db.Sync(), db.Close()); err != nil {
		return err
	}
	// A link never replaces what another engine made meanwhile; a file system
	// without links has to do with a rename.
	if err := os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		if err := os.Rename(tmp.Name(), path); err != nil {
			return err
		}
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && runtime.GOOS != "windows" {
		return err
	}
	return nil
}

// boltMeta is the part of a bbolt meta page that says how long the file must be.
type boltMeta struct {
	pageSize uint32
	pages    uint64 // the high water mark
	txid     uint64
}

// parseMeta reads a meta page, with its 16 byte page header; false when it is none.
func parseMeta(p []byte) (boltMeta, bool) {
	const (
		magic, version = 0xED0CDAED, 2
		header, summed = 16, 56
	)
	if len(p) < header+summed+8 {
		return boltMeta{}, false
	}
	m, e := p[header:], binary.NativeEndian
	h := fnv.New64a()
	_, _ = h.Write(m[:summed])
	if e.Uint32(m) != magic || e.Uint32(m[4:]) != version || e.Uint64(m[summed:]) != h.Sum64() {
		return boltMeta{}, false
	}
	return boltMeta{e.Uint32(m[8:]), e.Uint64(m[40:]), e.Uint64(m[48:])}, true
}

// checkExtent fails with ErrDamaged when the file is empty, not ours, or shorter than it says.
func checkExtent(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil {
		return err
	} else if fi.IsDir() {
		return syscall.EISDIR
	} else if fi.Size() == 0 {
		return fmt.Errorf("%w: it is empty, as a full disk leaves a file; restore it, or remove it to begin anew", ErrDamaged)
	}
	var newest boltMeta
	found := false
	for size := int64(pageSize); size <= 1<<16 && !found; size *= 2 {
		for _, at := range []int64{0, size} {
			page := make([]byte, 128)
			n, err := f.ReadAt(page, at)
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if m, ok := parseMeta(page[:n]); ok && int64(m.pageSize) == size && (!found || m.txid > newest.txid) {
				newest, found = m, true
			}
		}
	}
	if !found {
		return fmt.Errorf("%w: it is no data file of lookout, or its first pages are gone; restore it from a backup", ErrDamaged)
	}
	// After the pages: a file that an engine extends now grows before they say so.
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if want := newest.pages * uint64(newest.pageSize); uint64(fi.Size()) < want {
		return fmt.Errorf("%w: it has %d of %d bytes; restore it from a backup", ErrDamaged, fi.Size(), want)
	}
	return nil
}

// explain adds to an error what a person can do, and makes it one that a caller can decide on.
func explain(doing, path string, err error) error {
	wrap := func(hint string) error { return fmt.Errorf("%s %s: %w; %s", doing, path, err, hint) }
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrNewer), errors.Is(err, ErrReadOnly), errors.Is(err, ErrReplaced):
		return fmt.Errorf("%s %s: %w", doing, path, err)
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%s %s: %w", doing, path, ErrLocked)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%s %s: %w: %w", doing, path, ErrDamaged, err)
	case full(err):
		return fmt.Errorf("%s %s: %w (%w); free some space on this file system", doing, path, uptime.ErrFull, err)
	case errors.Is(err, syscall.EROFS):
		return wrap("mount it for writing, or set data_dir to another folder")
	case errors.Is(err, fs.ErrPermission):
		return wrap("run as the owner of the folder, or set data_dir to one of your own")
	case errors.Is(err, syscall.EISDIR):
		return wrap("a data file is expected here")
	case errors.Is(err, fs.ErrNotExist):
		return wrap("there is no such folder or file yet; check data_dir")
	}
	return fmt.Errorf("%s %s: %w", doing, path, err)
}

// full reports an error that goes away with more space. bbolt drops the cause
// of a failed extension, hence the texts.
func full(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, berrors.ErrMaxSizeReached} {
		if errors.Is(err, e) {
			return true
		}
	}
	text := err.Error()
	return strings.Contains(text, syscall.ENOSPC.Error()) || strings.Contains(text, syscall.EFBIG.Error()) ||
		strings.Contains(text, syscall.EDQUOT.Error())
}
