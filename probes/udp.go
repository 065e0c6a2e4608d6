package probes

import (
	"context"
	"encoding/hex"
	"regexp"
	"strings"

	"lookout/engine/uptime"
)

// udpType sends a datagram and looks at the one that comes back. A datagram
// without an answer proves nothing: a service that takes it, a filter that
// drops it and a host that is off look the same. So an answer has to be expected.
func udpType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "udp",
		Schemes:  []string{"udp"},
		Summary:  "sends a datagram and looks at the one that comes back",
		Measures: []string{"dns", "ttfb"},
		Keys: []uptime.Key{
			{Name: "send", Kind: uptime.String, Doc: "text to send", Example: `"PING\r\n"`},
			{Name: "send_hex", Kind: uptime.String, Doc: "bytes to send instead of a text, in hexadecimal", Example: `"ff ff ff ff 54"`},
		},
		Expect: []uptime.Key{
			{Name: "banner", Kind: uptime.String, Doc: `regular expression that the first reply has to match; "" matches any`, Example: `"^PONG"`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := udpCheck{sys: sys, to: f.endpoint(0), send: f.datagram()}
			f.noPath()
			source, ok := s.Expect["banner"].(string)
			if !ok {
				f.wrong("expect.banner", `set banner = "" in [monitor.expect] if any reply will do`, "a UDP check needs a reply to look at: silence says nothing about a service")
			}
			c.source, c.banner = source, f.linePattern("expect.banner", source)
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: "a reply that matches " + literal(source)})
		},
	}
}

// maxDatagram is what fits one datagram.
const maxDatagram = 65507

// datagram reads what to send.
func (f *form) datagram() []byte {
	text, asHex := uptime.Value(f.Values, "send", ""), uptime.Value(f.Values, "send_hex", "")
	b := []byte(text)
	switch {
	case text != "" && asHex != "":
		f.wrong("send_hex", "keep one of them", "send and send_hex exclude each other")
	case asHex != "":
		var err error
		if b, err = hex.DecodeString(strings.Join(strings.Fields(asHex), "")); err != nil {
			f.wrong("send_hex", `write two digits for each byte, as in "ff 0a"`, "send_hex is not hexadecimal")
		}
	case text == "":
		f.wrong("send", `write send = "PING\r\n", or whatever the service answers`, "a UDP check needs something to send")
	}
	if len(b) > maxDatagram {
		f.wrong("send", "", "%d bytes do not fit a datagram", len(b))
	}
	return b
}

type udpCheck struct {
	sys    *system
	to     endpoint
	send   []byte
	banner *regexp.Regexp
	source string
}

// Check sends the datagram, again if need be, and takes the first reply.
func (c udpCheck) Check(ctx context.Context) uptime.Result {
	t := newTrace()
	return t.end(c.sys.ask(ctx, t, c.to, question{
		packet: func(int) []byte { return c.send },
		take: func(b []byte) (bool, string, *failure) {
			if !c.banner.Match(b) {
				return true, "", fail(uptime.FaultReplyUnexpected, "reply from %s does not match %s: %s", t.res.Address, literal(c.source), quote(string(b)))
			}
			return true, quote(string(b)), nil
		},
	}))
}
