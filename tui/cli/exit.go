package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"lookout/engine/uptime"
)

// The exit codes, after sysexits.h. Those of status and check are the report's;
// of these they know only that of a usage error.
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

// unwritten reports that the file which a command was asked for is not there:
// whoever reads that file must learn of it, so status exits as any other command.
type unwritten struct{ err error }

func (u *unwritten) Error() string { return u.err.Error() }
func (u *unwritten) Unwrap() error { return u.err }

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
