package probes

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"lookout/engine/uptime"
)

// form reads the settings of one check and gathers all that is wrong with them.
type form struct {
	uptime.Settings
	mistakes []uptime.Mistake
}

func (f *form) wrong(key, hint, format string, args ...any) {
	f.mistakes = append(f.mistakes, uptime.Mistake{Key: key, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// done returns the check, or nothing where there was a mistake.
func (f *form) done(c uptime.Check) (uptime.Check, []uptime.Mistake) {
	for _, m := range f.mistakes {
		if !m.Warning {
			return uptime.Check{}, f.mistakes
		}
	}
	if c.Caution == "" && uptime.Value(f.Values, "verify", "full") == "none" && secureScheme(f.URL.Scheme) {
		c.Caution = "certificate not verified"
	}
	return c, f.mistakes
}

// secureScheme reports whether the checks of a scheme speak TLS.
func secureScheme(scheme string) bool {
	switch scheme {
	case "tls", "https", "wss", "grpcs", "rediss":
		return true
	}
	return strings.HasSuffix(scheme, "tls") // smtp+tls, smtp+starttls
}

// endpoint reads host and port of the URL; a port of 0 as default means that one has to be given.
func (f *form) endpoint(port uint16) endpoint {
	e := f.host(f.URL.Hostname())
	e.port = port
	if p := f.URL.Port(); p != "" {
		e.port = f.port(p)
	} else if port == 0 {
		f.wrong("url", "add the port, as in "+f.URL.Scheme+"://host:443", "the URL has no port")
	}
	return e
}

func (f *form) port(text string) uint16 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		f.wrong("url", "ports go from 1 to 65535", "%q is no port", uptime.Clean(text, 40))
	}
	return uint16(n)
}

// way is what the settings say of the way to any target; nil for nothing.
func (f *form) way() *via {
	if f.Resolvers == nil && f.Source == "" {
		return nil
	}
	return &via{f.Resolvers, f.Source}
}

// host reads a host, in the form in which DNS and TLS know it.
func (f *form) host(host string) endpoint {
	e := endpoint{host: host, ip: f.IP, via: f.way()}
	if e.ip == "" {
		e.ip = "any"
	}
	if host == "" {
		f.wrong("url", "", "the URL has no host")
		return e
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if (e.ip == "4" || e.ip == "6") && (e.ip == "4") != a.Unmap().Is4() {
			f.wrong("ip", "", "%s is no IPv%s address", host, e.ip)
		}
		if a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "" {
			f.wrong("url", "add its interface, as in [fe80::1%25eth0]", "%s is an address of a link, and the URL does not say which", host)
		}
		return e
	}
	e.host = strings.ToLower(host)
	if strings.IndexFunc(host, func(r rune) bool { return r > 127 }) >= 0 {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			f.wrong("url", "", "%q is no host name", uptime.Clean(host, 100))
			return e
		}
		e.host = ascii
	}
	if name := strings.TrimSuffix(e.host, "."); len(name) > 253 || strings.Contains(name, "..") || strings.ContainsAny(name, " /\\\"'<>|") || longLabel(name) {
		f.wrong("url", "", "%q is no host name", uptime.Clean(host, 100))
	} else if numeric(name[strings.LastIndexByte(name, '.')+1:]) { // no top-level domain is a number (RFC 3696)
		f.wrong("url", "an address has four numbers up to 255", "%q is no address, and no host name", uptime.Clean(host, 100))
	}
	return e
}

func numeric(label string) bool {
	return strings.IndexFunc(label, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

func longLabel(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 {
			return true
		}
	}
	return false
}

// pattern compiles a regular expression. It is never nil.
func (f *form) pattern(key, text string) *regexp.Regexp {
	re, err := regexp.Compile(text)
	if err != nil {
		f.wrong(key, "the syntax is RE2: https://github.com/google/re2/wiki/Syntax", "%q is no regular expression: %v", uptime.Clean(text, 80), err)
		return new(regexp.Regexp)
	}
	return re
}

// noPath refuses what a URL of host and port only must not have.
func (f *form) noPath() {
	if p := f.URL.Path; p != "" && p != "/" || f.URL.RawQuery != "" || f.URL.User != nil {
		f.wrong("url", "write "+f.URL.Scheme+"://"+f.URL.Host, "the URL has more than host and port")
	}
}

// only refuses keys of an inline table that it does not have.
func (f *form) only(key string, table map[string]string, names ...string) {
	for name := range table {
		if !slices.Contains(names, name) {
			f.wrong(key, "it has "+strings.Join(names, " and "), "%q is no key of a table in %s", uptime.Clean(name, 40), key)
		}
	}
}

// hostPort reads a host:port of a key.
func (f *form) hostPort(key, text string) endpoint {
	host, port, err := net.SplitHostPort(text)
	n, badPort := strconv.ParseUint(port, 10, 16)
	if err != nil || badPort != nil || n == 0 || host == "" {
		f.wrong(key, `write "host:port"`, "%q is no host and port", uptime.Clean(text, 100))
	}
	e := f.host(host)
	e.port = uint16(n)
	return e
}
