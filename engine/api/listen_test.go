package api

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestListenRights(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := socketPath(t)
	l, err := Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", i.Mode(), err)
	}
	l.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
	g, err := user.LookupGroupId(gidOf(t))
	if err != nil {
		t.Skip(err)
	}
	l, err = Listen(path, g.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o660 {
		t.Errorf("with a group: mode %v, %v", i.Mode(), err)
	}
}

func gidOf(t *testing.T) string {
	u, err := user.Current()
	if err != nil {
		t.Skip(err)
	}
	return u.Gid
}

func TestListenMistakes(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, group, want string }{
		{"a file in the way", file, "", "is not a socket"},
		{"no folder", filepath.Join(dir, "none", "s"), "", "no such file"},
		{"too long", filepath.Join(dir, strings.Repeat("x", 120)), "", "set a shorter data_dir"},
		{"no such group", filepath.Join(dir, "s"), "no such group", "socket_group"},
	} {
		l, err := Listen(c.path, c.group)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("the file is gone: %v", err)
	}
}

// TestListenStale takes over what a killed engine left.
func TestListenStale(t *testing.T) {
	path := socketPath(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	l, err = Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
