package probes

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// mysqlType reads the greeting of MySQL or MariaDB and answers it in the name
// of a user that does not exist, with no password. The refusal is the end that
// the check wants: of hosts that hang up on a greeting the server blocks all
// connections after a while (error 1129, max_connect_errors; 100 by default).
func mysqlType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "mysql",
		Schemes:  []string{"mysql"},
		Summary:  "greets MySQL or MariaDB up to the login",
		Measures: []string{"dns", "connect", "ttfb"},
		Expect: []uptime.Key{
			{Name: "banner", Kind: uptime.String, Doc: "regular expression that has to match what the server sends", Example: `"MariaDB"`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := mysqlCheck{sys: sys, to: f.endpoint(3306)}
			f.noPath()
			expect := ""
			if text := uptime.Value(s.Expect, "banner", ""); text != "" {
				c.banner, c.source = f.linePattern("expect.banner", text), text
				expect = "matches " + literal(text)
			}
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: expect})
		},
	}
}

type mysqlCheck struct {
	sys    *system
	to     endpoint
	banner *regexp.Regexp // of the version; nil: any
	source string         // banner as it is written in the configuration
}

// Check greets once.
func (c mysqlCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		k := &talk{conn: conn, t: t, protocol: "mysql"}
		start := time.Now()
		hello, f := k.mysqlHello(ctx)
		if f == nil && c.banner != nil && !c.banner.MatchString(hello.version) {
			f = fail(uptime.FaultReplyUnexpected, "version of %s does not match %s: %s", t.res.Address, literal(c.source), quote(hello.version))
		}
		took := t.judged("greeting", start, hello.version, f)
		if hello.version == "" {
			return f
		}
		t.measure(ttfbTime, took)
		start = time.Now()
		said, refused := k.mysqlLogin(ctx, hello)
		if f != nil {
			return f
		}
		t.judged("login", start, said, refused)
		return refused
	})
}

// mysqlHello is what a server says of itself.
type mysqlHello struct {
	version string
	can     uint32 // its capabilities
}

// The capabilities that matter here.
const (
	mysqlLongPassword = 1 << 0
	mysqlProtocol41   = 1 << 9
	mysqlSecure       = 1 << 15
	mysqlPluginAuth   = 1 << 19
)

// mysqlHello reads the greeting.
func (k *talk) mysqlHello(ctx context.Context) (mysqlHello, *failure) {
	_, b, f := k.mysqlPacket(ctx)
	if f != nil {
		return mysqlHello{}, f
	}
	if code, text, ok := readMySQLError(b); ok {
		return mysqlHello{}, k.mysqlError("refuses us with", code, text)
	}
	hello, ok := readMySQLHello(b)
	if !ok {
		return mysqlHello{}, k.malformed(string(b))
	}
	return hello, nil
}

// readMySQLHello reads a handshake packet of version 10:
//
//	10 | version … 0 | thread 4 | scramble 8 | 0 | capabilities 2 | charset 1 | status 2 | capabilities 2 | …
func readMySQLHello(b []byte) (hello mysqlHello, ok bool) {
	if len(b) < 2 || b[0] != 10 {
		return hello, false
	}
	version, rest, ok := bytes.Cut(b[1:], []byte{0})
	if !ok || len(version) == 0 || len(rest) < 20 {
		return hello, false
	}
	// MariaDB puts 5.5.5- before its version, for old replicas.
	hello.version = uptime.Clean(strings.TrimPrefix(string(version), "5.5.5-"), maxWord)
	hello.can = uint32(binary.LittleEndian.Uint16(rest[13:])) | uint32(binary.LittleEndian.Uint16(rest[18:]))<<16
	return hello, hello.version != ""
}

// mysqlLogin answers the greeting, and takes a refusal for what it is.
func (k *talk) mysqlLogin(ctx context.Context, hello mysqlHello) (string, *failure) {
	if hello.can&mysqlProtocol41 == 0 { // older than 4.1
		return "", nil
	}
	const native = "mysql_native_password"
	can := hello.can & (mysqlLongPassword | mysqlProtocol41 | mysqlSecure | mysqlPluginAuth)
	b := binary.LittleEndian.AppendUint32(nil, can)
	b = binary.LittleEndian.AppendUint32(b, 1<<24)
	b = append(append(b, 33), make([]byte, 23)...) // utf8
	b = append(b, "lookout\x00\x00"+native+"\x00"...)
	if f := k.say(mysqlPacket(1, b)); f != nil {
		return "", f
	}
	for range 2 {
		n, b, f := k.mysqlPacket(ctx)
		if f != nil {
			return "", f
		}
		if code, text, ok := readMySQLError(b); ok {
			said := fmt.Sprintf("%d %s", code, text)
			if mysqlRefusal(code) {
				return said, nil
			}
			return said, k.mysqlError("answers a login with", code, text)
		}
		switch b[0] {
		case 0: // anybody may come in
			k.say(mysqlPacket(0, []byte{1})) // COM_QUIT
			return "let in without a password", nil
		case 0xfe: // another way to log in, with no password either
			if f := k.say(mysqlPacket(n+1, nil)); f != nil {
				return "", f
			}
		default:
			return "", k.malformed(string(b))
		}
	}
	return "", k.malformed("another way to log in, and again another")
}

// mysqlError is what an error means that is not the refusal of one user. A
// server that lets nobody in from here is not up for here, whoever asks: a
// grant that was lost, or the name of an address (PTR) that the grants go by,
// shuts out every program of this machine as it does us.
func (k *talk) mysqlError(what string, code uint16, text string) *failure {
	said := fmt.Sprintf("%d %s", code, text)
	switch code {
	case 1129, // blocked, after too many connections that came to nothing
		1130: // no account is for this host
		return fail(uptime.FaultReplyRefusedLogin, "%s lets nobody in from this host: %s", k.t.res.Address, quote(said))
	}
	return k.unexpected(what, said)
}

// mysqlRefusal reports whether a login was refused as it should be.
func mysqlRefusal(code uint16) bool {
	switch code {
	case 1044, 1045, 1251, 1698, // access denied, for want of rights or a password, or with a method that is too old
		1524,       // no such way to log in
		1862, 1820, // the password has expired
		3118, 4151, // the account is locked
		3159: // TLS is required
		return true
	}
	return false
}

// readMySQLError reads an error packet: 255 | code 2 | ["#" state 5] | text.
func readMySQLError(b []byte) (code uint16, text string, ok bool) {
	if len(b) < 3 || b[0] != 0xff {
		return 0, "", false
	}
	code, b = binary.LittleEndian.Uint16(b[1:]), b[3:]
	if len(b) >= 6 && b[0] == '#' {
		b = b[6:]
	}
	return code, string(b), true
}

// mysqlPacket reads a packet: length 3 | number 1 | body. The body is not empty.
func (k *talk) mysqlPacket(ctx context.Context) (number byte, body []byte, f *failure) {
	head, f := k.take(ctx, 4)
	if f != nil {
		return 0, nil, f
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if n == 0 || n > maxReply {
		return 0, nil, k.malformed(string(head) + string(k.seen))
	}
	body, f = k.take(ctx, n)
	return head[3], body, f
}

// mysqlPacket is a packet to send.
func mysqlPacket(number byte, body []byte) string {
	n := len(body)
	return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), number}) + string(body)
}
