package probes

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"lookout/engine/uptime"
)

const (
	maxSSHLine  = 255 // of a version (RFC 4253, 4.2), and of what a server may say before
	maxSSHLines = 50  // before the version
)

// sshType reads the version and the host key of an SSH server, and stops
// before a login: a server logs one closed connection.
func sshType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "ssh",
		Schemes:  []string{"ssh"},
		Summary:  "reads the version and the host key of an SSH server, without a login",
		Measures: []string{"dns", "connect", "ttfb"},
		Expect: []uptime.Key{
			{Name: "banner", Kind: uptime.String, Doc: "regular expression that has to match what the server sends", Example: `"OpenSSH"`},
			{Name: "fingerprint", Kind: uptime.Strings, Doc: "one of them is that of the host key; the server is asked for Ed25519 first, then ECDSA, then RSA", Example: `["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]`},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := sshCheck{sys: sys, to: f.endpoint(22), prints: f.fingerprints()}
			var wanted []string
			if text := uptime.Value(s.Expect, "banner", ""); text != "" {
				c.banner, c.source = f.linePattern("expect.banner", text), text
				wanted = append(wanted, "matches "+literal(text))
			}
			if len(c.prints) > 0 {
				wanted = append(wanted, "host key "+strings.Join(c.prints, " or "))
			}
			f.noPath()
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: strings.Join(wanted, ", ")})
		},
	}
}

// fingerprints reads the fingerprints of host keys, as ssh-keygen -l prints them.
func (f *form) fingerprints() []string {
	prints := uptime.Value(f.Expect, "fingerprint", []string(nil))
	for _, p := range prints {
		sum, ok := strings.CutPrefix(p, "SHA256:")
		if b, err := base64.RawStdEncoding.DecodeString(sum); !ok || err != nil || len(b) != sha256.Size {
			f.wrong("expect.fingerprint", "write it as SHA256:…, as `ssh-keyscan HOST | ssh-keygen -lf -` prints it", "%q is no fingerprint", uptime.Clean(p, 80))
		}
	}
	return prints
}

type sshCheck struct {
	sys    *system
	to     endpoint
	banner *regexp.Regexp // nil: any
	source string         // banner as it is written in the configuration
	prints []string       // of host keys; none: any
}

// Check greets once.
func (c sshCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		start := time.Now()
		g := &greeted{Conn: conn, r: bufio.NewReaderSize(conn, maxSSHLine+2)}
		version, f := g.version(ctx, t)
		if f == nil && c.banner != nil && !c.banner.MatchString(version) {
			f = fail(uptime.FaultReplyUnexpected, "version of %s does not match %s: %s", t.res.Address, literal(c.source), quote(version))
		}
		took := t.judged("version", start, version, f)
		if f != nil {
			return f
		}
		t.measure(ttfbTime, took)
		return c.hostKey(ctx, t, g)
	})
}

// greeted is a connection whose first lines were read: the version is there to be read again.
type greeted struct {
	net.Conn
	r    *bufio.Reader
	head []byte // comes before r
}

