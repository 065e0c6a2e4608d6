package probes

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// opinionTime is how long each further opinion about a name is waited for.
const opinionTime = 2 * time.Second

// puzzle is a name whose answer leaves a question: it failed, or it is private.
type puzzle struct {
	n     *naming
	name  string
	door  door
	ask   asker
	first finding
}

// opinion is what somebody else said about the name.
type opinion struct {
	finding
	who  string // for the sentence
	step string
}

// unanswered are the classes in which nobody said anything about the name.
var unanswered = []uptime.Fault{uptime.FaultDNSTimeout, uptime.FaultDNSServfail, uptime.FaultDNSRefused, uptime.FaultDNSFormerr,
	uptime.FaultDNSNotimp, uptime.FaultDNSMalformed, uptime.FaultDNSTruncatedNoTCP, uptime.FaultDNSLame}

// ofDNS reports whether a class is one of names, which others can have an opinion about.
func ofDNS(f uptime.Fault) bool { return f >= uptime.FaultDNSTimeout && f <= uptime.FaultDNSDnssec }

// definite reports whether a failure is an answer about the name.
func definite(f *failure) bool {
	return ofDNS(f.fault) && !slices.Contains(unanswered, f.fault)
}

// consult asks a second resolver and the zone's own servers about a name that
// failed, notes what they say as steps, and returns the failure in its light.
// Nobody is asked whom the user did not name, but for the servers that are
// responsible for the name itself.
func (s *system) consult(ctx context.Context, t *trace, p puzzle) *failure {
	f := p.first.f
	if !ofDNS(f.fault) || left(ctx) <= 0 {
		return f
	}
	if f.fault == uptime.FaultDNSServfail && p.n.named {
		if bogus := s.unchecked(ctx, t, p); bogus != nil {
			return bogus
		}
	}
	return t.conclude(f, weigh(f, s.opinions(ctx, t, p)))
}

// unchecked asks for the data that a validating resolver holds back. Without
// such data it says nothing.
func (s *system) unchecked(ctx context.Context, t *trace, p puzzle) *failure {
	ctx, cancel := context.WithTimeout(ctx, min(opinionTime, left(ctx)/3))
	defer cancel()
	start := time.Now()
	got := p.ask(ctx, query{name: p.name, bogus: true, tcp: p.n.tcp, door: p.door}, []netip.AddrPort{p.first.server})
	t.opine("dns unchecked", start, got, "")
	if got.f != nil && !definite(got.f) {
		return nil
	}
	return t.conclude(p.first.f, fail(uptime.FaultDNSDnssec, "%s; told not to validate it answers: the DNSSEC signatures of the name are broken", p.first.f.text))
}

// opinions asks the others, one after the other.
func (s *system) opinions(ctx context.Context, t *trace, p puzzle) []opinion {
	var all []opinion
	var idle []netip.AddrPort
	for _, a := range p.first.asked {
		switch {
		case a.server == p.first.server:
		case a.failed != nil: // it was asked already
			o := opinion{finding{reply: reply{server: a.server, f: a.failed}}, a.server.String(), uptime.StepDNSSecond}
			t.opine(o.step, time.Now(), o.finding, agreement(p.first.f, o.f))
			all = append(all, o)
		default:
			idle = append(idle, a.server)
		}
	}
	ask := func(step, who string, wait time.Duration, do func(context.Context) finding) {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		start := time.Now()
		got := do(ctx)
		t.opine(step, start, got, agreement(p.first.f, got.f))
		if got.server.IsValid() {
			all = append(all, opinion{got, who + got.server.String(), step})
		}
	}
	if len(idle) > 0 && (p.first.f == nil || definite(p.first.f)) { // else they were silent
		ask(uptime.StepDNSSecond, "", min(opinionTime, left(ctx)/2), func(ctx context.Context) finding {
			return p.ask(ctx, query{name: p.name, tcp: p.n.tcp, door: p.door}, idle)
		})
	}
	ask(uptime.StepDNSZone, "its zone's own server ", min(2*opinionTime, left(ctx)), func(ctx context.Context) finding {
		return s.atZone(ctx, p)
	})
	return all
}

