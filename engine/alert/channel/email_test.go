package channel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/uptime"
)

const (
	mailUser   = "lookout"
	mailSecret = "sw0rdf1sh&co"
)

// mailServer starts one.
func mailServer(t testing.TB, o smtptest.Options) *smtptest.Server {
	t.Helper()
	s, err := smtptest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// secured are the options of a server that wants a login within TLS, and what a channel needs for it.
func secured(t testing.TB) (smtptest.Options, values) {
	t.Helper()
	config, pem, err := smtptest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	return smtptest.Options{TLS: config, Users: map[string]string{mailUser: mailSecret}},
		values{"to": []string{"Ops <ops@example.com>", "jo@example.com"}, "username": mailUser, "password": uptime.Secret(mailSecret), "ca_file": pem}
}

// readMail is a mail as people see it.
func readMail(t testing.TB, m smtptest.Mail) channeltest.Taken {
	t.Helper()
	head, _, _ := bytes.Cut(m.Data, []byte("\r\n\r\n"))
	k := channeltest.Taken{Raw: string(m.Data), Head: string(head)}
	if bytes.Contains(bytes.ReplaceAll(m.Data, []byte("\r\n"), nil), []byte("\n")) || bytes.Contains(bytes.ReplaceAll(m.Data, []byte("\r\n"), nil), []byte("\r")) {
		t.Error("bare CR or LF in the mail")
	}
	for line := range bytes.Lines(m.Data) {
		if len(line) > 998 || bytes.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("a line that a server may refuse: %.200q", line)
		}
	}
	read, err := mail.ReadMessage(bytes.NewReader(m.Data))
	if err != nil {
		t.Fatalf("%v in %s", err, m.Data)
	}
	k.ID = read.Header.Get("Message-ID")
	for _, name := range []string{"Subject", "From", "To", "X-Lookout-Alert"} {
		text, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get(name))
		if err != nil {
			t.Error(err)
		}
		k.Texts = append(k.Texts, text)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	if err != nil {
		t.Error(err)
	}
	k.Texts = append(k.Texts, string(body))
	return k
}

