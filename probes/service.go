package probes

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// service is a protocol that a check speaks up to where a login would come. It
// has three schemes: NAME, in the open; NAME+starttls, which changes to TLS on
// the way; NAME+tls, within TLS from the start.
//
// Its functions speak with the server and return what it said, in lines. Each
// is a step of the check.
type service struct {
	name    string
	summary string
	port    uint16 // where it listens, in the open and for STARTTLS
	tlsPort uint16 // where it does within TLS
	binary  bool   // it has no text to hold a dialogue in

	protocols []string // what NAME+tls offers as ALPN

	greeting func(context.Context, *session) (string, *failure) // waits for the server's first words; nil: it has none
	hello    func(context.Context, *session) (string, *failure) // the client's first words; once more after STARTTLS
	starttls func(context.Context, *session) (string, *failure) // asks for TLS and has the server's yes
	announce bool                                               // the answer to hello says whether there is STARTTLS
	goodbye  func(context.Context, *session) (string, *failure) // its failure is none of the check
}

// session is what a check knows while it speaks a protocol.
type session struct {
	talk
	name   string // of the server, as its certificate has it
	offers string // what the server said to hello
	sent   int    // commands, where they are numbered
	inside bool   // the server let us in without a login

	doubted bool // we speak TLS with it, and do not trust its certificate
}

// serviceType makes the check type of a protocol.
func serviceType(sys *system, p service) uptime.CheckType {
	values, expect := dialogueKeys("greeted")
	if p.binary {
		values, expect = nil, expect[:1]
	}
	return uptime.CheckType{
		Name:     p.name,
		Schemes:  []string{p.name, p.name + "+starttls", p.name + "+tls"},
		Summary:  p.summary,
		Measures: []string{"dns", "connect", "tls", "ttfb"},
		Keys:     append(values, tlsKeys()...),
		Expect:   expect,
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			_, security, _ := strings.Cut(s.URL.Scheme, "+")
			c := serviceCheck{service: p, sys: sys, security: security, tls: f.tls(sys), banner: f.banner(), turns: append(f.sending(), f.dialogue()...)}
			port := p.port
			if security == "tls" {
				port = p.tlsPort
			}
			c.to = f.endpoint(port)
			f.noPath()
			if c.to.port == p.tlsPort && p.port != p.tlsPort && security != "tls" {
				f.mistakes = append(f.mistakes, uptime.Mistake{Key: "url", Warning: true,
					Message: fmt.Sprintf("port %d is the one on which %s is spoken within TLS", p.tlsPort, p.name), Hint: "write " + p.name + "+tls://" + s.URL.Hostname()})
			}
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: expected(append(c.banner, c.turns...))})
		},
	}
}

type serviceCheck struct {
	service
	sys      *system
	to       endpoint
	security string // "", starttls, tls
	tls      tlsSettings
	banner   []turn // none or one
	turns    []turn // after the greeting
}

// Check speaks the protocol once, politely: a check that can still say goodbye does.
func (c serviceCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		s := &session{talk: talk{conn: conn, t: t, protocol: c.service.name}, name: c.to.host}
		if c.tls.name != "" {
			s.name = c.tls.name
		}
		f := c.converse(ctx, s)
		if f == nil || f.fault == uptime.FaultReplyUnexpected || s.doubted {
			c.leave(ctx, s, f == nil)
		}
		if s.conn != conn {
			s.conn.Close() // says goodbye in TLS, too
		}
		return f
	})
}

// leave says goodbye, which is a step of the check only where it went well: of
// one that failed, the last step is the one that did.
func (c serviceCheck) leave(ctx context.Context, s *session, noted bool) {
	soon, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	s.seen = nil
	start := time.Now()
	said, f := c.goodbye(soon, s)
	if noted {
		s.t.judged("goodbye", start, said, f)
	}
}

// converse goes through the protocol up to the goodbye.
func (c serviceCheck) converse(ctx context.Context, s *session) *failure {
	if c.security == "tls" {
		if f := c.secure(ctx, s, c.protocols...); f != nil {
			return f
		}
	}
	if c.greeting != nil {
		if f := c.first(ctx, s, "greeting", c.greeting); f != nil {
			return f
		}
	}
	if c.security == "starttls" {
		if f := c.upgrade(ctx, s); f != nil {
			return f
		}
	}
	if c.greeting == nil {
		if f := c.first(ctx, s, "hello", c.hello); f != nil {
			return f
		}
	} else if f := c.hail(ctx, s); f != nil {
		return f
	}
	return s.run(ctx, c.turns)
}

// first has the first words of the server: they are measured, and are the banner.
func (c serviceCheck) first(ctx context.Context, s *session, step string, words func(context.Context, *session) (string, *failure)) *failure {
	start := time.Now()
	_, f := s.step(step, func() (string, *failure) {
		said, f := words(ctx, s)
		for _, b := range c.banner {
			if f == nil && !b.expect.MatchString(said) {
				f = fail(uptime.FaultReplyUnexpected, "greeting of %s does not match %s: %s", s.t.res.Address, literal(b.source), quote(said))
			}
		}
		return said, f
	})
	s.t.measure(ttfbTime, time.Since(start))
	return f
}

// hail says hello and keeps what the server has to offer.
func (c serviceCheck) hail(ctx context.Context, s *session) (f *failure) {
	s.offers, f = s.step("hello", func() (string, *failure) { return c.hello(ctx, s) })
	return f
}

// upgrade changes to TLS. What the server said before is forgotten after it.
func (c serviceCheck) upgrade(ctx context.Context, s *session) *failure {
	if c.announce {
		if f := c.hail(ctx, s); f != nil {
			return f
		}
	}
	_, f := s.step("starttls", func() (string, *failure) {
		said, f := c.starttls(ctx, s)
		if f == nil && len(s.seen) > 0 {
			// It would count as if it had come within TLS, whoever put it there.
			f = fail(uptime.FaultReplyMalformed, "%s sent more in the open after its yes to STARTTLS, as an injected reply would be: %s", s.t.res.Address, quote(string(s.seen)))
		}
		return said, f
	})
	if f != nil {
		return f
	}
	s.offers = ""
	unsecured := s.conn
	f = c.secure(ctx, s)
	s.doubted = f != nil && s.conn != unsecured
	return f
}

// secure shakes hands and goes on within TLS.
func (c serviceCheck) secure(ctx context.Context, s *session, protocols ...string) *failure {
	s.conn.SetReadDeadline(time.Time{}) // reads set one that is theirs
	if ctx.Err() != nil {
		return s.broken(ctx.Err())
	}
	sec, f := c.tls.handshake(ctx, s.t, s.conn, c.to.host, protocols...)
	if sec != nil {
		s.conn = sec
	}
	return f
}

// step notes a part of the dialogue with what the server said in it.
func (s *session) step(name string, do func() (string, *failure)) (string, *failure) {
	start := time.Now()
	said, f := do()
	s.t.judged(name, start, said, f)
	return said, f
}

// lacksTLS is the failure of a server that does not change to TLS.
func (s *session) lacksTLS(what string) *failure {
	return fail(uptime.FaultReplyUnexpected, "%s has no STARTTLS: %s", s.t.res.Address, what)
}

// offered reports whether one of the words of a reply is an extension.
func offered(reply, extension string) bool {
	for word := range strings.FieldsSeq(reply) {
		if strings.EqualFold(strings.TrimPrefix(word, "250-"), extension) {
			return true
		}
	}
	return false
}
