package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// WriteFile replaces a file in one step: whoever looks sees what was there or
// all of the new one, and it is on disk when WriteFile returns. The permissions
// are as given, whatever the umask.
func WriteFile(path string, perm fs.FileMode, data []byte) error {
	return writeFile(path, data, func(f *os.File) error { return f.Chmod(perm) })
}

// writeFile is WriteFile with rights that prepare gives to the new file.
func writeFile(path string, data []byte, prepare func(*os.File) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = prepare(f)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// replaceFile writes a file with the rights of the one that it replaces. A new
// one is 0600: it may hold secrets. But what root writes and is not to read it
// itself (ours) is for an engine that may run as another user: it gets the
// rights of the file like.
func replaceFile(path, like, text string, ours bool) error {
	info, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		info, err = os.Stat(like)
	}
	if err != nil {
		return err
	}
	return writeFile(path, []byte(text), func(f *os.File) error {
		if fresh && (ours || os.Geteuid() != 0) {
			return nil
		}
		if err := own(f, info); err != nil {
			return fmt.Errorf("give %s to the owner of %s: %w", path, info.Name(), err)
		}
		return f.Chmod(info.Mode().Perm())
	})
}

// own gives a new file the owner and group of another. Root needs no file to be
// its own, so others may take over what it wrote.
func own(f *os.File, like fs.FileInfo) error {
	st, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	uid, gid := int(st.Uid), int(st.Gid)
	if uid == os.Geteuid() || uid == 0 {
		uid = -1
	}
	if gid == os.Getegid() {
		gid = -1
	}
	if uid < 0 && gid < 0 {
		return nil
	}
	return f.Chown(uid, gid)
}
