package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// binary is where TestMain built lookout.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "lookout-e2e-*")
		if err == nil {
			defer os.RemoveAll(dir)
			binary, err = Build(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer broker.Close()
		return m.Run()
	}())
}

// home makes a new user's home that leaves no engine behind.
func home(t *testing.T, config string) *Home {
	t.Helper()
	h, err := NewHome(binary, t.TempDir(), config)
	check(t, err)
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// run calls the binary and wants an exit code.
func run(t *testing.T, h *Home, want int, args ...string) Answer {
	t.Helper()
	a, err := h.Run(args...)
	check(t, err)
	if a.Code != want {
		t.Fatalf("lookout %s: exit code %d, want %d\nstandard output: %s\nstandard error: %s",
			strings.Join(args, " "), a.Code, want, a.Stdout, a.Stderr)
	}
	return a
}

// says wants words in a text.
func says(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

// engine starts an engine that ends with the test, in peace.
func engine(t *testing.T, h *Home) *Process {
	t.Helper()
	p, err := h.Engine()
	check(t, err)
	t.Cleanup(func() {
		_ = p.Signal(syscall.SIGCONT) // it may have been stopped, or be gone
		if p.Ended() {
			return
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// console opens the dashboard, or what args say, on a terminal that ends with the test.
func console(t *testing.T, h *Home, cols, rows int, args ...string) *Terminal {
	t.Helper()
	term, err := OpenTerminal(h.Command(args...), cols, rows)
	check(t, err)
	t.Cleanup(func() {
		term.Kill()
		_ = term.Hangup() // a test may have hung up
		if t.Failed() {
			t.Logf("the last screen:\n%s", term.framed())
		}
	})
	return term
}

// status is the part of a status object that the tests look at.
type status struct {
	Stale    bool
	Counts   map[string]int
	Node     string
	Monitors []struct {
		Monitor, Message, Fault string
		Verdict                 uptime.Verdict
		Mode                    uptime.Mode
		Since                   time.Time
		Incident                uint64
	}
}

func statusOf(h *Home) (status, error) {
	a, err := h.Run("status", "--format", "json")
	if err != nil {
		return status{}, err
	}
	var s status
	if err := json.Unmarshal([]byte(a.Stdout), &s); err != nil {
		return status{}, fmt.Errorf("%w; exit code %d, standard error: %s", err, a.Code, a.Stderr)
	}
	return s, nil
}

// until waits until the status pleases ok.
func until(t *testing.T, h *Home, what string, within time.Duration, ok func(status) bool) status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	var last status
	var failed error
	err := Poll(ctx, what, func() bool {
		last, failed = statusOf(h)
		return failed == nil && ok(last)
	})
	if err = errors.Join(err, failed); err != nil {
		t.Fatalf("%v; the last status: %+v", err, last)
	}
	return last
}

// events reads the JSON lines of events.
func events(t *testing.T, lines string) []uptime.Event {
	t.Helper()
	all, err := ReadEvents(lines)
	check(t, err)
	return all
}

// within polls for a while.
func within(t *testing.T, d time.Duration, what string, ok func() bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return Poll(ctx, what, ok)
}
