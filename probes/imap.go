package probes

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// imapService is IMAP (RFC 9051, RFC 3501) with STARTTLS.
func imapService() service {
	return service{
		name: "imap", summary: "greets an IMAP server and asks what it offers, without a login",
		port: 143, tlsPort: 993, announce: true,
		greeting: func(ctx context.Context, s *session) (string, *failure) {
			said, f := s.imapLine(ctx, "*")
			switch {
			case f != nil:
				return "", f
			case imapStatus(said, "* ", "OK"), imapStatus(said, "* ", "PREAUTH"):
				s.inside = !imapStatus(said, "* ", "OK")
				return said, nil
			case imapStatus(said, "* ", "BYE"):
				return said, s.unexpected("greets with", said)
			}
			return "", s.malformed(said)
		},
		hello: func(ctx context.Context, s *session) (string, *failure) {
			return s.imap(ctx, "CAPABILITY")
		},
		starttls: func(ctx context.Context, s *session) (string, *failure) {
			switch {
			case s.inside: // whoever is inside cannot change to TLS any more
				return "", s.lacksTLS("it greets with PREAUTH")
			case !offered(s.offers, "STARTTLS"):
				return "", s.lacksTLS("its answer to CAPABILITY does not offer it")
			}
			return s.imap(ctx, "STARTTLS")
		},
		goodbye: func(ctx context.Context, s *session) (string, *failure) {
			return s.imap(ctx, "LOGOUT")
		},
	}
}

// imap sends a command and reads what the server says up to the end of it.
func (s *session) imap(ctx context.Context, command string) (string, *failure) {
	s.sent++
	tag := "a" + strconv.Itoa(s.sent) + " "
	if f := s.say(tag + command + "\r\n"); f != nil {
		return "", f
	}
	var said strings.Builder
	for {
		line, f := s.imapLine(ctx, "*+a")
		if f != nil {
			return said.String(), f
		}
		said.WriteString(line + "\n")
		switch {
		case imapStatus(line, tag, "OK"):
			return said.String(), nil
		case strings.HasPrefix(line, tag), imapStatus(line, "* ", "BYE") && command != "LOGOUT":
			return said.String(), s.unexpected("answers "+command+" with", line)
		case line[0] == 'a':
			return said.String(), s.malformed(line)
		case said.Len() > maxReply:
			return said.String(), s.endless(said.String())
		}
	}
}

// imapStatus reports whether a line is a response with this tag and status.
func imapStatus(line, tag, status string) bool {
	rest, ok := strings.CutPrefix(line, tag)
	word, _, _ := strings.Cut(rest, " ")
	return ok && strings.EqualFold(word, status)
}

// maxLiterals is how many literals a response may have. One before a login needs none.
const maxLiterals = 100

var imapLiteral = regexp.MustCompile(`\{(\d{1,9})\+?\}$`)

// imapLine reads a response: a line, and what follows where that ends with the
// length of a literal.
func (k *talk) imapLine(ctx context.Context, first string) (string, *failure) {
	var said strings.Builder
	for range maxLiterals {
		line, f := k.line(ctx, first)
		if f != nil {
			return "", f
		}
		said.WriteString(line)
		literal := imapLiteral.FindStringSubmatch(line)
		if literal == nil {
			return said.String(), nil
		}
		n, _ := strconv.Atoi(literal[1])
		if said.Len()+n > maxReply {
			return "", k.endless(said.String())
		}
		text, f := k.take(ctx, n)
		if f != nil {
			return "", f
		}
		said.WriteByte(' ')
		said.Write(text)
		first = ""
	}
	return "", k.endless(said.String())
}
