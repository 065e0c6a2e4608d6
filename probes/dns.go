package probes

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// dnsTypes are the record types that can be asked for.
var dnsTypes = []string{"A", "AAAA", "CAA", "CDNSKEY", "CDS", "CNAME", "CSYNC", "DNAME", "DNSKEY", "DS", "HINFO", "HTTPS", "LOC", "MX", "NAPTR", "NS", "NSEC", "NSEC3PARAM",
	"OPENPGPKEY", "PTR", "RP", "SMIMEA", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI", "ZONEMD"}

// rcodes are the response codes that can be expected, and the class in which
// exchange reports those that are a server's failure.
var rcodes = map[string]uptime.Fault{
	"NOERROR":  uptime.NoFault,
	"NXDOMAIN": uptime.NoFault,
	"SERVFAIL": uptime.FaultDNSServfail,
	"REFUSED":  uptime.FaultDNSRefused,
	"FORMERR":  uptime.FaultDNSFormerr,
	"NOTIMP":   uptime.FaultDNSNotimp,
}

// dnsType asks a question and looks at the answer.
func dnsType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "dns",
		Schemes:  []string{"dns"},
		Summary:  "asks the system's resolver or a server for a record: dns:name?type=MX, dns://server/name?type=A",
		Measures: []string{"dns"},
		Expect: []uptime.Key{
			{Name: "answers", Kind: uptime.Strings, Doc: "these records and no others, as dig prints their data; an MX or SRV also by its host alone", Example: `["192.0.2.1", "192.0.2.2"]`, Min: 1},
			{Name: "answers_include", Kind: uptime.Strings, Doc: "records that have to be among the answers", Example: `["mx1.example.com"]`},
			{Name: "authority", Kind: uptime.Bool, Doc: "the server in the URL has to answer with authority (AA)", Example: `true`},
			{Name: "same_serial", Kind: uptime.Bool, Doc: "of type SOA: all servers of the zone have to show one serial; a silent one is passed over", Example: `true`},
			{Name: "rcode", Kind: uptime.String, Doc: "the response code; default NOERROR, with a record", Example: `"NXDOMAIN"`, OneOf: []string{"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"}},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) { return newDNS(sys, s) },
	}
}

type dnsCheck struct {
	sys     *system
	server  endpoint // host "": the resolvers, which then are not what is watched
	name    string   // fully qualified
	qtype   uint16
	rcode   string // "": NOERROR with a record
	answers []string
	include []string
	auth    bool // an answer with authority
	serial  bool // one serial at all servers of the zone
}

func newDNS(sys *system, s uptime.Settings) (uptime.Check, []uptime.Mistake) {
	f := form{Settings: s}
	c := dnsCheck{
		sys:     sys,
		rcode:   uptime.Value(s.Expect, "rcode", ""),
		answers: uptime.Value(s.Expect, "answers", []string(nil)),
		include: uptime.Value(s.Expect, "answers_include", []string(nil)),
		auth:    uptime.Value(s.Expect, "authority", false),
		serial:  uptime.Value(s.Expect, "same_serial", false),
	}
	c.server.via = f.way()
	dest := "resolver"
	name := s.URL.Opaque
	if s.URL.Host != "" {
		c.server = f.endpoint(53)
		dest = c.server.String()
	}
	if name == "" {
		name = strings.TrimPrefix(s.URL.EscapedPath(), "/")
	}
	kind := f.question(&c, name)
	if c.auth && c.server.host == "" {
		f.wrong("expect.authority", "name a server of the zone, as in dns://ns1.example.com/example.com", "a resolver never answers with authority")
	}
	if c.serial && c.qtype != dns.TypeSOA {
		f.wrong("expect.same_serial", "write dns:example.com?type=SOA", "a serial is in records of type SOA only")
	}
	if _, ok := rcodes[c.rcode]; !ok && c.rcode != "" {
		f.wrong("expect.rcode", "", "%q is no response code", uptime.Clean(c.rcode, 40))
	}
	if c.rcode != "" && c.rcode != "NOERROR" && len(c.answers)+len(c.include) > 0 {
		f.wrong("expect.rcode", "leave one of them out", "%s has no answers to expect", c.rcode)
	}
	target := "dns:"
	if c.server.host != "" {
		target = "dns://" + s.URL.Host + "/"
	}
	target += strings.TrimSuffix(c.name, ".") + "?type=" + kind
	return f.done(uptime.Check{Checker: c, Target: uptime.Clean(target, 512), Dest: dest, Expect: c.expectation()})
}

