package probes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"time"

	"lookout/engine/uptime"
)

const (
	// maxReply is how much of a reply is kept while something is looked for in it.
	maxReply = 64 << 10
	// quiet is how long a reply that does not match is given for more to follow
	// its last line, where that does not itself announce more.
	quiet = time.Second
)

// turn is one part of a dialogue: wait for a text, then send one.
type turn struct {
	expect *regexp.Regexp // nil: do not wait
	source string         // expect as it is written in the configuration
	send   string
}

// talk is a text dialogue on a connection. What was read and not yet matched waits in seen.
type talk struct {
	conn net.Conn
	seen []byte
	rest bool // the rest of a matched line is still to come
}

// run does each turn in order, with a step for each.
func (k *talk) run(ctx context.Context, t *trace, turns []turn) *failure {
	for _, turn := range turns {
		if turn.expect != nil {
			start := time.Now()
			got, f := k.expect(ctx, t, turn)
			t.judged("expect", start, got, f)
			if f != nil {
				return f
			}
		}
		if turn.send != "" {
			k.rest = false // after a prompt, which has no end of line, what comes now is the reply
			start := time.Now()
			_, err := k.conn.Write([]byte(turn.send))
			t.step("send", start, t.res.Address, err, "")
			if err != nil {
				return k.broken(t, err)
			}
		}
	}
	return nil
}

// expect reads until the turn's pattern matches and takes everything up to the
// end of the line in which the match ends, so that ^ is never in the midst of
// one. It gives up at the deadline, or sooner when a whole reply came that
// does not match and nothing follows it.
func (k *talk) expect(ctx context.Context, t *trace, turn turn) (string, *failure) {
	buf := make([]byte, 4096)
	for {
		if m := turn.expect.FindIndex(k.seen); m != nil {
			got := string(k.seen[m[0]:m[1]])
			k.takeLine(m[1])
			return got, nil
		}
		if len(k.seen) > maxReply {
			return "", fail(uptime.FaultReplyUnexpected, "reply from %s has no match for %s in its first %d KiB: %s", t.res.Address, literal(turn.source), maxReply>>10, quote(string(k.seen)))
		}
		n, err := k.read(ctx, buf)
		k.seen = append(k.seen, buf[:n]...)
		if k.rest && n > 0 {
			k.takeLine(0)
		}
		switch {
		case n > 0 || err == nil: // a reader may return nothing, and no error
		case len(k.seen) > 0 && timedOut(err) && !k.whole():
			return "", fail(uptime.FaultReplyTimeout, "no end of the reply from %s within %s: %s", t.res.Address, t.after(), quote(string(k.seen)))
		case len(k.seen) > 0 && !wasReset(err):
			return "", fail(uptime.FaultReplyUnexpected, "reply from %s does not match %s: %s", t.res.Address, literal(turn.source), quote(string(k.seen)))
		default:
			return "", k.broken(t, err)
		}
	}
}

// takeLine drops what was seen up to end and the rest of its line.
func (k *talk) takeLine(end int) {
	if end > 0 && k.seen[end-1] == '\n' {
		k.seen, k.rest = k.seen[end:], false
		return
	}
	if i := bytes.IndexByte(k.seen[end:], '\n'); i >= 0 {
		k.seen, k.rest = k.seen[end+i+1:], false
		return
	}
	k.rest = k.rest || len(k.seen) > 0
	k.seen = nil
}

// continued is a line that announces another, as in SMTP and FTP. Postfix
// sends one, waits 6 s for clients that talk too soon, and then greets.
var continued = regexp.MustCompile(`^\d{3}-`)

// whole reports whether what was seen may be all of a reply.
func (k *talk) whole() bool {
	lines, ended := bytes.CutSuffix(k.seen, []byte("\n"))
	return ended && !continued.Match(lines[bytes.LastIndexByte(lines, '\n')+1:])
}

// read waits for more, until the end of ctx or, after a whole reply, of quiet.
func (k *talk) read(ctx context.Context, buf []byte) (int, error) {
	wait := left(ctx)
	if k.whole() {
		wait = min(wait, quiet)
	}
	k.conn.SetReadDeadline(time.Now().Add(wait))
	if err := ctx.Err(); err != nil { // that deadline may have undone the one of a cancelled check
		return 0, err
	}
	return k.conn.Read(buf)
}

// broken classes the end of a dialogue.
func (k *talk) broken(t *trace, err error) *failure {
	switch {
	case timedOut(err):
		return fail(uptime.FaultReplyTimeout, "no reply from %s within %s", t.res.Address, t.after())
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return fail(uptime.FaultReplyClosed, "%s closed the connection instead of a reply", t.res.Address)
	case wasReset(err):
		return fail(uptime.FaultReplyClosed, "%s reset the connection instead of a reply", t.res.Address)
	}
	return fail(uptime.FaultReplyMalformed, "reply from %s: %s", t.res.Address, plain(err))
}
