package probes

import (
	"context"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// smtpService is SMTP (RFC 5321) with STARTTLS (RFC 3207). A server that greets
// with 554 or 421 is down, in its own words.
func smtpService() service {
	return service{
		name: "smtp", summary: "greets a mail server and asks what it offers; sends no mail",
		port: 25, tlsPort: 465, announce: true,
		greeting: func(ctx context.Context, s *session) (string, *failure) {
			return s.coded(ctx, "greets with", codes, "220")
		},
		hello: func(ctx context.Context, s *session) (string, *failure) {
			return s.command(ctx, "EHLO "+addressLiteral(s.conn.LocalAddr()), codes, "250")
		},
		starttls: func(ctx context.Context, s *session) (string, *failure) {
			if _, extensions, _ := strings.Cut(s.offers, "\n"); !offered(extensions, "STARTTLS") {
				return "", s.lacksTLS("its answer to EHLO does not offer it")
			}
			return s.command(ctx, "STARTTLS", codes, "220")
		},
		goodbye: quit,
	}
}

// quit ends a session of SMTP or FTP.
func quit(ctx context.Context, s *session) (string, *failure) {
	return s.command(ctx, "QUIT", codes, "221")
}

// codes are the characters with which a reply of SMTP or FTP begins.
const codes = "12345"

var replyCode = regexp.MustCompile(`^[1-5]\d\d([ -]|$)`)

// command sends a command of SMTP or FTP and reads the reply.
func (k *talk) command(ctx context.Context, command, rest string, wanted ...string) (string, *failure) {
	if f := k.say(command + "\r\n"); f != nil {
		return "", f
	}
	verb, _, _ := strings.Cut(command, " ")
	return k.coded(ctx, "answers "+verb+" with", rest, wanted...)
}

// coded reads a reply of one or more lines that begins with a code: one of those
// that are wanted, or of a wanted first digit. In SMTP each line begins with the
// code (RFC 5321, 4.2.1); in FTP those between the first and the last may be
// anything (RFC 959, 4.2), for which rest is "".
func (k *talk) coded(ctx context.Context, what, rest string, wanted ...string) (string, *failure) {
	code, wrong := "", ""
	lines, f := k.lines(ctx, codes, rest, func(line string) bool {
		if code == "" && replyCode.MatchString(line) {
			code = line[:3]
		}
		text, ours := strings.CutPrefix(line, code)
		switch {
		case code == "" || rest != "" && !(ours && replyCode.MatchString(line)):
			wrong = line
			return true
		}
		return ours && (text == "" || text[0] == ' ')
	})
	if f != nil {
		return "", f
	}
	if wrong != "" || code == "" {
		return "", k.malformed(wrong)
	}
	said := strings.Join(lines, "\n")
	if !slices.ContainsFunc(wanted, func(w string) bool { return strings.HasPrefix(code, w) }) {
		return said, k.unexpected(what, said)
	}
	return said, nil
}

// addressLiteral is the name of a client that has none to give away: its
// address (RFC 5321, 4.1.3).
func addressLiteral(a net.Addr) string {
	to, err := netip.ParseAddrPort(a.String())
	switch ip := to.Addr().Unmap().WithZone(""); {
	case err != nil:
		return "[127.0.0.1]"
	case ip.Is4():
		return "[" + ip.String() + "]"
	default:
		return "[IPv6:" + ip.String() + "]"
	}
}
