package probes

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// postgresServer answers a start-up with answer, or by asking for a password,
// and a request for TLS with ssl, or yes.
type postgresServer struct{ answer, ssl string }

func (p postgresServer) serve(c net.Conn, config *tls.Config, said chan<- string) {
	for {
		head := make([]byte, 8)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		body := make([]byte, min(binary.BigEndian.Uint32(head), 1000)-8)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		switch {
		case binary.BigEndian.Uint32(head[4:]) == 80877103 && p.ssl != "":
			io.WriteString(c, p.ssl)
		case binary.BigEndian.Uint32(head[4:]) == 80877103:
			io.WriteString(c, "S")
			sec := tls.Server(c, config)
			if sec.Handshake() != nil {
				return
			}
			c = sec
		case p.answer != "":
			io.WriteString(c, p.answer)
			goodbye := make([]byte, 5)
			io.ReadFull(c, goodbye)
			if said != nil {
				said <- string(goodbye)
			}
			return
		default:
			io.WriteString(c, postgresReply('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"))
		}
	}
}

func postgresReply(kind byte, body string) string {
	return string(append([]byte{kind}, postgresMessage([]byte(body))...))
}

func postgresRefusal(code, text string) string {
	return postgresReply('E', "SFATAL\x00VFATAL\x00C"+code+"\x00M"+text+"\x00\x00")
}

var postgresFaults = []produced{
	{uptime.FaultReplyUnexpected, `refuses with "57P03 the database system is starting up"`, speaking("postgres", postgresServer{answer: postgresRefusal("57P03", "the database system is starting up")})},
	{uptime.FaultReplyUnexpected, `refuses with "53300 sorry, too many clients already"`, speaking("postgres", postgresServer{answer: postgresRefusal("53300", "sorry, too many clients already")})},
	{uptime.FaultReplyUnexpected, `refuses with "could not fork new process for connection: out of memory"`, speaking("postgres", postgresServer{answer: "Ecould not fork new process for connection: out of memory\n\x00"})},
	{uptime.FaultReplyUnexpected, "has no STARTTLS: it answers no to SSLRequest", speaking("postgres+starttls", postgresServer{ssl: "N"})},
	{uptime.FaultReplyUnexpected, `refuses with "57P03 the database system is shutting down"`, speaking("postgres+starttls", postgresServer{ssl: postgresRefusal("57P03", "the database system is shutting down")})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("postgres+starttls", postgresServer{ssl: postgresReply('R', "\x00\x00\x00\x03")})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("postgres", postgresServer{answer: "HTTP/1.1 400 Bad Request\r\n"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("postgres", postgresServer{answer: "R\x7f\xff\xff\xff"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("postgres", postgresServer{answer: postgresReply('E', "no fields here")})},
	{uptime.FaultReplyMalformed, "is too long", speaking("postgres", postgresServer{answer: strings.Repeat(postgresReply('N', string(make([]byte, 1000))), 70)})},
	{uptime.FaultReplyTimeout, "no end of the reply from", speaking("postgres", serverFunc(func(c net.Conn, config *tls.Config, said chan<- string) {
		postgresServer{answer: postgresRefusal("57P03", "x")[:20]}.serve(c, config, said)
	}))},
}

// TestPostgresIsUp has servers that would take a connection, from somebody else.
func TestPostgresIsUp(t *testing.T) {
	tests := []struct{ name, answer, said, goodbye string }{
		{"password", postgresReply('R', "\x00\x00\x00\x03"), "login password", ""},
		{"SCRAM", postgresReply('N', "Snotice\x00\x00") + postgresReply('R', "\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"), "login SCRAM-SHA-256-PLUS SCRAM-SHA-256", ""},
		{"trust", postgresReply('R', "\x00\x00\x00\x00") + postgresReply('S', "a\x00b\x00"), "login none", "X\x00\x00\x00\x04"},
		{"no such role", postgresRefusal("28000", "role \"lookout\" does not exist"), "28000 role \"lookout\" does not exist", ""},
		{"no such database", postgresRefusal("3D000", "no such database"), "3D000 no such database", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			goodbye := make(chan string, 1) // server → test: what came last
			target, values := started(t, "postgres", postgresServer{answer: tt.answer}, goodbye)
			r := once(t, made(t, testSystem(), "postgres", target, values, keys{"banner": "."}))
			wantFault(t, r, uptime.NoFault, "")
			if got := r.Steps[1].Detail; got != tt.said {
				t.Errorf("said %q", got)
			}
			if got := string(bytes.Trim([]byte(<-goodbye), "\x00")); got != strings.Trim(tt.goodbye, "\x00") {
				t.Errorf("goodbye %q", got)
			}
		})
	}
}