// opine notes what somebody said about a name, and returns how long it took.
func (t *trace) opine(step string, start time.Time, got finding, agreement string) time.Duration {
	s := uptime.Step{Step: step, Took: time.Since(start), Detail: agreement}
	if got.server.IsValid() {
		s.Address = got.server.String()
	}
	if got.f != nil {
		s.Error = got.f.text
	} else if s.Detail = got.text; agreement != "" {
		s.Detail = agreement + ": " + got.text
	}
	t.res.Steps = append(t.res.Steps, s)
	return s.Took
}

// agreement says how an opinion goes with the first answer; "" where one of
// them says nothing about the name.
func agreement(first, other *failure) string {
	switch {
	case first == nil:
		return ""
	case other == nil && definite(first):
		return uptime.DetailDisagrees
	case other == nil || !definite(other) || !definite(first):
		return ""
	case other.fault == first.fault || slices.Contains(nothing, other.fault) && slices.Contains(nothing, first.fault):
		return uptime.DetailAgrees
	}
	return uptime.DetailDisagrees
}

// weigh is a failure in the light of what others said.
func weigh(f *failure, others []opinion) *failure {
	var agree, know []string
	says := ""
	for _, o := range others {
		switch {
		case o.f == nil:
			know, says = append(know, o.who), o.found()
		case agreement(f, o.f) == uptime.DetailAgrees:
			agree = append(agree, o.who)
		case o.step != uptime.StepDNSZone || definite(f):
		case definite(o.f): // a resolver fails over a name that is not there
			know, says = append(know, o.who), o.f.word()
		case slices.Contains(noAuthority, o.f.fault):
			return fail(uptime.FaultDNSLame, "%s; its zone is delegated to %s, which does not know it (%s)", f.text, o.server, o.f.word())
		}
	}
	switch {
	case len(know) > 0 && definite(f) && f.fault != uptime.FaultDNSSinkhole:
		return fail(uptime.FaultDNSResolversDisagree, "%s, but %s from %s", f.text, says, strings.Join(know, " and "))
	case len(know) > 0:
		return fail(f.fault, "%s; %s from %s", f.text, says, strings.Join(know, " and "))
	case len(agree) == 1:
		return fail(f.fault, "%s; %s agrees", f.text, agree[0])
	case len(agree) > 1:
		return fail(f.fault, "%s; %s agree", f.text, strings.Join(agree, " and "))
	}
	return f
}

// noAuthority are the ways in which a server that a zone is delegated to does not know it.
var noAuthority = []uptime.Fault{uptime.FaultDNSLame, uptime.FaultDNSRefused, uptime.FaultDNSServfail}

// word is the class of a failure of DNS as people know it: NXDOMAIN.
func (f *failure) word() string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(f.fault.String(), "dns."), "_", " "))
}

// found is what was found, in a few words.
func (s finding) found() string {
	switch len(s.addrs) {
	case 0:
		return uptime.Clean(s.text, 80)
	case 1:
		return s.addrs[0].String()
	}
	return fmt.Sprintf("%s and %d more", s.addrs[0], len(s.addrs)-1)
}

// public reports whether an address can be reached from everywhere.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// shared is the address space behind a carrier's NAT (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// reconsider looks at a check that failed at private addresses: where others
// know a public one, it met a sinkhole. Otherwise private addresses are as good
// as any, and nobody is asked about them.
func (s *system) reconsider(ctx context.Context, t *trace, f *failure) *failure {
	if t.doubt == nil || f == nil || f.fault.Side() == uptime.Ours || left(ctx) <= 0 {
		return f
	}
	p := *t.doubt
	t.doubt = nil // once is enough
	said := f
	for _, o := range s.opinions(ctx, t, p) {
		if o.f == nil && slices.ContainsFunc(o.addrs, public) {
			f = fail(uptime.FaultDNSSinkhole, "%s: %s from %s, a private address, but %s from %s: a sinkhole, or another view of the name; %s",
				query{name: p.name}.what(), p.first.found(), p.first.server, o.found(), o.who, f.text)
			break
		}
	}
	return t.conclude(said, f)
}

// conclude notes what comes of all opinions, where it is not what was known
// before or not what the last of them was.
func (t *trace) conclude(before, f *failure) *failure {
	if f.text != before.text || t.res.Steps[len(t.res.Steps)-1].Error == "" {
		t.judged("dns verdict", time.Now(), "", f)
	}
	return f
}
