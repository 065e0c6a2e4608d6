package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lookout/tui/cli/e2e"
)

// place is where a server is in one state. Its texts name, between two @:
//
//	@dir@             the folder of the state
//	@ca@              the file of the CA that everybody trusts
//	@cert KIND@       the file of a certificate, see certificates.issue
//	@key KIND@        the file of its key
//	@PORT@            a port of loopback; each word is another, the same in every state
type place struct {
	dir     string
	ports   map[string]int
	issued  certificates
	binary  string // lookout
	running []*e2e.Process
	owner   string      // of new files; "": root
	held    []io.Closer // connections and listeners of our own
}

var placeholder = regexp.MustCompile(`@([a-z]+)( [a-z]+)?@`)

// fill replaces what a text names.
func (p *place) fill(text string) (string, error) {
	var bad error
	filled := placeholder.ReplaceAllStringFunc(text, func(word string) string {
		kind, name, _ := strings.Cut(strings.Trim(word, "@"), " ")
		value, err := p.value(kind, name)
		bad = errors.Join(bad, err)
		return value
	})
	return filled, bad
}

func (p *place) value(kind, name string) (string, error) {
	switch kind {
	case "dir":
		return p.dir, nil
	case "ca":
		return p.keep("ca.pem", p.issued.ca)
	case "cert", "key":
		c, ok := p.issued.by[name]
		if !ok {
			return "", fmt.Errorf("there is no certificate %q", name)
		}
		if kind == "cert" {
			return p.keep(name+".pem", c.cert)
		}
		return p.keep(name+".key", c.key)
	}
	port, err := p.port(kind)
	return strconv.Itoa(port), err
}

// keep writes a file that is not there yet.
func (p *place) keep(name string, content []byte) (string, error) {
	path := filepath.Join(p.dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.WriteFile(path, content, 0o600); err != nil || p.owner == "" {
		return path, err
	}
	uid, gid, err := ids(p.owner)
	if err != nil {
		return path, err
	}
	return path, os.Chown(path, int(uid), int(gid))
}

// once makes what all states of a drill share: a folder beside theirs, a user's.
func (p *place) once(name, owner string, make func(path string) error) error {
	path := filepath.Join(filepath.Dir(p.dir), name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	uid, gid, err := ids(owner)
	if err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if err := os.Chown(path, int(uid), int(gid)); err != nil {
		return err
	}
	return make(path)
}

// port is the port of a name.
func (p *place) port(name string) (int, error) {
	for p.ports[name] == 0 {
		port, err := e2e.FreePort()
		if err != nil {
			return 0, err
		}
		taken := false
		for _, other := range p.ports {
			taken = taken || other == port
		}
		if !taken {
			p.ports[name] = port
		}
	}
	return p.ports[name], nil
}

// write writes a file of a state.
func (p *place) write(name, text string) error {
	text, err := p.fill(text)
	if err != nil {
		return err
	}
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	return os.WriteFile(path, []byte(text), mode)
}

// give makes everything here a user's.
func (p *place) give(name string) error {
	uid, gid, err := ids(name)
	if err != nil {
		return err
	}
	p.owner = name
	return filepath.WalkDir(p.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, int(uid), int(gid))
	})
}

func ids(name string) (uid, gid uint32, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, err
	}
	group, err := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), uint32(group), err
}

// command is a program with its arguments, as a user, in the folder of the state.
func (p *place) command(ctx context.Context, as, program string, args ...string) (*exec.Cmd, error) {
	path, err := find(program)
	if err != nil {
		return nil, err
	}
	args = slices.Clone(args)
	for i := range args {
		if args[i], err = p.fill(args[i]); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=" + p.dir}
	if as != "" {
		uid, gid, err := ids(as)
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	}
	return cmd, nil
}

// find is the path of a program: the last that matches a pattern.
func find(program string) (string, error) {
	if found, _ := filepath.Glob(program); strings.HasPrefix(program, "/") && len(found) > 0 {
		return found[len(found)-1], nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", program, exec.ErrNotFound)
}

// do runs a command to its end.
func (p *place) do(as, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd, err := p.command(ctx, as, program, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// patience is how long a server may take to start.
const patience = 60 * time.Second

// start starts a server and waits until it is ready.
func (p *place) start(ctx context.Context, s server) error {
	cmd, err := p.command(context.Background(), s.user, s.program, s.args...)
	if err != nil {
		return err
	}
	process, err := e2e.Spawn(cmd)
	if err != nil {
		return err
	}
	p.running = append(p.running, process)
	var ports []int
	for _, name := range s.ports {
		port, err := p.port(name)
		if err != nil {
			return err
		}
		ports = append(ports, port)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return e2e.Poll(ctx, s.program, func() bool {
		if process.Ended() {
			cancel()
			return false
		}
		for _, port := range ports {
			if !listens(port) {
				return false
			}
		}
		return strings.Contains(process.Stdout()+process.Stderr(), s.prints)
	})
}

// listens reports whether something listens at a port, in TCP or UDP, without
// a connection that the server would count.
func listens(port int) bool {
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		f, err := os.Open("/proc/net/" + table)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		local := fmt.Sprintf(":%04X", port)
		for lines.Scan() {
			fields := strings.Fields(lines.Text()) // number, local address, remote address, state, …
			if len(fields) > 3 && strings.HasSuffix(fields[1], local) && (fields[3] == "0A" || table[:3] == "udp") {
				f.Close()
				return true
			}
		}
		f.Close()
	}
	return false
}

// hold opens connections to a port and keeps them while the state lasts.
func (p *place) hold(port string, n int) error {
	number, err := p.port(port)
	if err != nil {
		return err
	}
	for range n {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", number), patience)
		if err != nil {
			return err
		}
		p.held = append(p.held, c)
	}
	return nil
}

// converse opens a connection to a port and keeps it once the server has spoken.
func (p *place) converse(port, begins string) error {
	if err := p.hold(port, 1); err != nil {
		return err
	}
	c := p.held[len(p.held)-1].(net.Conn)
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	said := make([]byte, len(begins))
	if _, err := io.ReadFull(c, said); err != nil || string(said) != begins {
		return fmt.Errorf("a connection to hold began with %q, %v", said, err)
	}
	return nil
}

// silent listens at a port and says nothing to anybody.
func (p *place) silent(port string) error {
	number, err := p.port(port)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", number))
	if err != nil {
		return err
	}
	p.held = append(p.held, l)
	return nil
}

// leave ends what was started here, the last first.
func (p *place) leave() {
	for _, c := range p.held {
		c.Close()
	}
	for _, process := range slices.Backward(p.running) {
		_ = process.Stop() // it is killed if it does not
		process.Kill()
	}
}

// output is the end of what the servers printed.
func (p *place) output() string {
	var all strings.Builder
	for _, process := range p.running {
		text := strings.TrimSpace(process.Stdout() + process.Stderr())
		if len(text) > 2000 {
			text = text[len(text)-2000:]
		}
		all.WriteString("\n" + text)
	}
	return all.String()
}
