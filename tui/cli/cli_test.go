package cli

import (
	"bytes"
	"context"
	"io"
	"log"
	"strings"
	"testing"
	"time"
)

// outcome is what a call of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// bench is a place to call the program in: folders of its own, and nothing of
// the machine's configuration.
type bench struct {
	dir string // also the working directory and the home
	env map[string]string
	now func() time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	return &bench{dir: dir, env: map[string]string{"HOME": dir, "USER": "jo"}, now: time.Now}
}

func (b *bench) call(stdin string, args ...string) outcome {
	return b.callContext(context.Background(), stdin, args...)
}

func (b *bench) callContext(ctx context.Context, stdin string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	c := &call{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, env: b.env, now: b.now, etc: b.dir + "/etc"}
	code := c.run(ctx, args)
	return outcome{code, stdout.String(), stderr.String()}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"unknown command", []string{"verzion"}, 64, "lookout: \"verzion\" is no command of lookout; did you mean version?\n"},
		{"nothing near", []string{"frobnicate"}, 64, "lookout: \"frobnicate\" is no command of lookout; see lookout --help\n"},
		{"hostile word", []string{"\x1b[31mx"}, 64, "lookout: \"[31mx\" is no command of lookout; see lookout --help\n"},
		{"unknown flag", []string{"version", "--nope"}, 64, "lookout: unknown flag: --nope; see lookout version --help\n"},
		{"an argument too many", []string{"version", "x"}, 64, "lookout: lookout version takes no argument, and got \"x\"; see lookout version --help\n"},
		{"help of nothing", []string{"help", "nope"}, 64, "lookout: \"nope\" is no command of lookout; see lookout --help\n"},
		{"help of nothing in there", []string{"help", "config", "chek"}, 64, "lookout: \"chek\" is no command of lookout config; did you mean check?\n"},
		{"an argument too few", []string{"beat"}, 64, "lookout: lookout beat takes a NAME, and how it went; see lookout beat --help\n"},
		{"unknown format", []string{"version", "--format", "xml"}, 64, "lookout: --format xml is not one of text and json here\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newBench(t).call("", tt.args...)
			if got.code != tt.code || got.stderr != tt.says || got.stdout != "" {
				t.Errorf("got %d, %q and %q on stdout, want %d and %q", got.code, got.stderr, got.stdout, tt.code, tt.says)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	b := newBench(t)
	if got := b.call("", "version"); got.code != 0 || !strings.HasPrefix(got.stdout, "lookout "+release) || got.stderr != "" {
		t.Errorf("text: %+v", got)
	}
	got := b.call("", "version", "--format", "json")
	if got.code != 0 || !strings.HasPrefix(got.stdout, `{"version":1,"kind":"version","lookout":"`+release+`"`) {
		t.Errorf("json: %+v", got)
	}
}

func TestHelpGoesToStdout(t *testing.T) {
	got := newBench(t).call("", "--help")
	if got.code != 0 || !strings.Contains(got.stdout, "Examples:") || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
}

func TestHelpCommand(t *testing.T) {
	b := newBench(t)
	for args, like := range map[string]string{"help": "--help", "help config check": "config check --help"} {
		got, want := b.call("", strings.Fields(args)...), b.call("", strings.Fields(like)...)
		if got != want || got.code != 0 {
			t.Errorf("lookout %s: %+v\nwant %+v", args, got, want)
		}
	}
}

func TestMainReadsEnvironment(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := Main([]string{"version"}, strings.NewReader(""), &stdout, &stderr, []string{"A=b=c", "odd"}); code != 0 {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}

// TestScreenIsOurs has what the standard library logs of targets stay off the screen.
func TestScreenIsOurs(t *testing.T) {
	before := log.Writer()
	defer log.SetOutput(before)
	var out bytes.Buffer
	log.SetOutput(&out)
	Main([]string{"version"}, strings.NewReader(""), io.Discard, io.Discard, nil)
	log.Print("protocol error: received DATA before a HEADERS frame")
	if out.Len() > 0 {
		t.Error(out.String())
	}
}

func TestPanicIsABug(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "data_dir = \"data\"\n")
	b.now = func() time.Time { panic("boom") }
	for args, code := range map[string]int{"data check": 70, "status": 3} {
		got := b.call("", strings.Fields(args)...)
		if got.code != code || !strings.HasPrefix(got.stderr, "lookout: this is a bug in lookout "+release+", please report it with what follows: boom\n") {
			t.Errorf("%s: got %+v, want %d", args, got, code)
		}
	}
}
