package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestPrepareMakesPrivateFolder(t *testing.T) {
	f := folder(filepath.Join(t.TempDir(), "a", "b"))
	if err := f.prepare(""); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(string(f), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.prepare(""); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(string(f))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v, want 0700", info.Mode(), err)
	}
	if left, _ := os.ReadDir(string(f)); len(left) != 0 {
		t.Errorf("left %v behind", left)
	}
}

func TestPrepareSaysWhyNot(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "file"), "")
	for _, tt := range []struct {
		name string
		err  error
		code int
		says string
	}{
		{"a file", folder(file).prepare(""), exitIO, "the data folder " + file + " cannot be used: not a directory"},
		{"not allowed", folder("/d").explain(&fs.PathError{Op: "mkdir", Path: "/d", Err: syscall.EACCES}), exitDenied,
			"the data folder /d cannot be written: permission denied; run lookout as its owner or choose another data_dir"},
		{"disk full", folder("/d").explain(&fs.PathError{Op: "open", Path: "/d/x", Err: syscall.ENOSPC}), exitIO,
			"the disk of the data folder /d is full; nothing can be stored until there is space"},
		{"read-only", folder("/d").explain(&fs.PathError{Op: "open", Path: "/d/x", Err: syscall.EROFS}), exitIO,
			"the data folder /d is on a read-only file system; choose another data_dir"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil || tt.err.Error() != tt.says || codeOf(tt.err) != tt.code {
				t.Errorf("got %d, %v; want %d, %s", codeOf(tt.err), tt.err, tt.code, tt.says)
			}
		})
	}
}

func TestHolder(t *testing.T) {
	f := folder(t.TempDir())
	for _, tt := range []struct {
		name, text string
		want       holder
	}{
		{"whole", "4711\n/etc/lookout/lookout.toml\n0.1.0\n", holder{4711, "/etc/lookout/lookout.toml", "0.1.0"}},
		{"no config", "4711\n\n0.1.0\n", holder{4711, "", "0.1.0"}},
		{"cut", "4711", holder{4711, "", ""}},
		{"empty", "", holder{}},
		{"no number", "x\ny\nz\n", holder{}},
		{"negative", "-1\ny\nz\n", holder{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			write(t, f.pid(), tt.text)
			if got := f.holder(); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	want := holder{os.Getpid(), "/a b/lookout.toml", release}
	if err := f.note(want); err != nil {
		t.Fatal(err)
	}
	if got := f.holder(); got != want {
		t.Errorf("round trip: got %+v, want %+v", got, want)
	}
	if info, _ := os.Stat(f.pid()); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}
