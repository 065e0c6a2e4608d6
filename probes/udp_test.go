package probes

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// pong answers every datagram with a text.
func pong(text string) func([]byte) [][]byte {
	return func([]byte) [][]byte { return [][]byte{[]byte(text)} }
}

// datagrams makes a udp check of a listener that does this.
func datagrams(do func([]byte) [][]byte) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "udp", "udp://"+probetest.ServeUDP(do)(t), keys{"send": "PING"}, keys{"banner": "^PONG"}))
	}
}

func datagramRefused(errno syscall.Errno, to string) func(*testing.T) uptime.Result {
	return func(*testing.T) uptime.Result {
		return ended((*via)(nil).datagramFailure(netip.MustParseAddrPort(to), nil, errno))
	}
}

var udpFaults = []produced{
	{uptime.FaultReplyTimeout, "requests within", datagrams(func([]byte) [][]byte { return nil })},
	{uptime.FaultReplyUnexpected, `does not match "^PONG": "PANG"`, datagrams(pong("PANG"))},
	{uptime.FaultReplyClosed, "nothing listens at that port", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "udp", "udp://"+probetest.Closed(t), keys{"send": "PING"}, keys{"banner": ""}))
	}},
	{uptime.FaultICMPUnreachable, "UDP 127.0.0.1:9: unreachable (EHOSTUNREACH)", datagramRefused(syscall.EHOSTUNREACH, "127.0.0.1:9")},
	{uptime.FaultLocalNoRoute, "this machine has no route to it", datagramRefused(syscall.ENETUNREACH, "[fe80::1]:9")},
	{uptime.FaultLocalConfig, "larger than the way takes", datagramRefused(syscall.EMSGSIZE, "127.0.0.1:9")},
	{uptime.FaultLocalBlocked, "firewall rule", datagramRefused(syscall.EPERM, "127.0.0.1:9")},
}

func TestUDP(t *testing.T) {
	echo := probetest.ServeUDP(func(b []byte) [][]byte { return [][]byte{b} })(t)
	for _, tt := range []struct {
		name         string
		values       keys
		expect, gets string
	}{
		{"a text", keys{"send": "PING\r\n"}, "^PING$", `"PING"`},
		{"bytes", keys{"send_hex": "ff FF 54"}, "T$", "\"\uFFFDT\""},
		{"anything", keys{"send": "x"}, "", `"x"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := once(t, made(t, testSystem(), "udp", "udp://"+echo, tt.values, keys{"banner": tt.expect}))
			_, measured := r.Measured("ttfb")
			if r.Outcome != uptime.OutcomeUp || !measured || len(r.Steps) != 1 || r.Steps[0].Detail != tt.gets || r.Address != echo {
				t.Errorf("%s %s %+v", r.Outcome, r.Message, r.Steps)
			}
		})
	}
}

// TestDatagramIsSentAgain loses the first request, as a bad line does.
func TestDatagramIsSentAgain(t *testing.T) {
	var n atomic.Int32
	lossy := probetest.ServeUDP(func([]byte) [][]byte {
		if n.Add(1) == 1 {
			return nil
		}
		return [][]byte{[]byte("PONG")}
	})(t)
	r := once(t, made(t, testSystem(), "udp", "udp://"+lossy, keys{"send": "PING"}, keys{"banner": "^PONG"}))
	if r.Outcome != uptime.OutcomeUp || n.Load() < 2 {
		t.Errorf("%s after %d requests", r.Message, n.Load())
	}
}

// TestDatagramOtherAddress goes on to the next address of a name, and says so.
func TestDatagramOtherAddress(t *testing.T) {
	to := probetest.ServeUDP(pong("PONG"))(t)
	r := once(t, made(t, testSystem(), "udp", "udp://localhost:"+to[strings.LastIndexByte(to, ':')+1:], keys{"send": "PING"}, keys{"banner": "^PONG"}))
	if r.Fault != uptime.FaultTCPV6OnlyDead && r.Outcome != uptime.OutcomeUp || r.Address != to {
		t.Errorf("%s: %s, %s", r.Fault, r.Message, r.Address)
	}
}

func TestUDPMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, url      string
		values, expect keys
		key            string
	}{
		{"nothing to send", "udp://a:1", nil, keys{"banner": "x"}, "send"},
		{"nothing expected", "udp://a:1", keys{"send": "x"}, nil, "expect.banner"},
		{"no port", "udp://a", keys{"send": "x"}, keys{"banner": "x"}, "url"},
		{"a path", "udp://a:1/x", keys{"send": "x"}, keys{"banner": "x"}, "url"},
		{"text and bytes", "udp://a:1", keys{"send": "x", "send_hex": "00"}, keys{"banner": "x"}, "send_hex"},
		{"no bytes", "udp://a:1", keys{"send_hex": "0"}, keys{"banner": "x"}, "send_hex"},
		{"no pattern", "udp://a:1", keys{"send": "x"}, keys{"banner": "("}, "expect.banner"},
		{"too much", "udp://a:1", keys{"send": strings.Repeat("x", maxDatagram+1)}, keys{"banner": "x"}, "send"},
	} {
		if m := mistaken(t, "udp", tt.url, tt.values, tt.expect); len(m) != 1 || m[0].Key != tt.key {
			t.Errorf("%s: %v", tt.name, m)
		}
	}
}