// question reads name and type of a URL (RFC 4501), and returns the type's name.
func (f *form) question(c *dnsCheck, name string) string {
	kind := "A"
	for part := range strings.FieldsFuncSeq(f.URL.RawQuery, func(r rune) bool { return r == ';' || r == '&' }) {
		key, value, _ := strings.Cut(part, "=")
		switch {
		case strings.EqualFold(key, "type"):
			kind = strings.ToUpper(value)
		case strings.EqualFold(key, "class") && strings.EqualFold(value, "IN"):
		default:
			f.wrong("url", "write dns:name?type=MX or dns://server/name?type=A", "%q is nothing that a DNS URL has", uptime.Clean(part, 40))
		}
	}
	if !slices.Contains(dnsTypes, kind) {
		f.wrong("url", "the types are "+strings.Join(dnsTypes, " "), "%q is no record type", uptime.Clean(kind, 40))
	}
	c.qtype = dns.StringToType[kind]
	name, err := url.PathUnescape(name)
	switch {
	case err != nil || name == "":
		f.wrong("url", "write dns:name?type=MX or dns://server/name?type=A", "the URL has no name to ask for")
		return kind
	case kind == "PTR":
		if reverse, err := dns.ReverseAddr(name); err == nil {
			name = reverse
		}
	}
	if name != "." {
		name = f.host(name).host
	}
	c.name = dns.Fqdn(name)
	return kind
}

// Check asks once.
func (c dnsCheck) Check(ctx context.Context) uptime.Result {
	t := newTrace()
	return t.end(c.check(ctx, t))
}

func (c dnsCheck) check(ctx context.Context, t *trace) *failure {
	n := c.sys.namesFor(c.server.via)
	q := query{name: c.name, tcp: n.tcp, door: n.way(c.server.via)}
	servers := n.servers
	if c.server.host != "" {
		addrs, f := c.sys.resolve(ctx, t, c.server)
		if f != nil {
			return f
		}
		q.tcp, q.door = false, c.sys.door(c.server.via)
		servers = nil
		for _, a := range addrs[:min(len(addrs), maxAddresses)] {
			servers = append(servers, netip.AddrPortFrom(a, c.server.port))
		}
		n = namedServers(servers, c.sys.guard)
		if c.server.ip == "each" && len(addrs) > 1 {
			return c.each(ctx, t, q, addrs)
		}
	}
	start := time.Now()
	got := c.ask(ctx, q, servers)
	t.res.Address = got.server.String()
	if got.msg == nil {
		got.f = c.blame(got)
		t.measure(dnsTime, t.judged("dns", start, got.text, got.f))
	} else {
		t.measure(dnsTime, t.judged("dns", start, got.text, nil))
		t.judged("expect", time.Now(), "", got.f)
	}
	p := puzzle{n: n, name: c.name, door: q.door, ask: c.ask, first: got}
	switch {
	case got.f == nil:
		return c.more(ctx, t, p)
	case c.server.host == "":
		return c.sys.consult(ctx, t, p)
	case got.f.fault == uptime.FaultDNSServfail:
		if bogus := c.sys.unchecked(ctx, t, p); bogus != nil {
			return bogus
		}
	}
	return got.f
}

// ask asks servers, and says what their answer lacks of what is expected.
func (c dnsCheck) ask(ctx context.Context, q query, servers []netip.AddrPort) finding {
	q.qtype = c.qtype
	got := finding{reply: exchange(ctx, q, servers)}
	if got.msg == nil {
		if c.rcode != "" && got.f.fault == rcodes[c.rcode] {
			got.text, got.f = c.rcode, nil
		}
		return got
	}
	data := c.records(got.msg)
	got.text = strings.TrimSpace(rcodeName(got.msg.Rcode) + " " + strings.Join(texts(data), ", "))
	got.f = c.judge(got.msg, got.server, data)
	if end, f := canonical("", got.msg, c.name); f == nil && len(data) == 0 && got.msg.Rcode == dns.RcodeSuccess && !strings.EqualFold(end, c.name) {
		got.end = end
	}
	return got
}

// more looks at what a good answer leads to.
func (c dnsCheck) more(ctx context.Context, t *trace, p puzzle) *failure {
	if p.first.msg == nil {
		return nil
	}
	if f := c.hints(ctx, t, p); f != nil {
		return f
	}
	if c.serial {
		return c.serials(ctx, t, p)
	}
	return nil
}

