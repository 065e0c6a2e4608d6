package config

import "testing"

func TestComplete(t *testing.T) {
	l := newLoader("", testOptions())
	for _, c := range []struct{ raw, typ, want string }{
		{"example.com", "", "https://example.com"},
		{"example.com/a?b=c:1", "", "https://example.com/a?b=c:1"},
		{"example.com:25", "", "tcp://example.com:25"},
		{"example.com:8443/a", "", "https://example.com:8443/a"},
		{"localhost:25", "", "tcp://localhost:25"},
		{"localhost", "", "https://localhost"},
		{"192.0.2.1", "", "https://192.0.2.1"},
		{"192.0.2.1:53", "", "tcp://192.0.2.1:53"},
		{"2001:db8::25", "", "https://[2001:db8::25]"},
		{"[2001:db8::1]:25", "", "tcp://[2001:db8::1]:25"},
		{"[2001:db8::1]", "", "https://[2001:db8::1]"},
		{"HTTPS://example.com", "", "HTTPS://example.com"},
		{"dns:example.com?type=MX", "", "dns:example.com?type=MX"},
		{"mailto:jo@example.com", "", "mailto:jo@example.com"},
		{"example.com:636", "tls", "tls://example.com:636"},
		{"http://example.com", "tls", "http://example.com"},
	} {
		if got := complete(c.raw, l.reg.byName[c.typ]); got != c.want {
			t.Errorf("%s (%s) became %s, want %s", c.raw, c.typ, got, c.want)
		}
	}
}

func TestParseURL(t *testing.T) {
	l := newLoader("", testOptions("A", "p@ss/w?rd%"))
	for _, c := range []struct{ raw, want, wrong string }{
		{"https://jo:${A}@example.com/?k=${A}&x=1", "https://jo:p%40ss%2Fw%3Frd%25@example.com/?k=p%40ss%2Fw%3Frd%25&x=1", ""},
		{"https://${A}@example.com/", "https://p%40ss%2Fw%3Frd%25@example.com/", ""},
		{"dns:example.com?type=${A}", "dns:example.com?type=p%40ss%2Fw%3Frd%25", ""},
		{"https://example.com/${A}", "", "url has a ${…} in its host or path, which everybody sees"},
		{"https://${A}/", "", "url has a ${…} in its host or path, which everybody sees"},
		{"https://example.com/?${B}", "", "url needs ${B}, and the environment has no B"},
		{"https://example.com:0/", "", "url has a port that is not from 1 to 65535"},
		{"https://example.com:70000/", "", "url has a port that is not from 1 to 65535"},
		{"https://example.com/%zz", "", "url has a % without two hexadecimal digits"},
		{"https:///a", "https:///a", ""},
		{"https://", "", "url names no host"},
	} {
		u, w := l.parseURL(c.raw)
		switch {
		case w != nil && w.message != c.wrong:
			t.Errorf("%s: %s, want %q", c.raw, w.message, c.wrong)
		case w == nil && u.String() != c.want:
			t.Errorf("%s became %s, want %s", c.raw, u, c.want)
		}
	}
}
