package probes

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"lookout/engine/uptime"
)

// maxAddresses is how many addresses of a name a check tries.
const maxAddresses = 8

// endpoint is where a check goes.
type endpoint struct {
	host string // a name in ASCII, or an address without brackets
	port uint16
	ip   string // any, 4, 6 or each
	via  *via   // nil: as this machine has it
}

// via is what a monitor says of the way to its target.
type via struct {
	resolvers []netip.AddrPort // asked for names; nil: the system's
	source    string           // an address of this machine or an interface; "": the system chooses
}

// String is host:port.
func (e endpoint) String() string { return net.JoinHostPort(e.host, strconv.Itoa(int(e.port))) }

// watch makes every wait on c end with ctx. Its result has to be called before
// c is closed.
func watch(ctx context.Context, c net.Conn) func() {
	ended := make(chan struct{}) // closed by the function below, which nobody waits for in vain
	stop := context.AfterFunc(ctx, func() {
		c.SetDeadline(time.Unix(1, 0))
		close(ended)
	})
	return func() {
		if !stop() {
			<-ended
		}
	}
}

// speak makes a check of one connection: do speaks on it, and its waits end
// with ctx. It is called again on a new one where a TLS hello was lost.
func (s *system) speak(ctx context.Context, e endpoint, do func(*trace, net.Conn) *failure) uptime.Result {
	t := newTrace()
	return t.end(t.greeting(func() *failure {
		conn, f := s.connect(ctx, t, e)
		if f != nil {
			return f
		}
		defer conn.Close()
		defer watch(ctx, conn)()
		return do(t, conn)
	}))
}

// connect resolves a host and tries its addresses one after the other, each
// with an equal share of the time that is left. A success after a failure
// carries a complaint: somebody else may have met the dead address.
func (s *system) connect(ctx context.Context, t *trace, e endpoint) (net.Conn, *failure) {
	addrs, f := s.resolve(ctx, t, e)
	if f != nil {
		return nil, f
	}
	addrs = addrs[:min(len(addrs), maxAddresses)]
	var failed []deadAddress
	for i, a := range addrs {
		to := netip.AddrPortFrom(a, e.port)
		c, f := connectTo(ctx, t, to, left(ctx)/time.Duration(len(addrs)-i))
		if f == nil {
			t.complainOf(failed, a)
			return c, nil
		}
		failed = append(failed, deadAddress{a, f})
		if f.fault.Side() == uptime.Ours && f.fault != uptime.FaultLocalNoRoute || ctx.Err() != nil {
			break
		}
	}
	return nil, worst(failed)
}

// connectTo makes one TCP connection.
func connectTo(ctx context.Context, t *trace, to netip.AddrPort, wait time.Duration) (net.Conn, *failure) {
	t.res.Address = to.String()
	d := net.Dialer{Timeout: wait, KeepAlive: -1}
	start := time.Now()
	c, err := d.DialContext(ctx, "tcp", t.res.Address)
	t.measure(connectTime, t.step("connect", start, t.res.Address, err, ""))
	if err == nil {
		return c, nil
	}
	return nil, connectFailure(to, err, time.Since(start))
}

// connectFailure classes what connect(2) said.
func connectFailure(to netip.AddrPort, err error, took time.Duration) *failure {
	errno, _ := errnoOf(err)
	switch errno {
	case syscall.ECONNREFUSED:
		return fail(uptime.FaultTCPRefused, "TCP connect %s refused", to)
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED:
		return fail(uptime.FaultTCPReset, "TCP connect %s reset", to)
	case syscall.ETIMEDOUT:
		return fail(uptime.FaultTCPTimeout, "TCP connect %s timed out after %s", to, uptime.Took(took))
	case syscall.EACCES, syscall.EHOSTDOWN, syscall.ENOPROTOOPT, syscall.ENONET, syscall.EPROTO:
		// A router's ICMP message makes these too ("administratively prohibited" is EACCES over
		// IPv6); when our own table lets us go there, that is who said it.
		if unroutable(to) == nil {
			return fail(uptime.FaultTCPHostUnreachable, "TCP connect %s: a router or the host refuses the way to it (%s)", to, errnoName(err))
		}
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL:
		if why := unroutable(to); why != nil {
			return fail(uptime.FaultLocalNoRoute, "TCP connect %s: this machine has no route to it (%s)", to, errnoName(why))
		}
		if errno == syscall.ENETUNREACH {
			return fail(uptime.FaultTCPNetUnreachable, "TCP connect %s: a router says its network is unreachable (ENETUNREACH)", to)
		}
		if errno == syscall.EHOSTUNREACH {
			return fail(uptime.FaultTCPHostUnreachable, "TCP connect %s: host unreachable (EHOSTUNREACH)", to)
		}
	}
	if f := localFailure("TCP connect "+to.String(), err); f != nil {
		return f
	}
	if timedOut(err) || isTimeout(err) {
		return fail(uptime.FaultTCPTimeout, "TCP connect %s timed out after %s", to, uptime.Took(took))
	}
	return fail(uptime.FaultLocalConfig, "TCP connect %s: %s", to, plain(err))
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// unroutable asks our own routing table for the way to an address, without
// sending anything: it says whether an unreachable destination is our own
// finding (the error) or a router's (nil).
func unroutable(to netip.AddrPort) error {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return err
	}
	c.Close()
	return nil
}

// deadAddress is an address that did not answer, and why.
type deadAddress struct {
	addr netip.Addr
	f    *failure
}

// worst is the failure that stands for all addresses: the first that is not our missing route.
func worst(failed []deadAddress) *failure {
	first := failed[0].f
	for _, d := range failed {
		if d.f.fault != uptime.FaultLocalNoRoute {
			first = d.f
			break
		}
	}
	if n := len(failed) - 1; n == 1 {
		return fail(first.fault, "%s; its other address failed too", first.text)
	} else if n > 1 {
		return fail(first.fault, "%s; its %d other addresses failed too", first.text, n)
	}
	return first
}

// complainOf makes a check that reached a host degraded when others of its
// addresses are dead. An address that we have no route to says nothing.
func (t *trace) complainOf(failed []deadAddress, good netip.Addr) {
	for _, d := range failed {
		if d.f.fault == uptime.FaultLocalNoRoute {
			continue
		}
		fault := uptime.FaultTCPSomeAddressesDead
		if good.Is4() && d.addr.Is6() {
			fault = uptime.FaultTCPV6OnlyDead
		}
		t.complain(fail(fault, "%s; %s answers", d.f.text, good))
	}
}
