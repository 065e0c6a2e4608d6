package probes

import (
	"testing"

	"lookout/engine/uptime"
)

var ftpServer = textServer{
	greeting: "220-good.test\r\n 500 is not the end\r\nnor is this\r\n220 ready\r\n",
	answers: map[string]string{
		"FEAT": "211-Features:\r\n AUTH TLS\r\n211 End\r\n", "AUTH": "TLS 234 go ahead\r\n", "QUIT": "221 bye\r\n",
	},
	unknown: "530 please log in\r\n",
}

var ftpFaults = []produced{
	{uptime.FaultReplyUnexpected, `greets with "421 too many users"`, speaking("ftp", ftpServer.but("", "421 too many users\r\n"))},
	{uptime.FaultReplyUnexpected, `greets with "120 ready in 5 minutes"`, speaking("ftp", ftpServer.but("", "120 ready in 5 minutes\r\n"))},
	{uptime.FaultReplyUnexpected, `answers FEAT with "421 shutting down"`, speaking("ftp", ftpServer.but("FEAT", "421 shutting down\r\n"))},
	{uptime.FaultReplyUnexpected, `answers NOOP with "250 2.0.0 ok"`, speaking("ftp", smtpServer.but("NOOP", "250 2.0.0 ok\r\n"))},
	{uptime.FaultReplyUnexpected, `has no STARTTLS: it answers AUTH TLS with "530 please log in"`, speaking("ftp+starttls", ftpServer.but("AUTH", ftpServer.unknown))},
	{uptime.FaultReplyMalformed, "is too long", speaking("ftp", ftpServer.but("", "220-\r\n"+string(repeat("more\r\n", 2*maxReply))))},
}

// TestFTPWithoutFeat: servers that know no FEAT are well.
func TestFTPWithoutFeat(t *testing.T) {
	for name, answers := range map[string][]string{"old": {"FEAT", "500 what?\r\n", "NOOP", "200 ok\r\n"}, "login first": {"FEAT", "530 log in\r\n"}} {
		t.Run(name, func(t *testing.T) {
			wantFault(t, speaking("ftp", ftpServer.but(answers...))(t), uptime.NoFault, "")
		})
	}
}