func TestEmail(t *testing.T) {
	for _, scheme := range []string{"smtp", "smtp+starttls", "smtps"} {
		// at is a server that behaves so, and how to get there.
		at := func(t testing.TB, behave smtptest.Behaviour) (*smtptest.Server, values) {
			o, v := secured(t)
			o.Behave, o.Implicit = behave, scheme == "smtps"
			s := mailServer(t, o)
			v["smtp"] = scheme + "://" + s.Address()
			return s, v
		}
		stalls := map[string]func(testing.TB) map[string]any{}
		for _, stage := range append([]smtptest.Stage{smtptest.Auth}, smtptest.Stages[:len(smtptest.Stages)-1]...) {
			stalls["stalls at "+string(stage)] = func(t testing.TB) map[string]any {
				_, v := at(t, smtptest.At(stage, smtptest.Answer{Stall: true}))
				return v
			}
			stalls["endless at "+string(stage)] = func(t testing.TB) map[string]any {
				_, v := at(t, smtptest.At(stage, smtptest.Answer{Endless: "250-more and more\r\n"}))
				return v
			}
			stalls["a line without end at "+string(stage)] = func(t testing.TB) map[string]any {
				_, v := at(t, smtptest.At(stage, smtptest.Answer{Endless: "250 more"}))
				return v
			}
			stalls["garbage at "+string(stage)] = func(t testing.TB) map[string]any {
				_, v := at(t, smtptest.At(stage, smtptest.Answer{Raw: "\xff\xfe\x00 what?\r\n"}))
				return v
			}
			stalls["hangs up at "+string(stage)] = func(t testing.TB) map[string]any {
				_, v := at(t, smtptest.At(stage, smtptest.Answer{Hangup: true}))
				return v
			}
			stalls["resets at "+string(stage)] = func(t testing.TB) map[string]any {
				_, v := at(t, smtptest.At(stage, smtptest.Answer{Reset: true}))
				return v
			}
		}
		refuses := map[string]channeltest.Refuses{}
		for _, r := range []struct {
			stage smtptest.Stage
			reply string
			want  uptime.Refusal
		}{
			{smtptest.Greeting, "421 4.3.2 too busy", uptime.Refusal{Reply: "421 4.3.2 too busy"}},
			{smtptest.Greeting, "554 5.3.2 go away", uptime.Refusal{Reply: "554 5.3.2 go away", Permanent: true}},
			{smtptest.Hello, "550 5.7.1 who?", uptime.Refusal{Reply: "550 5.7.1 who?", Permanent: true}},
			{smtptest.Auth, "535 5.7.8 no", uptime.Refusal{Reply: "535 5.7.8 no", Permanent: true}},
			{smtptest.Auth, "454 4.7.0 later", uptime.Refusal{Reply: "454 4.7.0 later"}},
			{smtptest.From, "553 5.7.1 not your address", uptime.Refusal{Reply: "553 5.7.1 not your address", Permanent: true}},
			{smtptest.Rcpt, "451 4.7.1 greylisted", uptime.Refusal{Reply: "451 4.7.1 greylisted"}},
			{smtptest.Rcpt, "550 5.1.1 no such user", uptime.Refusal{Reply: "550 5.1.1 no such user", Permanent: true}},
			{smtptest.Rcpt, "421 4.3.2 shutting down", uptime.Refusal{Reply: "421 4.3.2 shutting down"}},
			{smtptest.Data, "452 4.3.1 no space", uptime.Refusal{Reply: "452 4.3.1 no space", Letter: true}},
			{smtptest.End, "451 4.3.0 later", uptime.Refusal{Reply: "451 4.3.0 later", Letter: true}},
			{smtptest.End, "554-5.7.1 this is\r\n554 5.7.1 spam", uptime.Refusal{Reply: "554 5.7.1 this is 5.7.1 spam", Letter: true, Permanent: true}},
			{smtptest.End, "421 4.3.2 shutting down", uptime.Refusal{Reply: "421 4.3.2 shutting down"}},
			{smtptest.End, "354 what?", uptime.Refusal{Reply: "no answer of a mail server", Uncertain: true}},
		} {
			refuses[fmt.Sprintf("%s %s", r.stage, r.reply)] = channeltest.Refuses{
				Side: func(t testing.TB) map[string]any {
					_, v := at(t, smtptest.At(r.stage, smtptest.Answer{Reply: r.reply}))
					return v
				},
				Want: r.want,
			}
		}
		if scheme != "smtp+starttls" { // what is said is the same within TLS and without
			stalls, refuses = nil, nil
		}
		t.Run(scheme, func(t *testing.T) {
			channeltest.Contract(t, channeltest.Case{
				Type: typeOf(t, "email"),
				Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
					s, v := at(t, nil)
					return v, func() (taken []channeltest.Taken) {
						for _, m := range s.Mails() {
							if m.From != "lookout@web-1.example.com" || !slices.Equal(m.To, []string{"ops@example.com", "jo@example.com"}) || !m.TLS || m.User != mailUser {
								t.Errorf("from %s to %s, TLS %v, user %s", m.From, m.To, m.TLS, m.User)
							}
							taken = append(taken, readMail(t, m))
						}
						return taken
					}
				},
				Refuses: refuses,
				At: func(t testing.TB, address string) map[string]any {
					_, v := secured(t)
					v["smtp"] = scheme + "://" + address
					return v
				},
				Bad: stalls,
				Answers: func(t testing.TB, text string) map[string]any {
					reply := "554 " + strings.ReplaceAll(text, "\n", "\r\n554 ")
					_, v := at(t, smtptest.At([]smtptest.Stage{smtptest.Rcpt, smtptest.End, smtptest.Auth, smtptest.Greeting}[len(text)%4], smtptest.Answer{Reply: reply}))
					return v
				},
			})
		})
	}
}

// send sends a letter to a server and returns what came of it, and the conversation.
func sendMail(t testing.TB, s *smtptest.Server, v values, l *uptime.Letter) (uptime.Receipt, *uptime.Refusal, string) {
	t.Helper()
	if v["smtp"] == nil {
		v["smtp"] = "smtp://" + s.Address()
	}
	if v["to"] == nil {
		v["to"] = []string{"ops@example.com", "jo@example.com"}
	}
	ch := channeltest.Case{Type: typeOf(t, "email")}.Make(t, v)
	var said strings.Builder
	r, err := ch.Send(t.Context(), l, func(line string) { said.WriteString(line + "\n") })
	refusal := (*uptime.Refusal)(nil)
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	return r, refusal, said.String()
}

