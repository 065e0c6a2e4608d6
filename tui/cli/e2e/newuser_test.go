package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// watched is what a new user writes down for three real servers.
func watched(t *testing.T) (web, ssh *server, config string) {
	t.Helper()
	web, ca := startNginx(t)
	name := startNSD(t)
	ssh = startSSHD(t)
	return web, ssh, fmt.Sprintf(`
instance = "e2e"

[defaults]
interval = "2s"
timeout = "2s"

[[monitor]]
name = "shop"
url = "https://%s/"
ca_file = %q
server_name = "www.example.test"
tags = ["prod"]
[monitor.expect]
status = ["200"]
body_contains = ["Add to cart"]

[[monitor]]
name = "login"
url = "tcp://%s"
[monitor.expect]
banner = "^SSH-2\\.0-"

[[monitor]]
name = "name server"
url = "dns://%s/www.example.test?type=A"
[monitor.expect]
answers = ["127.0.0.1"]
`, web.addr, ca, ssh.addr, name.addr)
}

const second = time.Second

// A sysadmin installs lookout, writes a file of a few lines, and a server of
// his goes down and comes back.
func TestOutage(t *testing.T) {
	t.Parallel()
	web, _, config := watched(t)
	h := home(t, config)
	run(t, h, 0, "config", "check")
	run(t, h, 3, "status")

	eng := engine(t, h)
	// one interval of 2 s, and a second
	until(t, h, "three monitors that are up", 3*second, func(s status) bool { return s.Counts["up"] == 3 })
	a := run(t, h, 0, "status")
	says(t, "status", a.Stdout, "# e2e", "up 3", "\nup    shop", "\nup    login", "\nup    name server")
	// From the last event on: on a busy machine the shop is in doubt before the follower has begun.
	past := events(t, run(t, h, 0, "events", "--format", "json").Stdout)
	follow, err := Spawn(h.Command("events", "--follow", "--after", fmt.Sprint(past[len(past)-1].ID), "--format", "json"))
	check(t, err)
	t.Cleanup(follow.Kill)

	stopped := time.Now()
	web.stop(t)
	s := until(t, h, "a shop in doubt", 2*second+second, func(s status) bool { return s.Counts["suspect"] == 1 })
	seen := time.Now()
	for _, m := range s.Monitors {
		if m.Monitor == "shop" && (seen.Sub(m.Since) > second || m.Since.Before(stopped.Add(-second))) {
			t.Errorf("in doubt since %v, seen at %v, and nginx was stopped at %v", m.Since, seen, stopped)
		}
	}
	says(t, "status", run(t, h, 0, "status").Stdout, "\nchk?  shop", "tcp.refused", "being confirmed, counts as up")

	s = until(t, h, "a shop that is down", 20*second, func(s status) bool { return s.Counts["down"] == 1 })
	a = run(t, h, 2, "status")
	says(t, "status", a.Stdout, "DOWN 1", "\nDOWN  shop", "refused (tcp.refused)", "nobody else was asked", "not acknowledged")
	if !strings.HasPrefix(problemsOf(a.Stdout), "DOWN  shop") {
		t.Errorf("the problem does not come first:\n%s", a.Stdout)
	}
	a = run(t, h, 2, "check", "shop", "--format", "json")
	var r uptime.Result
	check(t, json.Unmarshal([]byte(a.Stdout), &r))
	if r.Fault != uptime.FaultTCPRefused || r.Address != web.addr || r.Monitor != "shop" {
		t.Errorf("check found %+v", r)
	}
	run(t, h, 0, "check", "login")

	web.start(t)
	started := time.Now()
	until(t, h, "a shop that is back", 20*second, func(s status) bool { return s.Counts["up"] == 3 })
	run(t, h, 0, "status")

	var all []uptime.Event
	var suspect, down, up uptime.Event
	if err := within(t, patience, "all verdicts in the stream", func() bool { // an event is told once it is stored
		var ok [3]bool
		said := follow.Stdout()
		all = events(t, said[:strings.LastIndexByte(said, '\n')+1]) // the last line may be half there
		suspect, ok[0] = Became(all, "shop", uptime.Suspect)
		down, ok[1] = Became(all, "shop", uptime.Down)
		up, ok[2] = Became(all, "shop", uptime.Up)
		return ok[0] && ok[1] && ok[2]
	}); err != nil {
		t.Fatalf("%v: %s", err, follow.Stdout())
	}
	// Nobody else can be asked: the rule takes ten seconds and four checks.
	if took := down.Time.Sub(down.Since); took < 10*second || took > 13*second {
		t.Errorf("DOWN %v after the first failing check, want 10 s and a little", took)
	}
	if down.Since.Before(stopped.Add(-second)) || !down.Since.Equal(suspect.Since) {
		t.Errorf("down since %v, in doubt since %v, nginx was stopped at %v", down.Since, suspect.Since, stopped)
	}
	if len(down.Evidence) < 4 || down.Incident == 0 || down.Fault != uptime.FaultTCPRefused {
		t.Errorf("down with too little: %+v", down)
	}
	if up.Since.Before(started.Add(-second)) || up.Since.After(started.Add(3*second)) {
		t.Errorf("up since %v, and nginx was started at %v", up.Since, started)
	}
	for i := 1; i < len(all); i++ {
		if all[i].ID <= all[i-1].ID {
			t.Errorf("event %d comes after %d", all[i].ID, all[i-1].ID)
		}
	}

	says(t, "history", run(t, h, 0, "history").Stdout, "shop", "tcp.refused", fmt.Sprintf("#%d", down.Incident))
	var i uptime.Incident
	check(t, json.Unmarshal([]byte(run(t, h, 0, "history", "shop", "--format", "json").Stdout), &i))
	if i.Number != down.Incident || !i.Start.Equal(down.Since) || !i.End.Equal(up.Since) || len(i.Evidence) == 0 {
		t.Errorf("the incident is %+v; down since %v, up since %v", i, down.Since, up.Since)
	}

	run(t, h, 0, "stop")
	if code, err := eng.Wait(patience); code != 0 || err != nil {
		t.Errorf("the engine that was stopped ended with %d, %v: %s", code, err, eng.Stderr())
	}
	// Who follows waits for the engine to come back, and ends as asked.
	check(t, follow.Signal(os.Interrupt))
	if code, err := follow.Wait(patience); code != 0 || err != nil {
		t.Errorf("the follower ended with %d, %v: %s", code, err, follow.Stderr())
	}
	says(t, "status of a file", run(t, h, 3, "status").Stdout, "shop")
	says(t, "history of a file", run(t, h, 0, "history").Stdout, "shop", "tcp.refused")
	says(t, "events of a file", run(t, h, 0, "events").Stdout, "shop")
	run(t, h, 0, "data", "check")
	run(t, h, 69, "reload")
}

