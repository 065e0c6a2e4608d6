package probes

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// mysqlGreeting is a handshake packet of version 10.
func mysqlGreeting(version string) string {
	b := append([]byte{10}, version...)
	b = append(b, 0, 1, 0, 0, 0)
	b = append(b, "scramble\x00"...)
	b = append(b, 0xff, 0xf7, 33, 2, 0, 0xff, 0x81, 21)
	b = append(append(b, make([]byte, 10)...), "scramblescra\x00mysql_native_password\x00"...)
	return mysqlPacket(0, b)
}

func mysqlRefuses(number byte, code uint16, text string) string {
	return mysqlPacket(number, append(binary.LittleEndian.AppendUint16([]byte{0xff}, code), text...))
}

// mysqlServer says the first text, and the next after each packet that comes.
// What came goes to said.
func mysqlServer(said chan<- string, texts ...string) func(net.Conn) {
	return func(c net.Conn) {
		for _, text := range texts {
			io.WriteString(c, text)
			head := make([]byte, 4)
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			body := make([]byte, int(head[0])|int(head[1])<<8)
			if _, err := io.ReadFull(c, body); err != nil {
				return
			}
			if said != nil {
				said <- string(head[3:]) + string(body)
			}
		}
	}
}

func asksMySQL(texts ...string) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "mysql", "mysql://"+probetest.Serve(t, mysqlServer(nil, texts...)), nil, nil))
	}
}

const denied = "#28000Access denied for user 'lookout'@'localhost'"

var mysqlFaults = []produced{
	{uptime.FaultReplyUnexpected, `refuses us with "1040 Too many connections"`, asksMySQL(mysqlRefuses(0, 1040, "Too many connections"))},
	{uptime.FaultReplyRefusedLogin, `lets nobody in from this host: "1130 Host '192.0.2.1' is not allowed`, asksMySQL(mysqlRefuses(0, 1130, "Host '192.0.2.1' is not allowed to connect to this MySQL server"))},
	{uptime.FaultReplyRefusedLogin, `lets nobody in from this host: "1130 Host`, asksMySQL(mysqlGreeting("8.4.0"), mysqlRefuses(2, 1130, "#HY000Host '192.0.2.1' is not allowed to connect"))},
	{uptime.FaultReplyRefusedLogin, `lets nobody in from this host: "1129 Host '192.0.2.1' is blocked`, asksMySQL(mysqlRefuses(0, 1129, "Host '192.0.2.1' is blocked because of many connection errors"))},
	{uptime.FaultReplyUnexpected, `answers a login with "1053 Server shutdown in progress"`, asksMySQL(mysqlGreeting("8.4.0"), mysqlRefuses(2, 1053, "#08S01Server shutdown in progress"))},
	{uptime.FaultReplyMalformed, "does not speak mysql, it sent", asksMySQL("SSH-2.0-OpenSSH_9.2\r\n")},
	{uptime.FaultReplyMalformed, "does not speak mysql, it sent", asksMySQL(mysqlPacket(0, []byte("\x09old\x00")))},
	{uptime.FaultReplyMalformed, "does not speak mysql, it sent", asksMySQL(mysqlPacket(0, []byte("\x0a8.4.0")))},
	{uptime.FaultReplyMalformed, "does not speak mysql, it sent", asksMySQL(mysqlGreeting("8.4.0"), mysqlPacket(2, []byte("\x42")))},
	{uptime.FaultReplyMalformed, "and again another", asksMySQL(mysqlGreeting("8.4.0"), mysqlPacket(2, []byte("\xfea\x00")), mysqlPacket(4, []byte("\xfeb\x00")))},
	{uptime.FaultReplyTimeout, "no reply from", func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "mysql", "mysql://"+probetest.Serve(t, utters("")), nil, nil))
	}},
	{uptime.FaultReplyClosed, "closed the connection", asksMySQL(mysqlGreeting("8.4.0"))},
	{uptime.FaultReplyUnexpected, `does not match "MariaDB": "8.4.0"`, func(t *testing.T) uptime.Result {
		to := probetest.Serve(t, mysqlServer(nil, mysqlGreeting("8.4.0"), mysqlRefuses(2, 1045, denied)))
		return once(t, made(t, testSystem(), "mysql", "mysql://"+to, nil, keys{"banner": "MariaDB"}))
	}},
}

func TestMySQL(t *testing.T) {
	for _, tt := range []struct {
		name, version string
		answers       []string
		shows, says   string
	}{
		{"MySQL", "8.4.0", []string{mysqlRefuses(2, 1045, denied)}, "8.4.0", "1045 Access denied for user 'lookout'@'localhost'"},
		{"MariaDB", "5.5.5-10.11.19-MariaDB-0+deb12u1", []string{mysqlRefuses(2, 1698, denied)}, "10.11.19-MariaDB-0+deb12u1", "1698 Access denied for user 'lookout'@'localhost'"},
		{"another way to log in", "8.4.0", []string{mysqlPacket(2, []byte("\xfecaching_sha2_password\x00scramble")), mysqlRefuses(4, 1045, denied)}, "8.4.0", "1045 Access denied for user 'lookout'@'localhost'"},
		{"TLS is required", "8.4.0", []string{mysqlRefuses(2, 3159, "#HY000Connections using insecure transport are prohibited")}, "8.4.0", "3159 Connections using insecure transport are prohibited"},
		{"anybody may come in", "4.1", []string{mysqlPacket(2, make([]byte, 7))}, "4.1", "let in without a password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said := make(chan string, 4) // the server to here, more than it hears
			to := probetest.Serve(t, mysqlServer(said, append([]string{mysqlGreeting(tt.version)}, tt.answers...)...))
			r := once(t, made(t, testSystem(), "mysql", "mysql://"+to, nil, keys{"banner": `\d`}))
			if r.Outcome != uptime.OutcomeUp || len(r.Steps) != 3 || r.Steps[1].Detail != tt.shows || r.Steps[2].Detail != tt.says {
				t.Errorf("%s %s %+v", r.Outcome, r.Message, r.Steps)
			}
			if login := <-said; login[0] != 1 || !strings.Contains(login, "lookout\x00\x00") {
				t.Errorf("login %q", login)
			}
		})
	}
}

func TestMySQLMistakes(t *testing.T) {
	for url, expect := range map[string]keys{"mysql://me@a": nil, "mysql://a/db": nil, "mysql://a": {"banner": "("}} {
		if m := mistaken(t, "mysql", url, nil, expect); len(m) != 1 {
			t.Errorf("%s: %v", url, m)
		}
	}
}

func FuzzMySQL(f *testing.F) {
	f.Add([]byte(mysqlGreeting("8.4.0"))[4:])
	f.Add([]byte(mysqlRefuses(0, 1045, denied))[4:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if hello, ok := readMySQLHello(b); ok && (hello.version == "" || len(hello.version) > maxWord) {
			t.Errorf("%+v", hello)
		}
		readMySQLError(b)
	})
}
