// Package brokertest runs private RabbitMQ brokers: for tests, which share
// nothing with a broker that runs on the machine, and for commands that measure
// or show something and need one for a while. A broker needs no root, no systemd
// and no fixed port, listens on loopback alone, and keeps everything in one
// folder.
//
// A broker hangs on a leash: a shell that reads from a pipe which this process
// holds, and that kills the broker and removes its folder when the pipe closes.
// So nothing is left of it when this process is killed.
package brokertest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	binaries = "/usr/lib/rabbitmq/bin" // those of /usr/sbin want to be root or rabbitmq
	patience = 3 * time.Minute         // for a start on a machine that is busy; 2 to 5 s on an idle one
	attempts = 3                       // with other ports, when somebody took one
)

// ErrMissing reports that RabbitMQ is not installed.
var ErrMissing = errors.New("RabbitMQ is not installed; tui/cli/e2e/setup.sh installs it")

// Options say what a broker is like. The zero value is one with the vhost / and
// the user guest, password guest, who may do everything there.
type Options struct {
	Plugins []string // rabbitmq_shovel, rabbitmq_management …

	// Definitions are imported before it listens; with them there is neither a
	// user nor a vhost that they don't name. As JSON.
	Definitions []byte

	TLS *TLS // a second listener, over TLS; nil: none

	// Config are further lines of rabbitmq.conf.
	Config []string
}

// TLS is the listener over TLS, everything as PEM.
type TLS struct {
	CA, Cert, Key []byte

	// Clients must show a certificate of CA, and log in as its common name unless
	// they come with a password.
	Clients bool
}

// Broker is one that runs, or ran. Its methods are for one goroutine at a time.
type Broker struct {
	o     Options
	dir   string // all of its files, 0700; HOME of its processes
	ports ports
	leash *leash
}

type ports struct{ amqp, tls, dist, epmd int }

// Launch starts a broker and returns when it takes connections. Close ends it.
// It fails with ErrMissing where RabbitMQ is not installed.
func Launch(ctx context.Context, o Options) (*Broker, error) {
	if _, err := os.Stat(filepath.Join(binaries, "rabbitmq-server")); err != nil {
		return nil, ErrMissing
	}
	var last error
	for range attempts {
		b, err := launch(ctx, o)
		if err == nil {
			return b, nil
		}
		last = err
		if !errors.Is(err, errTaken) {
			break
		}
	}
	return nil, last
}

// errTaken reports that somebody else took a port in the meantime.
var errTaken = errors.New("a port is taken")

func launch(ctx context.Context, o Options) (*Broker, error) {
	dir, err := os.MkdirTemp("", "lookout-broker-")
	if err != nil {
		return nil, err
	}
	b := &Broker{o: o, dir: dir}
	if b.ports, err = freePorts(); err == nil {
		if err = b.write(); err == nil {
			err = b.start(ctx)
		}
	}
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("start a broker: %w", err)
	}
	return b, nil
}

// start starts the broker on its folder, with a leash of its own.
func (b *Broker) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l, err := newLeash(b.env(), b.dir)
	if err != nil {
		return err
	}
	b.leash = l
	if err := b.ready(ctx); err != nil {
		return fmt.Errorf("%w; its log ends: %s", err, b.tail())
	}
	return nil
}

// ready waits until the broker answers the header of the protocol.
func (b *Broker) ready(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-b.leash.ended:
			if log, output := b.log(); strings.Contains(log+output, "eaddrinuse") {
				return errTaken
			}
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("it takes no connections: %w", context.Cause(ctx))
		case <-tick.C:
			if answers(ctx, b.Addr()) {
				return nil
			}
		}
	}
}

// answers reports whether a broker says Connection.Start at an address.
func answers(ctx context.Context, addr string) bool {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	first := make([]byte, 1)
	if c.SetDeadline(time.Now().Add(5*time.Second)) != nil {
		return false
	}
	if _, err := c.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return false
	}
	_, err = c.Read(first)
	return err == nil && first[0] == 1 // a method frame, and no header with another version
}

