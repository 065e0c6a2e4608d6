package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// enterNamespace is the command that runs another one in a network namespace of
// its own; nil where that is not allowed, or ip is missing.
func enterNamespace() []string {
	if _, err := exec.LookPath("ip"); err != nil {
		return nil
	}
	for _, enter := range [][]string{{"unshare", "-n"}, {"unshare", "-r", "-n"}} {
		try := exec.Command(enter[0], append(enter[1:], "ip", "link", "set", "lo", "up")...)
		if try.Run() == nil {
			return enter
		}
	}
	return nil
}

// loopback is all places on this machine.
type loopback struct{}

func (loopback) build(context.Context) (string, error) { return "127.0.0.1", nil }
func (loopback) at(_ string, cmd *exec.Cmd) *exec.Cmd  { return cmd }
func (loopback) end()                                  {}

// namespaces is a machine for each place, with a cable to the engine's. They end
// with the processes in them.
type namespaces struct{ keepers map[string]*exec.Cmd }

func (n namespaces) build(ctx context.Context) (string, error) {
	for _, c := range []string{"ip link set lo up", "ip addr add " + address + "/32 dev lo"} {
		if err := command(strings.Fields(c)...); err != nil {
			return "", err
		}
	}
	for i, place := range places {
		keeper := exec.Command("unshare", "-n", "sleep", "infinity")
		keeper.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := keeper.Start(); err != nil {
			return "", err
		}
		n.keepers[place] = keeper
		pid := strconv.Itoa(keeper.Process.Pid)
		if err := apart(ctx, pid); err != nil {
			return "", err
		}
		cable, near, far := "to-"+place, fmt.Sprintf("198.51.100.%d", 4*i+1), fmt.Sprintf("198.51.100.%d", 4*i+2)
		for _, c := range []string{
			"ip link add " + cable + " type veth peer name up0 netns " + pid,
			"ip addr add " + near + "/30 dev " + cable,
			"ip link set " + cable + " up",
			"nsenter -t " + pid + " -n ip link set lo up",
			"nsenter -t " + pid + " -n ip addr add " + far + "/30 dev up0",
			"nsenter -t " + pid + " -n ip link set up0 up",
			"nsenter -t " + pid + " -n ip route add default via " + near,
		} {
			if err := command(strings.Fields(c)...); err != nil {
				return "", err
			}
		}
	}
	return address, nil
}

// apart waits until a process is in a namespace of its own.
func apart(ctx context.Context, pid string) error {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if ns, err := os.Readlink("/proc/" + pid + "/ns/net"); err == nil && ns != own {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (n namespaces) at(place string, cmd *exec.Cmd) *exec.Cmd {
	there := exec.Command("nsenter", append([]string{"-t", strconv.Itoa(n.keepers[place].Process.Pid), "-n"}, cmd.Args...)...)
	there.Dir, there.Env = cmd.Dir, cmd.Env
	return there
}

func (n namespaces) end() {
	for _, k := range n.keepers {
		k.Process.Kill() //nolint:errcheck // it may be gone
		k.Wait()         //nolint:errcheck // it was killed
	}
}

func command(args ...string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// relayTo carries connections to the broker, which listens on loopback alone,
// until the function that it returns is called.
func relayTo(ctx context.Context, door net.Listener, to string) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			near, err := door.Accept()
			if err != nil {
				return
			}
			work.Go(func() { carry(ctx, near, to) })
		}
	})
	return func() {
		cancel()
		door.Close()
		work.Wait()
	}
}

func carry(ctx context.Context, near net.Conn, to string) {
	defer near.Close()
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	shut := func() { near.Close(); far.Close() }
	defer shut()
	stop := context.AfterFunc(ctx, shut)
	defer stop()
	back := make(chan struct{}) // closed when nothing comes back any more
	go func() {
		defer close(back)
		io.Copy(near, far) //nolint:errcheck // the connection has ended, whatever it ended with
		near.Close()
	}()
	io.Copy(far, near) //nolint:errcheck // as above
	far.Close()
	<-back
}
