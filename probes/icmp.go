package probes

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"lookout/engine/uptime"
)

const (
	pingSpacing = 200 * time.Millisecond // between the requests of a check
	pingGrace   = time.Second            // for the last replies, once anything came
	pingToken   = 16                     // random bytes that tell our replies from others'
)

// icmpType sends echo requests.
func icmpType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "icmp",
		Schemes:  []string{"icmp"},
		Summary:  "pings a host",
		Measures: []string{"rtt_min", "rtt_avg", "rtt_max", "loss"},
		Keys: []uptime.Key{
			{Name: "count", Kind: uptime.Int, Doc: "echo requests of a check; default 3", Example: `5`, Min: 1, Max: 20},
			{Name: "packet_size", Kind: uptime.Int, Doc: "bytes of data in each; default 56", Example: `1400`, Min: pingToken, Max: 65000},
		},
		Expect: []uptime.Key{
			{Name: "loss_max", Kind: uptime.Limit, Doc: "the share of replies that may be missing; default: all but one", Example: `"50%"`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := icmpCheck{
				sys:   sys,
				to:    f.host(s.URL.Hostname()),
				count: int(uptime.Value(s.Values, "count", int64(3))),
				size:  int(uptime.Value(s.Values, "packet_size", int64(56))),
				loss:  1,
			}
			if s.URL.Port() != "" {
				f.wrong("url", "write icmp://host", "a ping has no port")
			}
			f.noPath()
			expect := ""
			if p, ok := s.Expect["loss_max"].(uptime.Percentage); ok {
				if p.Duration != 0 || p.Share < 0 || p.Share > 1 {
					f.wrong("expect.loss_max", `write a share, as in "20%"`, "loss_max is no share")
				}
				c.loss = p.Share
				expect = "loss up to " + uptime.Percent(p.Share)
			}
			return f.done(uptime.Check{Checker: c, Dest: c.to.host, Expect: expect})
		},
	}
}

type icmpCheck struct {
	sys   *system
	to    endpoint
	count int
	size  int
	loss  float64
}

// Check pings once, which is a few requests.
func (c icmpCheck) Check(ctx context.Context) uptime.Result {
	t := newTrace()
	f := c.check(ctx, t)
	t.taken = [times]bool{} // the measures of a ping are its own
	return t.end(f)
}

func (c icmpCheck) check(ctx context.Context, t *trace) *failure {
	addrs, f := c.sys.resolve(ctx, t, c.to)
	if f != nil {
		return f
	}
	// One that answers is enough, unless each is to; the measures are those of the first.
	d := newDialling(c.sys.door(c.to.via), c.to, addrs)
	var measures []uptime.Measure
	var answer *failure
	for i, a := range d.addrs {
		if d.done(ctx) {
			break
		}
		within, cancel := context.WithTimeout(ctx, d.share(ctx, t, i))
		t.res.Measures = nil
		f := c.ping(within, t, a)
		cancel()
		answered := f == nil || f.fault == uptime.FaultICMPLoss && !d.each
		switch {
		case !answered:
			d.dead = append(d.dead, deadAddress{a, f})
			continue
		case len(d.good) == 0:
			measures, answer = t.res.Measures, f
		}
		d.good = append(d.good, a)
	}
	if len(d.good) == 0 {
		return c.sys.reconsider(ctx, t, worst(d.dead))
	}
	t.res.Measures, t.res.Address = measures, d.good[0].String()
	t.complainOf(d)
	return answer
}

// echo is one request and what became of it.
type echo struct {
	sent time.Time
	rtt  time.Duration // 0: no reply
	err  *failure      // what a router said of it
}

// pings are the requests of one check.
type pings struct {
	conn  net.Conn
	raw   bool // the connection shows IP headers and other people's replies
	addr  netip.Addr
	via   *via
	id    uint16
	token [pingToken]byte
	echos []echo
}

func (c icmpCheck) ping(ctx context.Context, t *trace, addr netip.Addr) *failure {
	t.res.Address = addr.String()
	conn, raw, err := c.sys.door(c.to.via).ping(addr)
	if err != nil {
		return c.to.via.pingFailure(addr, err)
	}
	defer conn.Close()
	defer watch(ctx, conn)()
	p := &pings{conn: conn, raw: raw, addr: addr, via: c.to.via}
	rand.Read(p.token[:])
	p.id = binary.BigEndian.Uint16(p.token[:])
	start := time.Now()
	spacing := min(pingSpacing, left(ctx)/time.Duration(2*c.count))
	for i := range c.count {
		if err := p.send(i, c.size); err != nil {
			if timedOut(err) { // the check's time is up: what came so far is the answer
				break
			}
			if f := c.to.via.pingFailure(addr, err); f.fault.Side() == uptime.Ours {
				return f
			}
			p.note(err) // a router's word on an earlier request
		}
		last := i == c.count-1
		if err := p.receive(ctx, time.Now().Add(spacing), last); err != nil {
			return c.to.via.pingFailure(addr, err)
		}
	}
	f := p.judge(t, c)
	t.judged("ping", start, p.detail(), f)
	return f
}

