package probes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"lookout/engine/uptime"
)

const (
	defaultExpiresWarn = 30 * 24 * time.Hour
	domainInterval     = 24 * time.Hour
	domainRetry        = time.Hour // registries limit how often they are asked
)

// domainType looks up when the registration of a domain ends, by RDAP (RFC
// 9082, 9083): WHOIS has no format, and has ended for most. Asking for it
// means asking the registry, which IANA's list names, unless server or expires
// is set. An answer without a date is unknown, never up.
func domainType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "domain",
		Schemes:  []string{"domain"},
		Summary:  "looks up when the registration of a domain ends",
		Plain:    true,
		Interval: domainInterval,
		Retry:    domainRetry,
		Measures: timeNames[:],
		Keys: []uptime.Key{
			{Name: "server", Kind: uptime.String, Doc: "URL of the RDAP server to ask; default: the one that IANA names for the top-level domain", Example: `"https://rdap.example.net/"`},
			{Name: "expires", Kind: uptime.String, Doc: "the date by hand, where no server tells it; nobody is asked then", Example: `"2027-03-01"`},
			{Name: "expires_warn", Kind: uptime.Duration, Doc: "degraded when less time is left; default 30d", Example: `"30d"`, Min: int64(time.Hour), Max: int64(3650 * 24 * time.Hour)},
			{Name: "ca_file", Kind: uptime.File, Doc: "trust the CAs in this PEM file instead of the system's", Example: `"ca.pem"`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := domainCheck{
				registries: &sys.registries,
				warn:       uptime.Value(s.Values, "expires_warn", defaultExpiresWarn),
				by:         fetcher{sys, s.IP, f.way(), f.tls(sys), "application/rdap+json"},
			}
			if text := uptime.Value(s.Values, "expires", ""); text != "" {
				var err error
				if c.byHand, err = readDate(text); err != nil {
					f.wrong("expires", `write it as "2027-03-01"`, "%v", err)
				}
			}
			if text := uptime.Value(s.Values, "server", ""); text != "" {
				var err error
				if c.server, err = serverURL(text); err != nil {
					f.wrong("server", `write "https://rdap.example.net/"`, "%q is no URL of an RDAP server", uptime.Clean(text, 100))
				}
			}
			c.domain = f.domain(c.server != nil || !c.byHand.IsZero())
			dest := "rdap:" + c.tld()
			if c.server != nil {
				dest = c.server.Host
			}
			return f.done(uptime.Check{Checker: c, Dest: dest, Expect: "more than " + uptime.Span(c.warn) + " left"})
		},
	}
}

// domain reads the name of a domain, and finds the one that is registered:
// example.co.uk for www.example.co.uk. Any will do where it is known whom to ask.
func (f *form) domain(whatever bool) string {
	name := f.opaque("write domain:example.com")
	if name == "" {
		return ""
	}
	name = strings.TrimSuffix(f.host(name).host, ".")
	if d := registrable(name); d != "" {
		return d
	}
	if !whatever {
		f.wrong("url", "for a domain of your own kind set server or expires", "%q is below no public suffix", uptime.Clean(name, 100))
	}
	return name
}

// registrable is the part of a name that was registered with a registry, by
// the ICANN part of the public suffix list: github.io for me.github.io, whose
// suffix is github's own affair. It is "" where there is none.
func registrable(name string) string {
	labels := strings.Split(name, ".")
	for n := 2; n <= len(labels); n++ {
		d := strings.Join(labels[len(labels)-n:], ".")
		if icannSuffix(strings.Join(labels[len(labels)-n+1:], ".")) && !icannSuffix(d) {
			return d
		}
	}
	return ""
}

func icannSuffix(name string) bool {
	suffix, icann := publicsuffix.PublicSuffix(name)
	return icann && suffix == name
}

type domainCheck struct {
	registries *registries
	domain     string
	server     *url.URL  // nil: IANA's list says
	byHand     time.Time // zero: ask
	warn       time.Duration
	by         fetcher
}

