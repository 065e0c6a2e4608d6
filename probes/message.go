package probes

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"syscall"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// readMessage reads a DNS message. Mine says that it carries the number of the
// question q, and its question too if it can be read; a nil message that is
// mine is malformed.
func readMessage(b []byte, q *dns.Msg) (msg *dns.Msg, mine bool) {
	if len(b) < 12 || uint16(b[0])<<8|uint16(b[1]) != q.Id || b[2]&0x80 == 0 {
		return nil, false
	}
	msg = new(dns.Msg)
	if err := msg.Unpack(b); err != nil && !(msg.Truncated && len(msg.Question) == 1) {
		return nil, true
	}
	if len(msg.Question) == 0 && msg.Rcode != dns.RcodeSuccess {
		return msg, true // servers that understood nothing do not repeat it
	}
	if len(msg.Question) != 1 || msg.Question[0].Qtype != q.Question[0].Qtype || msg.Question[0].Qclass != q.Question[0].Qclass ||
		!strings.EqualFold(msg.Question[0].Name, q.Question[0].Name) {
		return nil, false
	}
	return msg, true
}

// judge says what a reply means: an answer about the name, or a server that failed.
func (q query) judge(server netip.AddrPort, a answered) *failure {
	what := q.what()
	switch {
	case a.f != nil:
		return a.f
	case a.err != nil:
		return q.unreached(server, a.err)
	case a.msg == nil:
		return fail(uptime.FaultDNSMalformed, "%s: malformed answer from %s", what, server)
	}
	fault := uptime.FaultDNSMalformed
	switch a.msg.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		if q.zone != "" && stranger(a.msg) {
			break
		}
		if q.zone != "" && !a.msg.Authoritative && referral(a.msg, q.zone, q.name) == "" {
			return fail(uptime.FaultDNSLame, "%s: lame delegation: %s is no authority for %s", what, server, shown(strings.TrimSuffix(q.zone, ".")))
		}
		if q.zone == "" && a.msg.Rcode == dns.RcodeSuccess && lame(a.msg) {
			return fail(uptime.FaultDNSLame, "%s: lame delegation: %s knows nothing of the zone", what, server)
		}
		return nil
	case dns.RcodeServerFailure:
		fault = uptime.FaultDNSServfail
	case dns.RcodeRefused:
		fault = uptime.FaultDNSRefused
	case dns.RcodeFormatError:
		fault = uptime.FaultDNSFormerr
	case dns.RcodeNotImplemented:
		fault = uptime.FaultDNSNotimp
	}
	if q.zone != "" && stranger(a.msg) {
		return fail(uptime.FaultDNSMalformed, "%s: a resolver answers in place of %s, as where a network intercepts DNS", what, server)
	}
	return fail(fault, "%s: %s from %s%s", what, rcodeName(a.msg.Rcode), server, extended(a.msg))
}

// stranger reports whether an answer to a question that wanted no resolver is
// one's all the same: then a network on the way keeps questions for itself,
// which says nothing about the server that was meant.
func stranger(m *dns.Msg) bool { return m.RecursionAvailable && !m.Authoritative }

// extended is what a server says about its failure (RFC 8914), with a blank in front.
func extended(m *dns.Msg) string {
	opt := m.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, o := range opt.Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			text := dns.ExtendedErrorCodeToString[e.InfoCode]
			if e.ExtraText != "" {
				text += ": " + e.ExtraText
			}
			return fmt.Sprintf(" (error %d, %s)", e.InfoCode, uptime.Clean(text, 80))
		}
	}
	return ""
}

// referral is the zone that an answer of a zone's server sends us down to for a
// name; "" where it does not.
func referral(m *dns.Msg, zone, name string) string {
	if m.Authoritative || len(m.Answer) > 0 || m.Rcode != dns.RcodeSuccess {
		return ""
	}
	for _, rr := range m.Ns {
		ns, ok := rr.(*dns.NS)
		if ok && dns.IsSubDomain(ns.Hdr.Name, dns.Fqdn(name)) && dns.IsSubDomain(zone, ns.Hdr.Name) && !strings.EqualFold(zone, ns.Hdr.Name) {
			return strings.ToLower(ns.Hdr.Name)
		}
	}
	return ""
}

func rcodeName(rcode int) string {
	if s, ok := dns.RcodeToString[rcode]; ok {
		return s
	}
	return "an unknown response code"
}

// lame is an answer that refers us elsewhere: no data, no authority, no recursion.
func lame(m *dns.Msg) bool {
	if m.Authoritative || m.RecursionAvailable || len(m.Answer) > 0 {
		return false
	}
	for _, rr := range m.Ns {
		if _, ok := rr.(*dns.SOA); ok {
			return false
		}
	}
	return true
}

// unreached is a name server that cannot be reached at all: our own side's
// trouble, whatever the name.
func (q query) unreached(server netip.AddrPort, err error) *failure {
	what, who := q.what(), "the resolver"
	if q.zone != "" {
		who = "its zone's server"
	}
	if f := doorFailure(what, err); f != nil {
		return f
	}
	errno, _ := errnoOf(err)
	switch errno {
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH:
		return fail(uptime.FaultLocalNoRoute, "%s: no route to %s %s (%s)", what, who, server, errnoName(err))
	case syscall.ECONNREFUSED:
		return fail(uptime.FaultLocalResolverDown, "%s: nothing listens at %s %s (ECONNREFUSED)", what, who, server)
	}
	if f := localFailure(what, err); f != nil {
		return f
	}
	if errors.Is(err, io.EOF) || timedOut(err) {
		return fail(uptime.FaultDNSTimeout, "%s: no answer from %s", what, server)
	}
	return fail(uptime.FaultLocalResolverDown, "%s: %s %s: %s", what, who, server, plain(err))
}
