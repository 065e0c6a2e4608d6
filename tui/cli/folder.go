package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"lookout/engine/api"
	"lookout/engine/config"
)

// folder is a data folder: one instance's file, socket and note of who runs.
type folder string

func (f folder) db() string     { return filepath.Join(string(f), "lookout.db") }
func (f folder) socket() string { return filepath.Join(string(f), "lookout.sock") }
func (f folder) pid() string    { return filepath.Join(string(f), "lookout.pid") }
func (f folder) log() string    { return filepath.Join(string(f), "lookout.log") }

// prepare makes the folder, private to its owner, and sees that it can be
// written: with the reason in the words of a person when it cannot. A group
// that may use the socket may pass through the folder to it, and no more.
func (f folder) prepare(group string) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return f.explain(err)
	}
	info, err := os.Stat(string(f))
	if err != nil {
		return f.explain(err)
	}
	if !info.IsDir() {
		return failf(exitIO, "the data folder %s is a file; choose another data_dir", f)
	}
	if err := f.guard(info, group); errors.As(err, new(*exitError)) {
		return err
	} else if err != nil {
		return f.explain(err)
	}
	probe, err := os.CreateTemp(string(f), ".lookout-*")
	if err != nil {
		return f.explain(err)
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return f.explain(err)
	}
	return nil
}

// guard gives the folder the rights that it should have. One that holds other
// things than ours is somebody else's: it keeps its rights, and where anybody
// may write it is not for us.
func (f folder) guard(info fs.FileInfo, group string) error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(strings.TrimPrefix(e.Name(), "."), "lookout") {
			continue
		}
		if info.Mode().Perm()&0o022 != 0 {
			return failf(exitIO, "the data folder %s holds other files, and others may write there; give data_dir a folder of its own", f)
		}
		return nil
	}
	want := fs.FileMode(0o700)
	if group != "" {
		gid, err := api.GroupID(group)
		if err != nil {
			return err
		}
		if err := os.Chown(string(f), -1, gid); err != nil {
			return err
		}
		want = 0o710
	}
	if info.Mode().Perm() == want || !ours(info) {
		return nil
	}
	return os.Chmod(string(f), want)
}

// explain says why a data folder cannot be used, with its exit code.
func (f folder) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return failf(exitDenied, "the data folder %s cannot be written: %w; run lookout as its owner or choose another data_dir", f, cause(err))
	case full(err):
		return failf(exitIO, "the disk of the data folder %s is full; nothing can be stored until there is space", f)
	case errors.Is(err, syscall.EROFS):
		return failf(exitIO, "the data folder %s is on a read-only file system; choose another data_dir", f)
	}
	return failf(exitIO, "the data folder %s cannot be used: %w", f, cause(err))
}

// cause strips the operation and path from an error of the file system.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// holder is what lookout.pid says of the process that holds a data folder.
type holder struct {
	pid     int
	config  string // "" for none
	version string
}

// note writes lookout.pid. Only the holder of the lock does.
func (f folder) note(h holder) error {
	return config.WriteFile(f.pid(), 0o600, fmt.Appendf(nil, "%d\n%s\n%s\n", h.pid, h.config, h.version))
}

// holder reads lookout.pid; a missing or broken one is a holder without a pid.
func (f folder) holder() holder {
	b, err := os.ReadFile(f.pid())
	if err != nil {
		return holder{}
	}
	lines := strings.SplitN(string(b), "\n", 4)
	for len(lines) < 3 {
		lines = append(lines, "")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return holder{}
	}
	return holder{pid, lines[1], lines[2]}
}

// String names the holder for people.
func (h holder) String() string {
	if h.pid == 0 {
		return "another process"
	}
	return "pid " + strconv.Itoa(h.pid)
}