// A mail counts as taken from the reply to it on, whatever comes then.
func TestEmailQuit(t *testing.T) {
	for name, a := range map[string]smtptest.Answer{
		"hangs up": {Hangup: true}, "resets": {Reset: true}, "refuses": {Reply: "500 5.5.1 no"}, "garbage": {Raw: "\x00\xff\r\n"}, "stalls": {Stall: true}, "endless": {Endless: "221-bye\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := mailServer(t, smtptest.Options{Behave: smtptest.At(smtptest.Quit, a)})
			r, refusal, said := sendMail(t, s, values{}, channeltest.Letter(1))
			if refusal != nil || r.Reply != "250 2.0.0 Ok: queued as 4bT1x" || len(s.Mails()) != 1 {
				t.Errorf("%+v %+v, %d mails\n%s", r, refusal, len(s.Mails()), said)
			}
		})
	}
}

// Who was refused while others were not is left, and gets it later, alone.
func TestEmailPartly(t *testing.T) {
	refuse := smtptest.Refuse("jo@example.com", "450 4.2.0 mailbox is busy")
	asked := 0
	s := mailServer(t, smtptest.Options{Behave: func(c smtptest.Command) smtptest.Answer {
		if a := refuse(c); a.Reply != "" {
			if asked++; asked == 1 {
				return a
			}
		}
		return smtptest.Answer{}
	}})
	l := channeltest.Letter(1)
	r, refusal, _ := sendMail(t, s, values{}, l)
	if refusal != nil || !slices.Equal(r.Left, []string{"jo@example.com"}) || r.Why != "450 4.2.0 mailbox is busy" {
		t.Fatalf("%+v %+v", r, refusal)
	}
	l.To = r.Left
	if r, refusal, _ = sendMail(t, s, values{}, l); refusal != nil || r.Left != nil {
		t.Fatalf("%+v %+v", r, refusal)
	}
	mails := s.Mails()
	if len(mails) != 2 || !slices.Equal(mails[0].To, []string{"ops@example.com"}) || !slices.Equal(mails[1].To, []string{"jo@example.com"}) || !bytes.Equal(mails[0].Data, mails[1].Data) {
		t.Errorf("%+v", mails)
	}
	// Somebody who is no longer in the configuration holds up nothing.
	l.To = []string{"gone@example.com"}
	if r, refusal, _ = sendMail(t, s, values{}, l); refusal != nil || len(s.Mails()) != 2 {
		t.Errorf("%+v %+v", r, refusal)
	}
}

