package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lookout/storage"
)

func TestLogFile(t *testing.T) {
	const line = "one line more\n"
	large := strings.Repeat("x", maxLog-len(line)) + "\n"
	for _, tt := range []struct {
		name     string
		was      string
		held     bool
		between  func(path string) error // the first line and the second
		now, old string
	}{
		{"small", "so far\n", true, nil, "so far\n" + line + line, ""},
		{"new", "", true, nil, line + line, ""},
		{"large", large, true, nil, line + line, large},
		{"at the limit", large[1:], true, nil, line, large[1:] + line},
		{"large and somebody else's", large, false, nil, large + line + line, ""},
		{"moved", large[1:], true, func(path string) error { return os.Rename(path, path+".1") }, line, ""},
		{"cut", large[1:], true, func(path string) error { return os.Truncate(path, 0) }, line, ""},
		{"removed", large[1:], true, os.Remove, line, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "log"), tt.was)
			f, err := openLog(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if tt.held {
				f.hold()
			}
			for i := range 2 {
				if i == 1 && tt.between != nil {
					if err := tt.between(path); err != nil {
						t.Fatal(err)
					}
				}
				if n, err := f.Write([]byte(line)); n != len(line) || err != nil {
					t.Errorf("wrote %d, %v", n, err)
				}
			}
			now, _ := os.ReadFile(path)
			old, _ := os.ReadFile(path + ".old")
			if string(now) != tt.now || string(old) != tt.old {
				t.Errorf("it has %d bytes and %d are aside, want %d and %d", len(now), len(old), len(tt.now), len(tt.old))
			}
		})
	}
}

func TestLogFileKeepsOneOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.hold()
	for _, c := range "abc" {
		if _, err := f.Write([]byte(strings.Repeat(string(c), maxLog-1))); err != nil {
			t.Fatal(err)
		}
	}
	f.yield()
	if _, err := f.Write([]byte("more")); err != nil {
		t.Fatal(err)
	}
	now, _ := os.ReadFile(path)
	old, _ := os.ReadFile(path + ".old")
	files, _ := os.ReadDir(filepath.Dir(path))
	if len(now) != maxLog+3 || now[0] != 'c' || len(old) != maxLog-1 || old[0] != 'b' || len(files) != 2 {
		t.Errorf("%d bytes of %q, %d of %q, %v", len(now), now[:1], len(old), old[:1], files)
	}
}

// TestLogFileThatCannotBePutAside goes on in it, and does not try at each line.
func TestLogFileThatCannotBePutAside(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "log"), strings.Repeat("x", maxLog))
	if err := os.MkdirAll(path+".old/in/the/way", 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.hold()
	for range 2 {
		if _, err := f.Write([]byte("more")); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != maxLog+8 || f.size != 8 {
		t.Errorf("%v, %v, %d", info, err, f.size)
	}
}

// TestLogOfTheBackground puts the file aside that its standard error leads to,
// and takes that along: what a crash says must not go to the old one.
func TestLogOfTheBackground(t *testing.T) {
	f := folder(t.TempDir())
	write(t, f.log(), strings.Repeat("x", maxLog))
	stderr, err := os.OpenFile(f.log(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	if !leadsTo(stderr, f.log()) || leadsTo(&strings.Builder{}, f.log()) || leadsTo(stderr, f.db()) {
		t.Error("the wrong stream is the log")
	}
	log, err := openLog(f.log(), int(stderr.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	log.hold()
	if _, err := log.Write([]byte("first\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(int(stderr.Fd()), []byte("second\n")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(f.log()); string(got) != "first\nsecond\n" {
		t.Errorf("the log says %.40q", got)
	}
}

// TestRefusedStartLeavesTheLogAlone holds the data folder, as an engine does.
func TestRefusedStartLeavesTheLogAlone(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", refusing(t)+"[log]\nfile = \"log\"\n")
	write(t, "log", strings.Repeat("x", maxLog+1))
	f := folder(b.dir + "/data")
	if err := f.prepare(""); err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(f.db(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := b.call("", "engine"); got.code != exitInUse {
		t.Errorf("got %+v", got)
	}
	if info, err := os.Stat("log"); err != nil || info.Size() != maxLog+1 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat("log.old"); err == nil {
		t.Error("it was put aside")
	}
}
