package probes

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// textServer is a server of a protocol of lines. An answer that begins with
// "TLS " is followed by a handshake; {tag} stands for the first word of the
// command, where commands have a tag.
type textServer struct {
	greeting string
	tagged   bool
	answers  map[string]string // by the verb in capitals
	unknown  string            // to every other command
}

// but is the same server with another greeting or other answers, in pairs.
func (s textServer) but(pairs ...string) textServer {
	answers := map[string]string{}
	for verb, answer := range s.answers {
		answers[verb] = answer
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "" {
			s.greeting = pairs[i+1]
		} else {
			answers[pairs[i]] = pairs[i+1]
		}
	}
	s.answers = answers
	return s
}

// serve speaks with one client; said gets each verb that it heard.
func (s textServer) serve(c net.Conn, config *tls.Config, said chan<- string) {
	io.WriteString(c, s.greeting)
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		words := strings.Fields(strings.ToUpper(line))
		if err != nil || len(words) == 0 || s.tagged && len(words) == 1 {
			return
		}
		tag, verb := words[0], words[0]
		if s.tagged {
			tag, verb = strings.Fields(line)[0], words[1]
		}
		if said != nil {
			said <- verb
		}
		answer, known := s.answers[verb]
		if !known {
			answer = s.unknown
		}
		answer, upgrade := strings.CutPrefix(answer, "TLS ")
		io.WriteString(c, strings.ReplaceAll(answer, "{tag}", tag))
		if upgrade {
			sec := tls.Server(c, config)
			if sec.Handshake() != nil {
				return
			}
			c, r = sec, bufio.NewReader(sec)
		}
	}
}

// server is a server of any protocol.
type server interface {
	serve(c net.Conn, config *tls.Config, said chan<- string)
}

// serverFunc is a server whose protocol is not of lines.
type serverFunc func(c net.Conn, config *tls.Config, said chan<- string)

func (f serverFunc) serve(c net.Conn, config *tls.Config, said chan<- string) { f(c, config, said) }

// protocols are good servers, and the last that they hear of a polite client.
var protocols = []struct {
	name    string
	server  server
	yes     string // to STARTTLS
	goodbye string
}{
	{"smtp", smtpServer, "220 go ahead\r\n", "QUIT"},
	{"imap", imapServer, "OK go ahead\r\n", "LOGOUT"},
	{"pop3", pop3Server, "+OK go ahead\r\n", "QUIT"},
	{"ftp", ftpServer, "234 go ahead\r\n", "QUIT"},
	{"xmpp", xmppServer{}, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "</stream:stream>"},
	{"postgres", postgresServer{}, "S", ""},
	{"ldap", ldapServer{}, ldapYes, "UNBIND"},
}

// started makes a server listen, for a scheme with or without TLS, and returns
// the target and settings that trust it. With said, it is for one check.
func started(t testing.TB, scheme string, s server, said chan<- string) (string, keys) {
	t.Helper()
	root := newCA(t, "test root", nil)
	config := &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}}
	to := probetest.Serve(t, func(c net.Conn) {
		if strings.HasSuffix(scheme, "+tls") {
			c = tls.Server(c, config)
		}
		s.serve(c, config, said)
		if said != nil {
			close(said)
		}
	})
	return scheme + "://" + to, keys{"ca_file": root.pem(), "server_name": "good.test"}
}

// speaking makes a check of a server.
func speaking(scheme string, s server) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		target, values := started(t, scheme, s, nil)
		typ, _, _ := strings.Cut(scheme, "+")
		return quickly(t, made(t, testSystem(), typ, target, values, nil))
	}
}

// serviceFaults are those that every protocol has.
var serviceFaults = func() []produced {
	var all []produced
	for _, p := range protocols {
		all = append(all,
			produced{uptime.FaultReplyTimeout, "no reply from", speaking(p.name, saying(""))},
			produced{uptime.FaultReplyClosed, "the connection instead of a reply", speaking(p.name, serverFunc(func(net.Conn, *tls.Config, chan<- string) {}))},
			produced{uptime.FaultReplyMalformed, "does not speak " + p.name + `, it sent "SSH-2.0-OpenSSH_9.2"`, speaking(p.name, saying("SSH-2.0-OpenSSH_9.2\r\n"))},
			produced{uptime.FaultTLSNotTLS, "does not speak TLS", func(t *testing.T) uptime.Result {
				target, values := started(t, p.name, saying("SSH-2.0-OpenSSH_9.2\r\n"), nil)
				return once(t, made(t, testSystem(), p.name, strings.Replace(target, p.name, p.name+"+tls", 1), values, nil))
			}},
			produced{uptime.FaultTLSClientCertRequired, "wants a client certificate (alert 116", func(t *testing.T) uptime.Result { return wantsCert(t, p.name, p.server) }},
			produced{uptime.FaultTLSUntrustedCA, "the CA test root is not trusted", func(t *testing.T) uptime.Result {
				target, _ := started(t, p.name+"+starttls", p.server, nil)
				return once(t, made(t, testSystem(), p.name, target, keys{"server_name": "good.test"}, nil))
			}},
			produced{uptime.FaultReplyMalformed, "sent more in the open after its yes to STARTTLS", speaking(p.name+"+starttls", injecting{p.server, p.yes})},
		)
	}
	return all
}()

