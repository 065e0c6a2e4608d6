package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"lookout/engine/uptime"
)

// How many addresses of a name a check tries, and where it is to try each.
const (
	maxAddresses = 8
	maxEach      = 16
)

// endpoint is where a check goes.
type endpoint struct {
	host string // a name in ASCII, or an address without brackets
	port uint16
	ip   string     // any, 4, 6 or each
	at   netip.Addr // the address to go to; invalid: any of the host's
	via  *via       // nil: as this machine has it
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
	if e.ip == "each" {
		return s.each(ctx, e, func(ctx context.Context, t *trace, at endpoint) *failure { return s.speakAt(ctx, t, at, do) })
	}
	t := newTrace()
	return t.end(s.reconsider(ctx, t, s.speakAt(ctx, t, e, do)))
}

// speakAt is speak as a part of a check.
func (s *system) speakAt(ctx context.Context, t *trace, e endpoint, do func(*trace, net.Conn) *failure) *failure {
	return t.greeting(func() *failure {
		conn, f := s.connect(ctx, t, e)
		if f != nil {
			return f
		}
		defer conn.Close()
		defer watch(ctx, conn)()
		return do(t, conn)
	})
}

// connect resolves a host and tries its addresses one after the other, each
// with an equal share of the time that is left, until one answers. A success
// beside a failure carries a complaint: somebody else may have met the dead
// address.
func (s *system) connect(ctx context.Context, t *trace, e endpoint) (net.Conn, *failure) {
	addrs, f := s.resolve(ctx, t, e)
	if f != nil {
		return nil, f
	}
	d := newDialling(s.door(e.via), e, addrs)
	d.each = false // a check has one connection; see each, which makes many
	for i, a := range d.addrs {
		if d.done(ctx) {
			break
		}
		d.try(ctx, t, netip.AddrPortFrom(a, e.port), d.share(ctx, t, i))
	}
	if d.conn == nil {
		return nil, s.reconsider(ctx, t, worst(d.dead))
	}
	t.reached = true
	t.res.Address = netip.AddrPortFrom(d.good[0], e.port).String()
	t.complainOf(d)
	return d.conn, nil
}

// dialling is the way through the addresses of a host.
type dialling struct {
	addrs []netip.Addr // that are tried
	each  bool         // all of them, whatever answers
	door  door
	conn  net.Conn // to the one that answered
	good  []netip.Addr
	wrong []deadAddress // that answer, and not as they should
	dead  []deadAddress
}

func newDialling(way door, e endpoint, addrs []netip.Addr) *dialling {
	each, most := e.ip == "each", maxAddresses
	if each {
		most = maxEach
	}
	return &dialling{addrs: addrs[:min(len(addrs), most)], each: each, door: way}
}

// deadAddress is an address that did not answer, or wrongly, and how.
type deadAddress struct {
	addr netip.Addr
	f    *failure
}

// share is the time for the address with this number. What is to come wants
// some of it too: the addresses after it, the rest of a check that tries each,
// and the question whether private addresses are right.
func (d *dialling) share(ctx context.Context, t *trace, i int) time.Duration {
	wait, n := left(ctx), len(d.addrs)-i
	if t.doubt != nil {
		wait -= wait / 5
	}
	if d.each && len(d.addrs) > 1 {
		n++
	}
	return wait / time.Duration(n)
}

// done reports whether no more addresses are to be tried: one answers, time is
// up, or our own side keeps all of them from being tried. The first is tried in
// any case: what comes of it is the failure of a check whose time is up.
func (d *dialling) done(ctx context.Context) bool {
	answered := len(d.good) + len(d.wrong)
	if answered+len(d.dead) == 0 {
		return false
	}
	if ctx.Err() != nil || answered > 0 && !d.each {
		return true
	}
	if len(d.dead) == 0 {
		return false
	}
	f := d.dead[len(d.dead)-1].f
	return f.fault.Side() == uptime.Ours && f.fault != uptime.FaultLocalNoRoute
}

