package probes

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
)

// postgresService is the start-up of the PostgreSQL protocol, version 3. It goes
// as far as the server asking for a password and never gives one: the server
// then takes connections. So does one that refuses our made-up user or
// database, SQLSTATE 28… and 3D000. Every other error is a server that takes
// none: 57P03 while it starts or stops, 53300 when there are too many, ….
func postgresService() service {
	return service{
		name: "postgres", summary: "starts a PostgreSQL session up to the login",
		port: 5432, tlsPort: 5432, binary: true, protocols: []string{"postgresql"},
		hello: func(ctx context.Context, s *session) (string, *failure) {
			body := binary.BigEndian.AppendUint32(nil, 3<<16)
			body = append(body, "user\x00lookout\x00database\x00postgres\x00application_name\x00lookout\x00\x00"...)
			if f := s.say(postgresMessage(body)); f != nil {
				return "", f
			}
			return s.postgres(ctx)
		},
		starttls: func(ctx context.Context, s *session) (string, *failure) {
			if f := s.say(postgresMessage(binary.BigEndian.AppendUint32(nil, 80877103))); f != nil { // SSLRequest
				return "", f
			}
			b, f := s.take(ctx, 1)
			if f != nil {
				return "", f
			}
			switch b[0] {
			case 'S':
				return "yes", nil
			case 'N':
				return "no", s.lacksTLS("it answers no to SSLRequest")
			}
			s.seen = append(b, s.seen...)
			said, f := s.postgres(ctx)
			if f == nil {
				f = s.malformed(said)
			}
			return said, f
		},
		goodbye: func(ctx context.Context, s *session) (string, *failure) {
			if !s.inside {
				return "", nil // the server waits for a password: to hang up is the way to go
			}
			if f := s.say("X\x00\x00\x00\x04"); f != nil {
				return "", f
			}
			for {
				s.seen = nil // what it says of itself before it reads the goodbye
				if f := s.more(ctx); f != nil {
					return "", nil
				}
			}
		},
	}
}

// postgresMessage is a message of the start-up, which has no type.
func postgresMessage(body []byte) string {
	return string(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...))
}

// postgres reads the answer to a start-up message.
func (s *session) postgres(ctx context.Context) (string, *failure) {
	for size := 0; size < maxReply; {
		head, f := s.take(ctx, 5)
		if f != nil {
			return "", f
		}
		n := int(binary.BigEndian.Uint32(head[1:])) - 4
		if !strings.ContainsRune("RENv", rune(head[0])) || n < 4 || n > maxReply {
			if head[0] == 'E' { // before version 3, and now where the server cannot so much as fork, text follows
				text, f := s.text(ctx, string(head[1:]))
				if f == nil {
					f = s.unexpected("refuses with", text)
				}
				return text, f
			}
			return "", s.malformed(string(head) + string(s.seen))
		}
		body, f := s.take(ctx, n)
		if f != nil {
			return "", f
		}
		switch size += n; head[0] {
		case 'R':
			s.inside = binary.BigEndian.Uint32(body) == 0
			return postgresLogin(body), nil
		case 'E':
			return s.postgresError(body)
		}
	}
	return "", s.endless("")
}

// text reads the text of an error up to its zero, or up to the end of the connection.
func (s *session) text(ctx context.Context, begun string) (string, *failure) {
	for {
		if i := strings.IndexByte(begun, 0); i >= 0 {
			return begun[:i], nil
		}
		if len(begun) > maxLine {
			return "", s.malformed(begun)
		}
		b, f := s.take(ctx, 1)
		if f != nil {
			return "", f
		}
		begun += string(b)
	}
}

// postgresLogin says for people which login the server asks for.
func postgresLogin(body []byte) string {
	names := map[uint32]string{0: "none", 2: "Kerberos", 3: "password", 5: "md5", 7: "GSSAPI", 9: "SSPI"}
	kind := binary.BigEndian.Uint32(body)
	if kind == 10 {
		return "login " + strings.TrimSpace(string(bytes.ReplaceAll(body[4:], []byte{0}, []byte{' '})))
	}
	if name, ok := names[kind]; ok {
		return "login " + name
	}
	return "login unknown"
}

// postgresError judges an ErrorResponse by its SQLSTATE.
func (s *session) postgresError(body []byte) (string, *failure) {
	fields := map[byte]string{}
	for field := range bytes.SplitSeq(body, []byte{0}) {
		if len(field) > 1 {
			fields[field[0]] = string(field[1:])
		}
	}
	code, said := fields['C'], fields['C']+" "+fields['M']
	switch {
	case len(code) != 5:
		return "", s.malformed(string(body))
	case strings.HasPrefix(code, "28"), strings.HasPrefix(code, "3D"):
		return said, nil
	}
	return said, s.unexpected("refuses with", said)
}
