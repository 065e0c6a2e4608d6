package probes

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// redisType sends a PING, after AUTH where it has a password. A server that
// wants a password and is given none says NOAUTH: it serves, though not us.
func redisType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "redis",
		Schemes:  []string{"redis", "rediss"},
		Summary:  "sends a PING to Redis and the like, in the open or within TLS",
		Measures: []string{"dns", "connect", "tls", "ttfb"},
		Keys: append([]uptime.Key{
			{Name: "password", Kind: uptime.SecretText, Doc: "to log in with; the user, if any, is in the URL: redis://user@host; default: no login", Example: `"${secret:redis}"`},
		}, tlsKeys()...),
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := redisCheck{sys: sys, to: f.endpoint(6379), secure: s.URL.Scheme == "rediss", tls: f.tls(sys), password: uptime.Value(s.Values, "password", uptime.Secret(""))}
			if u := s.URL.User; u != nil {
				c.user = u.Username()
				password, ok := u.Password()
				switch {
				case ok && c.password != "":
					f.wrong("password", "keep one of them", "a password in the URL and one by the key")
				case ok:
					c.password = uptime.Secret(password)
				case c.password == "":
					f.wrong("url", "set password", "the URL has a user and no password")
				}
			}
			if p := s.URL.Path; p != "" && p != "/" || s.URL.RawQuery != "" {
				f.wrong("url", "write "+s.URL.Scheme+"://"+s.URL.Host, "the URL has more than host and port: a check looks into no database")
			}
			return f.done(uptime.Check{Checker: c, Dest: c.to.String()})
		},
	}
}

type redisCheck struct {
	sys      *system
	to       endpoint
	secure   bool
	tls      tlsSettings
	user     string        // "": the default one
	password uptime.Secret // "": no login
}

// Check asks once whether the server is there.
func (c redisCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		if c.secure {
			sec, f := c.tls.handshake(ctx, t, conn, c.to.host)
			if f != nil {
				return f
			}
			defer sec.Close()
			conn = sec
		}
		k := &talk{conn: conn, t: t, protocol: "redis"}
		if c.password != "" {
			if f := c.login(ctx, k); f != nil {
				return f
			}
		}
		return c.command(ctx, k, "ping", func(said string) *failure {
			switch word, _, _ := strings.Cut(said, " "); {
			case said == "+PONG", word == "-NOAUTH", word == "-NOPERM":
				return nil
			}
			return k.unexpected("answers PING with", said)
		}, "PING")
	})
}

// login gives the password.
func (c redisCheck) login(ctx context.Context, k *talk) *failure {
	words := []string{"AUTH", c.password.Reveal()}
	if c.user != "" {
		words = []string{"AUTH", c.user, c.password.Reveal()}
	}
	return c.command(ctx, k, "auth", func(said string) *failure {
		switch word, _, _ := strings.Cut(said, " "); {
		case said == "+OK":
			return nil
		case word == "-LOADING", word == "-DENIED", strings.Contains(said, "max number of clients"):
			return k.unexpected("answers AUTH with", said)
		}
		return fail(uptime.FaultReplyRefusedLogin, "%s refuses the password: %s", k.t.res.Address, quote(said))
	}, words...)
}

// command sends one command and judges its answer, which is a step of the check.
func (c redisCheck) command(ctx context.Context, k *talk, step string, judge func(string) *failure, words ...string) *failure {
	start := time.Now()
	said := ""
	f := k.say(resp(words))
	if f == nil {
		said, f = k.line(ctx, "+-")
	}
	took := time.Since(start)
	if c.repeated(said) {
		said = said[:1] + " and words that repeat the password"
	}
	if f == nil {
		f = judge(said)
	}
	if f != nil && c.repeated(f.text) {
		f.text = k.t.res.Address + " does not speak redis: it repeats the password"
	}
	if !k.t.taken[ttfbTime] {
		k.t.measure(ttfbTime, took)
	}
	k.t.judged(step, start, said, f)
	return f
}

// repeated reports whether a text from the server has our password in it. A
// server that knows no AUTH repeats its arguments, as one that is none does,
// and either may be cut short. The two good answers repeat nothing, be the
// password "OK".
func (c redisCheck) repeated(text string) bool {
	password := c.password.Reveal()
	return password != "" && text != "+OK" && text != "+PONG" && strings.Contains(text, password[:min(len(password), 4)])
}

// resp writes a command as the protocol has it: an array of strings with their lengths.
func resp(words []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}
