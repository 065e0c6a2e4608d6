package e2e

import (
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is for what must come, on a machine that has much to do. What is
// promised for a time has a time of its own.
const patience = 30 * time.Second

// shell opens a terminal on a shell script that ends, or is ended with the test.
func shell(t *testing.T, script string) *Terminal {
	t.Helper()
	term, err := OpenTerminal(exec.Command("/bin/sh", "-c", script), 40, 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		term.Kill()
		if err := term.Hangup(); err != nil {
			t.Error(err)
		}
	})
	return term
}

func TestTerminalSeesScreenAndKeys(t *testing.T) {
	term := shell(t, `printf 'name? '; read n; printf '\033[2J\033[5;3Hhello %s' "$n"; trap 'stty size' WINCH; read m`)
	check(t, term.Expect("name?", patience))
	check(t, term.Keys("jo", "enter"))
	check(t, term.Until("hello in row 5", patience, func(s string) bool {
		return strings.Split(s, "\n")[4] == "  hello jo"
	}))
	if err := term.Expect("nobody", 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "hello jo") {
		t.Errorf("a text that is not there: %v, want an error that shows the screen", err)
	}
}

func TestTerminalFailsWhenTheProgramHasEnded(t *testing.T) {
	term := shell(t, `echo gone; exit 3`)
	err := term.Expect("never", time.Hour)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "gone") {
		t.Errorf("got %v", err)
	}
	if code, err := term.Wait(patience); code != 3 || err != nil {
		t.Errorf("exit code %d, %v", code, err)
	}
}

func TestTerminalRestored(t *testing.T) {
	tests := []struct {
		name, script, want string
	}{
		{"nothing done", `true`, ""},
		{"all undone", `s=$(stty -g); stty raw -echo; printf '\033[?1049h\033[?25l\033[?1002;1006h\033[>1u'; ` +
			`printf '\033[<u\033[?1006l\033[?1002l\033[?25h\033[?1049l'; stty "$s"`, ""},
		{"raw", `stty raw`, "settings"},
		{"alternate screen", `printf '\033[?1049h'`, "alternate screen"},
		{"cursor", `printf '\033[?25l'`, "mode 25"},
		{"mouse", `printf '\033[?1002;1006h\033[?1006l'`, "mode 1002"},
		{"keyboard", `printf '\033[>1u'`, "keyboard"},
		{"modifyOtherKeys", `printf '\033[>4;2m'`, "modifyOtherKeys"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			term := shell(t, tt.script+`; printf done`)
			check(t, term.Expect("done", patience))
			if _, err := term.Wait(patience); err != nil {
				t.Fatal(err)
			}
			err := term.Restored()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Restored() = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTerminalHangupReachesTheProgram(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("started under nohup: a shell cannot trap what it was told to ignore")
	}
	term, err := OpenTerminal(exec.Command("/bin/sh", "-c", `trap 'exit 7' HUP; echo up; while :; do read x || sleep 0.05; done`), 40, 10)
	check(t, err)
	t.Cleanup(term.Kill)
	check(t, term.Expect("up", patience))
	check(t, term.Hangup())
	if code, err := term.Wait(patience); code != 7 || err != nil {
		t.Errorf("exit code %d, %v, want that of the HUP trap", code, err)
	}
}

// check ends a test on an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
