package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/uptime"
)

// A mail that tells of an outage, with the real binary: from a target that dies
// to what lies in a mail server.

// postOffice is a mail server that can be away.
type postOffice struct {
	*smtptest.Server
	away atomic.Bool
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	p := &postOffice{}
	var err error
	p.Server, err = smtptest.Start(smtptest.Options{Behave: func(c smtptest.Command) smtptest.Answer {
		if c.Stage == smtptest.Greeting && p.away.Load() {
			return smtptest.Answer{Reply: "421 4.3.2 closed for the night", Hangup: true}
		}
		return smtptest.Answer{}
	}})
	check(t, err)
	t.Cleanup(func() {
		if p.Close(); t.Failed() {
			for _, l := range p.letters(t) {
				t.Log(l.Get("Date"), l.Get("To"), l.subject)
			}
		}
	})
	return p
}

// arrival is a mail that arrived.
type arrival struct {
	mail.Header
	subject, body string
}

// letters are those that arrived, in their order.
func (p *postOffice) letters(t *testing.T) []arrival {
	t.Helper()
	var out []arrival
	for _, m := range p.Mails() {
		msg, err := mail.ReadMessage(bytes.NewReader(m.Data))
		check(t, err)
		body, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
		check(t, err)
		subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		check(t, err)
		out = append(out, arrival{msg.Header, subject, string(body)})
	}
	return out
}

// wait waits for the nth letter, from 1, whose subject begins with a word.
func (p *postOffice) wait(t *testing.T, n int, begins string) arrival {
	t.Helper()
	err := within(t, 2*patience, fmt.Sprintf("letter %d, %s", n, begins), func() bool { return len(p.Mails()) >= n })
	all := p.letters(t)
	if err != nil || !strings.HasPrefix(all[n-1].subject, begins) {
		var subjects []string
		for _, l := range all {
			subjects = append(subjects, l.subject)
		}
		t.Fatalf("letter %d is to begin with %q: %v; they are %q", n, begins, err, subjects)
	}
	return all[n-1]
}

// mortal is a target that dies and comes back.
type mortal struct {
	t    *testing.T
	addr string
	srv  *http.Server
}

func newMortal(t *testing.T) *mortal {
	t.Helper()
	port, err := FreePort()
	check(t, err)
	s := &mortal{t: t, addr: fmt.Sprintf("127.0.0.1:%d", port)}
	s.rise()
	t.Cleanup(func() { s.srv.Close() })
	return s
}

func (s *mortal) rise() {
	s.t.Helper()
	var l net.Listener
	check(s.t, within(s.t, patience, s.addr+" to be free", func() (free bool) { // a check may still hold its end of a connection
		var err error
		l, err = net.Listen("tcp", s.addr)
		return err == nil
	}))
	s.srv = &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go s.srv.Serve(l) //nolint:errcheck // it ends with Close
}

func (s *mortal) die() { s.srv.Close() }

// telling is a configuration that watches a server, and tells a mail server.
func telling(p *postOffice, s *mortal, more string) string {
	return "instance = \"web-1\"\n" + more + mailTo(p, "ops", "") + fmt.Sprintf(hasty, "1s") + fmt.Sprintf("[[monitor]]\nname = \"shop\"\nurl = \"http://%s/\"\n", s.addr)
}

func mailTo(p *postOffice, name, more string) string {
	return fmt.Sprintf("[[channel]]\nname = %q\ntype = \"email\"\nto = [\"%[1]s@example.com\"]\nfrom = \"lookout@example.com\"\nsmtp = \"smtp://%s\"\n%s", name, p.Address(), more)
}

func upAgain(s status) bool { return s.Counts["up"] == 1 }
func isDown(s status) bool  { return s.Counts["down"] == 1 }

// alerts are the alert events.
func alerts(t *testing.T, h *Home) []string {
	t.Helper()
	var out []string
	for _, e := range events(t, run(t, h, 0, "events", "--since", "1d", "--format", "json").Stdout) {
		if e.Kind == uptime.EventAlert {
			out = append(out, e.Message)
		}
	}
	return out
}

