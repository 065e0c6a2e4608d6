package probes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	// maxReply is how much of one reply is kept while it is read.
	maxReply = 64 << 10
	// maxLine is how long a line of a reply may be.
	maxLine = 8 << 10
	// maxTalk is how much a server may say in one check.
	maxTalk = 1 << 20
	// quiet is how long a reply that does not match is given for more to follow
	// its last line, where that does not itself announce more.
	quiet = time.Second
)

// talk is the reading side of a dialogue on a connection. What was read and not
// yet used waits in seen.
type talk struct {
	conn     net.Conn
	t        *trace
	protocol string // its name, of a talk that has one
	seen     []byte
	rest     bool // the rest of a matched line is still to come
	heard    int  // bytes read in all
}

var errTooMuch = errors.New("too much")

// read adds what comes next to seen: at least a byte, or it says why not. It
// waits no longer than wait, and no longer than ctx.
func (k *talk) read(ctx context.Context, wait time.Duration) error {
	if cap(k.seen)-len(k.seen) < 512 {
		k.seen = slices.Grow(k.seen, max(512, len(k.seen)))
	}
	k.conn.SetReadDeadline(time.Now().Add(wait))
	for {
		if err := ctx.Err(); err != nil { // that deadline may have undone the one of a cancelled check
			return err
		}
		n, err := k.conn.Read(k.seen[len(k.seen):cap(k.seen)])
		k.seen = k.seen[:len(k.seen)+n]
		if k.heard += n; k.heard > maxTalk {
			return errTooMuch
		}
		switch {
		case n > 0: // what came is used before what is wrong
			return nil
		case err != nil: // a reader may return nothing, and no error
			return err
		}
	}
}

// more reads on in the midst of a reply that has to have an end.
func (k *talk) more(ctx context.Context) *failure {
	err := k.read(ctx, left(ctx))
	switch {
	case err == nil:
		return nil
	case len(k.seen) > 0 && timedOut(err):
		return fail(uptime.FaultReplyTimeout, "no end of the reply from %s within %s: %s", k.t.res.Address, k.t.after(), quote(string(k.seen)))
	case len(k.seen) > 0 && errors.Is(err, io.EOF):
		return fail(uptime.FaultReplyClosed, "%s closed the connection in the midst of a reply: %s", k.t.res.Address, quote(string(k.seen)))
	}
	return k.broken(err)
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

// say sends a text.
func (k *talk) say(text string) *failure {
	if _, err := io.WriteString(k.conn, text); err != nil {
		return k.broken(err)
	}
	return nil
}

// take reads n bytes.
func (k *talk) take(ctx context.Context, n int) ([]byte, *failure) {
	for len(k.seen) < n {
		if f := k.more(ctx); f != nil {
			return nil, f
		}
	}
	taken := k.seen[:n:n]
	k.seen = k.seen[n:]
	return taken, nil
}

// begins waits for the first byte of a reply, which has to be one of these.
// Another is no reply of the protocol, which is said at once: a server that
// speaks something else may wait for us, and send no end of what it began.
func (k *talk) begins(ctx context.Context, first string) *failure {
	for len(k.seen) == 0 {
		if f := k.more(ctx); f != nil {
			return f
		}
	}
	if strings.IndexByte(first, k.seen[0]) < 0 {
		return k.malformed(string(k.seen))
	}
	return nil
}

// line reads a line and drops its end, CRLF or LF alone. Where first is given, a
// line begins with one of its characters.
func (k *talk) line(ctx context.Context, first string) (string, *failure) {
	if first != "" {
		if f := k.begins(ctx, first); f != nil {
			return "", f
		}
	}
	from := 0
	for {
		if i := bytes.IndexByte(k.seen[from:], '\n'); i >= 0 {
			line := string(bytes.TrimSuffix(k.seen[:from+i], []byte("\r")))
			k.seen = k.seen[from+i+1:]
			return line, nil
		}
		if from = len(k.seen); from > maxLine {
			return "", fail(uptime.FaultReplyMalformed, "reply from %s has a line of more than %d KiB: %s", k.t.res.Address, maxLine>>10, quote(string(k.seen)))
		}
		if f := k.more(ctx); f != nil {
			return "", f
		}
	}
}

// lines reads lines until one is the last of its reply: the first begins with
// one of the characters of first, the others with one of rest.
func (k *talk) lines(ctx context.Context, first, rest string, last func(string) bool) ([]string, *failure) {
	var lines []string
	for size := 0; ; first = rest {
		line, f := k.line(ctx, first)
		if f != nil && len(lines) > 0 {
			so := quote(strings.Join(lines, " ") + " " + string(k.seen))
			switch f.fault {
			case uptime.FaultReplyTimeout:
				f = fail(f.fault, "no end of the reply from %s within %s: %s", k.t.res.Address, k.t.after(), so)
			case uptime.FaultReplyClosed:
				f = fail(f.fault, "%s closed the connection in the midst of a reply: %s", k.t.res.Address, so)
			}
		}
		if f != nil {
			return nil, f
		}
		lines = append(lines, line)
		if last(line) {
			return lines, nil
		}
		if size += len(line) + 1; size > maxReply {
			return nil, k.endless(lines[0])
		}
	}
}

// malformed is the failure of a reply that the protocol does not have.
func (k *talk) malformed(got string) *failure {
	return fail(uptime.FaultReplyMalformed, "%s does not speak %s, it sent %s", k.t.res.Address, k.protocol, quote(got))
}

// endless is the failure of a reply that goes on for too long.
func (k *talk) endless(got string) *failure {
	return fail(uptime.FaultReplyMalformed, "reply from %s is too long: %s", k.t.res.Address, quote(got))
}

// unexpected is the failure of a reply that says something else than it should.
func (k *talk) unexpected(what, got string) *failure {
	return fail(uptime.FaultReplyUnexpected, "%s %s %s", k.t.res.Address, what, quote(got))
}

// broken classes the end of a dialogue.
func (k *talk) broken(err error) *failure {
	to := k.t.res.Address
	if _, alerted := alertOf(err); alerted { // in TLS 1.3 it comes after our side of the handshake
		if sec, ok := k.conn.(*secured); ok {
			return sec.failure(k.t, err)
		}
	}
	switch {
	case timedOut(err):
		return fail(uptime.FaultReplyTimeout, "no reply from %s within %s", to, k.t.after())
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return fail(uptime.FaultReplyClosed, "%s closed the connection instead of a reply", to)
	case wasReset(err):
		return fail(uptime.FaultReplyClosed, "%s reset the connection instead of a reply", to)
	case err == errTooMuch:
		return fail(uptime.FaultReplyMalformed, "%s sent more than %d KiB in this dialogue", to, maxTalk>>10)
	}
	return fail(uptime.FaultReplyMalformed, "reply from %s: %s", to, plain(err))
}
