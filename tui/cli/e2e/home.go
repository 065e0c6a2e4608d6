package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Build builds the binary as it is shipped, into dir, and returns its path.
// It has to be called from inside the module.
func Build(dir string) (string, error) {
	path := filepath.Join(dir, "lookout")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "lookout")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build lookout: %w\n%s", err, out)
	}
	return path, nil
}

// Home is a new user's place: an empty home with a configuration, from which
// the binary runs as this user would run it.
type Home struct {
	Binary string
	Dir    string // the working folder, too
	Config string // the configuration, Dir/lookout.toml
	Data   string // the data folder, Dir/data
	Env    []string
}

// NewHome makes a home in dir. The configuration gets a data_dir in front, so
// that the test knows where it is.
func NewHome(binary, dir, config string) (*Home, error) {
	h := &Home{Binary: binary, Dir: dir, Config: filepath.Join(dir, "lookout.toml"), Data: filepath.Join(dir, "data")}
	h.Env = []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir + "/.config", "XDG_STATE_HOME=" + dir + "/.state",
		"PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8"}
	return h, h.Write(config)
}

// Write replaces the configuration.
func (h *Home) Write(config string) error {
	return os.WriteFile(h.Config, fmt.Appendf(nil, "data_dir = %q\n%s", h.Data, config), 0o600)
}

// Command is a call of the binary that is not started yet.
func (h *Home) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.Binary, args...)
	cmd.Dir, cmd.Env = h.Dir, h.Env
	return cmd
}

// Answer is what a call of the binary left.
type Answer struct {
	Stdout, Stderr string
	Code           int
}

// Run calls the binary and returns its answer; it fails when it cannot be
// started or does not end within half a minute.
func (h *Home) Run(args ...string) (Answer, error) {
	p, err := Spawn(h.Command(args...))
	if err != nil {
		return Answer{}, err
	}
	code, err := p.Wait(30 * time.Second)
	if err != nil {
		p.Kill()
	}
	return Answer{p.Stdout(), p.Stderr(), code}, err
}

// Engine starts the engine without a screen and waits until it answers.
func (h *Home) Engine(args ...string) (*Process, error) {
	return h.await(h.Command(append([]string{"engine"}, args...)...))
}

// EngineIn is Engine in namespaces: enter are the options of nsenter.
func (h *Home) EngineIn(enter ...string) (*Process, error) {
	cmd := exec.Command("nsenter", append(enter, "sh", "-c", `cd "$0" && exec "$1" engine`, h.Dir, h.Binary)...)
	cmd.Env = h.Env
	return h.await(cmd)
}

// await starts an engine and waits until it answers.
func (h *Home) await(cmd *exec.Cmd) (*Process, error) {
	p, err := Spawn(cmd)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := h.Answers(ctx, p); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w; its standard error: %s", err, p.Stderr())
	}
	return p, nil
}

// Answers waits until an engine listens on the socket. It fails when p, which
// may be nil, ends before.
func (h *Home) Answers(ctx context.Context, p *Process) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return Poll(ctx, "an engine on the socket", func() bool {
		if p != nil && p.Ended() {
			cancel(errors.New("it has ended"))
			return false
		}
		c, err := net.Dial("unix", filepath.Join(h.Data, "lookout.sock"))
		return err == nil && c.Close() == nil
	})
}

// Pid is the process that holds the data folder, of lookout.pid; 0 when there is none that lives.
func (h *Home) Pid() int {
	b, err := os.ReadFile(filepath.Join(h.Data, "lookout.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0
	}
	// A number may have gone to somebody else: only a lookout of this home is meant.
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil || exe != h.Binary {
		return 0
	}
	return pid
}

// Close ends whatever engine still runs in this home, and says so when it had to.
func (h *Home) Close() error {
	pid := h.Pid()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end the engine of pid %d: %w", pid, err)
	}
	return nil
}

// Poll asks every 20 ms until ok says yes; it fails when ctx ends.
func Poll(ctx context.Context, what string, ok func() bool) error {
	return poll(ctx, 20*time.Millisecond, what, ok)
}

func poll(ctx context.Context, every time.Duration, what string, ok func() bool) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}
