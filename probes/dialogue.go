package probes

import (
	"context"
	"regexp"
	"regexp/syntax"
	"time"

	"lookout/engine/uptime"
)

// turn is one part of a dialogue: wait for a text, then send one.
type turn struct {
	expect *regexp.Regexp // nil: do not wait
	source string         // expect as it is written in the configuration
	send   string
}

// dialogueKeys are the keys of every type that holds a dialogue in text: of the
// monitor, and of what it expects. A type says what comes before the first send.
func dialogueKeys(before string) (values, expect []uptime.Key) {
	return []uptime.Key{
			{Name: "send", Kind: uptime.String, Doc: "text to send once " + before, Example: `"PING\r\n"`},
		}, []uptime.Key{
			{Name: "banner", Kind: uptime.String, Doc: "regular expression that has to match what the server sends", Example: `"^220 "`},
			{Name: "dialogue", Kind: uptime.Tables, Doc: "turns of expect (a regular expression) and send (text), after send and banner", Example: `[{expect = "^220 ", send = "QUIT\r\n"}, {expect = "^221 "}]`},
		}
}

// sending is the turn that only sends.
func (f *form) sending() []turn {
	if s := uptime.Value(f.Values, "send", ""); s != "" {
		return []turn{{send: s}}
	}
	return nil
}

// banner is the turn that waits for the first words of a server.
func (f *form) banner() []turn {
	if s := uptime.Value(f.Expect, "banner", ""); s != "" {
		return []turn{{expect: f.linePattern("expect.banner", s), source: s}}
	}
	return nil
}

// dialogue reads the turns of a dialogue.
func (f *form) dialogue() []turn {
	var turns []turn
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

// expected says for people what turns wait for.
func expected(turns []turn) string {
	text := ""
	for _, turn := range turns {
		if turn.expect == nil {
			continue
		}
		if text != "" {
			text += ", then "
		}
		text += "matches " + literal(turn.source)
	}
	return text
}

// run does each turn in order, with a step for each.
func (k *talk) run(ctx context.Context, turns []turn) *failure {
	for _, turn := range turns {
		if turn.expect != nil {
			start := time.Now()
			got, f := k.expect(ctx, turn)
			if took := k.t.judged("expect", start, got, f); f == nil && !k.t.taken[ttfbTime] {
				k.t.measure(ttfbTime, took)
			}
			if f != nil {
				return f
			}
		}
		if turn.send != "" {
			k.rest = false // after a prompt, which has no end of line, what comes now is the reply
			start := time.Now()
			_, err := k.conn.Write([]byte(turn.send))
			k.t.step("send", start, k.t.res.Address, err, "")
			if err != nil {
				return k.broken(err)
			}
		}
	}
	return nil
}

// maxSearched bounds what a search for a pattern costs when a reply comes in
// tiny pieces: this many bytes, then only whenever the reply has grown by an eighth.
const maxSearched = 4 << 20

// expect reads until the turn's pattern matches and takes everything up to the
// end of the line in which the match ends, so that ^ is never in the midst of
// one. It gives up at the deadline, or sooner when a whole reply came that
// does not match and nothing follows it.
func (k *talk) expect(ctx context.Context, turn turn) (string, *failure) {
	searched, due := 0, 0
	var ended error
	for {
		if n := len(k.seen); n >= due || ended != nil {
			if m := turn.expect.FindIndex(k.seen); m != nil {
				got := string(k.seen[m[0]:m[1]])
				k.takeLine(m[1])
				return got, nil
			}
			if searched += n; searched > maxSearched {
				due = n + n/8
			}
		}
		switch {
		case len(k.seen) > maxReply:
			return "", fail(uptime.FaultReplyUnexpected, "reply from %s has no match for %s in its first %d KiB: %s", k.t.res.Address, literal(turn.source), maxReply>>10, quote(string(k.seen)))
		case ended == nil:
		case len(k.seen) > 0 && timedOut(ended) && !k.whole():
			return "", fail(uptime.FaultReplyTimeout, "no end of the reply from %s within %s: %s", k.t.res.Address, k.t.after(), quote(string(k.seen)))
		case len(k.seen) > 0 && (k.whole() || !wasReset(ended)) && ended != errTooMuch: // who refuses before it reads resets
			return "", fail(uptime.FaultReplyUnexpected, "reply from %s does not match %s: %s", k.t.res.Address, literal(turn.source), quote(string(k.seen)))
		default:
			return "", k.broken(ended)
		}
		wait := left(ctx)
		if k.whole() {
			wait = min(wait, quiet)
		}
		before := len(k.seen)
		ended = k.read(ctx, wait)
		if k.rest && len(k.seen) > before {
			k.takeLine(0)
		}
	}
}
