// Package smtptest is a mail server for tests and drills: it listens on the
// loopback, keeps what it takes, and behaves as badly as it is told to.
//
// At every stage of a conversation it asks its Behaviour what to do. Without
// one it is a good server.
package smtptest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
)

// Stage is where in a conversation a server is asked for an answer.
type Stage string

// The stages, in their order.
const (
	Greeting Stage = "greeting"
	Hello    Stage = "hello" // EHLO, HELO
	StartTLS Stage = "starttls"
	Auth     Stage = "auth"
	From     Stage = "from"
	Rcpt     Stage = "rcpt"
	Data     Stage = "data" // the command
	End      Stage = "end"  // the dot after the mail
	Quit     Stage = "quit"
	Other    Stage = "other" // RSET, NOOP, what it does not know
)

// Stages are those of a mail that is delivered in the open.
var Stages = [...]Stage{Greeting, Hello, From, Rcpt, Data, End, Quit}

// Mail is one that a client wants to deliver.
type Mail struct {
	From string
	To   []string // whom the server said yes to
	Data []byte   // with CRLF, without the dots of the protocol
	TLS  bool
	User string // who logged in; "" for nobody
}

// Command is what a Behaviour is asked about.
type Command struct {
	Stage Stage
	Arg   string // of the command: an address; the user of an AUTH
	Mail  *Mail  // as far as it got; at End all of it
}

// Answer is what a server does at a stage. The zero value is what a good one does.
type Answer struct {
	Reply   string // instead of a good one, without the last CRLF; it counts by its first digit
	Raw     string // sent as it is
	Stall   bool   // nothing more is said, until the client leaves
	Hangup  bool   // after Reply, or instead of it
	Reset   bool   // with a reset
	Endless string // said over and over, until the client leaves
	Taken   bool   // at End: the mail is kept, whatever else is done or not said
}

// Behaviour says what to do; several may be asked at once.
type Behaviour func(Command) Answer

// Options of a server.
type Options struct {
	Behave     Behaviour         // nil: a good one
	TLS        *tls.Config       // nil: STARTTLS is not offered
	Implicit   bool              // TLS from the start
	BrokenTLS  bool              // STARTTLS is offered and accepted, and then there is none
	Extensions []string          // beside STARTTLS and AUTH
	Users      map[string]string // and their passwords: then who is none may send nothing
	Mechanisms string            // of AUTH; "": PLAIN LOGIN
}

// Server is a running server.
type Server struct {
	options Options
	l       net.Listener

	mu    sync.Mutex
	mails []Mail
	conns map[net.Conn]bool
	calls int
	wg    sync.WaitGroup
}

// Start starts one.
func Start(o Options) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, l: l, conns: map[net.Conn]bool{}}
	s.wg.Go(s.accept)
	return s, nil
}

// Address is its host:port.
func (s *Server) Address() string { return s.l.Addr().String() }

// Mails are those that it took, in their order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Calls says how many connections there were.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Close ends it and all its conversations.
func (s *Server) Close() {
	s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.calls++
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(c)
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			c.Close()
		})
	}
}

// errOver ends a conversation.
var errOver = errors.New("the conversation is over")

// talk is one conversation.
type talk struct {
	s    *Server
	raw  *net.TCPConn
	c    net.Conn
	r    *bufio.Reader
	mail Mail
}

func (s *Server) serve(c net.Conn) {
	t := &talk{s: s, raw: c.(*net.TCPConn), c: c, r: bufio.NewReader(c)}
	if s.options.Implicit && t.secure() != nil {
		return
	}
	if _, err := t.answer(Greeting, "", "220 mx.example.com ESMTP"); err != nil {
		return
	}
	for t.command() == nil {
	}
}

func (t *talk) secure() error {
	c := tls.Server(t.c, t.s.options.TLS)
	if err := c.Handshake(); err != nil {
		return err
	}
	t.c, t.r, t.mail = c, bufio.NewReader(c), Mail{TLS: true}
	return nil
}

// answer asks what to do at a stage and does it; ok is whether that was a yes.
func (t *talk) answer(stage Stage, arg, good string) (ok bool, err error) {
	a := Answer{}
	if t.s.options.Behave != nil {
		a = t.s.options.Behave(Command{Stage: stage, Arg: arg, Mail: &t.mail})
	}
	reply := good
	if a.Reply != "" {
		reply = a.Reply
	}
	ok = reply[0] == '2' || reply[0] == '3'
	if a.Taken {
		t.keep()
	}
	switch {
	case a.Raw != "":
		_, err = io.WriteString(t.c, a.Raw)
		return false, err
	case a.Endless != "":
		for err == nil {
			_, err = io.WriteString(t.c, a.Endless)
		}
		return false, err
	case a.Stall:
		for err == nil {
			_, err = t.r.Discard(1)
		}
		return false, err
	case a.Reset:
		t.raw.SetLinger(0)
		return ok, errOver
	case a.Hangup && a.Reply == "":
		return ok, errOver
	}
	if stage == End && ok && !a.Taken {
		t.keep() // before it says so
	}
	if _, err = io.WriteString(t.c, reply+"\r\n"); err == nil && a.Hangup {
		err = errOver
	}
	return ok, err
}

