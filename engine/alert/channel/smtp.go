package channel

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"

	smtplog "github.com/wneessen/go-mail/log"
	"github.com/wneessen/go-mail/smtp"

	"lookout/engine/uptime"
)

const (
	// maxSaid bounds what a server may say in a conversation: go-mail would read a
	// reply without end into memory.
	maxSaid = 256 << 10
	// goodbye is how long a server has to answer QUIT, which decides nothing.
	goodbye = time.Second
)

// Send delivers a letter, over a connection of its own: with TLS and a login that
// costs some 1.5 ms (BenchmarkEmail, both sides), and no letter meets what an
// earlier one left behind. go-mail's smtp speaks; its mail.Client does not call
// for us: it gives a mail to nobody where one of its recipients is refused,
// leaves connections open when a login fails, and obeys no context after it
// has connected. What counts is the reply to the mail, whatever QUIT says.
func (e email) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	mail, err := e.compose(l)
	if err != nil {
		return uptime.Receipt{}, &uptime.Refusal{Reply: err.Error(), Permanent: true, Letter: true}
	}
	var to []string
	for _, a := range e.to {
		if l.To == nil || slices.Contains(l.To, a.Address) {
			to = append(to, a.Address)
		}
	}
	if len(to) == 0 { // those who were left are no longer in the configuration
		return uptime.Receipt{Reply: "nobody is left to send it to"}, nil
	}
	s := session{email: e, ctx: ctx, say: say}
	receipt, err := s.deliver(mail, to)
	if err != nil && s.stage == stageTLS && !s.mustTLS() {
		// It offers TLS and fails at it. In the open it would have been without the offer, too.
		say(s.refusal(err).Reply + "; again, in the open")
		s = session{email: e, ctx: ctx, say: say, open: true}
		receipt, err = s.deliver(mail, to)
	}
	if err != nil {
		return uptime.Receipt{}, s.refusal(err)
	}
	return receipt, nil
}

// The stages of a conversation: what a server was asked for last.
const (
	stageConnect = "connecting"
	stageGreet   = "its greeting"
	stageHello   = "EHLO"
	stageTLS     = "STARTTLS"
	stageSecure  = "TLS"
	stageLogin   = "AUTH"
	stageFrom    = "MAIL FROM"
	stageRcpt    = "RCPT TO"
	stageData    = "DATA"
	stageEnd     = "the end of the mail"
)

// session is one conversation with a mail server.
type session struct {
	email
	ctx   context.Context
	say   func(string)
	open  bool // no STARTTLS, although it is offered
	stage string
	heard *hearing // nil before there is a connection
	told  bool     // the reply that refuses was said
}

// mustTLS reports whether nothing may be said in the open: a password, or
// where somebody said whom to trust.
func (s *session) mustTLS() bool {
	return s.security != offered || (s.username != "" || s.roots != nil) && !s.loopback
}

// tls is how TLS is spoken. Where it may be left out, a certificate that is
// wrong is better than none.
func (s *session) tls() *tls.Config {
	return &tls.Config{
		ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: !s.mustTLS() && s.roots == nil,
	}
}