// Close kills the broker and removes its folder. It may be called again.
func (b *Broker) Close() {
	if b.leash != nil {
		b.leash.close()
	}
	_ = os.RemoveAll(b.dir) // the leash removed it, unless it was stopped itself
}

// Kill9 ends the broker as a power cut of its machine would, but for what the
// kernel has not written yet. Restart starts it again.
func (b *Broker) Kill9() error { return b.end("KILL") }

// Term has the broker end in good order, which takes some seconds. Restart starts it again.
func (b *Broker) Term() error { return b.end("TERM") }

func (b *Broker) end(signal string) error {
	if err := b.Signal(signal); err != nil {
		return err
	}
	select {
	case <-b.leash.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the broker still runs %v after SIG%s", patience, signal)
	}
}

// Signal sends the broker a signal: "STOP", "CONT", "KILL", "TERM".
func (b *Broker) Signal(name string) error { return b.leash.signal(name) }

// Restart starts the broker again, on its data and its ports; one that still runs is killed first.
func (b *Broker) Restart(ctx context.Context) error {
	b.leash.keep()
	b.leash.close()
	if err := b.start(ctx); err != nil {
		return fmt.Errorf("start the broker again: %w", err)
	}
	return nil
}

// Pid is the broker's process.
func (b *Broker) Pid() int { return b.leash.pid }

// Addr is where it listens: 127.0.0.1 and a port.
func (b *Broker) Addr() string { return fmt.Sprintf("127.0.0.1:%d", b.ports.amqp) }

// TLSAddr is where it listens for TLS, with Options.TLS.
func (b *Broker) TLSAddr() string { return fmt.Sprintf("127.0.0.1:%d", b.ports.tls) }

// URL is what a client without TLS dials.
func (b *Broker) URL(user, password, vhost string) string {
	return URL("amqp", b.Addr(), user, password, vhost)
}

// TLSURL is what a client with TLS dials. Without a user it names none: for a
// client that has a certificate.
func (b *Broker) TLSURL(user, password, vhost string) string {
	return URL("amqps", b.TLSAddr(), user, password, vhost)
}

// URL writes the URL of a broker at any address.
func URL(scheme, addr, user, password, vhost string) string {
	u := url.URL{Scheme: scheme, Host: addr, Path: "/" + vhost, RawPath: "/" + url.PathEscape(vhost)}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// Ctl runs rabbitmqctl on the broker and returns what it printed. A call costs half a second.
func (b *Broker) Ctl(ctx context.Context, args ...string) (string, error) {
	port, err := FreePort()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "rabbitmqctl"), args...)
	cmd.Dir, cmd.WaitDelay = b.dir, time.Second
	cmd.Env = append(b.env(), fmt.Sprint("RABBITMQ_CTL_DIST_PORT_MIN=", port), fmt.Sprint("RABBITMQ_CTL_DIST_PORT_MAX=", port+20))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("rabbitmqctl %s: %w: %s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// Import adds definitions to those that the broker has. As JSON.
func (b *Broker) Import(ctx context.Context, definitions []byte) error {
	f, err := os.CreateTemp(b.dir, "import-*.json")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(definitions)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = b.Ctl(ctx, "import_definitions", f.Name())
	return err
}

// log is what the broker wrote to its log and to its standard output.
func (b *Broker) log() (log, output string) {
	text, _ := os.ReadFile(filepath.Join(b.dir, "log", fmt.Sprintf("t%d@localhost.log", b.ports.amqp))) // for a message; what is not there is not shown
	said, _ := os.ReadFile(filepath.Join(b.dir, "output"))
	return string(text), string(said)
}

// tail is the end of the log, or where there is none yet of what it said.
func (b *Broker) tail() string {
	log, output := b.log()
	text := strings.TrimSpace(cmp.Or(log, output))
	return text[max(0, len(text)-2000):]
}
