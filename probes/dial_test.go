package probes

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// blackHole is a listener whose queue is full: packets to it are dropped.
func blackHole(t testing.TB) string { return holeAt(t, [4]byte{127, 0, 0, 1}, 0) }

// holeAt is one at an address. Its queue is filled by calls that do not wait:
// over the loopback a connection is made, or its packet is gone, as they return.
func holeAt(t testing.TB, host [4]byte, port int) string {
	t.Helper()
	open := func() int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(fd) })
		return fd
	}
	fd := open()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: host, Port: port}); err != nil {
		t.Skip(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // one is enough for Linux; the rest is for sure
		c := open()
		if err := syscall.SetNonblock(c, true); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Connect(c, name); err != nil && err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
	}
	to := net.JoinHostPort(netip.AddrFrom4(host).String(), strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
	if c, err := net.DialTimeout("tcp", to, 50*time.Millisecond); err == nil {
		c.Close()
		t.Skip("this system takes more connections than a listener asked for")
	}
	return to
}

// onV4 listens on a port of 127.0.0.1 that is closed on ::1.
func onV4(t testing.TB) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(probetest.Serve(t, greet))
	l, err := net.Listen("tcp", "[::1]:"+port)
	if err != nil {
		t.Skip("no IPv6 here, or the port is taken")
	}
	l.Close()
	return port
}

var tcpFaults = []produced{
	{uptime.FaultTCPTimeout, "timed out after", func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "tcp", "tcp://"+blackHole(t), nil, nil))
	}},
	{uptime.FaultTCPTimeout, "timed out after", refusedBy(syscall.ETIMEDOUT)},
	{uptime.FaultTCPRefused, "TCP connect 127.0.0.1:", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "tcp", "tcp://"+probetest.Closed(t), nil, nil))
	}},
	{uptime.FaultTCPRefused, "refused; its other address failed too", func(t *testing.T) uptime.Result {
		_, port, _ := net.SplitHostPort(probetest.Closed(t))
		return once(t, made(t, testSystem(), "tcp", "tcp://twofold.test:"+port, nil, nil))
	}},
	{uptime.FaultTCPReset, "reset", refusedBy(syscall.ECONNRESET)},
	{uptime.FaultTCPHostUnreachable, "host unreachable", refusedBy(syscall.EHOSTUNREACH)},
	{uptime.FaultTCPNetUnreachable, "a router says", refusedBy(syscall.ENETUNREACH)},
	{uptime.FaultTCPV6OnlyDead, "refused; 127.0.0.1 answers", func(t *testing.T) uptime.Result {
		return once(t, made(t, testSystem(), "tcp", "tcp://twofold.test:"+onV4(t), nil, nil))
	}},
	{uptime.FaultTCPSomeAddressesDead, "TCP connect 127.0.0.1:", func(t *testing.T) uptime.Result {
		l, err := net.Listen("tcp", "127.0.0.2:0")
		if err != nil {
			t.Skip(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		sys := asking(nameServer(t, false, zone(t, "shop.test. 60 IN A 127.0.0.1", "shop.test. 60 IN A 127.0.0.2")))
		return once(t, made(t, sys, "tcp", "tcp://shop.test:"+port, nil, nil))
	}},
}

// TestShareOfTime gives a silent first address its share and no more.
func TestShareOfTime(t *testing.T) {
	dead := blackHole(t)
	_, port, _ := net.SplitHostPort(dead)
	l, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	sys := asking(nameServer(t, false, zone(t, "shop.test. 60 IN A 127.0.0.1", "shop.test. 60 IN A 127.0.0.2")))
	job := soon(made(t, sys, "tcp", "tcp://shop.test:"+port, nil, nil))
	r := once(t, job)
	if r.Fault != uptime.FaultTCPSomeAddressesDead || r.Address != "127.0.0.2:"+port {
		t.Errorf("%+v", r)
	}
}

// TestNothingLeftBehind makes many checks that time out, in every phase.
func TestNothingLeftBehind(t *testing.T) {
	silent := probetest.Serve(t, func(c net.Conn) { c.Read(make([]byte, 1)); c.Read(make([]byte, 4096)); c.Read(make([]byte, 4096)) })
	hole := blackHole(t)
	quietServer := probetest.ServeUDP(func([]byte) [][]byte { return nil })(t)
	jobs := []uptime.Job{
		made(t, testSystem(), "http", "http://"+silent, nil, nil),
		made(t, testSystem(), "http", "https://"+silent, nil, nil),
		made(t, testSystem(), "http", "http://"+hole, nil, nil),
		made(t, testSystem(), "tcp", "tcp://"+silent, nil, keys{"banner": "x"}),
		made(t, asking(quietServer, quietServer), "http", "http://shop.test", nil, nil),
	}
	base := probetest.Count()
	results := make(chan uptime.Result, 300) // one slot a check, so that none waits
	for i := range 300 {
		go func() { results <- new(Runner).Run(t.Context(), soon(jobs[i%len(jobs)])) }()
	}
	for range 300 {
		if r := <-results; r.Fault.Side() != uptime.Path {
			t.Errorf("%s: %s", r.Fault, r.Message)
		}
	}
	probetest.Settled(t, base)
}

// TestNoTimeLeft has checks whose time was used up before they could try an
// address, as by a slow resolver: nothing was there to say, and a panic.
func TestNoTimeLeft(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	for typ, want := range map[string]uptime.Fault{"tcp": uptime.FaultTCPTimeout, "ntp": uptime.FaultReplyTimeout, "icmp": uptime.FaultICMPTimeout} {
		if typ == "icmp" {
			mayPing(t)
		}
		r := made(t, testSystem(), typ, typ+"://127.0.0.1"+map[string]string{"tcp": ":1"}[typ], nil, nil).Checker.Check(late)
		if r.Fault != want {
			t.Errorf("%s: %s: %s", typ, r.Fault, r.Message)
		}
	}
}

// TestSilentAddresses gets to the third address in three seconds, which Go's
// dialer does not: it gives each at least two.
func TestSilentAddresses(t *testing.T) {
	_, port, _ := net.SplitHostPort(blackHole(t)) // 127.0.0.1
	n, _ := strconv.Atoi(port)
	holeAt(t, [4]byte{127, 0, 0, 2}, n)
	l, err := net.Listen("tcp", "127.0.0.3:"+port)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	sys := asking(nameServer(t, false, zone(t, "shop.test. 60 IN A 127.0.0.1", "shop.test. 60 IN A 127.0.0.2", "shop.test. 60 IN A 127.0.0.3")))
	for _, ip := range []string{"any", "each"} {
		job := made(t, sys, "tcp", "tcp://shop.test:"+port, keys{"ip": ip}, nil)
		job.Timeout = 3 * time.Second
		r := once(t, job)
		if r.Fault != uptime.FaultTCPSomeAddressesDead || r.Address != "127.0.0.3:"+port || len(r.Steps) != 4 {
			t.Errorf("%s: %s: %s\n%+v", ip, r.Fault, r.Message, r.Steps)
		}
	}
}
