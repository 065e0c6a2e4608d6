package channel

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// Whatever a letter holds, what a channel gets is clean and bounded, and a mail
// of it is one mail.
func FuzzWashed(f *testing.F) {
	f.Add("1-ops@web-1", "DOWN shop", "shop is DOWN\n  fra  refused\n", []byte(`{"a":"b"}`))
	f.Add("\r\n", "a\r\nBcc: x=?utf-8?q?=0A?=", "\r\n.\r\nMAIL FROM:<>\r\n\u202e\x1b[2J", []byte(`{"a":"\u202e`+"\u009b"+`"}`))
	f.Fuzz(func(t *testing.T, id, subject, text string, object []byte) {
		l := washed(&uptime.Letter{ID: id, Thread: id, Kind: uptime.AlertKind(subject), Subject: subject, Text: text, JSON: object})
		if l.Subject != uptime.Clean(l.Subject, maxSubject) || len(l.Text) > maxText || strings.IndexFunc(l.Text+string(l.JSON), func(r rune) bool {
			return r != '\n' && (r < ' ' || r == 0x7f || r == '\u202e' || r >= 0x80 && r < 0xa0)
		}) >= 0 || !utf8.ValidString(l.Text) || !json.Valid(l.JSON) || strings.ContainsAny(string(l.JSON), "\r\n") || strings.ContainsAny(l.ID+l.Thread, " \r\n<>") {
			t.Fatalf("%q %q %q %q", l.ID, l.Subject, l.Text, l.JSON)
		}
		ch, _ := newEmail(uptime.ChannelSettings{Values: values{"to": []string{"ops@example.com"}}})
		mail, err := ch.(email).compose(l)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(mail), "\r\n\r\n")
		for line := range strings.SplitSeq(head, "\r\n") {
			name, _, ok := strings.Cut(line, ":")
			if line[0] != ' ' && (!ok || !strings.Contains(" Auto-Submitted Date In-Reply-To MIME-Version Message-ID Precedence References Subject X-Auto-Response-Suppress X-Lookout-Alert From To Content-Transfer-Encoding Content-Type ", " "+name+" ")) {
				t.Fatalf("header %q in\n%s", line, mail)
			}
		}
	})
}

// A secret shows in no text, wherever and however it is in what came in.
func FuzzVeil(f *testing.F) {
	f.Add("p&ss \"w\u200bord\"", "before ", " after")
	f.Add("000\xc9", "0", "0") // cleaned it is longer
	f.Add("https://jo:hunter22@h/abcdefgh?token=t0ken", "\x00", "%26")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		if len(secret) < minSecret || len(secret) > 200 {
			return
		}
		v := veilOver(values{"s": uptime.Secret(secret)}, nil)
		for _, text := range []string{before + secret + after, before + strings.Join(strings.Split(secret, ""), "\x00") + after} {
			got := v.line(text, 4*maxRaw)
			if clean := uptime.Clean(secret, 3*len(secret)); len(clean) >= minSecret && strings.Contains(got, clean) && !strings.Contains(stars, clean) {
				t.Fatalf("%q shows in %q", secret, got)
			}
		}
	})
}

// Whatever a mail server says, it is a receipt or a refusal, in time.
func FuzzServer(f *testing.F) {
	f.Add([]byte("220 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n250 f\r\n221 g\r\n"))
	f.Add([]byte("220-a\r\n220 b\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n220 go\r\n"))
	f.Add([]byte("421 \xff\x00\u202e\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		address := probetest.Serve(t, func(c net.Conn) {
			c.Write(said)
			c.(*net.TCPConn).CloseWrite()
			io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c})
		})
		ch := channeltest.Case{Type: typeOf(t, "email")}.Make(t, values{"to": []string{"ops@example.com"}, "smtp": "smtp://" + address,
			"username": mailUser, "password": uptime.Secret(mailSecret), "timeout": 2 * time.Second})
		r, err := ch.Send(t.Context(), channeltest.Letter(1), func(line string) {
			if line != uptime.Clean(line, maxLine) || strings.Contains(line, mailSecret) {
				t.Errorf("%q", line)
			}
		})
		if err == nil && r.Reply == "" || err != nil && err.(*uptime.Refusal).Reply == "" {
			t.Errorf("%+v %v", r, err)
		}
	})
}
