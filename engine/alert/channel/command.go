package channel

import (
	"bytes"
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

	"lookout/engine/child"
	"lookout/engine/uptime"
)

const (
	tempFail = 75 // EX_TEMPFAIL of sysexits.h
	maxWords = 4 << 10
	// commandPath is the PATH of every command, whoever started lookout.
	commandPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// commandType runs a program with the alert on its standard input. There is no
// shell, the arguments are those of the configuration alone, and nothing of our
// own environment but the home gets through. What it started in its process
// group ends with it.
func commandType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "command",
		Summary: "runs a program with the alert as JSON, or the body, on its standard input; no shell",
		Keys: []uptime.Key{
			{Name: "command", Kind: uptime.String, Doc: "the program, with its whole path; it ends with 0 when it has told people", Example: `"/usr/local/bin/page-me"`},
			{Name: "args", Kind: uptime.Strings, Doc: "its arguments, each by itself", Example: `["--loud"]`},
		},
		New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
			f := form{ChannelSettings: s}
			c := command{path: f.text("command", ""), args: uptime.Value(s.Values, "args", []string(nil)), channel: s.Name, instance: s.Instance}
			switch {
			case c.path == "":
				f.wrong("command", `write command = "/path/of/program"`, "there is no command to run")
			case !filepath.IsAbs(c.path):
				f.wrong("command", `write the whole path; for a shell, command = "/bin/sh" and args = ["-c", "…"]`, "%q is no path from /", uptime.Clean(c.path, 100))
			case slices.ContainsFunc(append([]string{c.path}, c.args...), func(a string) bool { return strings.ContainsRune(a, 0) }):
				f.wrong("command", "", "a command cannot have a NUL")
			}
			return f.done(c)
		},
	}
}

type command struct {
	path              string
	args              []string
	channel, instance string
}

func (c command) Target() string { return c.path }

func (c command) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	name := filepath.Base(c.path)
	cmd := child.Command(ctx, c.path, c.args...)
	cmd.Env = c.environment(l)
	cmd.Stdin = bytes.NewReader(append(l.JSON, '\n'))
	if l.Custom {
		cmd.Stdin = strings.NewReader(l.Text + "\n")
	}
	out, errs := new(lastBytes), new(lastBytes)
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		return uptime.Receipt{}, c.missing(err)
	}
	say("> " + c.path + " " + strings.Join(c.args, " "))
	if !child.Wait(ctx, cmd) {
		return uptime.Receipt{}, &uptime.Refusal{Reply: name + " did not end in time, and runs as a user whose processes we cannot end", Uncertain: true}
	}
	if text := out.last(); text != "" {
		say("< " + text)
	}
	if text := errs.last(); text != "" {
		say("< " + text)
	}
	state := cmd.ProcessState
	if state.Success() {
		reply := out.last()
		if reply == "" {
			reply = name + " ended with 0"
		}
		return uptime.Receipt{Reply: reply}, nil
	}
	if ctx.Err() != nil && !state.Exited() {
		return uptime.Receipt{}, &uptime.Refusal{Reply: name + " did not end in time, and was ended", Uncertain: true}
	}
	r := &uptime.Refusal{Reply: fmt.Sprintf("%s: %s", name, state), Letter: state.ExitCode() != tempFail}
	if text := errs.last(); text != "" {
		r.Reply = fmt.Sprintf("%s (%s, %s)", text, name, state)
	}
	return uptime.Receipt{}, r
}

// environment is what a command gets beside its input, for scripts of a line.
func (c command) environment(l *uptime.Letter) []string {
	env := []string{
		"PATH=" + commandPath, "LANG=C.UTF-8",
		"LOOKOUT_SUBJECT=" + l.Subject, "LOOKOUT_ID=" + l.ID, "LOOKOUT_THREAD=" + l.Thread, "LOOKOUT_KIND=" + string(l.Kind),
		"LOOKOUT_TIME=" + l.Time.UTC().Format(time.RFC3339),
		"LOOKOUT_CHANNEL=" + c.channel, "LOOKOUT_INSTANCE=" + uptime.Clean(c.instance, 200),
		fmt.Sprintf("LOOKOUT_URGENT=%t", l.Urgent), fmt.Sprintf("LOOKOUT_OVER=%t", l.Over),
	}
	if home := os.Getenv("HOME"); home != "" {
		env = append(env, "HOME="+home)
	}
	return env
}

// missing is why a command could not be started.
func (c command) missing(err error) *uptime.Refusal {
	r := &uptime.Refusal{Reply: c.path + ": " + err.Error()}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		r.Reply = c.path + ": " + p.Err.Error()
	}
	// A machine without memory or processes has them again; a path that is wrong stays so.
	r.Permanent = !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.ENOMEM) && !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) && !errors.Is(err, syscall.ETXTBSY)
	return r
}

// lastBytes keeps the last of the bytes that are written to it.
type lastBytes struct{ b []byte }

func (w *lastBytes) Write(b []byte) (int, error) {
	w.b = append(w.b, b[max(0, len(b)-maxWords):]...)
	if over := len(w.b) - maxWords; over > 0 {
		w.b = append(w.b[:0], w.b[over:]...)
	}
	return len(b), nil
}

// last is the last line that says something.
func (w *lastBytes) last() string {
	text := strings.TrimSpace(string(w.b))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
