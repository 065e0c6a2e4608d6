package probes

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// TestSilentTCP has the second server answer where the first one's answer is
// cut and its TCP port says nothing.
func TestSilentTCP(t *testing.T) {
	cut := nameServer(t, true, func(q *dns.Msg, tcp bool) *dns.Msg {
		if tcp {
			return nil
		}
		return rcode(dns.RcodeSuccess, truncated)(q, tcp)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	good := nameServer(t, false, zone(t, "shop.test. 60 IN A 127.0.0.2"))
	if addrs, f := asking(cut, good).resolve(ctx, newTrace(), endpoint{host: "shop.test", ip: "4"}); f != nil || len(addrs) != 1 || ctx.Err() != nil {
		t.Errorf("%v, %+v", addrs, f)
	}
	alone, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, f := asking(cut).resolve(alone, newTrace(), endpoint{host: "shop.test", ip: "4"}); f == nil || f.fault != uptime.FaultDNSTruncatedNoTCP {
		t.Errorf("alone: %+v", f)
	}
}

// bomb is record data that panics when it is read.
type bomb struct{ dns.PrivateRdata }

func (bomb) Unpack([]byte) (int, error) { panic("boom") }

// TestHostileAnswer has a panic over an answer be a failure and not the end of the process.
func TestHostileAnswer(t *testing.T) {
	const kind = 65301
	dns.PrivateHandle("BOMB", kind, func() dns.PrivateRdata { return bomb{} })
	defer dns.PrivateHandleRemove(kind)
	to := probetest.ServeUDP(func(q []byte) [][]byte {
		end := 12 + len("\x04shop\x04test\x00") + 4
		a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, q[12:end]...)
		return [][]byte{append(a, 0xc0, 12, kind>>8, kind&0xff, 0, 1, 0, 0, 0, 60, 0, 1, 0)}
	})(t)
	r := quickly(t, made(t, asking(to), "tcp", "tcp://shop.test:1", nil, nil))
	if r.Fault != uptime.FaultLocalBug || !strings.Contains(r.Message, "boom") {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
	if got := lookup(t.Context(), query{name: "shop.test"}, nil, "any"); got.f == nil || got.f.fault != uptime.FaultLocalBug { // no server to index
		t.Errorf("%+v", got.f)
	}
}

// fakeSocket is a UDP socket that a firewall of ours, or a silent server, is behind.
type fakeSocket struct {
	net.Conn
	sending, receiving error
	closed             chan struct{} // closed by Close, which ends a Read
	once               sync.Once
}

func (s *fakeSocket) Write(b []byte) (int, error) { return len(b), s.sending }

func (s *fakeSocket) Read([]byte) (int, error) {
	if s.receiving == nil {
		<-s.closed
		return 0, net.ErrClosed
	}
	return 0, s.receiving
}

func (s *fakeSocket) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// TestBlockedSending has a packet that our own system does not let out be no
// silence of the server, whatever its reader says later.
func TestBlockedSending(t *testing.T) {
	blocked, silent := netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("192.0.2.2:53")
	for _, receiving := range []error{nil, io.EOF} {
		dial := func(to netip.AddrPort) (net.Conn, error) {
			s := &fakeSocket{closed: make(chan struct{})} // see there
			if to == blocked {
				s.sending, s.receiving = &net.OpError{Op: "write", Err: syscall.EPERM}, receiving
			}
			return s, nil
		}
		q := query{name: "shop.test", qtype: dns.TypeA, dial: dial}
		if f := exchange(t.Context(), q, []netip.AddrPort{blocked}).f; f == nil || f.fault != uptime.FaultLocalBlocked {
			t.Errorf("alone: %+v", f)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		f := exchange(ctx, q, []netip.AddrPort{blocked, silent}).f
		cancel()
		if f == nil || f.fault != uptime.FaultDNSTimeout || !strings.Contains(f.text, silent.String()) || strings.Contains(f.text, blocked.String()) {
			t.Errorf("%+v", f)
		}
	}
}