// DOWN, acknowledged, killed, up again: two mails of one thread.
func TestMail(t *testing.T) {
	t.Parallel()
	post, shop := newPostOffice(t), newMortal(t)
	h := home(t, telling(post, shop, ""))
	eng := engine(t, h)
	until(t, h, "the shop up", patience, upAgain)
	shop.die()
	down := post.wait(t, 1, "DOWN shop: ")
	says(t, "the mail", down.body, "shop is down, since ", "refused", "lookout ack '#1'", "lookout on web-1")
	if down.Get("To") != "<ops@example.com>" || down.Get("Auto-Submitted") != "auto-generated" || down.Get("Message-Id") == "" || !strings.HasSuffix(down.subject, "[web-1]") {
		t.Errorf("subject %s, header %v", down.subject, down.Header)
	}
	run(t, h, 0, "ack", "#1", "--note", "on it")
	check(t, within(t, patience, "what was sent in the preview", func() bool { // a mail is there before we are told so
		return strings.Contains(run(t, h, 0, "alert", "preview", "#1").Stdout, "so far     opened, sent ")
	}))
	says(t, "alert preview", run(t, h, 0, "alert", "preview", "#1").Stdout, "#1  shop  DOWN since ", "route      there is no [[route]]: every channel\n", "\nops  email  ops@example.com by ", "subject    DOWN shop: ", "  shop is down, since ")
	check(t, eng.Signal(syscall.SIGKILL))
	_, err := eng.Wait(patience)
	check(t, err)
	engine(t, h)
	until(t, h, "the shop down", patience, isDown)
	shop.rise()
	up := post.wait(t, 2, "up again: shop, after ")
	if refs := up.Get("References"); refs == "" || refs != down.Get("References") {
		t.Errorf("two threads: %q and %q", down.Get("References"), refs)
	}
	says(t, "the events", strings.Join(alerts(t, h), "\n"), "mail to ops@example.com taken by 127.0.0.1")
	if n := len(post.Mails()); n != 2 {
		t.Errorf("%d mails", n)
	}
}

// The mail server is away while a target dies, and the engine is killed meanwhile:
// what is not told yet is told when it is back.
func TestMailAway(t *testing.T) {
	t.Parallel()
	post, shop := newPostOffice(t), newMortal(t)
	h := home(t, telling(post, shop, ""))
	eng := engine(t, h)
	until(t, h, "the shop up", patience, upAgain)
	post.away.Store(true)
	shop.die()
	failed(t, h)
	check(t, eng.Signal(syscall.SIGKILL))
	_, err := eng.Wait(patience)
	check(t, err)
	before, err := os.ReadFile(filepath.Join(h.Data, "lookout.db"))
	check(t, err)
	says(t, "a status without an engine", run(t, h, 3, "status").Stdout, "# no engine answers; ", "\n# alerts: 1 waits for ops since ", ": 421 4.3.2 closed for the night\n")
	says(t, "a status without an engine", run(t, h, 3, "status", "--format", "json").Stdout,
		`"alerts":{"waiting":1,"held":0,"channels":[{"channel":"ops","type":"email","target":"ops@example.com by `, `"failing":true,"waiting":1,"oldest":"`, `"error":"421 4.3.2 closed for the night","failing_since":"`)
	after, err := os.ReadFile(filepath.Join(h.Data, "lookout.db"))
	check(t, err)
	if !bytes.Equal(before, after) {
		t.Error("a status without an engine writes to the data file")
	}
	engine(t, h)
	post.away.Store(false)
	post.wait(t, 1, "DOWN shop: ")
	shop.rise()
	post.wait(t, 2, "up again: shop")
}

// failed waits until a letter was refused, and it is said why.
func failed(t *testing.T, h *Home) {
	t.Helper()
	check(t, within(t, patience, "a refusal", func() bool { return strings.Contains(strings.Join(alerts(t, h), "\n"), "FAILED: ") }))
	says(t, "the events", strings.Join(alerts(t, h), "\n"), "mail to ops@example.com FAILED: 421 4.3.2 closed for the night, next try in ")
}

