package probes

import (
	"context"
	"strings"
)

// pop3Service is POP3 (RFC 1939) with STLS (RFC 2595).
func pop3Service() service {
	return service{
		name: "pop3", summary: "greets a POP3 server and asks what it offers, without a login",
		port: 110, tlsPort: 995, announce: true,
		greeting: func(ctx context.Context, s *session) (string, *failure) {
			return s.pop3(ctx, "greets with")
		},
		hello: func(ctx context.Context, s *session) (string, *failure) {
			if f := s.say("CAPA\r\n"); f != nil {
				return "", f
			}
			lines, f := s.lines(ctx, "+-", "", func(line string) bool { return line == "." || strings.HasPrefix(line, "-") })
			return strings.Join(lines, "\n"), f // that it knows no CAPA is no fault (RFC 2449)
		},
		starttls: func(ctx context.Context, s *session) (string, *failure) {
			if strings.HasPrefix(s.offers, "+") && !offered(s.offers, "STLS") {
				return "", s.lacksTLS("its answer to CAPA does not offer STLS")
			}
			if f := s.say("STLS\r\n"); f != nil {
				return "", f
			}
			return s.pop3(ctx, "answers STLS with")
		},
		goodbye: func(ctx context.Context, s *session) (string, *failure) {
			if f := s.say("QUIT\r\n"); f != nil {
				return "", f
			}
			return s.pop3(ctx, "answers QUIT with")
		},
	}
}

// pop3 reads a reply of one line.
func (k *talk) pop3(ctx context.Context, what string) (string, *failure) {
	line, f := k.line(ctx, "+-")
	switch word, _, _ := strings.Cut(line, " "); {
	case f != nil:
		return "", f
	case word == "+OK":
		return line, nil
	case word == "-ERR":
		return line, k.unexpected(what, line)
	}
	return "", k.malformed(line)
}
