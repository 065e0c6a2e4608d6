// Command demo shows an engine with probes at other places, on this machine: it
// starts a private broker, an engine and three probes, each in a network
// namespace of its own where that is allowed, lets websites fail in ways of
// their own, and opens the console. Everything ends with it, and nothing stays.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/topology"
	"lookout/tui/cli/e2e"
)

const (
	inside  = "LOOKOUT_DEMO_INSIDE" // in the environment: we are in a network namespace of our own
	address = "203.0.113.1"         // of the engine's machine there
	vhost   = "demo"
)

var places = []string{"fra", "nyc", "sgp"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	code, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(ctx context.Context) (code int, err error) {
	if os.Getenv(inside) != "" {
		return 0, demo(ctx, namespaces{make(map[string]*exec.Cmd)})
	}
	if info, err := os.Stdin.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return 0, errors.New("it opens the console, which needs a terminal")
	}
	enter := enterNamespace()
	if enter == nil {
		fmt.Fprintln(os.Stderr, "demo: no network namespaces here, so the places are all on loopback")
		return 0, demo(ctx, loopback{})
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(enter[0], append(enter[1:], self)...)
	cmd.Env = append(os.Environ(), inside+"=yes")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	end := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) }) //nolint:errcheck // it may be gone
	defer end()
	var exit *exec.ExitError
	if err = cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// network is where the places are.
type network interface {
	// build makes it, and returns the address of the engine's machine.
	build(ctx context.Context) (address string, err error)
	// at has a command run at a place.
	at(place string, cmd *exec.Cmd) *exec.Cmd
	// end takes it down.
	end()
}

// demo runs all of it until the console is closed.
func demo(ctx context.Context, n network) error {
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	dir, err := os.MkdirTemp("", "lookout-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	defer n.end()
	host, err := n.build(ctx)
	if err != nil {
		return err
	}
	say("building lookout …")
	binary, err := e2e.Build(dir)
	if err != nil {
		return err
	}

	say("starting a broker …")
	door, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	remote, broker, err := startBroker(ctx, filepath.Join(dir, "remote"), door, host)
	if err != nil {
		return err
	}
	defer broker.Close()
	relay := relayTo(ctx, door, broker.TLSAddr())
	defer relay()
	remote.Binary = binary

	sites, err := newSites(host)
	if err != nil {
		return err
	}
	defer sites.close()

	say("starting an engine, and probes in %s …", strings.Join(places, ", "))
	if err := os.Mkdir(filepath.Join(dir, "engine"), 0o700); err != nil {
		return err
	}
	home, err := e2e.NewHome(binary, filepath.Join(dir, "engine"), "")
	if err != nil {
		return err
	}
	secrets := filepath.Join(home.Dir, "secrets")
	config := fmt.Sprintf("instance = \"demo\"\nsecrets_dir = %q\n", secrets) + remote.Include() + sites.config()
	if err := errors.Join(e2e.WriteSecrets(secrets, map[string]string{"who": "local"}), home.Write(config)); err != nil {
		return err
	}
	for _, id := range remote.Probes {
		place, _, _ := strings.Cut(id, "/")
		if err := remote.Configure(id, map[string]string{"who": place}, fmt.Sprintf("[policy]\nallow = [%q]\n", host)); err != nil {
			return err
		}
		p, err := e2e.Spawn(n.at(place, remote.Command(id)))
		if err != nil {
			return err
		}
		defer p.Stop() //nolint:errcheck // it is killed then
	}
	engine, err := home.Engine()
	if err != nil {
		return err
	}
	defer engine.Stop() //nolint:errcheck // as above
	telling, quiet := context.WithCancel(ctx)
	defer quiet()
	go sites.play(telling)
	return console(ctx, home)
}

// startBroker makes what the engine and the probes need, and a broker that has it.
func startBroker(ctx context.Context, dir string, door net.Listener, host string) (*e2e.Remote, *brokertest.Broker, error) {
	r := &e2e.Remote{Dir: dir}
	for _, p := range places {
		r.Probes = append(r.Probes, p+"/p1")
	}
	url := fmt.Sprintf("amqps://%s/%s", door.Addr(), vhost)
	if _, err := topology.Init(topology.Options{Dir: dir, Probes: r.Probes, URL: url, ServerNames: []string{host}, Now: time.Now()}); err != nil {
		return nil, nil, err
	}
	var tls brokertest.TLS
	var definitions []byte
	for name, into := range map[string]*[]byte{"ca.pem": &tls.CA, "server.pem": &tls.Cert, "server.key": &tls.Key, "definitions.json": &definitions} {
		text, err := os.ReadFile(filepath.Join(dir, "broker", name))
		if err != nil {
			return nil, nil, err
		}
		*into = text
	}
	tls.Clients = true
	b, err := brokertest.Launch(ctx, brokertest.Options{Definitions: definitions, TLS: &tls})
	return r, b, err
}

// console opens the dashboard on the engine, and ends with it.
func console(ctx context.Context, home *e2e.Home) error {
	cmd := home.Command("attach")
	cmd.Env = append(cmd.Env, "TERM="+os.Getenv("TERM"), "COLORTERM="+os.Getenv("COLORTERM"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	end := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) }) //nolint:errcheck // it may be gone
	defer end()
	err := cmd.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}
