package probes

import (
	"context"
	"net"
	"regexp"
	"regexp/syntax"
	"strings"

	"lookout/engine/uptime"
)

// tcpType connects and, if wanted, holds a dialogue.
func tcpType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "tcp",
		Schemes:  []string{"tcp"},
		Summary:  "connects to a TCP port; can send text and look at what comes back",
		Measures: []string{"dns", "connect"},
		Keys: []uptime.Key{
			{Name: "send", Kind: uptime.String, Doc: "text to send once connected", Example: `"PING\r\n"`},
		},
		Expect: []uptime.Key{
			{Name: "banner", Kind: uptime.String, Doc: "regular expression that has to match what the server sends", Example: `"^220 "`},
			{Name: "dialogue", Kind: uptime.Tables, Doc: "turns of expect (a regular expression) and send (text), after send and banner", Example: `[{expect = "^220 ", send = "QUIT\r\n"}, {expect = "^221 "}]`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := tcpCheck{sys: sys, to: f.endpoint(0), turns: f.turns()}
			f.noPath()
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: c.expectation()})
		},
	}
}

type tcpCheck struct {
	sys   *system
	to    endpoint
	turns []turn
}

// turns reads a dialogue: what to send, the banner, the turns.
func (f *form) turns() []turn {
	var turns []turn
	if s := uptime.Value(f.Values, "send", ""); s != "" {
		turns = append(turns, turn{send: s})
	}
	if s := uptime.Value(f.Expect, "banner", ""); s != "" {
		turns = append(turns, turn{expect: f.linePattern("expect.banner", s), source: s})
	}
	for _, d := range uptime.Value(f.Expect, "dialogue", []map[string]string(nil)) {
		f.only("expect.dialogue", d, "expect", "send")
		next := turn{send: d["send"]}
		if d["expect"] != "" {
			next.expect, next.source = f.linePattern("expect.dialogue", d["expect"]), d["expect"]
		} else if next.send == "" {
			f.wrong("expect.dialogue", `write {expect = "^220 ", send = "QUIT\r\n"}`, "a turn with neither expect nor send")
		}
		turns = append(turns, next)
	}
	return turns
}

// linePattern compiles a regular expression in which ^ and $ match at the ends
// of each line, with or without a carriage return. It is never nil.
func (f *form) linePattern(key, text string) *regexp.Regexp {
	re := f.pattern(key, text)
	tree, err := syntax.Parse(text, syntax.Perl&^syntax.OneLine)
	if err != nil {
		return re // f.pattern has reported it
	}
	return f.pattern(key, beforeCR(tree).String())
}

// beforeCR lets each $ match before \r\n too, which RE2 takes for text.
func beforeCR(re *syntax.Regexp) *syntax.Regexp {
	for i, sub := range re.Sub {
		re.Sub[i] = beforeCR(sub)
	}
	if re.Op != syntax.OpEndLine {
		return re
	}
	cr := &syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune{'\r'}}
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{{Op: syntax.OpQuest, Sub: []*syntax.Regexp{cr}}, re}}
}

// Check connects and goes through the dialogue.
func (c tcpCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		k := talk{conn: conn}
		return k.run(ctx, t, c.turns)
	})
}

func (c tcpCheck) expectation() string {
	var wanted []string
	for _, turn := range c.turns {
		if turn.expect != nil {
			wanted = append(wanted, "matches "+literal(turn.source))
		}
	}
	return strings.Join(wanted, ", then ")
}
