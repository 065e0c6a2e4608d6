package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestIncludeThatMayNotBeRead: what may not be read is not said to be missing,
// and a pattern of a folder that may not be read does not pass for an empty one.
func TestIncludeThatMayNotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name, include, want string
		hint                bool
	}{
		{"a file", "open/shut.toml", "include: DIR/open/shut.toml: permission denied", true},
		{"a file in a folder", "shut/a.toml", "include \"shut/a.toml\": DIR/shut/a.toml: permission denied", true},
		{"a pattern in a folder", "shut/*.toml", "include \"shut/*.toml\": DIR/shut: permission denied", true},
		{"a file that is none", "none.toml", "include \"none.toml\": DIR/none.toml: no such file or directory", false},
		{"a pattern in a folder that is none", "none/*.toml", "", false},
		{"a pattern of nothing", "open/*.ini", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFiles(t, dir, "include = [\""+tt.include+"\"]\n-- open/shut.toml --\n-- shut/a.toml --\n")
			for path, mode := range map[string]os.FileMode{"..": 0o755, ".": 0o755, "open": 0o755, "lookout.toml": 0o644, "open/shut.toml": 0, "shut": 0} {
				if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
					t.Fatal(err)
				}
			}
			defer os.Chmod(filepath.Join(dir, "shut"), 0o700) // so that it can be removed
			_, err := asSomebody(func() (*Config, error) { return Load(filepath.Join(dir, "lookout.toml"), testOptions()) })
			ms, _ := err.(Mistakes)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%v", err)
			case tt.want == "":
			case len(ms) != 1 || ms[0].Message != strings.ReplaceAll(tt.want, "DIR", dir) || (ms[0].Hint != "") != tt.hint:
				t.Errorf("said %+v\nwant %s", ms, tt.want)
			}
		})
	}
}

// asSomebody calls f as a user who may not read everything, as root may.
func asSomebody(f func() (*Config, error)) (c *Config, err error) {
	if os.Geteuid() != 0 {
		return f()
	}
	done := make(chan struct{}) // closed when f has returned
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread ends as somebody else
		if err = syscall.Setfsuid(65534); err == nil {
			c, err = f()
		}
	}()
	<-done
	return c, err
}
