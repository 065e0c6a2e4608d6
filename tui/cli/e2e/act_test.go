package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// three is one monitor that is up and two that are not, checked often.
func three(t *testing.T) (addr string, h *Home) {
	t.Helper()
	c := countChecks(t)
	return c.addr, home(t, fmt.Sprintf(`
[defaults]
interval = "2s"
timeout = "2s"
rule = "consecutive"
failures = 1
[[monitor]]
name = "fine"
url = "http://%s/"
tags = ["web"]
[[monitor]]
name = "db one"
url = "tcp://127.0.0.1:1"
tags = ["db"]
[[monitor]]
name = "db two"
url = "tcp://127.0.0.2:1"
tags = ["db"]
`, c.addr))
}

// What a person did is there after the worst: the command had ended with 0.
func TestActionsSurviveKill(t *testing.T) {
	t.Parallel()
	_, h := three(t)
	eng := engine(t, h)
	until(t, h, "one up, two down", patience, func(s status) bool { return s.Counts["up"] == 1 && s.Counts["down"] == 2 })
	kill := func() {
		t.Helper()
		eng.Kill()
		eng = engine(t, h)
	}
	says(t, "ack", run(t, h, 0, "ack", "tag:db", "--note", "disk ordered", "--for", "2h").Stdout, "db one", "db two")
	kill()
	says(t, "status", run(t, h, 2, "status").Stdout, "disk ordered")
	run(t, h, 0, "maintain", "db one", "--for", "30m", "--note", "new disk")
	kill()
	s := until(t, h, "a maintenance", patience, func(s status) bool { return s.Counts["maintenance"] == 1 })
	if s.Counts["down"] != 1 {
		t.Errorf("counts are %v", s.Counts)
	}
	run(t, h, 0, "pause", "db two", "fine")
	kill()
	until(t, h, "two pauses", patience, func(s status) bool { return s.Counts["paused"] == 2 && s.Counts["maintenance"] == 1 })
	says(t, "status", run(t, h, 0, "status").Stdout, "\noff   ", "\nmnt   ") // they do not count
	run(t, h, 0, "resume", "fine", "db two")
	run(t, h, 0, "unmaintain", "db one")
	run(t, h, 0, "unack", "tag:db")
	kill()
	until(t, h, "one up, two down", patience, func(s status) bool { return s.Counts["up"] == 1 && s.Counts["down"] == 2 })
	if out := run(t, h, 2, "status").Stdout; strings.Contains(out, "disk ordered") {
		t.Errorf("the ack was taken back and is there:\n%s", out)
	}
	a := run(t, h, 64, "pause", "nobody of this name")
	says(t, "pause of nobody", a.Stderr, "nobody of this name")

	check(t, eng.Stop())
	run(t, h, 0, "data", "check")
	all := events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout)
	incidents, opened := make(map[uint64]bool), 0
	for _, e := range all {
		if e.Kind == uptime.EventIncident && e.Note == uptime.IncidentOpened {
			incidents[e.Incident] = true
			opened++
		}
	}
	if opened != 2 || len(incidents) != 2 {
		t.Errorf("%d incidents were opened over five kills, want the 2 of the first start", opened)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	addr, h := three(t)
	good, err := os.ReadFile(h.Config)
	check(t, err)
	eng := engine(t, h)
	until(t, h, "one up, two down", patience, func(s status) bool { return s.Counts["up"] == 1 && s.Counts["down"] == 2 })
	before, err := statusOf(h)
	check(t, err)

	check(t, os.WriteFile(h.Config, append(good, "[[monitor]]\nname = \"bad\"\nurl = \"gopher://x/\"\n"...), 0o600))
	a := run(t, h, 78, "reload")
	says(t, "a reload of a bad file", a.Stderr, "lookout.toml:", "gopher")
	says(t, "config diff of a bad file", answer(run(t, h, 78, "config", "diff")), "gopher")
	until(t, h, "the same monitors", patience, func(s status) bool { return len(s.Monitors) == 3 })

	text := strings.Replace(string(good), "db two", "db 2", 1) + fmt.Sprintf("[[monitor]]\nname = \"more\"\nurl = \"http://%s/more\"\n", addr)
	check(t, os.WriteFile(h.Config, []byte(text), 0o600))
	says(t, "config diff", run(t, h, 0, "config", "diff").Stdout, "more", "db 2", "db two")
	check(t, eng.Signal(syscall.SIGHUP))
	s := until(t, h, "the new monitors", patience, func(s status) bool { return s.Counts["up"] == 2 && s.Counts["down"] == 2 })
	since := func(s status, name string) time.Time {
		for _, m := range s.Monitors {
			if m.Monitor == name {
				return m.Since
			}
		}
		return time.Time{}
	}
	for _, name := range []string{"fine", "db one"} {
		if was, is := since(before, name), since(s, name); was.IsZero() || !was.Equal(is) {
			t.Errorf("%s is so since %v; before the reload since %v", name, is, was)
		}
	}

	run(t, h, 0, "add", "http://"+addr+"/added", "--name", "added", "--interval", "2s")
	until(t, h, "the added monitor", patience, func(s status) bool { return s.Counts["up"] == 3 })
	managed, err := os.ReadFile(filepath.Join(h.Dir, "managed.toml"))
	check(t, err)
	says(t, "managed.toml", string(managed), "added")
	check(t, eng.Stop())
	engine(t, h)
	until(t, h, "the added monitor after a restart", patience, func(s status) bool { return s.Counts["up"] == 3 })
}

// lookout URL… keeps nothing and ends with its screen, or with its terminal.
func TestWatchURLs(t *testing.T) {
	t.Parallel()
	c := countChecks(t)
	h := home(t, "")
	check(t, os.Remove(h.Config))
	url := "http://" + c.addr + "/"
	term := console(t, h, 80, 24, url, "tcp://127.0.0.1:1")
	check(t, term.Until("both", patience, func(s string) bool {
		return onRow(s, c.addr, "● up") && onRow(s, "127.0.0.1:1", "refused")
	}))
	check(t, term.Keys("q"))
	ends(t, term, 0)

	term = console(t, h, 80, 24, url)
	check(t, term.Expect("● up", patience))
	check(t, term.Hangup())
	if _, err := term.Wait(patience); err != nil {
		t.Error(err)
	}
	var left []string
	check(t, filepath.WalkDir(h.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, path)
		}
		return err
	}))
	if len(left) > 0 {
		t.Errorf("it leaves files: %v", left)
	}
}

// A socket's path is at most 107 bytes; a data folder's is not.
func TestLongDataFolder(t *testing.T) {
	t.Parallel()
	h := home(t, "")
	h.Data = filepath.Join(h.Dir, strings.Repeat("deep/", 20)+"data")
	check(t, h.Write(quiet))
	p, err := Spawn(h.Command("engine"))
	check(t, err)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := within(t, patience, "an engine that answers, or says why not", func() bool {
		a, err := h.Run("status")
		return p.Ended() || err == nil && !strings.Contains(a.Stdout+a.Stderr, "no engine") && strings.Contains(a.Stdout, "nobody")
	}); err != nil {
		t.Fatalf("%v: %s", err, p.Stderr())
	}
	if p.Ended() {
		says(t, "an engine whose socket has no place", p.Stderr(), "data_dir", "socket")
	}
}
