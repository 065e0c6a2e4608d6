package probes

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	door  door   // through which it leaves
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
	return q.door.datagram(server)
}

// reply is what a question came to.
type reply struct {
	msg    *dns.Msg
	server netip.AddrPort // that gave msg or, without one, is to blame most
	f      *failure       // nil with an answer about the name
	asked  []asked        // all that may have been asked
}

// asked is one server of a question.
type asked struct {
	server netip.AddrPort
	conn   net.Conn // nil: it was not asked
	failed *failure // why it gave no answer; nil: it was not asked, is silent, or it answered
	cut    *failure // what it is where TCP does not end in time
	plain  bool     // it is asked without EDNS, which it does not know
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
	msg     *dns.Msg // that readers read: nobody writes to it
	packet  []byte   // the same
	asked   []asked
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
		query: q, msg: q.message(), asked: make([]asked, len(servers)),
		replies: make(chan answered, len(servers)), // see there
	}
	for i, server := range servers {
		a.asked[i].server = server
	}
	var err error
	if a.packet, err = a.msg.Pack(); err != nil {
		return reply{server: servers[0], asked: a.asked, f: fail(uptime.FaultLocalConfig, "%s: %v", q.what(), err)}
	}
	within, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		for _, s := range a.asked {
			if s.conn != nil {
				s.conn.Close()
			}
		}
		a.readers.Wait()
	}()
	return a.run(ctx, within)
}

func (a *inquiry) run(ctx, within context.Context) reply {
	start, at, attempt := time.Now(), -1, 0
	turn := time.NewTimer(0)
	defer turn.Stop()
	var patience <-chan time.Time // nil until a server fails
	for {
		select {
		case <-turn.C:
			at = a.next(at + 1)
			if a.asked[at].failed = a.ask(within, at); a.asked[at].failed == nil {
				attempt++
				turn.Reset(time.Until(start.Add(retransmitAt(attempt))))
			}
		case got := <-a.replies:
			f, more := a.take(within, got)
			if more {
				continue
			}
			s := &a.asked[got.server]
			if f == nil {
				return reply{msg: got.msg, server: s.server, asked: a.asked}
			}
			if s.failed == nil { // a socket that could not send has nothing to add
				s.failed = f
			}
			if patience == nil && got.msg != nil {
				patience = time.After(left(ctx) / 2)
			}
		case <-patience:
			return a.silence(time.Since(start))
		case <-ctx.Done():
			return a.silence(time.Since(start))
		}
		if !slices.ContainsFunc(a.asked, func(s asked) bool { return s.failed == nil }) {
			return a.telling()
		}
		if a.asked[at].failed != nil {
			turn.Reset(0) // ask the next one now
		}
	}
}

// ask sends the question to a server, once more where it has it already.
func (a *inquiry) ask(ctx context.Context, i int) *failure {
	s := &a.asked[i]
	if a.tcp {
		if s.cut == nil {
			a.overTCP(ctx, i)
		}
		return nil
	}
	packet := a.packet
	if s.plain {
		m := a.msg.Copy()
		m.Extra = nil
		packet, _ = m.Pack() // what could be packed with it can be without
	}
	if s.conn == nil {
		c, err := a.open(s.server)
		if err != nil {
			return a.unreached(s.server, err)
		}
		s.conn = c
		a.listen(i)
	}
	if _, err := s.conn.Write(packet); err != nil { // a firewall of ours; its reader is not told
		return a.unreached(s.server, err)
	}
	return nil
}

func (a *inquiry) listen(i int) {
	c := a.asked[i].conn
	a.readers.Go(func() {
		a.replies <- guarded(a.what(), i, func() answered { return read(c, a.msg, i, &a.junk) })
	})
}

// take judges a reply. More says that another one is to come from its server.
func (a *inquiry) take(ctx context.Context, got answered) (f *failure, more bool) {
	m, s := got.msg, &a.asked[got.server]
	switch {
	case m == nil:
	case m.Truncated && !got.tcp: // meanwhile the next one is asked when its turn comes
		a.overTCP(ctx, got.server)
		return nil, true
	case (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented) && m.IsEdns0() == nil && !s.plain && !got.tcp:
		s.plain = true // one from before EDNS (RFC 6891, 7)
		a.listen(got.server)
		if f := a.ask(ctx, got.server); f != nil {
			return f, false
		}
		return nil, true
	}
	return a.judge(s.server, got), false
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

// next is the first server from i on that has not failed.
func (a *inquiry) next(i int) int {
	for range a.asked {
		if i %= len(a.asked); a.asked[i].failed == nil {
			return i
		}
		i++
	}
	return 0
}

// telling is the failure that says most about the name: a server's word before
// our own trouble. Its failure is nil where there is none.
func (a *inquiry) telling() reply {
	r := reply{server: a.asked[0].server, asked: a.asked}
	for _, s := range a.asked {
		if s.failed != nil && (r.f == nil || r.f.fault.Side() == uptime.Ours && s.failed.fault.Side() != uptime.Ours) {
			r.f, r.server = s.failed, s.server
		}
	}
	return r
}

// silence is the end of the time for a question.
func (a *inquiry) silence(took time.Duration) reply {
	var silent []string
	for i := range a.asked {
		s := &a.asked[i]
		if s.failed == nil {
			s.failed = s.cut
		}
		if s.failed == nil {
			silent = append(silent, s.server.String())
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
	r.f = fail(uptime.FaultDNSTimeout, "%s: no answer from %s within %s", a.what(), strings.Join(silent, ", "), uptime.Took(took))
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
	server := a.asked[i].server
	a.asked[i].cut = fail(uptime.FaultDNSTruncatedNoTCP, "%s: "+why+" is silent", a.what(), server)
	a.readers.Go(func() {
		a.replies <- guarded(a.what(), i, func() answered {
			msg, err := a.stream(ctx, server)
			if err == nil {
				return answered{server: i, tcp: true, msg: msg}
			}
			f := doorFailure(a.what(), err)
			if f == nil {
				f = localFailure(a.what(), err)
			}
			if f == nil {
				f = fail(uptime.FaultDNSTruncatedNoTCP, "%s: "+why+" fails: %s", a.what(), server, plain(err))
			}
			return answered{server: i, tcp: true, f: f}
		})
	})
}

// stream asks one server over TCP.
func (a *inquiry) stream(ctx context.Context, server netip.AddrPort) (*dns.Msg, error) {
	c, err := a.door.dial(ctx, "tcp", server)
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