// deliver has a mail taken for as many recipients as the server takes it.
func (s *session) deliver(mail []byte, to []string) (_ uptime.Receipt, err error) {
	c, hangUp, err := s.connect()
	if err != nil {
		return uptime.Receipt{}, err
	}
	defer hangUp()
	if err := s.prepare(c); err != nil {
		return uptime.Receipt{}, err
	}
	defer func() {
		s.tell(err) // before it is said goodbye
		s.quit(c)
	}()
	s.stage = stageFrom
	if !slices.ContainsFunc(append([]string{s.from.Address}, to...), func(a string) bool { return !ascii(a) }) {
		c.SkipSMTPUTF8(true) // else a server that has it would demand it of all that come after
	} else if ok, _ := c.Extension("SMTPUTF8"); !ok {
		return uptime.Receipt{}, &uptime.Refusal{Reply: s.address() + " takes no addresses beyond ASCII (no SMTPUTF8)", Permanent: true}
	}
	if err := c.Mail("<" + s.from.Address + ">"); err != nil {
		return uptime.Receipt{}, err
	}
	s.stage = stageRcpt
	var left []string
	var why error
	for _, a := range to {
		if err := c.Rcpt("<" + a + ">"); err != nil {
			if reply := (*textproto.Error)(nil); !errors.As(err, &reply) || reply.Code == 421 {
				return uptime.Receipt{}, err
			}
			s.say("< " + replyText(err))
			left, why = append(left, a), err
		}
	}
	if len(left) == len(to) {
		s.told = true
		return uptime.Receipt{}, why
	}
	s.stage = stageData
	w, err := c.Data()
	if err != nil {
		return uptime.Receipt{}, err
	}
	if _, err := w.Write(mail); err != nil {
		return uptime.Receipt{}, err // without its end: it cannot have been taken
	}
	s.say(fmt.Sprintf("> (%d bytes of mail)", len(mail)))
	s.stage = stageEnd
	reply := "250"
	if err := w.Close(); err != nil {
		code := (*textproto.Error)(nil)
		if !errors.As(err, &code) || code.Code/100 != 2 {
			return uptime.Receipt{}, err
		}
		reply = replyText(err)
	} else if d, ok := w.(*smtp.DataCloser); ok {
		reply += " " + d.ServerResponse()
	}
	if s.heard.over || s.ctx.Err() != nil { // what looks like a reply is the part of one that was read
		return uptime.Receipt{}, errCut
	}
	s.say("< " + reply)
	r := uptime.Receipt{Reply: reply, Left: left}
	if why != nil {
		r.Why = replyText(why)
	}
	return r, nil
}

// connect dials a server and reads its greeting.
func (s *session) connect() (c *smtp.Client, hangUp func(), err error) {
	s.stage = stageConnect
	raw, err := new(net.Dialer).DialContext(s.ctx, "tcp", s.address())
	if err != nil {
		return nil, nil, err
	}
	s.say("connected to " + raw.RemoteAddr().String())
	// go-mail knows no context: what it waits for ends with the connection's deadline.
	stop := context.AfterFunc(s.ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	hangUp = func() {
		stop()
		raw.Close()
	}
	s.heard = &hearing{Conn: raw}
	var conn net.Conn = s.heard
	if s.security == implicit {
		s.stage = stageSecure
		secure := tls.Client(conn, s.tls())
		if err := secure.HandshakeContext(s.ctx); err != nil {
			hangUp()
			if noTLS(err) {
				err = &uptime.Refusal{Reply: s.address() + " does not begin with TLS, as smtps:// does; for ports 25 and 587 write smtp+starttls://"}
			}
			return nil, nil, err
		}
		s.say(tls.VersionName(secure.ConnectionState().Version))
		conn = secure
	}
	s.stage = stageGreet
	if c, err = smtp.NewClient(conn, s.host); err != nil {
		hangUp()
		return nil, nil, err
	}
	c.SetLogger(listener(s.say))
	c.SetDebugLog(true) // without the login: that is hidden there, and by the guard
	return c, hangUp, nil
}

// prepare greets, goes over to TLS and logs in, as far as that has to be.
func (s *session) prepare(c *smtp.Client) error {
	s.stage = stageHello
	if err := c.Hello(s.helo); err != nil {
		return err
	}
	if s.security != implicit && !s.open {
		switch ok, _ := c.Extension("STARTTLS"); {
		case ok:
			s.stage = stageTLS
			if err := s.startTLS(c); err != nil {
				return err
			}
		case s.mustTLS():
			return &uptime.Refusal{Reply: s.address() + " offers no STARTTLS, and without it nothing is sent"}
		}
	}
	if s.username == "" {
		return nil
	}
	s.stage = stageLogin
	_, offer := c.Extension("AUTH")
	a := s.login(strings.Fields(strings.ToUpper(offer)))
	if a == nil {
		return &uptime.Refusal{Reply: s.address() + " offers no login that we know: AUTH " + offer, Permanent: true}
	}
	return c.Auth(a)
}

// startTLS goes over to TLS. Where it may be left out it has a third of the time:
// there has to be some left to do without.
func (s *session) startTLS(c *smtp.Client) error {
	end, limited := s.ctx.Deadline()
	if s.mustTLS() || !limited {
		return c.StartTLS(s.tls())
	}
	s.heard.SetDeadline(time.Now().Add(time.Until(end) / 3))
	if err := c.StartTLS(s.tls()); err != nil {
		return err
	}
	s.heard.SetDeadline(end)
	return s.ctx.Err() // its end may have set a deadline that was just overwritten
}

// login is the way to log in. Within TLS that is verified the plainest works
// best; the others are for servers that have nothing else.
func (s *session) login(offered []string) smtp.Auth {
	user, password := s.username, s.password.Reveal()
	for _, m := range []struct {
		name string
		auth smtp.Auth
	}{
		{"PLAIN", smtp.PlainAuth("", user, password, s.host, s.loopback)},
		{"LOGIN", smtp.LoginAuth(user, password, s.host, s.loopback)},
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(user, password)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(user, password)},
	} {
		if slices.Contains(offered, m.name) {
			return m.auth
		}
	}
	return nil
}