func (g *greeted) Read(b []byte) (int, error) {
	if len(g.head) > 0 {
		n := copy(b, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	return g.r.Read(b)
}

// version reads the server's version, past the lines that it may send before.
func (g *greeted) version(ctx context.Context, t *trace) (string, *failure) {
	other := ""
	for range maxSSHLines {
		wait := left(ctx)
		if other != "" { // it speaks, and has not said SSH so far
			wait = min(wait, quiet)
		}
		g.SetReadDeadline(time.Now().Add(wait))
		if err := ctx.Err(); err != nil { // that deadline may have undone the one of a cancelled check
			return "", noReply(t, err)
		}
		b, err := g.r.ReadSlice('\n')
		line := strings.TrimRight(string(b), "\r\n")
		version, isSSH := strings.CutPrefix(line, "SSH-")
		switch {
		case err != nil && turnedAway(other):
			return "", fail(uptime.FaultReplyUnexpected, "%s turns us away: %s", t.res.Address, quote(other))
		case err != nil && (len(b) > 0 || other != ""):
			return "", fail(uptime.FaultReplyMalformed, "%s sends no SSH version, but %s", t.res.Address, quote(other+line))
		case err != nil:
			return "", noReply(t, err)
		case isSSH && !strings.HasPrefix(version, "2.") && !strings.HasPrefix(version, "1.99-"):
			return "", fail(uptime.FaultReplyUnexpected, "%s speaks an SSH that nobody should use any more: %s", t.res.Address, quote(line))
		case isSSH:
			g.head = []byte(line + "\r\n")
			g.SetReadDeadline(time.Now().Add(left(ctx)))
			return line, nil
		case other == "":
			other = line + " "
		}
	}
	return "", fail(uptime.FaultReplyMalformed, "%s sends no SSH version in %d lines, but %s", t.res.Address, maxSSHLines, quote(other))
}

// turnedAway reports whether OpenSSH says that it has no room for us, or that
// it has had enough of us (MaxStartups, PerSourcePenalties).
func turnedAway(line string) bool {
	return strings.HasPrefix(line, "Exceeded MaxStartups") || strings.HasPrefix(line, "Not allowed at this time")
}

// noReply classes the end of a connection on which something had to come.
func noReply(t *trace, err error) *failure {
	k := talk{t: t}
	return k.broken(err)
}

// errSeen ends a key exchange once the host key was shown and proven.
var errSeen = errors.New("host key seen")

// hostKey exchanges keys until the server has proven that the host key is its own.
func (c sshCheck) hostKey(ctx context.Context, t *trace, g *greeted) *failure {
	start := time.Now()
	if err := ctx.Err(); err != nil { // the last deadline may have undone the one of a cancelled check
		return noReply(t, err)
	}
	var key ssh.PublicKey
	conn, _, _, err := ssh.NewClientConn(g, t.res.Address, &ssh.ClientConfig{
		Config:            anyAlgorithm(),
		HostKeyAlgorithms: hostKeyAlgorithms(),
		ClientVersion:     "SSH-2.0-lookout",
		HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
			key = k
			return errSeen
		},
	})
	if conn != nil {
		conn.Close()
	}
	if key == nil {
		f := sshFailure(t, err)
		t.judged("host key", start, "", f)
		return f
	}
	print := ssh.FingerprintSHA256(key)
	var f *failure
	if len(c.prints) > 0 && !slices.Contains(c.prints, print) {
		f = fail(uptime.FaultReplyUnexpected, "the %s host key of %s is %s, which is not expected", key.Type(), t.res.Address, print)
	}
	t.judged("host key", start, key.Type()+" "+print, f)
	return f
}

// sshFailure classes a key exchange that came to no host key.
func sshFailure(t *trace, err error) *failure {
	var none *ssh.AlgorithmNegotiationError
	text := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	switch {
	case errors.As(err, &none):
		return fail(uptime.FaultReplyUnexpected, "SSH key exchange with %s: %s", t.res.Address, strings.TrimPrefix(text, "ssh: "))
	case timedOut(err), wasReset(err), strings.HasSuffix(text, "EOF"):
		f := noReply(t, err)
		f.text += ", in the key exchange"
		return f
	}
	return fail(uptime.FaultReplyMalformed, "SSH key exchange with %s: %s", t.res.Address, strings.TrimPrefix(text, "ssh: "))
}

// anyAlgorithm offers old algorithms as well: no secret crosses this
// connection, and an old server that serves is up.
func anyAlgorithm() ssh.Config {
	good, old := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	return ssh.Config{
		KeyExchanges: append(good.KeyExchanges, old.KeyExchanges...),
		Ciphers:      append(good.Ciphers, old.Ciphers...),
		MACs:         append(good.MACs, old.MACs...),
	}
}

// hostKeyAlgorithms are in a fixed order: a server shows the same key each time.
func hostKeyAlgorithms() []string {
	return []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
}
