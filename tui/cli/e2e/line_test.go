//go:build linux

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lookout/engine/uptime"
)

// world is two machines of a cable: the near one, on which an engine runs, and
// the far one, which is everything else. Both are network namespaces that end
// with the test.
type world struct {
	t         *testing.T
	near, far string      // a process in each
	deaf      atomic.Bool // the far resolver says nothing
	serving   sync.WaitGroup
}

// beyond are the networks of the far machine, beside the one of the cable.
var beyond = []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.1.0/24", "198.18.2.0/24", "198.18.3.0/24", "198.18.4.0/24", "198.18.5.0/24"}

func newWorld(t *testing.T) *world {
	t.Helper()
	for _, tool := range []string{"ip", "nsenter", "unshare"} {
		need(t, tool)
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: the engine's own line is cut in network namespaces, which only root can make")
	}
	w := &world{t: t, near: holder(t), far: holder(t)}
	t.Cleanup(w.serving.Wait) // after the listeners are closed
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	check(t, os.WriteFile(conf, []byte("nameserver 198.51.100.53\n"), 0o644))
	w.in(w.near, "mount --bind "+conf+" /etc/resolv.conf",
		"ip link add up0 type veth peer name up0 netns "+w.far, "ip link set lo up", "ip addr add 10.9.0.2/24 dev up0")
	w.in(w.far, "ip link set lo up", "ip addr add 10.9.0.1/24 dev up0", "ip link set up0 up")
	w.lineUp()
	w.beyondUp()
	w.at(func() (io.Closer, error) {
		l, err := net.Listen("tcp4", "0.0.0.0:80")
		if err == nil {
			w.serving.Go(func() {
				for c, err := l.Accept(); err == nil; c, err = l.Accept() {
					c.Close()
				}
			})
		}
		return l, err
	})
	w.at(func() (io.Closer, error) {
		c, err := net.ListenPacket("udp4", "198.51.100.53:53")
		if err == nil {
			w.serving.Go(func() { w.resolve(c) })
		}
		return c, err
	})
	return w
}

// holder is the process that keeps the namespaces of a machine.
func holder(t *testing.T) string {
	t.Helper()
	p, err := Spawn(exec.Command("unshare", "-n", "-m", "sleep", "600"))
	check(t, err)
	t.Cleanup(p.Kill)
	pid := strconv.Itoa(p.Pid())
	own, err := os.Readlink("/proc/self/ns/net")
	check(t, err)
	check(t, within(t, patience, "a network namespace", func() bool {
		ns, err := os.Readlink("/proc/" + pid + "/ns/net")
		exe, _ := os.Readlink("/proc/" + pid + "/exe")
		return err == nil && ns != own && !strings.HasSuffix(exe, "unshare")
	}))
	return pid
}

// in runs commands on a machine.
func (w *world) in(machine string, commands ...string) {
	w.t.Helper()
	for _, c := range commands {
		out, err := exec.Command("nsenter", append([]string{"-t", machine, "-n", "-m"}, strings.Fields(c)...)...).CombinedOutput()
		if err != nil {
			w.t.Fatalf("%s: %v: %s", c, err, out)
		}
	}
}

func (w *world) lineUp() {
	w.in(w.near, "ip link set up0 up", "ip route add default via 10.9.0.1")
}

func (w *world) lineDown() { w.in(w.near, "ip link set up0 down") }

func (w *world) beyondUp() {
	for _, n := range beyond {
		w.in(w.far, "ip route add local "+n+" dev lo")
	}
}

// beyondDown has the far machine drop what is not for the cable itself.
func (w *world) beyondDown() {
	for _, n := range beyond {
		w.in(w.far, "ip route del local "+n+" dev lo")
	}
}

// at opens a listener on the far machine. The thread that goes there comes back:
// if it ended, so would every process that was ever started from it (Pdeathsig).
func (w *world) at(open func() (io.Closer, error)) {
	w.t.Helper()
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	check(w.t, err)
	defer home.Close()
	there, err := os.Open("/proc/" + w.far + "/ns/net")
	check(w.t, err)
	defer there.Close()
	check(w.t, unix.Setns(int(there.Fd()), unix.CLONE_NEWNET))
	c, err := open()
	check(w.t, unix.Setns(int(home.Fd()), unix.CLONE_NEWNET))
	runtime.UnlockOSThread()
	check(w.t, err)
	w.t.Cleanup(func() { c.Close() })
}