// problemsOf is a status from its first monitor on.
func problemsOf(status string) string {
	_, rest, _ := strings.Cut(status, "\n\n")
	return rest
}

// The same on the dashboard, with the engine inside.
func TestOutageOnScreen(t *testing.T) {
	t.Parallel()
	_, ssh, config := watched(t)
	h := home(t, config)
	term := console(t, h, 100, 24)
	check(t, term.Until("three monitors that are up", 2*patience, func(s string) bool {
		return onRow(s, "shop", "● up") && onRow(s, "login", "● up") && onRow(s, "name server", "● up")
	}))
	ssh.stop(t)
	check(t, term.Until("a login in doubt", 4*second, func(s string) bool { return onRow(s, "login", "chk?") }))
	check(t, term.Until("a login that is down", 20*second, func(s string) bool {
		return onRow(s, "login", "DOWN") && onRow(s, "login", "refused")
	}))
	check(t, term.Keys("g", "enter"))
	check(t, term.Expect("tcp.refused", patience))
	check(t, term.ExpectMatch("(?i)nobody else", patience))
	check(t, term.Keys("esc"))
	ssh.start(t)
	check(t, term.Until("a login that is back", 20*second, func(s string) bool { return onRow(s, "login", "● up") }))
	leaveEmbedded(t, term)
	run(t, h, 3, "status")
}

// onRow reports whether a line of the screen holds both.
func onRow(screen, name, what string) bool {
	for l := range strings.SplitSeq(screen, "\n") {
		if strings.Contains(l, name) && strings.Contains(l, what) {
			return true
		}
	}
	return false
}
