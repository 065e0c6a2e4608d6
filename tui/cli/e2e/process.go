// Package e2e drives the real binary from outside: as a child process, and in
// a pseudo-terminal whose screen it reads. Its tests are the promises of the
// command line, kept against real servers on loopback; the benchmarks use the
// same hands.
package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a child process with a process group of its own and its output.
type Process struct {
	cmd    *exec.Cmd
	stdout buffer
	stderr buffer
	done   chan struct{} // closed by the waiting goroutine when the process has ended
}

// buffer is a bytes.Buffer that one goroutine fills while others read it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Spawn starts cmd and keeps its output.
func Spawn(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
	// What the process hands on to its children must not keep Wait waiting.
	cmd.WaitDelay = time.Second
	return p, p.start()
}

// start starts the process. It dies with this one: a test that is killed
// leaves nothing behind.
func (p *Process) start() error {
	p.cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.cmd.Path, err)
	}
	go func() {
		_ = p.cmd.Wait() // the code is read from ProcessState
		close(p.done)
	}()
	return nil
}

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Stdout is what it has written to its standard output so far.
func (p *Process) Stdout() string { return p.stdout.String() }

// Stderr is what it has written to its standard error so far.
func (p *Process) Stderr() string { return p.stderr.String() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Signal sends a signal to the process alone.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Wait returns the exit code, 128 and the number for a signal, or an error
// after the given time.
func (p *Process) Wait(within time.Duration) (int, error) {
	select {
	case <-p.done:
	case <-time.After(within):
		return -1, fmt.Errorf("%s (pid %d) still runs after %v; standard error: %s", strings.Join(p.cmd.Args, " "), p.Pid(), within, p.Stderr())
	}
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// Stop asks the process to end, and kills its group when it has not in five seconds.
func (p *Process) Stop() error {
	if p.Ended() {
		return nil
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = p.Signal(syscall.SIGCONT) // a stopped process takes no SIGTERM
	_, err := p.Wait(5 * time.Second)
	if err != nil {
		p.Kill()
	}
	return err
}

// Kill ends the process and its group as a power cut would.
func (p *Process) Kill() {
	if p.Ended() {
		return
	}
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	_ = p.Signal(syscall.SIGKILL) // it may lead no group
	<-p.done
}