// Check looks the date up.
func (c domainCheck) Check(ctx context.Context) uptime.Result {
	t := newTrace()
	start := time.Now()
	if !c.byHand.IsZero() {
		f := c.judge(t, registration{ends: c.byHand}, start)
		t.judged("expires", start, c.domain+" "+date(c.byHand)+", by hand", f)
		return t.end(f)
	}
	asked := newTrace() // its certificate and its complaints are the registry's, and nothing to us
	r, said, f := c.ask(ctx, asked)
	t.res.Address, t.res.Steps = asked.res.Address, asked.res.Steps
	t.took, t.taken = asked.took, asked.taken
	detail := c.domain + " " + date(r.ends)
	start = time.Now()
	if f != nil {
		known, ok := c.registries.known(c.domain, start)
		if said || !ok {
			t.judged("expires", start, c.domain, f)
			return t.end(f)
		}
		r = registration{ends: known.ends}
		detail = fmt.Sprintf("%s %s, as told %s ago; now: %s", c.domain, date(r.ends), span(start.Sub(known.at)), f.text)
	} else if !r.ends.IsZero() {
		c.registries.remember(c.domain, told{r.ends, start})
	}
	if len(r.status) > 0 {
		detail += " (" + strings.Join(r.status, ", ") + ")"
	}
	f = c.judge(t, r, start)
	t.judged("expires", start, detail, f)
	return t.end(f)
}

// ask asks the registry. Said tells that it answered, be it with a failure.
func (c domainCheck) ask(ctx context.Context, t *trace) (r registration, said bool, f *failure) {
	server := c.server
	if server == nil {
		if server, f = c.registries.serverOf(ctx, t, c.by, c.tld()); f != nil {
			return r, false, f
		}
	}
	status, data, f := c.by.fetch(ctx, t, server.JoinPath("domain", c.domain))
	unavailable := func(format string, args ...any) *failure {
		return fail(uptime.FaultDomainUnavailable, "%s: the RDAP server %s: %s", c.domain, server.Host, fmt.Sprintf(format, args...))
	}
	switch {
	case f != nil && f.fault.Side() == uptime.Ours:
		return r, false, f
	case f != nil:
		return r, false, unavailable("%s", f.text)
	case status == http.StatusNotFound:
		return r, true, unavailable("there is no such domain (HTTP status 404)")
	case status == http.StatusTooManyRequests:
		return r, false, unavailable("it is asked too often (HTTP status 429)")
	case status != http.StatusOK:
		return r, false, unavailable("HTTP status %d", status)
	}
	r, err := readRegistration(data, c.domain)
	if err != nil {
		return r, true, unavailable("%v", err)
	}
	return r, true, nil
}

// tld is the last label of the domain.
func (c domainCheck) tld() string { return c.domain[strings.LastIndexByte(c.domain, '.')+1:] }

// judge holds the end of a registration against now.
func (c domainCheck) judge(t *trace, r registration, now time.Time) *failure {
	left := r.ends.Sub(now)
	switch {
	case r.over() != "":
		return fail(uptime.FaultDomainExpired, "the registration of %s has ended: it is in its %s", c.domain, r.over())
	case left <= 0:
		return fail(uptime.FaultDomainExpired, "the registration of %s ended %s (%s ago)", c.domain, date(r.ends), span(-left))
	case left < c.warn:
		t.complain(fail(uptime.FaultDomainExpiresSoon, "the registration of %s ends %s (in %s), warned of from %s on", c.domain, date(r.ends), span(left), span(c.warn)))
	}
	return nil
}

func (r *registries) remember(domain string, end told) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told[domain] = end
}

// known is what a registry told of a domain not too long ago.
func (r *registries) known(domain string, now time.Time) (told, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.told[domain]
	return t, ok && now.Sub(t.at) < rememberFor
}
