// Command drills holds the checks against real servers, from their Debian
// packages: each check type is to be green, then to name the fault when the
// server is stopped, and when it answers wrongly in the ways that a sysadmin
// meets.
//
//	this process ── starts ──► nginx, postfix, … on ports of loopback, with files in a temporary folder
//	             ── starts ──► lookout check --format json, the real binary with a configuration
//
// It runs as root, because some of the servers have to; it installs what is
// missing and says so first. No configuration and no data of the system's own
// servers is touched, and what it started ends with it. Standard output has one line a
// figure, standard error all that lookout said; it exits 1 when it could not
// measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"lookout/tui/cli/e2e"
)

func main() {
	only := flag.String("only", "", "the servers to run, separated by commas; default all")
	keep := flag.Bool("keep", false, "leave the files of the servers, and say where")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "drills:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, keep bool) error {
	drills, err := chosen(all(), only)
	if err != nil {
		return err
	}
	if err := install(ctx, drills); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return errors.New("run it as root: the servers start under users of their own")
	}
	dir, err := os.MkdirTemp("", "lookout-drills-*")
	if err != nil {
		return err
	}
	if keep {
		fmt.Fprintln(os.Stderr, "files are in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the servers' users pass through
		return err
	}
	binary, err := e2e.Build(dir)
	if err != nil {
		return err
	}
	issued, err := issue()
	if err != nil {
		return err
	}
	t := tally{to: os.Stderr}
	for i, d := range drills {
		runDrill(ctx, d, filepath.Join(dir, d.server), binary, issued, &t)
		if ctx.Err() != nil {
			return fmt.Errorf("%w in %s, after %d of %d servers", context.Cause(ctx), d.server, i, len(drills))
		}
	}
	t.figures(os.Stdout, drills)
	return nil
}

// chosen are the drills of the named servers.
func chosen(drills []drill, only string) ([]drill, error) {
	if only == "" {
		return drills, nil
	}
	var some []drill
	var names []string
	for _, d := range drills {
		names = append(names, d.server)
	}
	for name := range strings.SplitSeq(only, ",") {
		found := false
		for _, d := range drills {
			if d.server == name {
				some, found = append(some, d), true
			}
		}
		if !found {
			return nil, fmt.Errorf("-only %s: there are %s", name, strings.Join(names, ", "))
		}
	}
	return some, nil
}

// install has the packages installed whose files are missing.
func install(ctx context.Context, drills []drill) error {
	var missing []string
	for _, d := range drills {
		missing = append(missing, d.missing()...)
	}
	if len(missing) == 0 {
		return nil
	}
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("find this module: %w", err)
	}
	script := filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "tui", "cli", "e2e", "install.sh")
	cmd := exec.CommandContext(ctx, script, append([]string{"The drills"}, missing...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil { // what cannot be installed is a drill that misses
		return err
	}
	return nil
}

// The kinds of what is drilled.
const (
	green   = "green"
	stopped = "stopped"
	wrong   = "wrong"
)

// tally counts the checks that said what they should, and prints each.
type tally struct {
	to   io.Writer
	good map[string]int
}

func (t *tally) say(format string, args ...any) { fmt.Fprintf(t.to, format+"\n", args...) }

// count notes what lookout said in a state, and whether that was right.
func (t *tally) count(kind, state, what, said, misses string) {
	if t.good == nil {
		t.good = map[string]int{}
	}
	mark := "ok  "
	if misses == "" {
		t.good[kind]++
	} else {
		mark = "MISS"
	}
	t.say("  %s  %-34s  %-16s  %s", mark, state, what, said)
	if misses != "" {
		t.say("        %s", misses)
	}
}

// figures prints how many of the checks of all drills were right.
func (t *tally) figures(to io.Writer, drills []drill) {
	planned, schemes := map[string]int{}, map[string]bool{}
	for _, d := range drills {
		for _, c := range d.running.checks {
			schemes[c.scheme()] = true
		}
		planned[green] += len(d.running.checks)
		planned[stopped] += len(d.running.checks)
		for _, s := range d.wrong {
			planned[wrong] += len(s.checks)
		}
	}
	for _, kind := range []string{green, stopped, wrong} {
		verdict := "ok"
		if t.good[kind] < planned[kind] {
			verdict = "MISS"
		}
		fmt.Fprintf(to, "figure drills_%s %d checks goal>=%d %s (%d schemes, %d servers)\n", kind, t.good[kind], planned[kind], verdict, len(schemes), len(drills))
	}
}
