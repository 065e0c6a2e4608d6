package probes

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"lookout/engine/uptime"
)

// question is a request in one datagram, which is sent again like a question
// to DNS until its answer comes: one lost packet fails no check.
type question struct {
	// packet is what to send; attempt counts from 0.
	packet func(attempt int) []byte
	// take looks at a datagram that came back. Done says that it is the
	// answer; f is what is wrong with it, or what to say of one that is not
	// the answer if none comes. Detail is for the step.
	take func(b []byte) (done bool, detail string, f *failure)
}

// ask asks the addresses of a host one after the other, each for an equal
// share of the time that is left, until one answers; with ip = "each" all of
// them, and one that answers wrongly is what counts.
func (s *system) ask(ctx context.Context, t *trace, e endpoint, q question) *failure {
	addrs, f := s.resolve(ctx, t, e)
	if f != nil {
		return f
	}
	d := newDialling(s.door(e.via), e, addrs)
	for i, a := range d.addrs {
		if d.done(ctx) {
			break
		}
		answered, f := askOne(ctx, t, d.door, netip.AddrPortFrom(a, e.port), d.share(ctx, t, i), q)
		switch {
		case answered && f == nil:
			d.good = append(d.good, a)
		case answered:
			d.wrong = append(d.wrong, deadAddress{a, f})
		default:
			d.dead = append(d.dead, deadAddress{a, f})
		}
	}
	if len(d.wrong) > 0 {
		t.res.Address = netip.AddrPortFrom(d.wrong[0].addr, e.port).String()
		return d.wrongly()
	}
	if len(d.good) == 0 {
		return s.reconsider(ctx, t, worst(d.dead))
	}
	t.res.Address = netip.AddrPortFrom(d.good[0], e.port).String()
	t.complainOf(d)
	return nil
}

// askOne asks one address. Answered says that the failure is about an answer, not about the lack of one.
func askOne(ctx context.Context, t *trace, way door, to netip.AddrPort, wait time.Duration, q question) (answered bool, f *failure) {
	t.res.Address = to.String()
	start := time.Now()
	detail := ""
	defer func() { t.judged("reply", start, detail, f) }()
	c, err := way.dial(ctx, "udp", to)
	if err != nil {
		return false, way.via.datagramFailure(to, nil, err)
	}
	defer c.Close()
	defer watch(ctx, c)()
	tellErrors(c, to.Addr())
	buf := make([]byte, 65536)
	end := start.Add(wait)
	var other *failure // why a datagram was not the answer
	for attempt := 0; ; attempt++ {
		if _, err := c.Write(q.packet(attempt)); err != nil && !timedOut(err) { // else the check's time is up, as below
			return false, way.via.datagramFailure(to, c, err)
		}
		next := start.Add(retransmitAt(attempt + 1))
		if next.After(end) {
			next = end
		}
		for {
			n, err := receive(ctx, c, buf, next)
			if err == nil {
				var done bool
				var f *failure
				if done, detail, f = q.take(buf[:n]); done {
					t.measure(ttfbTime, time.Since(start))
					return true, f
				}
				other = f
				if time.Now().Before(next) {
					continue // what never stops must not keep us from the clock
				}
			} else if !timedOut(err) {
				return false, way.via.datagramFailure(to, c, err)
			}
			break
		}
		if ctx.Err() != nil || !time.Now().Before(end) {
			if other != nil {
				return true, other
			}
			return false, fail(uptime.FaultReplyTimeout, "UDP %s: no reply to %d requests within %s", to, attempt+1, uptime.Took(time.Since(start)))
		}
	}
}

// receive reads a datagram until then, or the end of ctx.
func receive(ctx context.Context, c net.Conn, buf []byte, until time.Time) (int, error) {
	c.SetReadDeadline(until)
	if err := ctx.Err(); err != nil { // that deadline may have undone the one of a cancelled check
		return 0, err
	}
	return c.Read(buf)
}

// tellErrors asks for the ICMP errors that answer what a socket sends.
func tellErrors(c net.Conn, to netip.Addr) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	if rc, err := sc.SyscallConn(); err == nil {
		rc.Control(func(fd uintptr) { wantErrors(int(fd), to.Unmap().Is6()) })
	}
}

// datagramFailure classes an error of a UDP socket: what a router or the host
// said of a datagram, or what our own system refuses.
func (v *via) datagramFailure(to netip.AddrPort, c net.Conn, err error) *failure {
	if f := doorFailure("UDP "+to.String(), err); f != nil {
		return f
	}
	errno, _ := errnoOf(err)
	switch errno {
	case syscall.ECONNREFUSED:
		return fail(uptime.FaultReplyClosed, "UDP %s: nothing listens at that port (port unreachable)", to)
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EADDRNOTAVAIL:
		if why := v.unroutable(to); why != nil {
			return fail(uptime.FaultLocalNoRoute, "UDP %s: this machine has no route to it (%s)", to, errnoName(why))
		}
	case syscall.EMSGSIZE:
		return fail(uptime.FaultLocalConfig, "UDP %s: the datagram is larger than the way takes (EMSGSIZE)", to)
	}
	if c != nil {
		if word, ok := routerWord(c); ok {
			return word.failure("UDP "+to.String(), to.Addr())
		}
	}
	if errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) {
		return fail(uptime.FaultICMPUnreachable, "UDP %s: unreachable (%s)", to, errnoName(err))
	}
	if f := localFailure("UDP "+to.String(), err); f != nil {
		return f
	}
	if timedOut(err) { // before the socket was made
		return fail(uptime.FaultReplyTimeout, "UDP %s: no time was left to ask", to)
	}
	return fail(uptime.FaultLocalConfig, "UDP %s: %s", to, plain(err))
}