func (t *talk) keep() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.s.mails = append(t.s.mails, t.mail)
}

// command reads a command and answers it.
func (t *talk) command() error {
	line, err := t.line()
	if err != nil {
		return err
	}
	verb, arg, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		_, err = t.answer(Hello, arg, t.extensions())
	case "HELO":
		_, err = t.answer(Hello, arg, "250 mx.example.com")
	case "STARTTLS":
		if ok, err := t.answer(StartTLS, "", "220 go on"); err != nil || !ok {
			return err
		}
		if t.s.options.BrokenTLS {
			io.WriteString(t.c, "no TLS here\r\n")
			return errOver
		}
		return t.secure()
	case "AUTH":
		return t.login(arg)
	case "MAIL":
		from := address(arg)
		if t.s.options.Users != nil && t.mail.User == "" {
			_, err = t.answer(Other, "", "530 5.7.0 Authentication required")
			return err
		}
		ok := false
		if ok, err = t.answer(From, from, "250 2.1.0 Ok"); ok {
			t.mail = Mail{From: from, TLS: t.mail.TLS, User: t.mail.User}
		}
	case "RCPT":
		to, ok := address(arg), false
		if ok, err = t.answer(Rcpt, to, "250 2.1.5 Ok"); ok {
			t.mail.To = append(t.mail.To, to)
		}
	case "DATA":
		if len(t.mail.To) == 0 {
			_, err = t.answer(Other, "", "554 5.5.1 no valid recipients")
			return err
		}
		if ok, err := t.answer(Data, "", "354 End data with <CR><LF>.<CR><LF>"); err != nil || !ok {
			return err
		}
		if err := t.body(); err != nil {
			return err
		}
		_, err = t.answer(End, "", "250 2.0.0 Ok: queued as 4bT1x")
		t.mail.To, t.mail.Data = nil, nil
	case "QUIT":
		if _, err = t.answer(Quit, "", "221 2.0.0 Bye"); err == nil {
			err = errOver
		}
	case "RSET", "NOOP":
		_, err = t.answer(Other, line, "250 2.0.0 Ok")
	default:
		_, err = t.answer(Other, line, "502 5.5.2 unknown command")
	}
	return err
}

func (t *talk) line() (string, error) {
	b, err := t.r.ReadSlice('\n') // 4 kB: a command is no longer than that
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// body reads a mail. Only a line that ends with CRLF ends with the dot: what a
// client lets through of others is in the mail, where it can be seen.
func (t *talk) body() error {
	for whole := true; ; { // the line before ended with CRLF
		line, err := t.r.ReadString('\n')
		if err != nil {
			return err
		}
		if whole && line == ".\r\n" {
			return nil
		}
		whole = strings.HasSuffix(line, "\r\n")
		t.mail.Data = append(t.mail.Data, strings.TrimPrefix(line, ".")...)
		if len(t.mail.Data) > 16<<20 {
			return errOver
		}
	}
}

func (t *talk) extensions() string {
	o := t.s.options
	lines := append([]string{"mx.example.com"}, o.Extensions...)
	if (o.TLS != nil || o.BrokenTLS) && !o.Implicit && !t.mail.TLS {
		lines = append(lines, "STARTTLS")
	}
	if o.Users != nil {
		mechanisms := o.Mechanisms
		if mechanisms == "" {
			mechanisms = "PLAIN LOGIN"
		}
		lines = append(lines, "AUTH "+mechanisms)
	}
	last := len(lines) - 1
	var b strings.Builder
	for _, line := range lines[:last] {
		b.WriteString("250-" + line + "\r\n")
	}
	return b.String() + "250 " + lines[last]
}

// login is AUTH PLAIN and AUTH LOGIN.
func (t *talk) login(arg string) error {
	mechanism, first, _ := strings.Cut(arg, " ")
	ask := func(what string) (string, error) {
		if _, err := io.WriteString(t.c, "334 "+base64.StdEncoding.EncodeToString([]byte(what))+"\r\n"); err != nil {
			return "", err
		}
		line, err := t.line()
		b, _ := base64.StdEncoding.DecodeString(line)
		return string(b), err
	}
	var user, password string
	var err error
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		b, _ := base64.StdEncoding.DecodeString(first)
		if fields := strings.Split(string(b), "\x00"); len(fields) == 3 {
			user, password = fields[1], fields[2]
		}
	case "LOGIN":
		if user, err = ask("Username:"); err == nil {
			password, err = ask("Password:")
		}
	}
	if err != nil {
		return err
	}
	good := "535 5.7.8 Error: authentication failed"
	if known, there := t.s.options.Users[user]; there && known == password {
		good = "235 2.7.0 Authentication successful"
	}
	ok, err := t.answer(Auth, user, good)
	if ok {
		t.mail.User = user
	}
	return err
}

// address is what stands between < and >.
func address(arg string) string {
	_, rest, _ := strings.Cut(arg, "<")
	a, _, _ := strings.Cut(rest, ">")
	return a
}
