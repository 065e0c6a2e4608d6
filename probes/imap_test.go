package probes

import (
	"strconv"
	"testing"

	"lookout/engine/uptime"
)

var imapServer = textServer{
	greeting: "* OK good.test ready\r\n",
	tagged:   true,
	answers: map[string]string{
		"CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS\r\n* NAME {5}\r\na1 OK\r\n{tag} OK done\r\n", // the second is within a literal
		"STARTTLS":   "TLS {tag} OK go ahead\r\n",
		"LOGOUT":     "* BYE bye\r\n{tag} OK done\r\n",
	},
	unknown: "{tag} BAD what?\r\n",
}

var imapFaults = []produced{
	{uptime.FaultReplyUnexpected, `greets with "* BYE too many connections"`, speaking("imap", imapServer.but("", "* BYE too many connections\r\n"))},
	{uptime.FaultReplyUnexpected, `answers CAPABILITY with "a1 BAD what?"`, speaking("imap", imapServer.but("CAPABILITY", imapServer.unknown))},
	{uptime.FaultReplyUnexpected, `answers CAPABILITY with "* BYE shutting down"`, speaking("imap", imapServer.but("CAPABILITY", "* BYE shutting down\r\n"))},
	{uptime.FaultReplyUnexpected, "has no STARTTLS: its answer to CAPABILITY does not offer it", speaking("imap+starttls", imapServer.but("CAPABILITY", "* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"))},
	{uptime.FaultReplyUnexpected, "has no STARTTLS: it greets with PREAUTH", speaking("imap+starttls", imapServer.but("", "* PREAUTH welcome\r\n"))},
	{uptime.FaultReplyUnexpected, `answers STARTTLS with "a2 NO not now"`, speaking("imap+starttls", imapServer.but("STARTTLS", "{tag} NO not now\r\n"))},
	{uptime.FaultReplyMalformed, "does not speak", speaking("imap", imapServer.but("", "* HELLO\r\n"))},
	{uptime.FaultReplyMalformed, "does not speak", speaking("imap", imapServer.but("CAPABILITY", "a7 OK done\r\n"))},
	{uptime.FaultReplyMalformed, "is too long", speaking("imap", imapServer.but("", "* OK {999999999}\r\n"))},
	{uptime.FaultReplyMalformed, "is too long", speaking("imap", imapServer.but("", "* OK"+string(repeat(" {0}\r\n", 2*maxReply))))},
	{uptime.FaultReplyMalformed, "is too long", speaking("imap", imapServer.but("CAPABILITY", string(repeat("* OK more\r\n", 2*maxReply))))},
	{uptime.FaultReplyTimeout, "no end of the reply from", speaking("imap", imapServer.but("", "* OK {"+strconv.Itoa(100)+"}\r\nand so on"))},
}

// TestIMAPPreauth: a server that lets us in at once is well, where TLS is not wanted.
func TestIMAPPreauth(t *testing.T) {
	r := speaking("imap", imapServer.but("", "* preauth welcome\r\n"))(t)
	wantFault(t, r, uptime.NoFault, "")
}
