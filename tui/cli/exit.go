package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"lookout/engine/uptime"
)

// The exit codes of every command but status and check, after sysexits.h.
const (
	exitOK       = 0
	exitUsage    = 64
	exitNoEngine = 69
	exitBug      = 70
	exitInUse    = 73
	exitIO       = 74
	exitDenied   = 77
	exitConfig   = 78
)

// The exit codes of status and check: the monitoring plugins' convention.
const (
	pluginUp       = 0
	pluginDegraded = 1
	pluginDown     = 2
	pluginUnknown  = 3
)

// exitError is an error that knows its exit code. A nil err has said all that
// there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// failf makes an error with an exit code.
func failf(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// silent ends a command with a code and without another word.
func silent(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code, nil}
}

// codeOf is the exit code of an error of any command but status and check.
func codeOf(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	case errors.Is(err, uptime.ErrNoEngine):
		return exitNoEngine
	case errors.Is(err, uptime.ErrNotAllowed), errors.Is(err, fs.ErrPermission):
		return exitDenied
	case errors.Is(err, uptime.ErrInvalid), errors.Is(err, uptime.ErrNoMonitor):
		return exitUsage
	}
	return exitIO
}

// pluginCode is the exit code of the worst of some states, in the order down,
// degraded, unknown, up. Suspect counts as what it was; modes hide.
func pluginCode(states []*uptime.State) int {
	worst := pluginUp
	for _, s := range states {
		if s.Mode != uptime.Active {
			continue
		}
		worst = worse(worst, verdictCode(s.Seen()))
	}
	return worst
}

func verdictCode(v uptime.Verdict) int {
	switch v {
	case uptime.Up:
		return pluginUp
	case uptime.Degraded:
		return pluginDegraded
	case uptime.Down:
		return pluginDown
	}
	return pluginUnknown
}

func outcomeCode(o uptime.Outcome) int {
	switch o {
	case uptime.OutcomeUp:
		return pluginUp
	case uptime.OutcomeDegraded:
		return pluginDegraded
	case uptime.OutcomeDown:
		return pluginDown
	}
	return pluginUnknown
}

// worse returns the worse of two plugin codes, in the order 2, 1, 3, 0.
func worse(a, b int) int {
	rank := [...]int{pluginUp: 0, pluginUnknown: 1, pluginDegraded: 2, pluginDown: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// full reports whether an error says that there is no space left.
func full(err error) bool {
	return errors.Is(err, uptime.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// bullets writes a list for people: a, b and c.
func bullets(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	return strings.Join(items[:len(items)-1], ", ") + " and " + items[len(items)-1]
}
