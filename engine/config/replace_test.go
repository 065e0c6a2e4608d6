package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWriteFileLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.Mkdir(path, 0o700); err != nil { // a rename over a folder fails
		t.Fatal(err)
	}
	if err := WriteFile(path, 0o644, []byte("text")); err == nil {
		t.Error("replaced a folder")
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 || strings.HasPrefix(entries[0].Name(), ".") {
		t.Errorf("left %v behind", entries)
	}
}

func TestWriteFileReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(path, 0o640, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		info, _ := os.Stat(path)
		if err != nil || string(got) != text || info.Mode().Perm() != 0o640 {
			t.Errorf("%q with mode %v: %v", got, info.Mode(), err)
		}
	}
}

// TestManagedRights: what root adds is for the engine's user; what the engine
// writes is its own, even as root; a file that is there keeps its rights.
func TestManagedRights(t *testing.T) {
	dir := t.TempDir()
	like, path := filepath.Join(dir, "lookout.toml"), filepath.Join(dir, ManagedName)
	if err := os.WriteFile(like, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	engine := true
	rights := func(want os.FileMode) {
		t.Helper()
		if err := replaceFile(path, like, "x", engine); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("mode %v, want %v: %v", info.Mode(), want, err)
		}
	}
	if err := os.Chmod(like, 0o644); err != nil {
		t.Fatal(err)
	}
	rights(0o600)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	engine = false
	if os.Geteuid() == 0 {
		rights(0o644)
		if err := os.Chown(path, 1234, 1234); err != nil {
			t.Fatal(err)
		}
		rights(0o644)
		if info, _ := os.Stat(path); owner(info) != 1234 {
			t.Errorf("owner %d", owner(info))
		}
	} else {
		rights(0o600)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	rights(0o640)
}

func owner(info os.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
