package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoMachines reports that machines of our own cannot be made here.
var ErrNoMachines = errors.New("network namespaces are made by root alone, with ip, nsenter and unshare")

// Machine is a network of its own on this computer: a namespace, which ends with
// it. Where it is, files are ours.
type Machine struct {
	keeper *Process // lives in it
	pid    string
}

// NewMachine makes one that is connected to nothing.
func NewMachine() (*Machine, error) {
	if os.Geteuid() != 0 {
		return nil, ErrNoMachines
	}
	for _, tool := range []string{"ip", "nsenter", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoMachines, err)
		}
	}
	p, err := Spawn(exec.Command("unshare", "-n", "-m", "sleep", "3600"))
	if err != nil {
		return nil, err
	}
	m := &Machine{p, strconv.Itoa(p.Pid())}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		m.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := Poll(ctx, "a network namespace", func() bool {
		ns, err := os.Readlink("/proc/" + m.pid + "/ns/net")
		exe, _ := os.Readlink("/proc/" + m.pid + "/exe")
		return err == nil && ns != own && !strings.HasSuffix(exe, "unshare")
	}); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close ends it.
func (m *Machine) Close() { m.keeper.Kill() }

// Enter are the options of nsenter that lead there.
func (m *Machine) Enter() []string { return []string{"-t", m.pid, "-n", "-m"} }

// Run runs commands there, whose words are parted by blanks.
func (m *Machine) Run(commands ...string) error {
	for _, c := range commands {
		out, err := exec.Command("nsenter", append(m.Enter(), strings.Fields(c)...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", c, err, out)
		}
	}
	return nil
}

// Open opens a listener there. The thread that goes there comes back: if it
// ended, so would every process that was ever started from it (Pdeathsig).
func (m *Machine) Open(open func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	there, err := os.Open("/proc/" + m.pid + "/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer there.Close()
	if err = unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err == nil {
		err = open()
		if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
			return errors.Join(err, back) // the thread stays locked, and is used for nothing else
		}
	}
	runtime.UnlockOSThread()
	return err
}

// Cable is two machines and the cable between them: the near one, on which an
// engine runs, and the far one, which is everything else.
type Cable struct {
	Near, Far *Machine
	Deaf      atomic.Bool // the far resolver says nothing

	serving sync.WaitGroup
	open    []io.Closer
	names   sync.Map // string → netip.Addr
}

const (
	nearAddr     = "10.9.0.2"
	farAddr      = "10.9.0.1" // the far end of the cable, to which everything goes
	resolverAddr = "198.51.100.53"
)

// NewCable makes them. On the far machine, which is nowhere but at its end of
// the cable until it is told to be (Reach), port 80 takes every connection, and
// 198.51.100.53 knows every name: as one address, unless it was given another.
// The file dir/resolv.conf is the near machine's.
func NewCable(dir string) (*Cable, error) {
	c := &Cable{}
	if err := c.make(filepath.Join(dir, "resolv.conf")); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cable) make(conf string) (err error) {
	if err = os.WriteFile(conf, []byte("nameserver "+resolverAddr+"\n"), 0o644); err != nil {
		return err
	}
	if c.Near, err = NewMachine(); err != nil {
		return err
	}
	if c.Far, err = NewMachine(); err != nil {
		return err
	}
	if err = c.Near.Run("mount --bind "+conf+" /etc/resolv.conf",
		"ip link add up0 type veth peer name up0 netns "+c.Far.pid, "ip link set lo up", "ip addr add "+nearAddr+"/24 dev up0"); err != nil {
		return err
	}
	if err = c.Far.Run("ip link set lo up", "ip addr add "+farAddr+"/24 dev up0", "ip link set up0 up"); err != nil {
		return err
	}
	if err = c.Plug(); err != nil {
		return err
	}
	if err = c.Far.Open(func() error {
		l, err := net.Listen("tcp4", "0.0.0.0:80")
		if err != nil {
			return err
		}
		c.open = append(c.open, l)
		c.serving.Go(func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				c.Close()
			}
		})
		return nil
	}); err != nil {
		return err
	}
	if err = c.Reach("198.51.100.0/24"); err != nil {
		return err
	}
	return c.Far.Open(func() error {
		l, err := net.ListenPacket("udp4", resolverAddr+":53")
		if err != nil {
			return err
		}
		c.open = append(c.open, l)
		c.serving.Go(func() { c.resolve(l) })
		return nil
	})
}

// Close ends both machines and what serves on them.
func (c *Cable) Close() error {
	var errs []error
	for _, l := range c.open {
		errs = append(errs, l.Close())
	}
	c.serving.Wait()
	for _, m := range []*Machine{c.Near, c.Far} {
		if m != nil {
			m.Close()
		}
	}
	return errors.Join(errs...)
}

// Plug has the near machine at the cable, and Unplug not.
func (c *Cable) Plug() error {
	return c.Near.Run("ip link set up0 up", "ip route add default via "+farAddr)
}

// Unplug is the end of Plug.
func (c *Cable) Unplug() error { return c.Near.Run("ip link set up0 down") }

// Reach has the far machine at all addresses of some networks.
func (c *Cable) Reach(networks ...string) error { return c.route("add", networks) }

// Lose is the end of Reach: nothing comes back from there.
func (c *Cable) Lose(networks ...string) error { return c.route("del", networks) }

func (c *Cable) route(do string, networks []string) error {
	for _, n := range networks {
		if err := c.Far.Run("ip route " + do + " local " + n + " dev lo"); err != nil {
			return err
		}
	}
	return nil
}

// Swallow has the far machine drop what is for networks within those that it
// is at.
func (c *Cable) Swallow(networks ...string) error {
	for _, n := range networks {
		if err := c.Far.Run("ip route add blackhole " + n + " table local"); err != nil {
			return err
		}
	}
	return nil
}

// Release is the end of Swallow.
func (c *Cable) Release(networks ...string) error {
	for _, n := range networks {
		if err := c.Far.Run("ip route del blackhole " + n + " table local"); err != nil {
			return err
		}
	}
	return nil
}

// Name gives a name another address than all others have.
func (c *Cable) Name(name string, a netip.Addr) { c.names.Store(name, a) }

// resolve answers every question for an IPv4 address, and every other with nothing.
func (c *Cable) resolve(l net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := l.ReadFrom(b)
		if err != nil {
			return
		}
		var labels []string
		end := 12 // of the question
		for end < n && b[end] != 0 {
			next := end + int(b[end]) + 1
			if next > n {
				break
			}
			labels = append(labels, strings.ToLower(string(b[end+1:next])))
			end = next
		}
		if end += 5; end > n || c.Deaf.Load() {
			continue
		}
		answer := append([]byte{}, b[:end]...)
		copy(answer[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
		if b[end-4] == 0 && b[end-3] == 1 { // A
			answer[7] = 1
			addr := netip.MustParseAddr("198.18.5.1")
			if a, ok := c.names.Load(strings.Join(labels, ".")); ok {
				addr = a.(netip.Addr)
			}
			a := addr.As4()
			answer = append(append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4), a[:]...)
		}
		_, _ = l.WriteTo(answer, from)
	}
}
