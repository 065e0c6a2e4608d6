package probes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lookout/engine/child"
	"lookout/engine/uptime"
)

const (
	maxOutput = 64 << 10 // of a command's standard output; the rest is read and dropped
	maxErrors = 4 << 10  // of its standard error
)

// commandPath is where a command without a slash is looked for. It is the PATH
// of every command, whoever started lookout.
const commandPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/nagios/plugins:/usr/lib/monitoring-plugins"

// execType runs a command of this machine that ends with the exit code of a
// monitoring plugin. There is no shell. The command gets no input, starts in /,
// and its environment is PATH, LANG, HOME and what env adds. Whatever it
// started in its process group ends with it, and at the time-out all that it
// started. What made a session of its own and outlives a command that ended by
// itself was meant to: a connection that ssh keeps for the next check, a cache.
func execType() uptime.CheckType {
	return uptime.CheckType{
		Name:     "exec",
		Schemes:  []string{"exec"},
		Summary:  "runs a command with the exit codes of monitoring plugins",
		Plain:    true,
		Filed:    true,
		Failures: 3,
		Measures: []string{"cpu"},
		Keys: []uptime.Key{
			{Name: "command", Kind: uptime.String, Doc: "the program to run: a path, or a name of the usual folders; no shell", Example: `"/usr/lib/nagios/plugins/check_disk"`},
			{Name: "args", Kind: uptime.Strings, Doc: "its arguments, each by itself", Example: `["-w", "10%", "-c", "5%"]`},
			{Name: "env", Kind: uptime.SecretTable, Doc: "variables that it gets beside PATH, LANG and HOME", Example: `{ PGPASSWORD = "${secret:postgres}" }`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			name := f.opaque("write exec:NAME, with a name of your choice")
			c := execCheck{command: uptime.Value(s.Values, "command", ""), args: uptime.Value(s.Values, "args", []string(nil))}
			switch {
			case c.command == "":
				f.wrong("command", `write command = "/path/of/program"`, "an exec check needs a command")
			case strings.Contains(c.command, "/") && !filepath.IsAbs(c.command):
				f.wrong("command", "write the whole path, or the name alone", "%q is neither a path from / nor a name", uptime.Clean(c.command, 100))
			case strings.ContainsRune(c.command, 0) || slices.ContainsFunc(c.args, func(a string) bool { return strings.ContainsRune(a, 0) }):
				f.wrong("command", "", "a command cannot have a NUL")
			case len(c.args) == 0 && strings.ContainsAny(c.command, " |>$"):
				f.wrong("command", `there is no shell: write command = "sh" and args = ["-c", "…"] where you want one`, "%q is no program", uptime.Clean(c.command, 100))
			}
			env := uptime.Value(s.Values, "env", map[string]uptime.Secret(nil))
			for k, v := range env {
				if k == "" || strings.ContainsAny(k, "=\x00") || strings.ContainsRune(v.Reveal(), 0) {
					f.wrong("env", "", "%q can be no variable", uptime.Clean(k, 40))
				}
				c.env = append(c.env, variable{k, v})
			}
			return f.done(uptime.Check{Checker: c, Dest: "exec:" + name})
		},
	}
}

// opaque is what stands after the colon of a URL without slashes.
func (f *form) opaque(hint string) string {
	name := f.URL.Opaque
	if name == "" || f.URL.RawQuery != "" || f.URL.Fragment != "" {
		f.wrong("url", hint, "%q is not %s:NAME", uptime.Clean(uptime.RedactURL(f.URL), 100), f.URL.Scheme)
	}
	return name
}

type variable struct {
	name  string
	value uptime.Secret
}

type execCheck struct {
	command string
	args    []string
	env     []variable
}

// Check runs the command once.
func (c execCheck) Check(ctx context.Context) uptime.Result {
	t := newTrace()
	start := time.Now()
	path, err := findCommand(c.command)
	if err != nil {
		return t.end(c.missing(t, start, err))
	}
	cmd := child.Command(ctx, path, c.args...)
	cmd.Env = c.environment()
	out, errs := &firstBytes{max: maxOutput}, &firstBytes{max: maxErrors}
	cmd.Stdout, cmd.Stderr = out, errs
	err = ctx.Err() // Start says it as well, in a way that cannot be told from other reasons
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return t.end(c.missing(t, start, err))
	}
	if !child.Wait(ctx, cmd) {
		f := fail(uptime.FaultExecTimeout, "%s had not ended after %s, and runs as a user whose processes we cannot end", filepath.Base(c.command), t.after())
		t.judged("command", start, "", f)
		return t.end(f)
	}
	t.res.Measures = []uptime.Measure{{Name: "cpu", Value: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()}}

	said := readPlugin(out.b)
	if said.text == "" {
		said.text = readPlugin(errs.b).text
	}
	f := c.judge(ctx, t, cmd.ProcessState, said.text)
	detail := said.text
	if detail == "" {
		detail = ending(cmd.ProcessState)
	}
	s := uptime.Step{Step: "command", Took: time.Since(start), Detail: detail}
	if f != nil {
		s.Error = ending(cmd.ProcessState)
	}
	t.res.Steps = append(t.res.Steps, s)
	if len(said.figures) > 0 {
		t.res.Steps = append(t.res.Steps, uptime.Step{Step: "perfdata", Detail: said.perfdata()})
	}
	return t.end(f)
}

