package probes

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// signer is a new host key.
func signer(t testing.TB, key any) ssh.Signer {
	t.Helper()
	if key == nil {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key = private
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sshServer serves SSH with these host keys, and lets nobody in.
func sshServer(t testing.TB, change func(*ssh.ServerConfig), hosts ...ssh.Signer) string {
	t.Helper()
	config := &ssh.ServerConfig{ServerVersion: "SSH-2.0-Test_1", PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, io.EOF }}
	for _, h := range hosts {
		config.AddHostKey(h)
	}
	if change != nil {
		change(config)
	}
	return probetest.Serve(t, func(c net.Conn) {
		ssh.NewServerConn(c, config)
	})
}

// speaksSSH makes an ssh check of a server that does this.
func speaksSSH(serve func(net.Conn)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "ssh", "ssh://"+probetest.Serve(t, serve), nil, nil))
	}
}

// utters sends a text and waits for the other side to hang up.
func utters(text string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, text)
		io.Copy(io.Discard, c)
	}
}

var sshFaults = []produced{
	{uptime.FaultReplyMalformed, `sends no SSH version, but "220 mx ESMTP"`, speaksSSH(utters("220 mx ESMTP\r\n"))},
	{uptime.FaultReplyMalformed, "sends no SSH version, but", speaksSSH(utters(strings.Repeat("x", 300)))},
	{uptime.FaultReplyMalformed, "sends no SSH version in 50 lines", speaksSSH(utters(strings.Repeat("hello\n", 60)))},
	{uptime.FaultReplyMalformed, "SSH key exchange with", speaksSSH(utters("SSH-2.0-x\r\n" + strings.Repeat("garbage ", 99)))},
	{uptime.FaultReplyUnexpected, `turns us away: "Exceeded MaxStartups"`, speaksSSH(func(c net.Conn) { io.WriteString(c, "Exceeded MaxStartups\r\n") })},
	{uptime.FaultReplyUnexpected, `turns us away: "Not allowed at this time"`, speaksSSH(utters("Not allowed at this time\r\n"))},
	{uptime.FaultReplyUnexpected, `nobody should use any more: "SSH-1.5-x"`, speaksSSH(utters("SSH-1.5-x\r\n"))},
	{uptime.FaultReplyTimeout, "in the key exchange", speaksSSH(utters("SSH-2.0-x\r\n"))},
	{uptime.FaultReplyClosed, "in the key exchange", speaksSSH(func(c net.Conn) {
		r := bufio.NewReader(c)
		io.WriteString(c, "SSH-2.0-x\r\n")
		r.ReadString('\n')
		r.Discard(5) // of its key exchange
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, r)
	})},
	{uptime.FaultReplyTimeout, "no reply from", speaksSSH(utters(""))},
	{uptime.FaultReplyClosed, "closed the connection", speaksSSH(func(net.Conn) {})},
	{uptime.FaultReplyUnexpected, "host key of 127.0.0.1", func(t *testing.T) uptime.Result {
		to := sshServer(t, nil, signer(t, nil))
		return once(t, made(t, testSystem(), "ssh", "ssh://"+to, nil, keys{"fingerprint": []string{ssh.FingerprintSHA256(signer(t, nil).PublicKey())}}))
	}},
	{uptime.FaultReplyUnexpected, `does not match "^SSH-2.0-OpenSSH": "SSH-2.0-Test_1"`, func(t *testing.T) uptime.Result {
		to := sshServer(t, nil, signer(t, nil))
		return once(t, made(t, testSystem(), "ssh", "ssh://"+to, nil, keys{"banner": "^SSH-2.0-OpenSSH"}))
	}},
}

func TestSSH(t *testing.T) {
	mine, other := signer(t, nil), signer(t, newKey(t))
	print := ssh.FingerprintSHA256(mine.PublicKey())
	for _, tt := range []struct {
		name   string
		expect keys
		change func(*ssh.ServerConfig)
		hosts  []ssh.Signer
		key    string
	}{
		{"any key", nil, nil, []ssh.Signer{mine}, "ssh-ed25519 " + print},
		{"the expected one", keys{"fingerprint": []string{"SHA256:" + strings.Repeat("A", 43), print}, "banner": "Test_1$"}, nil, []ssh.Signer{mine}, "ssh-ed25519 " + print},
		{"Ed25519 before others", nil, nil, []ssh.Signer{other, mine}, "ssh-ed25519 " + print},
		{"another kind", nil, nil, []ssh.Signer{other}, "ecdsa-sha2-nistp256 " + ssh.FingerprintSHA256(other.PublicKey())},
		{"an old server", nil, func(c *ssh.ServerConfig) {
			c.KeyExchanges, c.Ciphers, c.MACs = []string{ssh.InsecureKeyExchangeDH14SHA1}, []string{ssh.InsecureCipherAES128CBC}, []string{ssh.HMACSHA1}
		}, []ssh.Signer{mine}, "ssh-ed25519 " + print},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := once(t, made(t, testSystem(), "ssh", "ssh://"+sshServer(t, tt.change, tt.hosts...), nil, tt.expect))
			last := r.Steps[len(r.Steps)-1]
			_, greeted := r.Measured("ttfb")
			if r.Outcome != uptime.OutcomeUp || last.Step != "host key" || last.Detail != tt.key || !greeted {
				t.Errorf("%s %s %+v", r.Outcome, r.Message, r.Steps)
			}
		})
	}
}

// TestSSHLinesBefore reads past what a server says before its version.
func TestSSHLinesBefore(t *testing.T) {
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer(t, nil))
	to := probetest.Serve(t, func(c net.Conn) {
		io.WriteString(c, "Hello\r\nSee you\n")
		ssh.NewServerConn(c, config)
	})
	if r := once(t, made(t, testSystem(), "ssh", "ssh://"+to, nil, nil)); r.Outcome != uptime.OutcomeUp {
		t.Errorf("%s %+v", r.Message, r.Steps)
	}
}

func TestSSHMistakes(t *testing.T) {
	for _, tt := range []struct {
		url    string
		expect keys
		key    string
	}{
		{"ssh://me@a", nil, "url"},
		{"ssh://a/x", nil, "url"},
		{"ssh://a", keys{"banner": "("}, "expect.banner"},
		{"ssh://a", keys{"fingerprint": []string{"MD5:00:11"}}, "expect.fingerprint"},
		{"ssh://a", keys{"fingerprint": []string{"SHA256:AAAA"}}, "expect.fingerprint"},
	} {
		if m := mistaken(t, "ssh", tt.url, nil, tt.expect); len(m) != 1 || m[0].Key != tt.key {
			t.Errorf("%s %v: %v", tt.url, tt.expect, m)
		}
	}
}

// FuzzSSHVersion feeds what a server says first, and then hangs up.
func FuzzSSHVersion(f *testing.F) {
	f.Add([]byte("SSH-2.0-OpenSSH_9.9 Debian\r\n"))
	f.Add([]byte("hello\nSSH-1.99-x\n"))
	f.Add([]byte(probetest.Hostile))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr := newTrace()
		g := &greeted{Conn: silentConn{}, r: bufio.NewReaderSize(bytes.NewReader(b), maxSSHLine+2)}
		version, f := g.version(t.Context(), tr)
		if (f == nil) != strings.HasPrefix(version, "SSH-") || len(version) > maxSSHLine+2 {
			t.Errorf("%q: %+v", version, f)
		}
	})
}

// silentConn is a connection that only takes deadlines.
type silentConn struct{ net.Conn }

func (silentConn) SetReadDeadline(t time.Time) error { return nil }
