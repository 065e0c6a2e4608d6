package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"lookout/engine/uptime"
)

// scheme tells the scheme of what a person wrote; "" where there is none.
// example.com:25 has none: digits after a colon are a port.
func scheme(raw string) string {
	s, rest, ok := strings.Cut(raw, ":")
	if !ok || s == "" {
		return ""
	}
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || !(s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-' || s[i] == '.')) {
			return ""
		}
	}
	if !strings.HasPrefix(rest, "//") && isPort(rest) {
		return ""
	}
	return strings.ToLower(s)
}

// isPort reports whether a text begins with a port.
func isPort(s string) bool {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n > 0 && (n == len(s) || s[n] == '/' || s[n] == '?')
}

// complete adds the scheme that a bare name lacks: the type's own, else tcp for
// host:port and https for the rest.
func complete(raw string, k *kind) string {
	if scheme(raw) != "" {
		return raw
	}
	if a, err := netip.ParseAddr(raw); err == nil && a.Is6() {
		raw = "[" + raw + "]"
	}
	switch i := strings.LastIndexByte(raw, ':'); {
	case k != nil && len(k.Schemes) > 0:
		return k.Schemes[0] + "://" + raw
	case i > 0 && isPort(raw[i+1:]) && !strings.ContainsAny(raw, "/?"):
		return "tcp://" + raw
	}
	return "https://" + raw
}

// kindOf finds the type of a complete URL.
func (r *registry) kindOf(raw string) (*kind, *wrong) {
	s := scheme(raw)
	if k := r.byScheme[s]; k != nil {
		return k, nil
	}
	hint := "Known: " + strings.Join(r.schemes(), ", ")
	if n := Near(s, r.schemes()); n != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", n, hint)
	}
	return nil, &wrong{fmt.Sprintf("unknown scheme %q", shown(s)), hint}
}

// parseURL reads a complete URL and puts its secrets in. It never quotes what
// the URL holds: a password that was put in the wrong place is one, too.
func (l *loader) parseURL(raw string) (*url.URL, *wrong) {
	expanded, w := l.expandURL(raw)
	if w != nil {
		return nil, w
	}
	u, err := url.Parse(expanded)
	if err != nil {
		return nil, &wrong{"url " + urlFault(err), ""}
	}
	k := l.reg.byScheme[u.Scheme]
	if u.Opaque == "" && u.Host == "" && (u.Path == "" || u.Path == "/") && (k == nil || !k.Bare) {
		return nil, &wrong{"url names no host", ""}
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return nil, &wrong{"url has a port that is not from 1 to 65535", ""}
		}
	}
	return u, nil
}

func urlFault(err error) string {
	for _, f := range []struct{ text, message string }{
		{"port", "has a port that is no number"},
		{"userinfo", "has a user or password with a character that must be written as %XX"},
		{"escape", "has a % without two hexadecimal digits"},
		{"host", "has a host with a character that cannot be in one"},
		{"control character", "has a control character"},
	} {
		if strings.Contains(err.Error(), f.text) {
			return f.message
		}
	}
	return "is not valid"
}

// expandURL replaces ${…} where a URL is secret, in the user info and the query.
func (l *loader) expandURL(raw string) (string, *wrong) {
	if !strings.Contains(raw, "${") {
		return raw, nil
	}
	head, tail := raw, ""
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		head, tail = raw[:i], raw[i:]
	}
	start, user := 0, ""
	if i := strings.Index(head, "://"); i >= 0 {
		start = i + 3
		end := len(head)
		if j := strings.IndexByte(head[start:], '/'); j >= 0 {
			end = start + j
		}
		if at := strings.LastIndexByte(head[start:end], '@'); at >= 0 {
			user = head[start : start+at]
		}
	}
	rest := head[start+len(user):]
	if strings.Contains(head[:start], "${") || strings.Contains(rest, "${") {
		return "", &wrong{"url has a ${…} in its host or path, which everybody sees", "Only the user info and the query are secret"}
	}
	user, err := l.secrets.expand(user, escapeUser)
	if err == nil {
		tail, err = l.secrets.expand(tail, url.QueryEscape)
	}
	if err != nil {
		return "", &wrong{"url " + err.Error(), ""}
	}
	return head[:start] + user + rest + tail, nil
}

// escapeUser writes a user or a password so that it can stand before the @.
func escapeUser(s string) string { return strings.TrimPrefix(url.UserPassword("", s).String(), ":") }

// withTarget puts a target in the place of {target}; an IPv6 address in brackets.
func withTarget(raw, target string) string {
	if a, err := netip.ParseAddr(target); err == nil && a.Is6() {
		target = "[" + target + "]"
	}
	return strings.ReplaceAll(raw, targetMark, target)
}

// nameOf derives a name from a URL: host and path, without scheme and secrets.
func nameOf(u *url.URL) string {
	s := u.Opaque
	if s == "" {
		s = u.Host + strings.TrimSuffix(u.Path, "/")
	}
	s = uptime.Clean(strings.TrimLeft(s, "-#/ "), maxName)
	if s == "" {
		s = u.Scheme
	}
	return s
}
