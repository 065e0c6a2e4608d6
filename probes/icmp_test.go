package probes

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"lookout/engine/uptime"
)

// mayPing skips a test where neither kind of socket may be opened.
func mayPing(t testing.TB) {
	t.Helper()
	c, _, err := openPing(netip.MustParseAddr("127.0.0.1"), nil)
	if errors.Is(err, errNoPing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// wire is a connection on which requests get what a script says: a reply (.),
// nothing (x), an error (!).
type wire struct {
	net.Conn
	script string
	in     chan []byte // from Write to Read, as many as a check sends
	until  time.Time
	sent   int
}

func (w *wire) SetReadDeadline(t time.Time) error { w.until = t; return nil }

func (w *wire) Write(b []byte) (int, error) {
	c := w.script[w.sent]
	w.sent++
	switch c {
	case '.':
		m, err := icmp.ParseMessage(1, b)
		if err != nil {
			return 0, err
		}
		m.Type = ipv4.ICMPTypeEchoReply
		reply, err := m.Marshal(nil)
		if err != nil {
			return 0, err
		}
		w.in <- reply
	case '!':
		w.in <- nil
	}
	return len(b), nil
}

func (w *wire) Read(b []byte) (int, error) {
	select {
	case m := <-w.in:
		if m == nil {
			return 0, syscall.EHOSTUNREACH
		}
		return copy(b, m), nil
	default:
	}
	return 0, os.ErrDeadlineExceeded
}

// scripted pings over a wire.
func scripted(script string, loss float64) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		tr := newTrace()
		p := &pings{conn: &wire{script: script, in: make(chan []byte, len(script))}, addr: netip.MustParseAddr("127.0.0.1")}
		for i := range script {
			if err := p.send(i, 56); err != nil {
				t.Fatal(err)
			}
			p.receive(t.Context(), time.Now(), i == len(script)-1)
		}
		return tr.end(p.judge(tr, icmpCheck{count: len(script), loss: loss}))
	}
}

func routerSaid(w said) func(*testing.T) uptime.Result {
	return func(*testing.T) uptime.Result {
		return ended(w.failure("ping 192.0.2.9", netip.MustParseAddr("192.0.2.9")))
	}
}

var icmpFaults = []produced{
	{uptime.FaultICMPTimeout, "ping 127.0.0.1: no reply to 3 requests", scripted("xxx", 1)},
	{uptime.FaultICMPLoss, "2 of 3 replies missing, at most 50.00% may be", scripted("x.x", 0.5)},
	{uptime.FaultICMPUnreachable, "unreachable (EHOSTUNREACH)", scripted("!!!", 1)},
	{uptime.FaultICMPUnreachable, "host unreachable, says 192.0.2.1 (code 1)", routerSaid(said{3, 1, netip.MustParseAddr("192.0.2.1")})},
	{uptime.FaultICMPTTL, "TTL exceeded", routerSaid(said{11, 0, netip.MustParseAddr("192.0.2.1")})},
}

func TestLoss(t *testing.T) {
	for script, loss := range map[string]int64{"...": 0, "x..": 333333, ".!x": 666667} {
		r := scripted(script, 1)(t)
		m, _ := r.Measured("loss")
		if r.Outcome != uptime.OutcomeUp || m.Value != loss || len(r.Measures) != 4 {
			t.Errorf("%s: %+v", script, r)
		}
	}
}

func TestJitter(t *testing.T) {
	for _, tt := range []struct {
		rtts []time.Duration
		want string
	}{
		{[]time.Duration{0, 0}, "0 of 2 replies"},
		{[]time.Duration{time.Millisecond, 0}, "1 of 2 replies"},
		{[]time.Duration{time.Millisecond, 4 * time.Millisecond, 0, 3 * time.Millisecond}, "3 of 4 replies, jitter 2.0ms"},
	} {
		p := &pings{}
		for _, d := range tt.rtts {
			p.echos = append(p.echos, echo{rtt: d})
		}
		if got := p.detail(); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.rtts, got, tt.want)
		}
	}
}

func TestPing(t *testing.T) {
	mayPing(t)
	for _, target := range []string{"icmp://127.0.0.1", "icmp://[::1]", "icmp://good.test"} {
		r := once(t, made(t, testSystem(), "icmp", target, keys{"count": int64(2), "packet_size": int64(1400)}, keys{"loss_max": uptime.Percentage{}}))
		if r.Outcome != uptime.OutcomeUp && r.Fault != uptime.FaultLocalNoRoute {
			t.Errorf("%s: %s", target, r.Message)
		}
	}
}

func TestICMPMistakes(t *testing.T) {
	for url, key := range map[string]string{"icmp://": "url", "icmp://a:1": "url", "icmp://a/x": "url"} {
		if m := mistaken(t, "icmp", url, nil, nil); len(m) != 1 || m[0].Key != key {
			t.Errorf("%s: %v", url, m)
		}
	}
	if m := mistaken(t, "icmp", "icmp://a", nil, keys{"loss_max": uptime.Percentage{Duration: 1}}); len(m) != 1 || m[0].Key != "expect.loss_max" {
		t.Error(m)
	}
}

func FuzzEcho(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 0, 2, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, raw := range []bool{false, true} {
			p := &pings{raw: raw, addr: there.Addr(), echos: make([]echo, 3)}
			p.take(b)
		}
	})
}

// TestPingEach pings every address of a host, from where the monitor says.
func TestPingEach(t *testing.T) {
	mayPing(t)
	r := once(t, made(t, testSystem(), "icmp", "icmp://twofold.test", keys{"ip": "each", "count": int64(1)}, nil))
	if r.Fault != 0 || len(r.Steps) != 3 || len(r.Measures) != 4 || r.Address != "::1" {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
	r = once(t, made(t, testSystem(), "icmp", "icmp://twofold.test", keys{"ip": "each", "count": int64(1), "source": "127.0.0.7"}, nil))
	if r.Fault != 0 || r.Address != "127.0.0.1" {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
	r = once(t, made(t, testSystem(), "icmp", "icmp://127.0.0.1", keys{"count": int64(1), "source": "192.0.2.77"}, nil))
	if r.Fault != uptime.FaultLocalConfig {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
	if r = once(t, made(t, testSystem(), "icmp", "icmp://127.0.0.1", keys{"count": int64(1), "source": "lo"}, nil)); r.Fault != 0 {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
}
