package worker

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lookout/probes/wire"
)

// files are what a probe keeps in its folder beside its spool: the manifest that
// it obeys, one that it has accepted and not all chunks of, and the chunks,
// each as it came. Nobody has to be believed when they are read: they are signed, and a
// damaged one is asked for again.
//
//	manifest          in force
//	next              accepted, not complete; missing where there is none
//	chunks/HASH       a chunk's frame
//	counts            see counts
type files struct{ dir string }

// The names in the folder.
const (
	fileManifest = "manifest"
	fileNext     = "next"
	fileCounts   = "counts"
	dirChunks    = "chunks"
)

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

func (f files) chunk(h wire.Hash) string { return filepath.Join(f.dir, dirChunks, h.String()) }

// prepare makes what has to be there.
func (f files) prepare() error {
	if err := os.MkdirAll(f.path(dirChunks), 0o700); err != nil {
		return fmt.Errorf("the probe's own folder: %w", err)
	}
	return nil
}

// write puts a file in the place of another, whole or not at all, and on the disk if it is to last.
func (f files) write(path string, data []byte, lasting bool) error {
	t, err := os.CreateTemp(f.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = t.Write(data)
	if err == nil && lasting {
		err = t.Sync()
	}
	err = errors.Join(err, t.Close())
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		os.Remove(t.Name()) // what is left of it; the error that matters is the first
		return err
	}
	if lasting {
		return syncDir(filepath.Dir(path))
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// promote makes the manifest that was not complete the one in force. One that
// lost a chunk lies there already.
func (f files) promote() error {
	if err := os.Rename(f.path(fileNext), f.path(fileManifest)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return syncDir(f.dir)
}

// read reads a frame; nil where there is none.
func (f files) read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, wire.MaxFrame+1)) // one byte more is too large, and is said so
}

// remove forgets a file that may be missing.
func (f files) remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// tidy removes the chunks that are not kept, and what a crash left behind.
func (f files) tidy(kept func(wire.Hash) bool) error {
	var errs []error
	left, err := filepath.Glob(f.path(".new-*"))
	errs = append(errs, err)
	for _, path := range left {
		errs = append(errs, f.remove(path))
	}
	chunks, err := os.ReadDir(f.path(dirChunks))
	errs = append(errs, err)
	for _, c := range chunks {
		if h, ok := parseHash(c.Name()); !ok || !kept(h) {
			errs = append(errs, f.remove(filepath.Join(f.path(dirChunks), c.Name())))
		}
	}
	return errors.Join(errs...)
}

func parseHash(s string) (h wire.Hash, ok bool) {
	if len(s) != 2*len(h) || strings.ToLower(s) != s {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(s))
	return h, err == nil
}
