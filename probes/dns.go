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
var dnsTypes = []string{"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"}

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
			{Name: "rcode", Kind: uptime.String, Doc: "the response code; default NOERROR, with a record", Example: `"NXDOMAIN"`, OneOf: []string{"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"}},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) { return newDNS(sys, s) },
	}
}

type dnsCheck struct {
	sys     *system
	server  endpoint // host "": the system's resolvers
	name    string   // fully qualified
	qtype   uint16
	rcode   string // "": NOERROR with a record
	answers []string
	include []string
}

func newDNS(sys *system, s uptime.Settings) (uptime.Check, []uptime.Mistake) {
	f := form{Settings: s}
	c := dnsCheck{
		sys:     sys,
		rcode:   uptime.Value(s.Expect, "rcode", ""),
		answers: uptime.Value(s.Expect, "answers", []string(nil)),
		include: uptime.Value(s.Expect, "answers_include", []string(nil)),
	}
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
	servers := c.sys.naming().servers
	if c.server.host != "" {
		addrs, f := c.sys.resolve(ctx, t, c.server)
		if f != nil {
			return f
		}
		servers = nil
		for _, a := range addrs[:min(len(addrs), maxAddresses)] {
			servers = append(servers, netip.AddrPortFrom(a, c.server.port))
		}
	}
	start := time.Now()
	msg, server, f := exchange(ctx, servers, c.name, c.qtype)
	t.res.Address = server.String()
	asWanted := f != nil && c.rcode != "" && f.fault == rcodes[c.rcode] // before a refused port becomes dns.refused too
	f = c.blame(f)
	detail := ""
	var data []dns.RR
	if msg != nil {
		data = c.records(msg)
		detail = rcodeName(msg.Rcode) + " " + strings.Join(texts(data), ", ")
	}
	t.measure(dnsTime, t.judged("dns", start, detail, f))
	if asWanted {
		return nil
	}
	if f != nil {
		return f
	}
	f = c.judge(msg, server, data)
	t.judged("expect", time.Now(), "", f)
	return f
}

// blame turns a failure of ours into one of the server where it is what is watched.
func (c dnsCheck) blame(f *failure) *failure {
	if f != nil && c.server.host != "" && f.fault == uptime.FaultLocalResolverDown {
		return &failure{fault: uptime.FaultDNSRefused, text: strings.Replace(f.text, "the resolver ", "", 1)}
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

// text is a record's data as dig prints it.
func text(rr dns.RR) string { return strings.TrimPrefix(rr.String(), rr.Header().String()) }

func texts(data []dns.RR) []string {
	var all []string
	for _, rr := range data {
		all = append(all, text(rr))
	}
	return all
}

func listed(data []dns.RR) string {
	if len(data) == 0 {
		return "no record"
	}
	return uptime.Clean(strings.Join(texts(data), ", "), 120)
}

// matches reports whether a person means a record by want: its data as dig
// prints it, the host of an MX or SRV, the text of a TXT without its quotes.
func matches(rr dns.RR, want string) bool {
	switch rr := rr.(type) {
	case *dns.TXT:
		return want == text(rr) || want == strings.Join(rr.Txt, "")
	case *dns.MX:
		if sameData(rr.Mx, want) {
			return true
		}
	case *dns.SRV:
		if sameData(rr.Target, want) {
			return true
		}
	}
	return sameData(text(rr), want)
}

func sameData(a, b string) bool { return plainData(a) == plainData(b) }

// plainData is data in one spelling: case, white space, the last dot and the
// ways to write an address make no difference.
func plainData(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	return strings.TrimSuffix(strings.ToLower(strings.Join(strings.Fields(s), " ")), ".")
}

func (c dnsCheck) expectation() string {
	var parts []string
	if c.rcode != "" {
		parts = append(parts, c.rcode)
	}
	if len(c.answers) > 0 {
		parts = append(parts, strings.Join(c.answers, ", ")+" and no other")
	}
	if len(c.include) > 0 {
		parts = append(parts, "among others "+strings.Join(c.include, ", "))
	}
	return strings.Join(parts, "; ")
}
