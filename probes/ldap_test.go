package probes

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"lookout/engine/uptime"
)

// ldapYes is how the answer yes to StartTLS ends.
const ldapYes = "\x78\x07\x0a\x01\x00\x04\x00\x04\x00"

// ldapServer answers a search with found, or an entry and success, and StartTLS with starttls, or yes.
type ldapServer struct{ found, starttls string }

// ldapMessage is a message of the server; ids are small.
func ldapMessage(id byte, op []byte) string {
	return string(berOf(berSequence, []byte{berInteger, 1, id}, op))
}

func ldapAnswer(id, tag, code byte, text string) string {
	return ldapMessage(id, berOf(tag, []byte{berEnum, 1, code, berOctets, 0}, berOf(berOctets, []byte(text))))
}

func ldapFound(id byte) string {
	octets := func(s string) []byte { return berOf(berOctets, []byte(s)) }
	return ldapMessage(id, berOf(ldapEntry, octets(""), berOf(berSequence,
		berOf(berSequence, octets("namingContexts"), berOf(berSet, octets("dc=good,dc=test"), octets("dc=more"))),
		berOf(berSequence, octets("vendorName"), berOf(berSet, octets("good"))))))
}

func (l ldapServer) serve(c net.Conn, config *tls.Config, said chan<- string) {
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		size := int(head[1])
		if size == 0x82 {
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			size = int(head[0])<<8 | int(head[1])
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(c, body); err != nil || size < 5 {
			return
		}
		id, verb := body[2], map[byte]string{ldapUnbind: "UNBIND", ldapSearch: "SEARCH", ldapExtended: "STARTTLS"}[body[3]]
		if said != nil {
			said <- verb
		}
		switch {
		case verb == "UNBIND":
			return
		case verb == "SEARCH" && l.found == "":
			io.WriteString(c, ldapFound(id)+ldapAnswer(id, ldapDone, 0, ""))
		case verb == "SEARCH":
			io.WriteString(c, l.found)
		case l.starttls != "":
			io.WriteString(c, l.starttls)
		default:
			io.WriteString(c, ldapAnswer(id, ldapExtendedReply, 0, ""))
			sec := tls.Server(c, config)
			if sec.Handshake() != nil {
				return
			}
			c = sec
		}
	}
}

var ldapFaults = []produced{
	{uptime.FaultReplyUnexpected, `answers with "code 51 busy"`, speaking("ldap", ldapServer{found: ldapAnswer(1, ldapDone, 51, "busy")})},
	{uptime.FaultReplyUnexpected, `ends the session with "code 52 unavailable"`, speaking("ldap", ldapServer{found: ldapAnswer(0, ldapExtendedReply, 52, "unavailable")})},
	{uptime.FaultReplyUnexpected, `has no STARTTLS: it answers StartTLS with "code 2 unsupported`, speaking("ldap+starttls", ldapServer{starttls: ldapAnswer(1, ldapExtendedReply, 2, "unsupported extended operation")})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("ldap", ldapServer{found: ldapAnswer(9, ldapDone, 0, "")})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("ldap", ldapServer{found: "\x30\x80\x02\x01\x01"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("ldap", ldapServer{found: "\x30\x84\x7f\xff\xff\xff\x02\x01\x01"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("ldap", ldapServer{found: "\x30\x03\x02\x01\x01"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("ldap", ldapServer{found: "\x30\x07\x02\x01\x01\x65\x02\x0a\x00"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("ldap", ldapServer{found: ldapMessage(1, berOf(0x61, []byte("x")))})},
	{uptime.FaultReplyMalformed, "is too long", speaking("ldap", ldapServer{found: string(repeat(ldapMessage(1, berOf(ldapReference)), maxReply))})},
	{uptime.FaultReplyTimeout, "no end of the reply", speaking("ldap", ldapServer{found: ldapFound(1)[:20]})},
}

// TestLDAPIsUp has servers that tell what they are, or tell nobody.
func TestLDAPIsUp(t *testing.T) {
	entry := ldapFound(1)
	long := "\x30\x84\x00\x00\x00" + entry[1:] // as Active Directory writes lengths
	tests := []struct{ name, found, said string }{
		{"root DSE", entry + ldapAnswer(1, ldapDone, 0, ""), "namingContexts: dc=good,dc=test dc=more vendorName: good"},
		{"long lengths", long + ldapAnswer(1, ldapDone, 0, ""), "namingContexts: dc=good,dc=test dc=more vendorName: good"},
		{"nothing", ldapAnswer(1, ldapDone, 0, ""), ""},
		{"login required", ldapAnswer(1, ldapDone, 53, "authentication required"), "code 53 authentication required"},
		{"login first", ldapAnswer(1, ldapDone, 48, "anonymous bind disallowed"), "code 48 anonymous bind disallowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := speaking("ldap", ldapServer{found: tt.found})(t)
			wantFault(t, r, uptime.NoFault, "")
			if got := r.Steps[1].Detail; got != tt.said {
				t.Errorf("said %q", got)
			}
		})
	}
}