// quit says goodbye, where there is time for it.
func (s *session) quit(c *smtp.Client) {
	if s.ctx.Err() == nil {
		s.heard.SetDeadline(time.Now().Add(goodbye))
		c.Quit()
	}
}

// refusal says what an error of a conversation means.
func (s *session) refusal(err error) *uptime.Refusal {
	if r := (*uptime.Refusal)(nil); errors.As(err, &r) {
		return r
	}
	r := &uptime.Refusal{Uncertain: s.stage == stageEnd}
	reply := (*textproto.Error)(nil)
	if errors.As(err, &reply) && reply.Code >= 400 {
		r.Reply = replyText(err)
		r.Permanent = reply.Code >= 500
		r.Letter = (s.stage == stageData || s.stage == stageEnd) && reply.Code != 421
		r.Uncertain = false
		s.tell(err)
		return r
	}
	where := s.address()
	switch protocol := textproto.ProtocolError(""); {
	case s.ctx.Err() == context.DeadlineExceeded, errors.Is(err, os.ErrDeadlineExceeded):
		r.Reply = where + ": no answer to " + s.stage + " in time"
	case s.ctx.Err() != nil:
		r.Reply = where + ": ended at " + s.stage
	case s.heard != nil && s.heard.over:
		r.Reply = fmt.Sprintf("%s says more than %d kB", where, maxSaid>>10)
	case s.stage == stageConnect:
		r.Reply = failedAt(where, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.Reply = where + " hung up at " + s.stage
	case errors.As(err, &protocol), reply != nil:
		r.Reply = fmt.Sprintf("%s: no answer of a mail server to %s: %s", where, s.stage, err)
	default:
		r.Reply = fmt.Sprintf("%s: %s: %s", where, s.stage, plainError(err))
	}
	s.say(r.Reply)
	return r
}

// tell says a reply that refuses, once: go-mail says only those that do not.
func (s *session) tell(err error) {
	if reply := (*textproto.Error)(nil); errors.As(err, &reply) && reply.Code >= 400 && !s.told {
		s.told = true
		s.say("< " + replyText(err))
	}
}

// replyText is what a server said: "550 5.1.1 no such user".
func replyText(err error) string {
	if reply := (*textproto.Error)(nil); errors.As(err, &reply) {
		return fmt.Sprintf("%d %s", reply.Code, reply.Msg)
	}
	return err.Error()
}

// hearing is a connection that hears no more than maxSaid.
type hearing struct {
	net.Conn
	n    int
	over bool
}

var errCut = errors.New("it never comes to the end of a line")

func (h *hearing) Read(b []byte) (int, error) {
	if h.n >= maxSaid {
		h.over = true
		return 0, errCut
	}
	n, err := h.Conn.Read(b[:min(len(b), maxSaid-h.n)])
	h.n += n
	return n, err
}

// listener hears the conversation as go-mail writes it down.
type listener func(string)

func (l listener) Debugf(m smtplog.Log) {
	direction := "> "
	if m.Direction == smtplog.DirServerToClient {
		direction = "< "
	}
	l(direction + fmt.Sprintf(m.Format, m.Messages...))
}

func (l listener) Infof(m smtplog.Log)  { l.Debugf(m) }
func (l listener) Warnf(m smtplog.Log)  { l.Debugf(m) }
func (l listener) Errorf(m smtplog.Log) { l.Debugf(m) }

func ascii(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }
