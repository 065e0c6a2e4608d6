package probes

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// retransmit is when a question is sent again, counted from its start; after
// the last one the gap doubles. Packet loss of 2 % then fails no check
// (measured: 0 of 36,000), where asking every 5 s fails 8 %.
var retransmit = [...]time.Duration{0, 300 * time.Millisecond, 900 * time.Millisecond, 2100 * time.Millisecond, 4500 * time.Millisecond}

func retransmitAt(attempt int) time.Duration {
	if attempt < len(retransmit) {
		return retransmit[attempt]
	}
	last := len(retransmit) - 1
	return retransmit[last] << min(attempt-last, 20)
}

// udpSize is the answer we say we take: what passes every path in one piece.
const udpSize = 1232

// query is what name servers are asked, and how.
type query struct {
	name  string
	qtype uint16
	zone  string // asked of this zone's own servers: no recursion, and an answer with authority; "": of resolvers
	bogus bool   // data that fails its DNSSEC check is wanted too (CD)
	tcp   bool   // not over UDP
	via   *via   // where it leaves from; nil: the system chooses
	dial  func(netip.AddrPort) (net.Conn, error)
}

// what begins the sentences about a question.
func (q query) what() string { return "DNS " + strings.TrimSuffix(q.name, ".") }

// message is the question as it is sent.
func (q query) message() *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(q.name), q.qtype)
	m.Id = uint16(rand.Uint32())
	m.RecursionDesired = q.zone == ""
	m.CheckingDisabled = q.bogus
	m.SetEdns0(udpSize, false)
	return m
}

func (q query) open(server netip.AddrPort) (net.Conn, error) {
	if q.dial != nil {
		return q.dial(server)
	}
	if q.via == nil || q.via.source == "" {
		return net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	}
	d, err := q.via.dialer("udp", server.Addr())
	if err != nil {
		return nil, err
	}
	return d.Dial("udp", server.String()) // which waits for nobody
}

// reply is what a question came to.
type reply struct {
	msg     *dns.Msg
	server  netip.AddrPort   // that gave msg or, without one, is to blame most
	f       *failure         // nil with an answer about the name
	servers []netip.AddrPort // all that may have been asked
	failed  []*failure       // by server: why it gave no answer; nil: not asked, silent, or it answered
}

// answered is one server's reply to a question, or why there is none.
type answered struct {
	server int
	msg    *dns.Msg
	err    error    // of the socket; nil with an answer, or with a malformed one
	f      *failure // what is known better than by err
	tcp    bool     // asked over TCP
}

// inquiry is a question under way.
type inquiry struct {
	query
	msg     *dns.Msg
	servers []netip.AddrPort
	conns   []net.Conn
	failed  []*failure
	cut     []*failure     // what it is where TCP does not end in time
	plain   []bool         // asked without EDNS, which it does not know
	replies chan answered  // readers to the exchange, one each at a time, so that none waits
	readers sync.WaitGroup // which end with their sockets and the context
	junk    atomic.Int32   // packets that answer something else
}

// exchange asks servers in turn for one name and type until one gives an
// answer that is about the name: success, NXDOMAIN or no data. A server that
// fails is left out at once; one that is silent gets the question again when
// its turn comes, but where another has failed no longer than for half of the
// time that was left then: others want to be asked about it. Every question has
// sockets and a number of its own, so that no two checks share the fate of a packet.
func exchange(ctx context.Context, q query, servers []netip.AddrPort) reply {
	a := &inquiry{
		query: q, msg: q.message(), servers: servers, conns: make([]net.Conn, len(servers)),
		failed: make([]*failure, len(servers)), cut: make([]*failure, len(servers)), plain: make([]bool, len(servers)),
		replies: make(chan answered, len(servers)), // see there
	}
	within, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		for _, c := range a.conns {
			if c != nil {
				c.Close()
			}
		}
		a.readers.Wait()
	}()
	return a.run(ctx, within)
}

func (a *inquiry) run(ctx, within context.Context) reply {
	start, asked, attempt := time.Now(), -1, 0
	turn, patience := time.NewTimer(0), time.NewTimer(time.Hour)
	defer turn.Stop()
	defer patience.Stop()
	patient := true
	for {
		select {
		case <-turn.C:
			asked = nextOf(a.failed, asked+1)
			if a.failed[asked] = a.ask(within, asked); a.failed[asked] == nil {
				attempt++
				turn.Reset(time.Until(start.Add(retransmitAt(attempt))))
			}
		case got := <-a.replies:
			f, more := a.take(within, got)
			if more {
				continue
			}
			if f == nil {
				return reply{msg: got.msg, server: a.servers[got.server], servers: a.servers, failed: a.failed}
			}
			if a.failed[got.server] == nil { // a socket that could not send has nothing to add
				a.failed[got.server] = f
			}
			if patient && got.msg != nil {
				patience.Reset(left(ctx) / 2)
				patient = false
			}
		case <-patience.C:
			return a.silence(time.Since(start))
		case <-ctx.Done():
			return a.silence(time.Since(start))
		}
		if !slices.Contains(a.failed, nil) {
			return a.telling()
		}
		if a.failed[asked] != nil {
			turn.Reset(0) // ask the next one now
		}
	}
}

// ask sends the question to a server, once more where it has it already.
func (a *inquiry) ask(ctx context.Context, i int) *failure {
	if a.tcp {
		if a.cut[i] == nil {
			a.overTCP(ctx, i)
		}
		return nil
	}
	m := a.msg
	if a.plain[i] {
		m = m.Copy()
		m.Extra = nil
	}
	packet, err := m.Pack()
	if err != nil {
		return fail(uptime.FaultLocalConfig, "%s: %v", a.what(), err)
	}
	if a.conns[i] == nil {
		c, err := a.open(a.servers[i])
		if err != nil {
			return resolverFailure(a.what(), a.servers[i], err)
		}
		a.conns[i] = c
		a.listen(i)
	}
	if _, err := a.conns[i].Write(packet); err != nil { // a firewall of ours; its reader is not told
		return resolverFailure(a.what(), a.servers[i], err)
	}
	return nil
}

func (a *inquiry) listen(i int) {
	a.readers.Go(func() {
		a.replies <- guarded(a.what(), i, func() answered { return read(a.conns[i], a.msg, i, &a.junk) })
	})
}

// take judges a reply. More says that another one is to come from its server.
func (a *inquiry) take(ctx context.Context, got answered) (f *failure, more bool) {
	m := got.msg
	switch {
	case m == nil:
	case m.Truncated && !got.tcp: // meanwhile the next one is asked when its turn comes
		a.overTCP(ctx, got.server)
		return nil, true
	case (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) && m.IsEdns0() == nil && !a.plain[got.server] && !got.tcp:
		a.plain[got.server] = true // one from before EDNS (RFC 6891, 7)
		a.listen(got.server)
		if f := a.ask(ctx, got.server); f != nil {
			return f, false
		}
		return nil, true
	}
	return a.judge(a.servers[got.server], got), false
}

// guarded makes a panic over a server's bytes a failure: the Runner recovers
// only those of the check's own goroutine.
func guarded(what string, server int, do func() answered) (a answered) {
	defer func() {
		if p := recover(); p != nil {
			a = answered{server: server, f: panicked(what, p)}
		}
	}()
	return do()
}

func panicked(what string, p any) *failure {
	return fail(uptime.FaultLocalBug, "a bug in lookout: %s panicked: %v", what, p)
}

// nextOf is the first server from next on that has not failed.
func nextOf(failed []*failure, next int) int {
	for i := range failed {
		if j := (next + i) % len(failed); failed[j] == nil {
			return j
		}
	}
	return 0
}

// telling is the failure that says most about the name: a server's word before
// our own trouble. Its failure is nil where there is none.
func (a *inquiry) telling() reply {
	r := reply{server: a.servers[0], servers: a.servers, failed: a.failed}
	for i, f := range a.failed {
		if f != nil && (r.f == nil || r.f.fault.Side() == uptime.Ours && f.fault.Side() != uptime.Ours) {
			r.f, r.server = f, a.servers[i]
		}
	}
	return r
}

// silence is the end of the time for a question.
func (a *inquiry) silence(took time.Duration) reply {
	var asked []string
	for i, s := range a.servers {
		if a.failed[i] == nil {
			a.failed[i] = a.cut[i]
		}
		if a.failed[i] == nil {
			asked = append(asked, s.String())
		}
	}
	r := a.telling()
	if r.f != nil && r.f.fault.Side() != uptime.Ours {
		return r
	}
	if junk := a.junk.Load(); junk > 0 {
		r.f = fail(uptime.FaultDNSMalformed, "%s: %d answers to another question, none to ours within %s", a.what(), junk, uptime.Took(took))
		return r
	}
	r.f = fail(uptime.FaultDNSTimeout, "%s: no answer from %s within %s", a.what(), strings.Join(asked, ", "), uptime.Took(took))
	return r
}

// read waits on a server's socket for the answer to q. It returns when the
// socket is closed at the latest.
func read(c net.Conn, q *dns.Msg, server int, junk *atomic.Int32) answered {
	a := answered{server: server}
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			a.err = err
			return a
		}
		msg, mine := readMessage(buf[:n], q)
		if !mine {
			junk.Add(1)
			continue
		}
		a.msg = msg
		return a
	}
}

// overTCP asks a server where the answer did not fit into a datagram, or where
// the system wants no datagrams.
func (a *inquiry) overTCP(ctx context.Context, i int) {
	why := "the answer from %s is too long for UDP and TCP"
	if a.tcp {
		why = "%s over TCP, which resolv.conf asks for (use-vc),"
	}
	a.cut[i] = fail(uptime.FaultDNSTruncatedNoTCP, "%s: "+why+" is silent", a.what(), a.servers[i])
	a.readers.Go(func() {
		a.replies <- guarded(a.what(), i, func() answered {
			msg, err := a.stream(ctx, a.servers[i])
			if err == nil {
				return answered{server: i, tcp: true, msg: msg}
			}
			f := localFailure(a.what(), err)
			if f == nil {
				f = fail(uptime.FaultDNSTruncatedNoTCP, "%s: "+why+" fails: %s", a.what(), a.servers[i], plain(err))
			}
			return answered{server: i, tcp: true, f: f}
		})
	})
}

// stream asks one server over TCP.
func (a *inquiry) stream(ctx context.Context, server netip.AddrPort) (*dns.Msg, error) {
	d, err := a.via.dialer("tcp", server.Addr())
	if err != nil {
		return nil, err
	}
	c, err := d.DialContext(ctx, "tcp", server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer watch(ctx, c)()
	conn := dns.Conn{Conn: c}
	if err := conn.WriteMsg(a.msg.Copy()); err != nil {
		return nil, err
	}
	b, err := conn.ReadMsgHeader(nil)
	if err != nil {
		return nil, err
	}
	msg, mine := readMessage(b, a.msg)
	if !mine || msg == nil {
		return nil, errors.New("malformed answer")
	}
	return msg, nil
}

// resolverFailure is a resolver that cannot be reached at all: our own side's
// trouble, whatever the name.
func resolverFailure(what string, server netip.AddrPort, err error) *failure {
	if f := sourceFailure(what, err); f != nil {
		return f
	}
	errno, _ := errnoOf(err)
	switch errno {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH:
		return fail(uptime.FaultLocalNoRoute, "%s: no route to the resolver %s (%s)", what, server, errnoName(err))
	case syscall.ECONNREFUSED:
		return fail(uptime.FaultLocalResolverDown, "%s: nothing listens at the resolver %s (ECONNREFUSED)", what, server)
	}
	if f := localFailure(what, err); f != nil {
		return f
	}
	if errors.Is(err, io.EOF) || timedOut(err) {
		return fail(uptime.FaultDNSTimeout, "%s: no answer from %s", what, server)
	}
	return fail(uptime.FaultLocalResolverDown, "%s: the resolver %s: %s", what, server, plain(err))
}