// blame turns a failure of ours into one of the server where it is what is watched.
func (c dnsCheck) blame(got finding) *failure {
	f := got.f
	if f == nil || c.server.host == "" {
		return f
	}
	switch f.fault {
	case uptime.FaultLocalResolverDown:
		return &failure{fault: uptime.FaultDNSRefused, text: strings.Replace(f.text, "the resolver ", "", 1)}
	case uptime.FaultLocalNoRoute:
		if c.server.via.unroutable(got.server) == nil {
			return fail(uptime.FaultDNSTimeout, "DNS %s: a router says that %s is unreachable", strings.TrimSuffix(c.name, "."), got.server)
		}
	}
	return f
}

// records are the answers of the type that was asked for.
func (c dnsCheck) records(msg *dns.Msg) []dns.RR {
	var data []dns.RR
	for _, rr := range msg.Answer {
		if rr.Header().Rrtype == c.qtype {
			data = append(data, rr)
		}
	}
	return data
}

func (c dnsCheck) judge(msg *dns.Msg, server netip.AddrPort, data []dns.RR) *failure {
	kind := dns.TypeToString[c.qtype]
	what := "DNS " + strings.TrimSuffix(c.name, ".") + " " + kind
	rcode := rcodeName(msg.Rcode)
	if c.rcode != "" && c.rcode != rcode {
		return fail(uptime.FaultDNSWrongAnswer, "%s: %s from %s, expected %s", what, rcode, server, c.rcode)
	}
	if c.auth && !msg.Authoritative {
		return fail(uptime.FaultDNSLame, "%s: %s answers without authority (AA)", what, server)
	}
	if c.rcode == "NXDOMAIN" {
		return nil
	}
	if c.qtype != dns.TypeCNAME {
		end, f := canonical(what, msg, c.name)
		if f != nil {
			return f
		}
		if alias := !strings.EqualFold(end, c.name); alias && msg.Rcode == dns.RcodeNameError {
			return fail(uptime.FaultDNSCNAMEDangling, "%s: its alias %s does not exist (NXDOMAIN from %s)", what, strings.TrimSuffix(end, "."), server)
		}
	}
	if msg.Rcode == dns.RcodeNameError {
		return fail(uptime.FaultDNSNxdomain, "%s: NXDOMAIN from %s", what, server)
	}
	if len(data) == 0 && c.rcode == "" {
		fault := uptime.FaultDNSNodata
		switch c.qtype {
		case dns.TypeA:
			fault = uptime.FaultDNSNoA
		case dns.TypeAAAA:
			fault = uptime.FaultDNSNoAAAA
		}
		return fail(fault, "%s: no such record (NODATA from %s)", what, server)
	}
	return c.compare(what, server, data)
}

// compare holds the answers against those that are expected.
func (c dnsCheck) compare(what string, server netip.AddrPort, data []dns.RR) *failure {
	wanted := append(slices.Clone(c.answers), c.include...)
	for _, want := range wanted {
		if !slices.ContainsFunc(data, func(rr dns.RR) bool { return matches(rr, want) }) {
			return fail(uptime.FaultDNSWrongAnswer, "%s: %s from %s, expected %s", what, listed(data), server, strings.Join(wanted, ", "))
		}
	}
	for _, rr := range data {
		if len(c.answers) > 0 && !slices.ContainsFunc(c.answers, func(want string) bool { return matches(rr, want) }) {
			return fail(uptime.FaultDNSWrongAnswer, "%s: also %s from %s, expected %s only", what, text(rr), server, strings.Join(c.answers, ", "))
		}
		if len(wanted) == 0 && (text(rr) == "0.0.0.0" || text(rr) == "::") {
			return fail(uptime.FaultDNSSinkhole, "%s: %s from %s, a sinkhole's answer", what, text(rr), server)
		}
	}
	return nil
}

func (c dnsCheck) expectation() string {
	var parts []string
	if c.rcode != "" {
		parts = append(parts, c.rcode)
	}
	if c.auth {
		parts = append(parts, "with authority")
	}
	if c.serial {
		parts = append(parts, "one serial at all servers of the zone")
	}
	if len(c.answers) > 0 {
		parts = append(parts, strings.Join(c.answers, ", ")+" and no other")
	}
	if len(c.include) > 0 {
		parts = append(parts, "among others "+strings.Join(c.include, ", "))
	}
	return strings.Join(parts, "; ")
}
