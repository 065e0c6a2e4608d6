package probes

import (
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// heard is a connection on which a text comes, whatever is said.
type heard struct {
	net.Conn
	io.Reader
}

func (h heard) Read(b []byte) (int, error)  { return h.Reader.Read(b) }
func (h heard) Write(b []byte) (int, error) { return len(b), nil }

// hear lets a check of a protocol hear a text.
func hear(t *testing.T, scheme, text string) {
	typ, _, _ := strings.Cut(scheme, "+")
	made, mistakes := typeOf(t, testSystem(), typ).New(uptime.Settings{URL: &url.URL{Scheme: scheme, Host: "good.test"}})
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	c := made.Checker.(serviceCheck)
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	s := &session{talk: talk{conn: heard{ours, strings.NewReader(text)}, t: newTrace(), protocol: typ}, name: "good.test"}
	res := s.t.end(c.converse(t.Context(), s))
	if group, _, _ := strings.Cut(res.Fault.String(), "."); res.Fault != uptime.NoFault && group != "reply" && group != "tls" {
		t.Errorf("%q: %s: %s", text, res.Fault, res.Message)
	}
	if len(s.seen) > maxTalk+4096 || len(s.offers) > 4*maxReply {
		t.Errorf("%d bytes seen, %d kept", len(s.seen), len(s.offers))
	}
	clean(&res)
	if res.Message != uptime.Clean(res.Message, maxMessage) {
		t.Errorf("not clean: %q", res.Message)
	}
}

func FuzzTextServices(f *testing.F) {
	schemes := []string{"smtp", "imap", "pop3", "ftp", "smtp+starttls", "imap+starttls", "pop3+starttls", "ftp+starttls"}
	for i, s := range []textServer{smtpServer, imapServer, pop3Server, ftpServer} {
		text := s.greeting
		for _, verb := range []string{"EHLO", "CAPABILITY", "CAPA", "FEAT", "STARTTLS", "STLS", "AUTH", "QUIT", "LOGOUT"} {
			text += strings.ReplaceAll(strings.TrimPrefix(s.answers[verb], "TLS "), "{tag}", "a1")
		}
		f.Add(byte(i), text)
		f.Add(byte(i+4), text)
		f.Add(byte(i), s.greeting+probetest.Hostile)
	}
	f.Add(byte(1), "* OK {5}\r\n12345 {3}\r\nx")
	f.Fuzz(func(t *testing.T, which byte, text string) { hear(t, schemes[int(which)%len(schemes)], text) })
}

func FuzzXMPP(f *testing.F) {
	f.Add(xmppHeader + xmppFeatures + xmppProceed)
	f.Add(xmppHeader + "<stream:error><host-unknown/><text>x</text></stream:error>")
	f.Add("<!DOCTYPE x [<!ENTITY a 'b'>]>" + xmppHeader + "<a>&a;</a>")
	f.Fuzz(func(t *testing.T, text string) { hear(t, "xmpp+starttls", text) })
}

func FuzzPostgres(f *testing.F) {
	f.Add(false, postgresReply('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"))
	f.Add(false, postgresReply('N', "x\x00\x00\x00")+postgresRefusal("57P03", "x"))
	f.Add(true, "S")
	f.Add(true, "Ecould not fork\x00")
	f.Fuzz(func(t *testing.T, security bool, text string) {
		hear(t, map[bool]string{false: "postgres", true: "postgres+starttls"}[security], text)
	})
}

func FuzzLDAP(f *testing.F) {
	f.Add(false, ldapFound(1)+ldapAnswer(1, ldapDone, 0, ""))
	f.Add(false, ldapAnswer(0, ldapExtendedReply, 52, "x"))
	f.Add(true, ldapAnswer(1, ldapExtendedReply, 0, ""))
	f.Add(false, "\x30\x84\x00\x00\x00\x03\x02\x01\x01")
	f.Fuzz(func(t *testing.T, security bool, text string) {
		hear(t, map[bool]string{false: "ldap", true: "ldap+starttls"}[security], text)
	})
}