// saying is a server that says a text, then nothing.
func saying(text string) server {
	return serverFunc(func(c net.Conn, _ *tls.Config, _ chan<- string) {
		go io.WriteString(c, text)
		io.Copy(io.Discard, struct{ io.Reader }{c})
	})
}

// wantsCert checks a server that wants a client certificate after STARTTLS.
func wantsCert(t *testing.T, name string, s server) uptime.Result {
	root := newCA(t, "test root", nil)
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	config := &tls.Config{Certificates: []tls.Certificate{root.issue(t, nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	to := probetest.Serve(t, func(c net.Conn) { s.serve(c, config, nil) })
	return once(t, made(t, testSystem(), name, name+"+starttls://"+to, keys{"ca_file": root.pem(), "server_name": "good.test"}, nil))
}

// injecting is a server on whose way somebody adds a reply to its yes to STARTTLS.
type injecting struct {
	server
	yes string
}

func (i injecting) serve(c net.Conn, config *tls.Config, said chan<- string) {
	i.server.serve(injected{c, i.yes}, config, said)
}

type injected struct {
	net.Conn
	yes string
}

func (i injected) Write(b []byte) (int, error) {
	if strings.HasSuffix(string(b), i.yes) {
		n, err := io.WriteString(i.Conn, string(b)+"250 injected\r\n")
		return min(n, len(b)), err
	}
	return i.Conn.Write(b)
}

// TestServices speaks each protocol in each of its schemes with a good server.
func TestServices(t *testing.T) {
	for _, p := range protocols {
		for _, security := range []string{"", "+starttls", "+tls"} {
			t.Run(p.name+security, func(t *testing.T) {
				t.Parallel()
				said := make(chan string, 20) // server → test: every verb of the one check
				target, values := started(t, p.name+security, p.server, said)
				r := once(t, made(t, testSystem(), p.name, target, values, nil))
				if r.Outcome != uptime.OutcomeUp {
					t.Fatalf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
				}
				if _, ok := r.Measured("ttfb"); !ok {
					t.Errorf("measures %v", r.Measures)
				}
				if (r.Cert != nil) != (security != "") {
					t.Errorf("certificate %+v", r.Cert)
				}
				last := ""
				for last = range said {
				}
				if p.goodbye != "" && last != p.goodbye {
					t.Errorf("the last that the server heard is %q", last)
				}
			})
		}
	}
}

// TestWrongServer has each protocol meet the servers of the others.
func TestWrongServer(t *testing.T) {
	for _, client := range protocols {
		for _, p := range protocols {
			if p.name == client.name {
				continue
			}
			t.Run(client.name+" to "+p.name, func(t *testing.T) {
				t.Parallel()
				r := speaking(client.name, p.server)(t)
				if group, _, _ := strings.Cut(r.Fault.String(), "."); r.Outcome != uptime.OutcomeDown || group != "reply" {
					t.Errorf("%s, %s: %s", r.Outcome, r.Fault, r.Message)
				}
			})
		}
	}
}

// TestServicePorts has each scheme know where its servers listen.
func TestServicePorts(t *testing.T) {
	want := map[string]string{
		"smtp": "25", "smtp+starttls": "25", "smtp+tls": "465", "imap": "143", "imap+starttls": "143", "imap+tls": "993",
		"pop3": "110", "pop3+starttls": "110", "pop3+tls": "995", "ftp": "21", "ftp+starttls": "21", "ftp+tls": "990",
		"xmpp": "5222", "xmpp+starttls": "5222", "xmpp+tls": "5223", "postgres": "5432", "postgres+starttls": "5432", "postgres+tls": "5432",
		"ldap": "389", "ldap+starttls": "389", "ldap+tls": "636",
	}
	for scheme, port := range want {
		typ, _, _ := strings.Cut(scheme, "+")
		u, err := url.Parse(scheme + "://good.test")
		if err != nil {
			t.Fatal(err)
		}
		c, mistakes := typeOf(t, testSystem(), typ).New(uptime.Settings{URL: u})
		if len(mistakes) > 0 || c.Dest != "good.test:"+port {
			t.Errorf("%s: %s, %v", scheme, c.Dest, mistakes)
		}
	}
}

// TestServiceTLSPort warns of a scheme that does not go with its port.
func TestServiceTLSPort(t *testing.T) {
	for target, warns := range map[string]bool{"smtp://a:465": true, "imap+starttls://a:993": true, "smtp+tls://a:465": false, "smtp://a:587": false, "postgres://a:5432": false} {
		typ, _, _ := strings.Cut(target[:strings.Index(target, ":")], "+")
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		c, mistakes := typeOf(t, testSystem(), typ).New(uptime.Settings{URL: u})
		if c.Checker == nil || (len(mistakes) > 0) != warns || warns && !mistakes[0].Warning {
			t.Errorf("%s: %v", target, mistakes)
		}
	}
}

// TestServiceDialogue lays a dialogue of the configuration over a protocol.
func TestServiceDialogue(t *testing.T) {
	noop := []map[string]string{{"expect": "^250 2.0.0 ok$", "send": "HELP\r\n"}, {"expect": "^214 "}}
	tests := []struct {
		name   string
		values keys
		expect keys
		fault  uptime.Fault
	}{
		{"banner", nil, keys{"banner": "^220 good.test ESMTP$"}, 0},
		{"other banner", nil, keys{"banner": "^220 .*Exim"}, uptime.FaultReplyUnexpected},
		{"dialogue", keys{"send": "NOOP\r\n"}, keys{"banner": "ESMTP", "dialogue": noop}, 0},
		{"other reply", keys{"send": "NOOP\r\n"}, keys{"dialogue": []map[string]string{{"expect": "^251 "}}}, uptime.FaultReplyUnexpected},
	}
	for _, tt := range tests {
		for _, security := range []string{"", "+starttls", "+tls"} {
			t.Run(tt.name+security, func(t *testing.T) {
				t.Parallel()
				said := make(chan string, 20) // server → test: every verb of the one check
				target, values := started(t, "smtp"+security, smtpServer.but("NOOP", "250 2.0.0 ok\r\n", "HELP", "214 no\r\n"), said)
				for k, v := range tt.values {
					values[k] = v
				}
				r := once(t, made(t, testSystem(), "smtp", target, values, tt.expect))
				if r.Fault != tt.fault {
					t.Errorf("%q: %s\n%+v", r.Fault, r.Message, r.Steps)
				}
				last := ""
				for last = range said {
				}
				if last != "QUIT" {
					t.Errorf("the last that the server heard is %q", last)
				}
			})
		}
	}
}

// TestGoodbyeIsNoFault has servers that fail once all is said.
func TestGoodbyeIsNoFault(t *testing.T) {
	for name, answer := range map[string]string{"no": "500 what?\r\n", "nothing": "", "garbage": "\x00\xff"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, values := started(t, "smtp", smtpServer.but("QUIT", answer), nil)
			r := once(t, made(t, testSystem(), "smtp", target, values, nil))
			if r.Outcome != uptime.OutcomeUp || r.Total > 3*time.Second {
				t.Errorf("%s after %s: %s", r.Outcome, r.Total, r.Message)
			}
			if last := r.Steps[len(r.Steps)-1]; last.Step != "goodbye" || last.Error == "" {
				t.Errorf("%+v", last)
			}
		})
	}
}

// badServices know a protocol just well enough to hurt.
var badServices = map[string]map[string]func(net.Conn){
	"smtp": {
		"endless reply":    endlessly("220 good.test\r\n", "250-more\r\n"),
		"hostile greeting": endlessly("554 "+probetest.Hostile, "250 more\r\n"),
		"hostile words":    endlessly("220 "+probetest.Hostile, "250-"+probetest.Hostile),
	},
	"imap": {
		"endless reply":    endlessly("* OK\r\n", "* OK more\r\n"),
		"endless literals": endlessly("* OK {1}\r\n", "x{1}\r\n"),
		"hostile words":    endlessly("* BYE "+probetest.Hostile, "* OK more\r\n"),
	},
	"pop3": {
		"endless reply": endlessly("+OK\r\n", "+OK more\r\n"),
		"hostile words": endlessly("-ERR "+probetest.Hostile, "."),
	},
	"ftp": {
		"endless reply": endlessly("220 good.test\r\n", "211-more\r\n"),
		"hostile words": endlessly("421 "+probetest.Hostile, "211 more\r\n"),
	},
	"xmpp": {
		"endless elements": endlessly("", xmppHeader+"<stream:features>"+strings.Repeat("<a/>", maxReply)),
		"endless depth":    endlessly("", xmppHeader+strings.Repeat("<a>", maxReply)),
		"endless name":     endlessly("", "<"+strings.Repeat("a", maxReply)),
		"hostile words":    endlessly("", xmppHeader+"<stream:error><a/><text>"+probetest.Hostile+"</text></stream:error>"),
	},
	"postgres": {
		"endless notices": endlessly("", postgresReply('N', "Snotice\x00\x00")),
		"endless text":    endlessly("", "Eno end of this"),
		"hostile words":   endlessly("", postgresRefusal("57P03", probetest.Hostile)),
	},
	"ldap": {
		"endless entries": endlessly("", ldapFound(1)),
		"hostile words":   endlessly("", ldapAnswer(1, ldapDone, 51, probetest.Hostile)),
	},
}

// endlessly is a server that greets, and once it is spoken to says one thing for ever.
func endlessly(greeting, reply string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, greeting)
		c.Read(make([]byte, 4096))
		for many := repeat(reply, 4096); ; {
			if _, err := c.Write(many); err != nil {
				return
			}
		}
	}
}