// try makes one TCP connection.
func (d *dialling) try(ctx context.Context, t *trace, to netip.AddrPort, wait time.Duration) {
	t.res.Address = to.String()
	start := time.Now()
	within, cancel := ctx, func() {}
	if wait < left(ctx) { // else its own deadline does
		within, cancel = context.WithTimeout(ctx, wait)
	}
	c, err := d.door.dial(within, "tcp", to)
	cancel()
	var f *failure
	detail := ""
	if err != nil {
		if f = d.door.via.connectFailure(to, err, time.Since(start)); f.fault == uptime.FaultLocalNoRoute {
			detail = "not counted: this place has no way there"
		}
	}
	t.measure(connectTime, t.step("connect", start, t.res.Address, err, detail))
	if err != nil {
		d.dead = append(d.dead, deadAddress{to.Addr(), f})
		return
	}
	d.conn, d.good = c, append(d.good, to.Addr())
}

// connectFailure classes what connect(2) said.
func (v *via) connectFailure(to netip.AddrPort, err error, took time.Duration) *failure {
	if f := doorFailure("TCP connect "+to.String(), err); f != nil {
		return f
	}
	errno, _ := errnoOf(err)
	switch errno {
	case syscall.ECONNREFUSED:
		return fail(uptime.FaultTCPRefused, "TCP connect %s refused", to)
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED:
		return fail(uptime.FaultTCPReset, "TCP connect %s reset", to)
	case syscall.ETIMEDOUT:
		return fail(uptime.FaultTCPTimeout, "TCP connect %s timed out after %s", to, uptime.Took(took))
	case syscall.EACCES, syscall.EHOSTDOWN, syscall.ENOPROTOOPT, errnoNoNet, syscall.EPROTO:
		// A router's ICMP message makes these too ("administratively prohibited" is EACCES over
		// IPv6); when our own table lets us go there, that is who said it.
		if v.unroutable(to) == nil {
			return fail(uptime.FaultTCPHostUnreachable, "TCP connect %s: a router or the host refuses the way to it (%s)", to, errnoName(err))
		}
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL:
		if why := v.unroutable(to); why != nil {
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

// unroutable asks our own routing table for the way to an address, from the
// source if there is one, without
// sending anything: it says whether an unreachable destination is our own
// finding (the error) or a router's (nil). A socket that cannot be had says
// nothing of the way, and one that gets no port has found it.
func (v *via) unroutable(to netip.AddrPort) error {
	c, err := v.socket(context.Background(), "udp", to)
	if err != nil {
		switch errno, _ := errnoOf(err); errno {
		case syscall.EAGAIN, syscall.EADDRINUSE, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS:
			return nil
		}
		return err
	}
	c.Close()
	return nil
}

// worst is the failure that stands for all addresses: the first that is not
// our missing way there, which says nothing about an address.
func worst(failed []deadAddress) *failure {
	stands, others := *failed[0].f, -1
	for _, d := range failed {
		if d.f.fault == uptime.FaultLocalNoRoute {
			continue
		}
		if others++; others == 0 {
			stands = *d.f
		}
	}
	switch {
	case others == 1:
		stands.text += "; its other address failed too"
	case others > 1:
		stands.text += fmt.Sprintf("; its %d other addresses failed too", others)
	}
	return &stands
}

// complainOf makes a check that reached a host degraded when others of its
// addresses are dead.
func (t *trace) complainOf(d *dialling) {
	dead := d.counted()
	families := map[bool]int{} // of the dead, by whether they are IPv4
	for _, a := range dead {
		families[a.addr.Is4()]++
	}
	if len(dead) == 0 {
		return
	}
	fault := uptime.FaultTCPSomeAddressesDead
	alive := func(v4 bool) bool {
		return slices.ContainsFunc(d.good, func(a netip.Addr) bool { return a.Is4() == v4 })
	}
	switch {
	case families[true] == 0 && !alive(false):
		fault = uptime.FaultTCPV6OnlyDead
	case families[false] == 0 && !alive(true):
		fault = uptime.FaultTCPV4OnlyDead
	}
	text := dead[0].f.text
	if d.each {
		text = fmt.Sprintf("%d of %d addresses dead: ", len(dead), len(d.addrs)) + text
	}
	t.complain(fail(fault, "%s; %s answers", text+others(dead[1:]), d.good[0]))
}

// counted are the dead addresses but those that we have no way to, which says nothing of them.
func (d *dialling) counted() []deadAddress {
	return slices.DeleteFunc(slices.Clone(d.dead), func(a deadAddress) bool { return a.f.fault == uptime.FaultLocalNoRoute })
}
