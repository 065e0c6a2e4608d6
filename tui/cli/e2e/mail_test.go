package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lookout/engine/alert/channel/smtptest"
)

// The README's way from nothing to the first alert mail, with a mail server that
// wants TLS and a login, and greylists: a test that shows the conversation, an
// outage, its end.
func TestFirstAlertMail(t *testing.T) {
	t.Parallel()
	config, ca, err := smtptest.Certificate()
	check(t, err)
	const password = "c0rrect-horse"
	server, err := smtptest.Start(smtptest.Options{TLS: config, Users: map[string]string{"lookout": password}, Behave: smtptest.Greylist()})
	check(t, err)
	t.Cleanup(server.Close)

	shop, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	address := shop.Addr().String()
	t.Cleanup(func() { shop.Close() })

	readme, err := os.ReadFile("../../../README.md")
	check(t, err)
	_, lines, ok := strings.Cut(string(readme), "\n[[channel]]\n")
	lines, _, closed := strings.Cut(lines, "\nEND\n")
	if !ok || !closed {
		t.Fatal("the README has no [[channel]]")
	}
	here := strings.Replace(lines, "mail.example.com:587", server.Address(), 1)
	if here == lines {
		t.Fatal("the README's [[channel]] has no mail server")
	}
	h := home(t, fmt.Sprintf(`instance = "e2e"

[[monitor]]
name = "shop"
url = "tcp://%s"
interval = "1s"
rule = "consecutive"
failures = 2

[[channel]]
%s
ca_file = "ca.pem"
`, address, here))
	write(t, filepath.Join(h.Dir, "ca.pem"), string(ca))
	check(t, os.WriteFile(filepath.Join(h.Dir, "mail.pass"), []byte(password+"\n"), 0o600))

	says(t, "config check", run(t, h, 0, "config", "check").Stdout, "ops@example.com by "+server.Address())
	a := run(t, h, 74, "alert", "test", "ops")
	says(t, "the first test", a.Stdout+a.Stderr, "235 2.7.0 Authentication successful", "< 451 4.7.1 greylisted", "an alert would be tried again")
	a = run(t, h, 0, "alert", "test", "ops")
	says(t, "the second test", a.Stdout, "> MAIL FROM:<lookout@example.com>", "> RCPT TO:<ops@example.com>", "taken after", "250 2.0.0 Ok: queued as")
	if strings.Contains(a.Stdout, password) {
		t.Errorf("it says the password:\n%s", a.Stdout)
	}

	engine(t, h)
	until(t, h, "a shop that is up", 10*second, func(s status) bool { return s.Counts["up"] == 1 })
	shop.Close()
	down := mailOf(t, server, 2)
	says(t, "the mail of the outage", down.subject+"\n"+down.text, "DOWN shop: ", "refused", "lookout ack '#")
	shop, err = net.Listen("tcp", address)
	check(t, err)
	over := mailOf(t, server, 3)
	says(t, "the mail of its end", over.subject, "up again: shop")
	if down.references == "" || down.references != over.references || down.id == over.id {
		t.Errorf("mails %s and %s of the threads %s and %s", down.id, over.id, down.references, over.references)
	}
	says(t, "events", run(t, h, 0, "events").Stdout, "taken by "+server.Address(), "250 2.0.0 Ok: queued as")
	if n := len(server.Mails()); n != 3 {
		t.Errorf("%d mails", n)
	}
}

// mailRead is a mail as it is read.
type mailRead struct{ id, references, subject, text string }

// mailOf waits for the nth mail that a server took.
func mailOf(t *testing.T, s *smtptest.Server, n int) mailRead {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*second)
	defer cancel()
	check(t, Poll(ctx, fmt.Sprintf("mail %d", n), func() bool { return len(s.Mails()) >= n }))
	m := s.Mails()[n-1]
	if m.User != "lookout" || !m.TLS || m.From != "lookout@example.com" || len(m.To) != 1 || m.To[0] != "ops@example.com" {
		t.Errorf("mail %d of %s from %s to %s", n, m.User, m.From, m.To)
	}
	read, err := mail.ReadMessage(bytes.NewReader(m.Data))
	check(t, err)
	text, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	check(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
	check(t, err)
	return mailRead{read.Header.Get("Message-ID"), read.Header.Get("References"), subject, string(text)}
}
