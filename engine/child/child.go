// Package child starts programs of others, and sees to it that they end: what
// such a program started in its process group ends with it, and at the end of its
// time all that it started. What made a session of its own and outlives a program
// that ended by itself was meant to: a connection that ssh keeps, a cache.
package child

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// lastWords is for a pipe that somebody holds after the program has ended.
const lastWords = 250 * time.Millisecond

// Command is exec.CommandContext's, in / and in a process group of its own. Who
// starts it waits for it by Wait.
func Command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = lastWords
	cmd.Cancel = func() error {
		endTree(cmd.Process)
		return endGroup(cmd)
	}
	return cmd
}

// Wait waits for the end of a command that was started, as long as its context
// lasts; its ProcessState says how it ended. It reports false for one that runs as
// somebody whom we may not end, by sudo for one, and has not ended in time: its
// goroutine stays until it does, and nothing of the command may be looked at.
func Wait(ctx context.Context, cmd *exec.Cmd) bool {
	ended := make(chan struct{}) // closed once there is nothing to wait for
	go func() {
		defer close(ended)
		cmd.Wait() // its error is in the state, or about a pipe that somebody else holds
	}()
	if !gone(ctx, ended) {
		return false
	}
	endGroup(cmd) // who may still be there
	return true
}

func endGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// gone waits for the end of a command, and no longer than a moment after that of
// its time, which ends the command.
func gone(ctx context.Context, ended <-chan struct{}) bool {
	select {
	case <-ended:
		return true
	case <-ctx.Done():
	}
	timer := time.NewTimer(4 * lastWords)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}