// send sends the request with this number.
func (p *pings) send(seq, size int) error {
	data := make([]byte, size)
	copy(data, p.token[:])
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(p.id), Seq: seq, Data: data}}
	if p.addr.Is6() {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	p.echos = append(p.echos, echo{sent: time.Now()})
	_, err = p.conn.Write(b)
	return err
}

// receive takes replies until the next request is due; after the last request
// until every one has an end, or the time is up.
func (p *pings) receive(ctx context.Context, next time.Time, last bool) error {
	buf := make([]byte, 65536)
	for {
		until := next
		if last {
			if p.open() == 0 {
				return nil
			}
			until = time.Now().Add(left(ctx))
			if grace := p.echos[len(p.echos)-1].sent.Add(pingGrace); p.open() < len(p.echos) && grace.Before(until) {
				until = grace
			}
		}
		p.conn.SetReadDeadline(until)
		if ctx.Err() != nil {
			return nil
		}
		n, err := p.conn.Read(buf)
		switch {
		case err == nil:
			p.take(buf[:n])
		case timedOut(err):
			return nil
		case p.open() == 0: // an error that no request of ours caused
			return err
		default:
			p.note(err)
		}
	}
}

// take notes a reply, if it is one of ours.
func (p *pings) take(b []byte) {
	proto := 1
	if p.addr.Is6() {
		proto = 58
	} else if p.raw {
		if len(b) < 20 || len(b) < int(b[0]&0x0f)*4 {
			return
		}
		b = b[int(b[0]&0x0f)*4:]
	}
	seq, ok := readEcho(proto, b, p.token[:])
	if ok && seq < len(p.echos) && p.echos[seq].rtt == 0 {
		p.echos[seq].rtt = max(time.Since(p.echos[seq].sent), time.Microsecond)
	}
}

// readEcho reads the number of a reply that carries our token.
func readEcho(proto int, b, token []byte) (seq int, ok bool) {
	m, err := icmp.ParseMessage(proto, b)
	if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
		return 0, false
	}
	e, isEcho := m.Body.(*icmp.Echo)
	if !isEcho || len(e.Data) < len(token) || !bytes.Equal(e.Data[:len(token)], token) {
		return 0, false
	}
	return e.Seq, true
}

// note charges an error that came in to the oldest request without an end.
func (p *pings) note(err error) {
	for i := range p.echos {
		if e := &p.echos[i]; e.rtt == 0 && e.err == nil {
			e.err = p.via.unreachable(p.addr, p.conn, err)
			return
		}
	}
}

func (p *pings) replies() (n int) {
	for _, e := range p.echos {
		if e.rtt > 0 {
			n++
		}
	}
	return n
}

func (p *pings) open() (n int) {
	for _, e := range p.echos {
		if e.rtt == 0 && e.err == nil {
			n++
		}
	}
	return n
}

// judge takes the measures and says what they mean.
func (p *pings) judge(t *trace, c icmpCheck) *failure {
	n := p.replies()
	lost := 1 - float64(n)/float64(len(p.echos))
	var least, most, sum time.Duration
	var said *failure
	for _, e := range p.echos {
		if said == nil {
			said = e.err
		}
		if e.rtt == 0 {
			continue
		}
		if least == 0 || e.rtt < least {
			least = e.rtt
		}
		most, sum = max(most, e.rtt), sum+e.rtt
	}
	if n > 0 {
		t.res.Measures = append(t.res.Measures, uptime.Measure{Name: "rtt_min", Value: least.Microseconds()},
			uptime.Measure{Name: "rtt_avg", Value: (sum / time.Duration(n)).Microseconds()}, uptime.Measure{Name: "rtt_max", Value: most.Microseconds()})
	}
	t.res.Measures = append(t.res.Measures, uptime.Measure{Name: "loss", Value: int64(lost*1e6 + 0.5)})
	switch {
	case n == 0 && said != nil:
		return said
	case n == 0:
		return fail(uptime.FaultICMPTimeout, "ping %s: no reply to %d requests within %s", p.addr, len(p.echos), t.after())
	case lost > c.loss:
		return fail(uptime.FaultICMPLoss, "ping %s: %d of %d replies missing, at most %s may be", p.addr, len(p.echos)-n, len(p.echos), uptime.Percent(c.loss))
	}
	return nil
}

// detail says for people what came of the requests.
func (p *pings) detail() string {
	text := fmt.Sprintf("%d of %d replies", p.replies(), len(p.echos))
	if jitter, ok := p.jitter(); ok {
		text += ", jitter " + uptime.Took(jitter)
	}
	return text
}

// jitter is by how much a round trip differs from the one before it, on the
// mean; false with fewer than two.
func (p *pings) jitter() (time.Duration, bool) {
	var before, sum time.Duration
	n := 0
	for _, e := range p.echos {
		if e.rtt == 0 {
			continue
		}
		if before > 0 {
			sum += (e.rtt - before).Abs()
			n++
		}
		before = e.rtt
	}
	if n == 0 {
		return 0, false
	}
	return max(sum/time.Duration(n), time.Microsecond), true
}
