package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, c := range []struct {
		name, text   string
		lines        int
		first, final string
	}{
		{"empty", "", 1, "", ""},
		{"short", "one\ntwo\n", 2, "one", "two"},
		{"hostile", "a\x1b[2J\rb\n", 1, "a[2J b", "a[2J b"},
		{"many lines", strings.Repeat("x\n", 1000) + "end\n", tailLines, "x", "end"},
		{"one line that is longer than what is read", strings.Repeat("x", 2*tailBytes), 1, "", ""},
		{"cut in the middle of a line", strings.Repeat("y", tailBytes) + "\nz\n", 1, "z", "z"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := tail(path)
		lines := strings.Split(got, "\n")
		if err != nil || len(lines) != c.lines || lines[0] != c.first || lines[len(lines)-1] != c.final {
			t.Errorf("%s: %d lines from %.40q to %.40q, %v", c.name, len(lines), lines[0], lines[len(lines)-1], err)
		}
	}
	if _, err := tail(filepath.Dir(path)); err == nil {
		t.Error("a folder has an end")
	}
	if _, err := tail(path + ".gone"); err == nil {
		t.Error("what is not there has an end")
	}
}

// TestLogged: the log of an earlier engine is not shown as that of the one that runs.
func TestLogged(t *testing.T) {
	f := folder(t.TempDir())
	if f.logged() {
		t.Error("what is not there was written")
	}
	now := time.Now()
	for _, c := range []struct {
		name     string
		log, pid time.Time
		want     bool
	}{
		{"of an earlier one", now.Add(-time.Hour), now, false},
		{"of this one", now, now.Add(-time.Hour), true},
		{"at once", now, now, true},
	} {
		for path, at := range map[string]time.Time{f.log(): c.log, f.pid(): c.pid} {
			if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
				t.Fatal(err)
			}
		}
		if got := f.logged(); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
