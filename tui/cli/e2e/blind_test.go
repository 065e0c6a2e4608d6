package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The engine is killed, and its probe tells so by a mail of its own; and again
// when the engine is back.
func TestBlind(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a minute and a half of silence")
	}
	f, post := newField(t), newPostOffice(t)
	a := prepareAway(t, broker.Broker(t).Addr(), "blind", often+f.Monitor("here", ""), "fra/p1")
	const probe = "fra/p1"
	// Its own line is told by the broker's address, which answers.
	path := filepath.Join(a.Remote.Folder(probe), "probe.toml")
	text, err := os.ReadFile(path)
	check(t, err)
	check(t, os.WriteFile(path, append(text, mailTo(post, "ops", "")...), 0o600))
	// A live probe is sent something once a minute.
	a.Remote.Env = []string{"LOOKOUT_TEST_BLIND=75s"}
	check(t, a.Begin())
	check(t, a.Live(t.Context()))
	says(t, "the check of its file", checked(t, a, probe), "silence       of the engine is told to ops (email, ops@example.com by ")

	check(t, a.Engine.Signal(syscall.SIGKILL))
	_, err = a.Engine.Wait(patience)
	check(t, err)
	told := func(n int) func() bool { return func() bool { return len(post.Mails()) >= n } }
	check(t, within(t, 2*time.Minute, "a mail of the probe", told(1)))
	blind := post.letters(t)[0]
	says(t, "the subject", blind.subject, "BLIND: the monitor blind at 127.0.0.1:", "[fra/p1]")
	says(t, "the mail", strings.ReplaceAll(blind.body, "\r\n", "\n"), "nothing has been heard of it since ", "probe fra/p1 is online", "it is the engine itself or its line")

	a.Engine, err = a.Home.Engine()
	check(t, err)
	check(t, within(t, time.Minute, "a mail of the probe that it is over", told(2)))
	over := post.letters(t)[1]
	says(t, "the subject", over.subject, "no longer blind: the monitor blind at 127.0.0.1:")
	if n := len(post.Mails()); n != 2 {
		t.Errorf("%d mails", n)
	}
}

// checked is what a probe says of its own file.
func checked(t *testing.T, a *Away, probe string) string {
	t.Helper()
	cmd := exec.Command(a.Binary, "probe", "--check", "--config", filepath.Join(a.Remote.Folder(probe), "probe.toml"))
	cmd.Dir, cmd.Env = a.Dir, a.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("%w: %s", err, out))
	}
	return string(out)
}