// resolve answers every question for an address with the same one, and every other with nothing.
func (w *world) resolve(c net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		end := 12 // of the question
		for end < n && b[end] != 0 {
			end += int(b[end]) + 1
		}
		if end += 5; end > n || w.deaf.Load() {
			continue
		}
		answer := append([]byte{}, b[:end]...)
		copy(answer[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
		if b[end-4] == 0 && b[end-3] == 1 { // A
			answer[7] = 1
			a := netip.MustParseAddr("198.18.5.1").As4()
			answer = append(append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4), a[:]...)
		}
		_, _ = c.WriteTo(answer, from)
	}
}

// TestOwnLine cuts the line of the machine that the engine runs on, in two ways,
// and has its resolver fall silent, each for longer than an outage takes to be
// one: nobody is told of a target. Then one target goes away, and that is told.
// Each trouble has a world of its own, so that they last beside each other.
// What the machine lacks has tests beside this one: TestFewFiles, TestNoPorts.
func TestOwnLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		begin, end  func(*world)
		node, fault string   // what is said of the machine, and of all monitors
		up          []string // but these
		over        string   // how the event of its end begins
	}{
		{"a line that leads nowhere", (*world).beyondDown, (*world).beyondUp, "offline: ", "local.node_offline", []string{"near"}, "not offline any more"},
		{"a cable that is unplugged", (*world).lineDown, (*world).lineUp, "offline: ", "local.no_route", nil, "not offline any more"},
		{"a resolver that is silent", func(w *world) { w.deaf.Store(true) }, func(w *world) { w.deaf.Store(false) },
			"no name server answers: 198.51.100.53:53 is silent", "local.resolver_down", []string{"far1", "far2", "far3", "far4", "near"}, "name servers answer again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			h := w.engine()
			allUp := func(what string) {
				t.Helper()
				until(t, h, what, 3*patience, func(s status) bool { return s.Counts["up"] == 7 && s.Node == "" })
			}
			allUp("everything up at the start")
			tt.begin(w)
			began, said := time.Now(), false
			until(t, h, tt.name, 3*patience, func(s status) bool { // long enough for any of them to be down
				said = said || strings.HasPrefix(s.Node, tt.node)
				if time.Since(began) < longEnough {
					return false
				}
				for _, m := range s.Monitors {
					fine := m.Verdict == uptime.Up && slices.Contains(tt.up, m.Monitor)
					if !fine && (m.Verdict != uptime.Unknown || m.Fault != tt.fault) {
						return false
					}
				}
				return said
			})
			tt.end(w)
			allUp("everything up after that")

			w.in(w.far, "ip route del local 198.18.3.0/24 dev lo")
			until(t, h, "an outage of one target", 3*patience, func(s status) bool { return s.Counts["down"] == 1 })
			var downs, nodes []string
			check(t, within(t, patience, "the event of the outage", func() bool { // an event is told once it is stored
				downs, nodes = nil, nil
				for _, e := range events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout) {
					switch {
					case e.Kind == uptime.EventVerdict && e.To == uptime.Down:
						downs = append(downs, e.Monitor)
					case e.Kind == uptime.EventNode && !strings.HasPrefix(e.Message, "started") && !strings.Contains(e.Message, " is over after "):
						nodes = append(nodes, e.Message)
					}
				}
				return len(downs) > 0
			}))
			if len(downs) != 1 || downs[0] != "far3" {
				t.Errorf("down: %v, want far3", downs)
			}
			want := []string{"the anchor 203.0.114.1:80 ", tt.node, tt.over}
			if !slices.EqualFunc(nodes, want, strings.HasPrefix) {
				t.Errorf("events of the node:\n%s\nwant:\n%s", strings.Join(nodes, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// engine starts an engine on the near machine, which watches what is beyond the
// cable, its other end, and two names.
func (w *world) engine() *Home {
	var config strings.Builder
	config.WriteString("[self_check]\nanchors = [\"192.0.2.1:80\", \"198.51.100.1:80\", \"203.0.113.1:80\", \"203.0.114.1:80\"]\n" +
		"[defaults]\ninterval = \"1s\"\ntimeout = \"1s\"\n")
	for name, target := range map[string]string{"far1": "198.18.1.1", "far2": "198.18.2.1", "far3": "198.18.3.1", "far4": "198.18.4.1",
		"near": "10.9.0.1", "name1": "shop.test", "name2": "mail.test"} {
		fmt.Fprintf(&config, "[[monitor]]\nname = %q\nurl = \"tcp://%s:80\"\n", name, target)
	}
	h := home(w.t, config.String())
	p, err := h.EngineIn("-t", w.near, "-n", "-m")
	check(w.t, err)
	w.t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			w.t.Error(err)
		}
	})
	return h
}

// longEnough is more than the window in which a target that is checked every
// second comes to be down.
const longEnough = 14 * time.Second
