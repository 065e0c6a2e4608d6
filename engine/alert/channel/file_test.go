package channel

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
)

func TestFile(t *testing.T) {
	in := func(t testing.TB, name string) values { return values{"path": filepath.Join(t.TempDir(), name)} }
	channeltest.Contract(t, channeltest.Case{
		Type: typeOf(t, "file"),
		Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
			v := in(t, "alerts.jsonl")
			return v, func() (taken []channeltest.Taken) {
				b, err := os.ReadFile(v["path"].(string))
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				for line := range strings.Lines(string(b)) {
					k := channeltest.Taken{Raw: line, Texts: []string{line}}
					if strings.HasPrefix(line, "{") {
						k.Head, k.Texts = line, jsonTexts(t, line)
					}
					taken = append(taken, k)
				}
				return taken
			}
		},
		Refuses: map[string]channeltest.Refuses{
			"a folder": {Side: func(t testing.TB) map[string]any { return values{"path": t.TempDir()} }, Want: uptime.Refusal{Reply: "is a directory", Permanent: true}},
			"no folder": {Side: func(t testing.TB) map[string]any { return in(t, "none/alerts.jsonl") },
				Want: uptime.Refusal{Reply: "no such file or directory", Permanent: true}},
			"a pipe that nobody reads": {Side: func(t testing.TB) map[string]any {
				v := in(t, "pipe")
				if err := syscall.Mkfifo(v["path"].(string), 0o600); err != nil {
					t.Fatal(err)
				}
				return v
			}, Want: uptime.Refusal{Reply: "no such device"}},
			"a device":    {Side: func(testing.TB) map[string]any { return values{"path": "/dev/null"} }, Want: uptime.Refusal{Reply: "is no file", Permanent: true}},
			"a full disk": {Side: func(testing.TB) map[string]any { return values{"path": "/dev/full"} }, Want: uptime.Refusal{Reply: "is no file", Permanent: true}},
		},
	})
}

// The file is for its owner alone.
func TestFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.jsonl")
	ch, _ := typeOf(t, "file").New(uptime.ChannelSettings{Values: values{"path": path}})
	if _, err := ch.Send(t.Context(), channeltest.Letter(1), nil); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi.Mode(), err)
	}
}

// Of a letter for which there is no room nothing is left: half a line would spoil
// the next. A process of its own has the limit.
func TestFileFull(t *testing.T) {
	const before = 480
	path := os.Getenv("LOOKOUT_TEST_FULL")
	if path == "" {
		path = filepath.Join(t.TempDir(), "alerts.jsonl")
		if err := os.WriteFile(path, []byte(strings.Repeat("x", before)), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/sh", "-c", `ulimit -f 1 && exec "$0" -test.run '^TestFileFull$'`, os.Args[0]) // 512 bytes, or 1,024 with bash
		cmd.Env = append(os.Environ(), "LOOKOUT_TEST_FULL="+path)
		out, err := cmd.CombinedOutput()
		if fi, serr := os.Stat(path); err != nil || serr != nil || fi.Size()%before != 0 {
			t.Errorf("%v, %d bytes\n%s", err, fi.Size(), out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // then it is an error of the write
	ch, _ := typeOf(t, "file").New(uptime.ChannelSettings{Values: values{"path": path}})
	l := channeltest.Letter(1)
	l.Custom, l.Text = true, strings.Repeat("y", before-1)
	for {
		_, err := ch.Send(t.Context(), l, nil)
		if r := (*uptime.Refusal)(nil); errors.As(err, &r) {
			if !strings.Contains(r.Reply, "file too large") || r.Permanent || r.Uncertain {
				t.Errorf("%+v", r)
			}
			return
		}
	}
}