// What was taken although nobody said so is uncertain, and comes again with the same ID.
func TestEmailUncertain(t *testing.T) {
	for name, a := range map[string]smtptest.Answer{"hangs up": {Hangup: true, Taken: true}, "resets": {Reset: true, Taken: true}, "stalls": {Stall: true, Taken: true}} {
		t.Run(name, func(t *testing.T) {
			s := mailServer(t, smtptest.Options{Behave: smtptest.At(smtptest.End, a)})
			for range 2 {
				v := values{}
				if a.Stall { // long enough for all before it, on a machine that has much to do
					v["timeout"] = 2 * time.Second
				}
				_, refusal, _ := sendMail(t, s, v, channeltest.Letter(1))
				if refusal == nil || !refusal.Uncertain || refusal.Permanent || refusal.Letter {
					t.Errorf("%+v", refusal)
				}
			}
			if m := s.Mails(); len(m) != 2 || !bytes.Equal(m[0].Data, m[1].Data) {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestEmailGreylist(t *testing.T) {
	s := mailServer(t, smtptest.Options{Behave: smtptest.Greylist()})
	if _, refusal, said := sendMail(t, s, values{}, channeltest.Letter(1)); refusal == nil || refusal.Permanent || refusal.Uncertain || !strings.HasPrefix(refusal.Reply, "451 4.7.1") ||
		strings.Count(said, "< 451 4.7.1 greylisted") != 2 { // one for each of two
		t.Errorf("%+v\n%s", refusal, said)
	}
	if r, refusal, _ := sendMail(t, s, values{}, channeltest.Letter(1)); refusal != nil || r.Left != nil || len(s.Mails()) != 1 {
		t.Errorf("%+v %+v", r, refusal)
	}
}

// A login goes out only where nobody can read it.
func TestEmailLogin(t *testing.T) {
	config, pem, err := smtptest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := smtptest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]string{mailUser: mailSecret}
	tests := []struct {
		name    string
		options smtptest.Options
		scheme  string
		ca      []byte
		far     bool // as if it were not this machine
		want    string
		tls     bool
	}{
		{"no login and no TLS", smtptest.Options{}, "smtp", nil, true, "", false},
		{"no login, TLS that nobody verifies", smtptest.Options{TLS: other}, "smtp", nil, true, "", true},
		{"no login, TLS that fails", smtptest.Options{BrokenTLS: true}, "smtp", nil, true, "", false},
		{"TLS that fails, and is a must", smtptest.Options{BrokenTLS: true}, "smtp+starttls", nil, true, "STARTTLS", false},
		{"TLS that fails, and a CA", smtptest.Options{BrokenTLS: true}, "smtp", pem, true, "STARTTLS", false},
		{"TLS is a must, and not there", smtptest.Options{}, "smtp+starttls", pem, true, "offers no STARTTLS", false},
		{"a login in the open", smtptest.Options{Users: users}, "smtp", nil, true, "offers no STARTTLS", false},
		{"a login in the open, to this machine", smtptest.Options{Users: users}, "smtp", nil, false, "", false},
		{"a login within TLS", smtptest.Options{Users: users, TLS: config}, "smtp", pem, true, "", true},
		{"a login within STARTTLS", smtptest.Options{Users: users, TLS: config}, "smtp+starttls", pem, true, "", true},
		{"only LOGIN", smtptest.Options{Users: users, TLS: config, Mechanisms: "XOAUTH2 LOGIN"}, "smtp+starttls", pem, true, "", true},
		{"only what we do not know", smtptest.Options{Users: users, TLS: config, Mechanisms: "GSSAPI"}, "smtp+starttls", pem, true, "offers no login that we know: AUTH GSSAPI", true},
		{"TLS from the start, and it is not", smtptest.Options{}, "smtps", nil, true, "does not begin with TLS, as smtps:// does; ", false},
		{"a certificate of others", smtptest.Options{Users: users, TLS: other}, "smtp+starttls", pem, true, "does not verify", false},
		{"a certificate of others within TLS", smtptest.Options{Users: users, TLS: other, Implicit: true}, "smtps", nil, true, ": TLS: its certificate does not verify: certificate signed by unknown authority; a CA of your own is trusted by ca_file", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			logins := 0
			tt.options.Behave = func(c smtptest.Command) smtptest.Answer {
				if c.Stage == smtptest.Auth {
					logins++
				}
				return smtptest.Answer{}
			}
			s := mailServer(t, tt.options)
			v := values{"smtp": tt.scheme + "://" + s.Address(), "to": []string{"ops@example.com"}}
			if tt.ca != nil {
				v["ca_file"] = tt.ca
			}
			if tt.options.Users != nil {
				v["username"], v["password"] = mailUser, uptime.Secret(mailSecret)
			}
			f := form{ChannelSettings: uptime.ChannelSettings{Host: "web-1", Values: v}}
			made, mistakes := newEmail(f.ChannelSettings)
			if made == nil {
				t.Fatal(mistakes)
			}
			e := made.(email)
			e.loopback = !tt.far
			_, err := e.Send(t.Context(), channeltest.Letter(1), func(string) {})
			if tt.want == "" {
				if err != nil || len(s.Mails()) != 1 || s.Mails()[0].TLS != tt.tls {
					t.Errorf("%v, %+v", err, s.Mails())
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(s.Mails()) != 0 || logins != 0 {
				t.Errorf("%v, %d mails, %d logins", err, len(s.Mails()), logins)
			}
		})
	}
}

// A server that offers TLS and never comes to it is done without, in time.
func TestEmailStalledTLS(t *testing.T) {
	config, _, err := smtptest.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	s := mailServer(t, smtptest.Options{TLS: config, Behave: smtptest.At(smtptest.StartTLS, smtptest.Answer{Stall: true})})
	r, refusal, said := sendMail(t, s, values{"timeout": 6 * time.Second}, channeltest.Letter(1))
	if refusal != nil || len(s.Mails()) != 1 || s.Mails()[0].TLS || !strings.Contains(said, "no answer to STARTTLS in time; again, in the open") {
		t.Errorf("%+v %+v\n%s", r, refusal, said)
	}
}

// What a server, or somebody on the line, says before TLS does not count after it.
func TestEmailInjectedBeforeTLS(t *testing.T) {
	o, v := secured(t)
	o.Users = nil
	o.Behave = smtptest.At(smtptest.StartTLS, smtptest.Answer{Reply: "220 go on\r\n250-mx.evil.example\r\n250 AUTH PLAIN"})
	s := mailServer(t, o)
	v["smtp"] = "smtp+starttls://" + s.Address()
	_, refusal, said := sendMail(t, s, v, channeltest.Letter(1))
	if refusal == nil || strings.Contains(said, "AUTH PLAIN") || strings.Contains(said, "> AUTH") {
		t.Errorf("%+v\n%s", refusal, said)
	}
}

// A refusal is told before it is said goodbye.
func TestEmailRefusalSaid(t *testing.T) {
	for _, stage := range []smtptest.Stage{smtptest.From, smtptest.Data, smtptest.End} {
		s := mailServer(t, smtptest.Options{Behave: smtptest.At(stage, smtptest.Answer{Reply: "554 5.7.1 denied"})})
		_, refusal, said := sendMail(t, s, values{}, channeltest.Letter(1))
		if i := strings.Index(said, "< 554 5.7.1 denied\n"); refusal == nil || i < 0 || i > strings.Index(said, "> QUIT") || strings.Count(said, "554") != 1 {
			t.Errorf("%s:\n%s", stage, said)
		}
	}
}

// The conversation is told, and the login is not.
func TestEmailConversation(t *testing.T) {
	o, v := secured(t)
	o.Extensions = []string{"8BITMIME", "SMTPUTF8", "SIZE 1000000", "ENHANCEDSTATUSCODES"}
	s := mailServer(t, o)
	v["smtp"] = "smtp+starttls://" + s.Address()
	_, refusal, said := sendMail(t, s, v, channeltest.Letter(1))
	if refusal != nil {
		t.Fatal(refusal)
	}
	size := len(s.Mails()[0].Data)
	said = strings.ReplaceAll(said, s.Address(), "ADDRESS")
	want := strings.ReplaceAll(`connected to ADDRESS
> EHLO web-1.example.com
< 250 mx.example.com 8BITMIME SMTPUTF8 SIZE 1000000 ENHANCEDSTATUSCODES STARTTLS AUTH PLAIN LOGIN
> STARTTLS
< 220 go on
> EHLO web-1.example.com
< 250 mx.example.com 8BITMIME SMTPUTF8 SIZE 1000000 ENHANCEDSTATUSCODES AUTH PLAIN LOGIN
> <SMTP auth data redacted>
< 235 2.7.0 Authentication successful
> MAIL FROM:<lookout@web-1.example.com> BODY=8BITMIME
< 250 2.1.0 Ok
> RCPT TO:<ops@example.com>
< 250 2.1.5 Ok
> RCPT TO:<jo@example.com>
< 250 2.1.5 Ok
> DATA
< 354 End data with <CR><LF>.<CR><LF>
> (SIZE bytes of mail)
< 250 2.0.0 Ok: queued as 4bT1x
> QUIT
< 221 2.0.0 Bye
`, "SIZE bytes", fmt.Sprint(size)+" bytes")
	if said != want {
		t.Errorf("%s\nwant\n%s", said, want)
	}
}

// The mail itself, as it is on the line.
func TestEmailGolden(t *testing.T) {
	s := mailServer(t, smtptest.Options{})
	l := channeltest.Letter(90210)
	l.Subject = "DOWN Käse-Shop: TCP connect 203.0.113.9:443 refused (3 of 3 places) [web-1]"
	l.Text = "Käse-Shop is DOWN since 12:31:07 CET.\n\n  fra   refused   12:31:17\n.\nFrom here on = nothing.\n"
	if _, refusal, _ := sendMail(t, s, values{"to": []string{"Jörg Ops <ops@example.com>", "jö@bücher.example", "ops@EXAMPLE.com"}[:1]}, l); refusal != nil {
		t.Fatal(refusal)
	}
	want := strings.ReplaceAll(`Auto-Submitted: auto-generated
Date: Sun, 22 Nov 2026 12:31:28 +0000
Importance: high
In-Reply-To: <thread-4711-ops@web-1>
MIME-Version: 1.0
Message-ID: <90210-ops@web-1>
Precedence: bulk
Priority: 1
References: <thread-4711-ops@web-1>
Subject: =?utf-8?q?DOWN_K=C3=A4se-Shop:_TCP_connect_203.0.113?=
 =?utf-8?q?.9:443_refused_(3_of_3_places)_[web-1]?=
X-Auto-Response-Suppress: All
X-Lookout-Alert: opened
X-MSMail-Priority: 1
X-Priority: 1
From: "lookout" <lookout@web-1.example.com>
To: =?utf-8?q?J=C3=B6rg_Ops?= <ops@example.com>
Content-Transfer-Encoding: quoted-printable
Content-Type: text/plain; charset=UTF-8

K=C3=A4se-Shop is DOWN since 12:31:07 CET.

  fra   refused   12:31:17
.
From here on =3D nothing.
`, "\n", "\r\n")
	if got := string(s.Mails()[0].Data); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if k := readMail(t, s.Mails()[0]); k.Texts[0] != l.Subject {
		t.Errorf("the subject reads %q", k.Texts[0])
	}
}

// An address beyond ASCII needs a server for it, and a domain never does.
func TestEmailUTF8(t *testing.T) {
	for _, tt := range []struct {
		name, to   string
		extensions []string
		want       string
	}{
		{"a domain", "ops@bücher.example", nil, "ops@xn--bcher-kva.example"},
		{"a name that is taken", "jörg@bücher.example", []string{"SMTPUTF8"}, "jörg@xn--bcher-kva.example"},
		{"a name that is not", "jörg@bücher.example", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mailServer(t, smtptest.Options{Extensions: tt.extensions})
			_, refusal, _ := sendMail(t, s, values{"to": []string{tt.to}}, channeltest.Letter(1))
			if tt.want == "" {
				if refusal == nil || !refusal.Permanent || len(s.Mails()) != 0 {
					t.Errorf("%+v", refusal)
				}
				return
			}
			if refusal != nil || !slices.Equal(s.Mails()[0].To, []string{tt.want}) {
				t.Errorf("%+v %+v", refusal, s.Mails())
			}
		})
	}
}

func TestEmailMistakes(t *testing.T) {
	tests := []struct {
		name   string
		values values
		want   string // "" for none; the messages, one after the other
	}{
		{"nobody", values{"to": []string{}}, "to: there is nobody to send mail to"},
		{"not an address", values{"to": []string{"ops"}}, `to: "ops" is no mail address`},
		{"two in one", values{"to": []string{"a@example.com, b@example.com"}}, `to: "a@example.com, b@example.com" is no mail address`},
		{"a header", values{"to": []string{"a@example.com\r\nBcc: b@example.com"}}, `to: "a@example.com Bcc: b@example.com" is no mail address`},
		{"a parameter", values{"to": []string{`"a> SIZE=1"@example.com`}}, `to: "\"a> SIZE=1\"@example.com" is no address that we can send to`},
		{"a literal", values{"to": []string{"ops@[192.0.2.1]"}}, ""},
		{"no literal", values{"to": []string{"ops@[192.0.2.1> X]"}}, `to: "ops@[192.0.2.1> X]" is no mail address`},
		{"from", values{"from": "x"}, `from: "x" is no mail address`},
		{"a scheme", values{"smtp": "http://mail.example.com"}, `smtp: "http" is no scheme of a mail server`},
		{"no URL", values{"smtp": "mail.example.com"}, "smtp: it is no URL of a mail server"},
		{"a path", values{"smtp": "smtp://mail.example.com/x"}, "smtp: it is no URL of a mail server"},
		{"a login in the URL", values{"smtp": "smtp://jo:hunter22@mail.example.com"}, "smtp: the URL has a login"},
		{"a sender of this host alone", values{"smtp": "smtp://mail.example.com"}, "from: warning: mail would come from lookout@web-1, whose domain is no domain of the Internet: most servers refuse that"},
		{"a sender that is named", values{"smtp": "smtp://mail.example.com", "from": "ops@example.com"}, ""},
		{"a port", values{"smtp": "smtp://mail.example.com:99999"}, `smtp: "99999" is no port`},
		{"a user alone", values{"username": "jo"}, "username: username and password go together"},
		{"a CA", values{"ca_file": []byte("x")}, "ca_file: the file has no certificate"},
		{"all at once", values{"to": []string{"x"}, "smtp": "x"}, `to: "x" is no mail address; smtp: it is no URL of a mail server`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.values["to"] == nil {
				tt.values["to"] = []string{"ops@example.com"}
			}
			ch, mistakes := typeOf(t, "email").New(uptime.ChannelSettings{Host: "web-1", Values: tt.values})
			var got []string
			warned := false
			for _, m := range mistakes {
				if m.Hint = ""; m.Warning {
					warned = true
				}
				got = append(got, m.Key+": "+m.String())
			}
			if strings.Join(got, "; ") != tt.want || (ch == nil) != (tt.want != "" && !warned) {
				t.Errorf("%v %q, want %q", ch, got, tt.want)
			}
		})
	}
}
