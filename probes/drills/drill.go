package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// drill is a real server in the states that it can be in: running as it
// should, stopped, and answering wrongly.
type drill struct {
	server  string
	needs   []need
	release string // a file with its version, of one that is in no package
	running state
	wrong   []state
}

// need is a file that a drill needs and the package that has it.
type need struct{ file, pkg string }

// state is a server in one condition and what lookout is to say of it. In its
// texts, what stands between two @ is replaced: see place.
type state struct {
	name    string
	files   map[string]string  // by their name below the state's folder
	prepare func(*place) error // once the files are there
	servers []server           // started in this order
	then    func(*place) error // once they run
	checks  []check
}

// server is a process to start.
type server struct {
	program string // a name or a path, which may be a pattern; the last match is taken
	args    []string
	user    string   // "": root
	ports   []string // that listen when it is ready, in TCP or UDP
	prints  string   // what it has printed when it is ready; "": nothing
}

// check is a monitor and what is to come of it.
type check struct {
	url  string
	keys string // lines of TOML, those of expect last
	want string // a fault class; "": up
	says string // has to be in the message
	dead string // the class when the server is stopped; default tcp.refused

	alone, deadAlone []string // a command line before that of lookout; of the check of a stopped server
}

// missing are the packages whose files are not there.
func (d drill) missing() []string {
	var missing []string
	for _, n := range d.needs {
		if found, _ := filepath.Glob(n.file); len(found) == 0 {
			missing = append(missing, n.pkg)
		}
	}
	return missing
}

// version is what the first package of a drill is, as Debian numbers it.
func (d drill) version() string {
	if d.release != "" {
		b, _ := os.ReadFile(d.release)
		return strings.TrimSpace(string(b))
	}
	if len(d.needs) == 0 {
		return ""
	}
	for _, n := range d.needs {
		out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", n.pkg).Output()
		if err == nil && len(out) > 0 {
			return string(out)
		}
	}
	return "of no package"
}

// scheme is what a check is called in the table.
func (c check) scheme() string {
	scheme, _, _ := strings.Cut(c.url, ":")
	return scheme
}

// runDrill takes a server through its states. What keeps it from doing so is
// told, and its checks are not counted as right.
func runDrill(ctx context.Context, d drill, dir, binary string, issued certificates, t *tally) {
	t.say("%s %s", d.server, d.version())
	if missing := d.missing(); len(missing) > 0 {
		t.say("  MISS  %s is not installed", strings.Join(missing, ", "))
		return
	}
	ports := map[string]int{}
	began := time.Now()
	for i, s := range append([]state{d.running}, d.wrong...) {
		p := &place{dir: filepath.Join(dir, fmt.Sprint(i)), ports: ports, issued: issued, binary: binary}
		kind := wrong
		if i == 0 {
			kind, s.name = green, "running"
		}
		err := p.enter(ctx, s)
		if err == nil {
			err = p.judge(ctx, s.name, kind, s.checks, t)
		}
		p.leave()
		if err == nil && i == 0 {
			err = p.judge(ctx, "stopped", stopped, dead(s.checks), t)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.say("  MISS  %s: %v%s", s.name, err, p.output())
		}
	}
	t.say("        %s", time.Since(began).Round(100*time.Millisecond))
}

// dead are the same checks of a server that is stopped.
func dead(checks []check) []check {
	var dead []check
	for _, c := range checks {
		c.want, c.says = "tcp.refused", "refused"
		if c.dead != "" {
			c.want, c.says = c.dead, ""
		}
		c.alone = c.deadAlone
		dead = append(dead, c)
	}
	return dead
}

// enter makes a state: its files, then its servers.
func (p *place) enter(ctx context.Context, s state) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	for name, text := range s.files {
		if err := p.write(name, text); err != nil {
			return err
		}
	}
	for _, srv := range s.servers {
		if srv.user != "" {
			if err := p.give(srv.user); err != nil {
				return err
			}
		}
	}
	if s.prepare != nil {
		if err := s.prepare(p); err != nil {
			return err
		}
	}
	for _, srv := range s.servers {
		if err := p.start(ctx, srv); err != nil {
			return err
		}
	}
	if s.then != nil {
		return s.then(p)
	}
	return nil
}
