package probes

import (
	"testing"

	"lookout/engine/uptime"
)

var pop3Server = textServer{
	greeting: "+OK good.test ready\r\n",
	answers: map[string]string{
		"CAPA": "+OK\r\nTOP\r\nSTLS\r\n.\r\n", "STLS": "TLS +OK go ahead\r\n", "QUIT": "+OK bye\r\n",
	},
	unknown: "-ERR what?\r\n",
}

var pop3Faults = []produced{
	{uptime.FaultReplyUnexpected, `greets with "-ERR [SYS/TEMP] come back"`, speaking("pop3", pop3Server.but("", "-ERR [SYS/TEMP] come back\r\n"))},
	{uptime.FaultReplyUnexpected, "has no STARTTLS: its answer to CAPA does not offer STLS", speaking("pop3+starttls", pop3Server.but("CAPA", "+OK\r\nTOP\r\n.\r\n"))},
	{uptime.FaultReplyUnexpected, `answers STLS with "-ERR not now"`, speaking("pop3+starttls", pop3Server.but("STLS", "-ERR not now\r\n"))},
	{uptime.FaultReplyMalformed, "does not speak", speaking("pop3", pop3Server.but("", "+PK\r\n"))},
	{uptime.FaultReplyMalformed, "is too long", speaking("pop3", pop3Server.but("CAPA", "+OK\r\n"+string(repeat("TOP\r\n", 2*maxReply))))},
}

// TestPOP3WithoutCapa: a server that cannot say what it offers is asked for STLS all the same.
func TestPOP3WithoutCapa(t *testing.T) {
	for _, scheme := range []string{"pop3", "pop3+starttls"} {
		r := speaking(scheme, pop3Server.but("CAPA", "-ERR what?\r\n"))(t)
		wantFault(t, r, uptime.NoFault, "")
	}
}