// An outage that was over before it could be told is told in one.
func TestMailCollapsed(t *testing.T) {
	t.Parallel()
	post, shop := newPostOffice(t), newMortal(t)
	h := home(t, telling(post, shop, ""))
	engine(t, h)
	until(t, h, "the shop up", patience, upAgain)
	post.away.Store(true)
	shop.die()
	failed(t, h)
	shop.rise()
	until(t, h, "the shop up", patience, upAgain)
	post.away.Store(false)
	said := post.wait(t, 1, "was down ")
	says(t, "the subject", said.subject, " while we could not send: shop [web-1]")
}

// What a reload changes of telling is in force at once: a bad template is
// refused by its line, a new channel is told of the incident that is open.
func TestMailReload(t *testing.T) {
	t.Parallel()
	post, shop := newPostOffice(t), newMortal(t)
	config := telling(post, shop, "")
	h := home(t, config)
	engine(t, h)
	until(t, h, "the shop up", patience, upAgain)
	shop.die()
	post.wait(t, 1, "DOWN shop: ")

	check(t, h.Write(config+mailTo(post, "boss", "subject = \"{{.Monitr}}\"\n")))
	says(t, "a bad template", run(t, h, 78, "reload").Stderr, "lookout.toml:25: channel \"boss\": subject: line 1", "Monitr")
	check(t, h.Write(config+mailTo(post, "boss", "subject = \"{{.Word}} {{.Monitor}} for the boss\"\n")))
	says(t, "config diff", run(t, h, 0, "config", "diff").Stdout, "channel.boss.to (unset) -> [boss@example.com]")
	says(t, "the reload", run(t, h, 0, "reload").Stdout, "channel boss")
	boss := post.wait(t, 2, "DOWN shop for the boss")
	if boss.Get("To") != "<boss@example.com>" {
		t.Errorf("to %s", boss.Get("To"))
	}

	shop.rise()
	post.wait(t, 4, "up again") // or the other would be behind the same cause
	other := newMortal(t)
	check(t, h.Write(config+mailTo(post, "boss", "")+fmt.Sprintf(`[[channel]]
name = "log"
type = "file"
path = %q
[[route]]
names = ["other"]
channels = ["log"]
[[monitor]]
name = "other"
url = "http://%s/"
`, filepath.Join(h.Dir, "alerts"), other.addr)))
	says(t, "the reload", run(t, h, 0, "reload").Stdout, "channel boss", "channel log", "routes")
	until(t, h, "both up", patience, func(s status) bool { return s.Counts["up"] == 2 })
	other.die()
	check(t, within(t, patience, "a line in the file", func() bool {
		text, err := os.ReadFile(filepath.Join(h.Dir, "alerts"))
		return err == nil && strings.Contains(string(text), `"subject":"DOWN other: `)
	}))
	if n := len(post.Mails()); n != 4 {
		t.Errorf("%d mails: what the route takes goes to the file", n)
	}
}

// The dead-man service hears of an engine that lives, and not of one that stands still.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	var beats atomic.Int64
	deadMan := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/s3cret" && strings.HasPrefix(r.UserAgent(), "lookout/") {
			beats.Add(1)
		}
	}))
	defer deadMan.Close()
	h := home(t, fmt.Sprintf("[heartbeat]\nurl = \"%s/s3cret\"\nevery = \"10s\"\n[[monitor]]\nname = \"shop\"\nurl = \"%[1]s/\"\n", deadMan.URL))
	eng := engine(t, h)
	check(t, within(t, patience, "two beats", func() bool { return beats.Load() >= 2 }))
	check(t, eng.Stop())
	was := beats.Load()
	if log := eng.Stderr() + eng.Stdout(); strings.Contains(log, "s3cret") {
		t.Errorf("the log shows the URL:\n%s", log)
	}
	deadMan.Close()
	eng = engine(t, h)
	check(t, within(t, patience, "a word in the log", func() bool { return strings.Contains(eng.Stderr(), "the heartbeat fails") }))
	if strings.Contains(eng.Stderr(), "s3cret") || beats.Load() != was {
		t.Errorf("%d beats, log: %s", beats.Load()-was, eng.Stderr())
	}
}
