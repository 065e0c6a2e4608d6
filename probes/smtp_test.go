package probes

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"lookout/engine/uptime"
)

var smtpServer = textServer{
	greeting: "220-good.test\r\n220 good.test ESMTP\r\n",
	answers: map[string]string{
		"EHLO": "250-good.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n", "STARTTLS": "TLS 220 go ahead\r\n", "NOOP": "250 2.0.0 ok\r\n", "QUIT": "221 bye\r\n",
	},
	unknown: "502 what?\r\n",
}

var smtpFaults = []produced{
	{uptime.FaultReplyUnexpected, `greets with "554 5.7.1 go away"`, speaking("smtp", smtpServer.but("", "554 5.7.1 go away\r\n"))},
	{uptime.FaultReplyUnexpected, `greets with "421-too busy 421 come back"`, speaking("smtp", smtpServer.but("", "421-too busy\r\n421 come back\r\n"))},
	{uptime.FaultReplyUnexpected, `answers EHLO with "550 no"`, speaking("smtp", smtpServer.but("EHLO", "550 no\r\n"))},
	{uptime.FaultReplyUnexpected, "has no STARTTLS: its answer to EHLO does not offer it", speaking("smtp+starttls", smtpServer.but("EHLO", "250-good.test STARTTLS\r\n250 SIZE\r\n"))},
	{uptime.FaultReplyUnexpected, `answers STARTTLS with "454 not now"`, speaking("smtp+starttls", smtpServer.but("STARTTLS", "454 not now\r\n"))},
	{uptime.FaultTLSNotTLS, `does not speak TLS, it sent "502 w"`, speaking("smtp+starttls", serverFunc(func(c net.Conn, _ *tls.Config, _ chan<- string) {
		io.WriteString(c, smtpServer.greeting)
		r := bufio.NewReader(c)
		for _, answer := range []string{smtpServer.answers["EHLO"], "220 go ahead\r\n"} {
			r.ReadString('\n')
			io.WriteString(c, answer)
		}
		r.ReadByte()
		io.WriteString(c, smtpServer.unknown)
	}))},
	{uptime.FaultReplyMalformed, `"250 in the midst"`, speaking("smtp", smtpServer.but("", "220-one\r\n250 in the midst\r\n"))},
	{uptime.FaultReplyMalformed, "is too long", speaking("smtp", saying("220-one\r\n"+string(repeat("220-more and more and more\r\n", 2*maxReply))))},
	{uptime.FaultReplyMalformed, "a line of more than 8 KiB", speaking("smtp", saying("220 "+string(repeat("x", maxLine+10))))},
	{uptime.FaultReplyTimeout, `: "220-one 220-two"`, speaking("smtp", saying("220-one\r\n220-two"))},
	{uptime.FaultReplyTimeout, `: "220-one"`, speaking("smtp", saying("220-one\r\n"))},
	{uptime.FaultReplyClosed, `in the midst of a reply: "220-one 220-tw"`, speaking("smtp", serverFunc(func(c net.Conn, _ *tls.Config, _ chan<- string) { io.WriteString(c, "220-one\r\n220-tw") }))},
}

func repeat(s string, least int) (b []byte) {
	for len(b) < least {
		b = append(b, s...)
	}
	return b
}

func TestAddressLiteral(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:25": "[192.0.2.1]", "[2001:db8::1]:25": "[IPv6:2001:db8::1]", "[::ffff:192.0.2.1]:25": "[192.0.2.1]", "[fe80::1%eth0]:25": "[IPv6:fe80::1]",
	} {
		if got := addressLiteral(address(addr)); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
