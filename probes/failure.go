package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"lookout/engine/uptime"
)

// failure is why a check did not succeed: a class, and one sentence for
// people. The failure of a check is data, not a Go error.
type failure struct {
	fault uptime.Fault
	text  string
	errno string // ECONNRESET and the like; "" where the system said none
}

func fail(fault uptime.Fault, format string, args ...any) *failure {
	return &failure{fault: fault, text: fmt.Sprintf(format, args...)}
}

// by adds what the system said, for the step that failed.
func (f *failure) by(err error) *failure {
	f.errno = errnoName(err)
	return f
}

// localFaults are the errors with which our own system refuses, whatever the target is like.
var localFaults = map[syscall.Errno]struct {
	fault uptime.Fault
	text  string
}{
	syscall.EMFILE:        {uptime.FaultLocalFDLimit, "this process has no file descriptor left (EMFILE); raise its limit (ulimit -n, LimitNOFILE=)"},
	syscall.ENFILE:        {uptime.FaultLocalFDLimit, "this machine has no file descriptor left (ENFILE); raise fs.file-max"},
	syscall.EADDRNOTAVAIL: {uptime.FaultLocalPortExhausted, "no local port left (EADDRNOTAVAIL); too many connections to one destination"},
	syscall.EADDRINUSE:    {uptime.FaultLocalPortExhausted, "no local port left (EADDRINUSE)"},
	syscall.EAGAIN:        {uptime.FaultLocalPortExhausted, "no local port left (EAGAIN)"},
	syscall.ENOMEM:        {uptime.FaultLocalNoMemory, "this machine has no memory left (ENOMEM)"},
	syscall.ENOBUFS:       {uptime.FaultLocalNoMemory, "this machine has no buffers left (ENOBUFS)"},
	syscall.EACCES:        {uptime.FaultLocalBlocked, "this machine forbids it (EACCES): a firewall rule or a prohibit route"},
	syscall.EPERM:         {uptime.FaultLocalBlocked, "this machine forbids it (EPERM): a firewall rule"},
	syscall.EINVAL:        {uptime.FaultLocalBlocked, "this machine forbids it (EINVAL): a blackhole route"},
}

// localFailure says whether err is our own system's refusal to do what is named.
func localFailure(what string, err error) *failure {
	errno, ok := errnoOf(err)
	if !ok {
		return nil
	}
	if l, ok := localFaults[errno]; ok {
		return fail(l.fault, "%s: %s", what, l.text).by(err)
	}
	return nil
}

func errnoOf(err error) (syscall.Errno, bool) {
	var errno syscall.Errno
	ok := errors.As(err, &errno)
	return errno, ok
}

// errnoName returns ECONNREFUSED and the like, "" where the system said nothing.
func errnoName(err error) string {
	if errno, ok := errnoOf(err); ok {
		return unix.ErrnoName(errno)
	}
	return ""
}

// plain is an error without the operation and addresses that package net puts
// in front of it, which the step or sentence around it has already.
func plain(err error) string {
	if errno, ok := errnoOf(err); ok {
		return errno.Error()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	switch {
	case timedOut(err):
		return "timed out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	}
	return err.Error()
}

// timedOut reports whether err is a deadline that passed. A cancelled check
// looks the same; the Runner tells them apart.
func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// wasReset reports whether the other side broke the connection off.
func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}