// judge says what the end of a command means.
func (c execCheck) judge(ctx context.Context, t *trace, state *os.ProcessState, text string) *failure {
	name := filepath.Base(c.command)
	if ctx.Err() != nil && !state.Exited() {
		return fail(uptime.FaultExecTimeout, "%s had not ended after %s, and was ended", name, t.after())
	}
	fault := uptime.FaultExecExit
	switch code := state.ExitCode(); code {
	case 0:
		return nil
	case 1:
		fault = uptime.FaultExecWarning
	case 3:
		fault = uptime.FaultExecUnknown
	}
	if text == "" {
		return fail(fault, "%s ended without a word: %s", name, ending(state))
	}
	if state.ExitCode() < 0 || state.ExitCode() > 3 {
		return fail(fault, "%s, %s: %s", name, ending(state), text)
	}
	return fail(fault, "%s: %s", name, text)
}

// ending says how a command ended: exit code 2, or signal SIGSEGV.
func ending(state *os.ProcessState) string {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return "signal " + unix.SignalName(ws.Signal())
	}
	return fmt.Sprintf("exit code %d", state.ExitCode())
}

// missing classes a command that could not be started.
func (c execCheck) missing(t *trace, start time.Time, err error) *failure {
	errno, _ := errnoOf(err)
	what := "command " + uptime.Clean(c.command, 100)
	var f *failure
	switch errno {
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG:
		f = fail(uptime.FaultExecMissing, "%s is not there, or its interpreter is not (%s)", what, errnoName(err))
	case syscall.EACCES, syscall.EPERM, syscall.EISDIR:
		f = fail(uptime.FaultExecMissing, "%s may not be run (%s)", what, errnoName(err))
	case syscall.ENOEXEC:
		f = fail(uptime.FaultExecMissing, "%s is no program; a script needs #! in its first line (ENOEXEC)", what)
	case syscall.EAGAIN:
		f = fail(uptime.FaultLocalNoMemory, "%s: this machine lets us start no more processes (EAGAIN); raise ulimit -u or TasksMax=", what)
	case syscall.E2BIG:
		f = fail(uptime.FaultLocalConfig, "%s: its arguments are too long (E2BIG)", what)
	default:
		f = localFailure(what, err)
	}
	switch {
	case f != nil:
	case timedOut(err):
		f = fail(uptime.FaultExecTimeout, "%s was not started within %s", what, t.after())
	default:
		f = fail(uptime.FaultExecMissing, "%s: %s", what, plain(err))
	}
	t.step("command", start, "", err, "")
	return f
}

// findCommand is the path of a command.
func findCommand(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	err := error(syscall.ENOENT)
	for _, dir := range filepath.SplitList(commandPath) {
		path := filepath.Join(dir, name)
		fi, serr := os.Stat(path)
		switch {
		case errors.Is(serr, fs.ErrNotExist):
		case serr != nil:
			err = serr
		case fi.IsDir():
		case fi.Mode()&0o111 == 0:
			err = syscall.EACCES
		default:
			return path, nil
		}
	}
	return "", err
}

// environment is what a command gets: nothing of ours but the home.
func (c execCheck) environment() []string {
	env := []string{"PATH=" + commandPath, "LANG=C.UTF-8"}
	if home := os.Getenv("HOME"); home != "" {
		env = append(env, "HOME="+home)
	}
	for _, v := range c.env {
		env = append(env, v.name+"="+v.value.Reveal())
	}
	return env
}

// firstBytes keeps the first of the bytes that are written to it and drops the rest.
type firstBytes struct {
	b   []byte
	max int
}

func (f *firstBytes) Write(b []byte) (int, error) {
	f.b = append(f.b, b[:min(len(b), f.max-len(f.b))]...)
	return len(b), nil
}
