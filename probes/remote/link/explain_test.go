package link

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// TestSentences makes each mistake of a configuration against a real broker, or
// against what is there in its place.
func TestSentences(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newCA("a stranger")
	if err != nil {
		t.Fatal(err)
	}
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	plain := func(path string) string { return "amqp://" + b.Addr() + path }
	secure := func(path string) string { return "amqps://" + b.TLSAddr() + path }
	certificate := func(name string) *tls.Config { return a.trust(a.sign(name, soon)) }
	modern := a.trust()
	old := a.trust()
	old.MaxVersion = tls.VersionTLS12
	foreign := a.trust(stranger.sign("by-certificate", soon))
	foreignOld := foreign.Clone()
	foreignOld.MaxVersion = tls.VersionTLS12
	misnamed := certificate("by-certificate")
	misnamed.ServerName = "elsewhere.test"

	tests := []struct {
		name    string
		o       Options
		want    string
		lasting bool
	}{
		{"no url", Options{Username: "guest"}, "broker url is none", true},
		{"a url of something else", Options{URL: "https://h/lookout", Username: "guest"}, "broker url is none", true},
		{"a url that holds a password and is none", Options{URL: "amqp://guest:s3cret-word@h:port/"}, "broker url is none", true},
		{"no way to log in", Options{URL: plain("/")}, "set username and password_file, or client_cert and client_key", true},
		{"a certificate without TLS", Options{URL: plain("/"), TLS: certificate("by-certificate")}, "begin the broker's url with amqps://", true},

		{"a wrong password", Options{URL: plain("/"), Username: "meek", Password: "s3cret-wird"}, `the broker refuses user "meek": look at username and password_file`, true},
		{"an unknown user", Options{URL: plain("/"), Username: "nobody", Password: "s3cret-word"}, `the broker refuses user "nobody"`, true},
		{"a vhost that is none", Options{URL: plain("/nope"), Username: "guest", Password: "guest"}, `the broker has no vhost "nope": look at the path of the broker's url`, true},
		{"a vhost of others", Options{URL: plain("/closed"), Username: "guest", Password: "guest"}, `user "guest" has no permissions in vhost "closed"`, true},

		{"nobody listens", Options{URL: "amqp://127.0.0.1:1/", Username: "guest"}, "127.0.0.1:1 refuses connections", false},
		{"a name that does not exist", Options{URL: "amqp://" + strings.Repeat("x", 64) + ".test/", Username: "guest"}, ".test in the broker's url does not exist", false},
		{"a web server", Options{URL: "amqp://" + serve(t, sayHTTP) + "/", Username: "guest"}, "is no RabbitMQ broker: look at the port", true},
		{"it says nothing", Options{URL: "amqp://" + serve(t, func(net.Conn) {}) + "/", Username: "guest"}, "accepts connections and says nothing", false},
		{"it hangs up", Options{URL: "amqp://" + serve(t, hangUp) + "/", Username: "guest"}, "ended the connection at once", false},
		{"it speaks no TLS", Options{URL: "amqps://" + b.Addr() + "/", Username: "guest"}, "does not speak TLS: the broker's url needs the port for TLS", true},
		{"it speaks TLS", Options{URL: "amqp://" + b.TLSAddr() + "/", Username: "guest"}, "speaks TLS: begin the broker's url with amqps://", true},

		{"its authority is not known", Options{URL: secure("/"), TLS: &tls.Config{}, Username: "guest"}, `signed by "lookout test authority", which is not trusted here: set ca_file`, true},
		{"it has another name", Options{URL: secure("/"), TLS: misnamed}, "is for broker.test, 127.0.0.1 and not for elsewhere.test", true},
		{"its certificate has expired", Options{URL: "amqps://" + serve(t, speakTLS(a.sign("broker", past))) + "/", TLS: a.trust(), Username: "guest"}, "the broker's certificate is valid from", true},

		{"no certificate of ours, TLS 1.3", Options{URL: secure("/"), TLS: modern, Username: "guest"}, "the broker wants a certificate from us: set client_cert and client_key", true},
		{"no certificate of ours, TLS 1.2", Options{URL: secure("/"), TLS: old, Username: "guest"}, "the broker wants a certificate from us: set client_cert and client_key", true},
		{"of another authority, TLS 1.3", Options{URL: secure("/"), TLS: foreign}, `not accept client_cert ("by-certificate", signed by "a stranger"`, true},
		{"of another authority, TLS 1.2", Options{URL: secure("/"), TLS: foreignOld}, `does not accept client_cert ("by-certificate", signed by "a stranger"`, true},
		{"ours has expired", Options{URL: secure("/"), TLS: a.trust(a.sign("by-certificate", past))}, "client_cert expired on " + day(past) + ": make a new one", true},
		{"ours is of nobody", Options{URL: secure("/"), TLS: certificate("ghost")}, `the broker lets no user "ghost" in by certificate`, true},
		{"no vhost, by certificate", Options{URL: secure("/closed"), TLS: certificate("by-certificate")}, `user "by-certificate" has no permissions in vhost "closed"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			tt.o.Log = slog.New(slog.NewTextHandler(&log, nil))
			r := run(t, tt.o)
			s := r.until("a sentence", func(s State) bool { return s.Error != "" })
			err := r.publish(Message{})
			r.stop()
			unsure := strings.Contains(s.Error, "it may not accept") // the broker's last word was lost, as it is in TLS 1.3
			said := strings.Contains(s.Error, tt.want) || unsure && strings.Contains(tt.want, "client_cert") && strings.Contains(s.Error, "client_cert")
			if !said || s.Lasting != tt.lasting && !unsure || s.Connected {
				t.Errorf("%+v\nwant %q", s, tt.want)
			}
			if !errors.Is(err, ErrNotConnected) {
				t.Errorf("published: %v", err)
			}
			if all := s.Error + log.String() + err.Error(); strings.Contains(all, "s3cret") {
				t.Errorf("the password is shown: %s", all)
			}
		})
	}
}

// serve accepts connections until the test ends.
func serve(t *testing.T, with func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go with(c)
		}
	}()
	return l.Addr().String()
}

func hangUp(c net.Conn) {
	_, _ = io.ReadFull(c, make([]byte, 8))
	c.Close()
}

func sayHTTP(c net.Conn) {
	_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
}

func speakTLS(s signed) func(net.Conn) {
	return func(c net.Conn) {
		_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{s.Certificate}}).Handshake()
	}
}

// TestCertificateLogsIn: EXTERNAL, and the warning before a certificate's end.
func TestCertificateLogsIn(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a, err := authority()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		days    int
		user    string
		warning string
	}{
		{"good for long", 20, "", ""},
		{"near its end", 13, "", ", in 12 days: make a new one"},
		{"with a password for brokers without EXTERNAL", 20, "nobody", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			own := a.sign("by-certificate", time.Now().Add(time.Duration(tt.days)*24*time.Hour-time.Hour))
			r := run(t, Options{URL: "amqps://" + b.TLSAddr(), TLS: a.trust(own), Username: tt.user})
			s := r.until("connected", func(s State) bool { return s.Connected })
			if s.Error != "" || !strings.Contains(s.Warning, tt.warning) || (s.Warning == "") != (tt.warning == "") {
				t.Errorf("%+v", s)
			}
			if err := r.publish(Message{Exchange: "amq.direct", Key: "nowhere"}); !errors.Is(err, ErrUnroutable) {
				t.Error(err)
			}
		})
	}
}

// TestTooManyConnections: after a stall the broker still counts the old ones, so
// this is no mistake of the configuration.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	o := Options{URL: b.URL("few", "few", "/")}
	first, second := run(t, o), New(o)
	first.up()
	_, err := second.dial(t.Context())
	if err == nil {
		t.Fatal("a third connection is allowed")
	}
	if p := second.to.explain(err); p.lasting || !strings.Contains(p.sentence, `as many connections of user "few" as it allows`) {
		t.Errorf("%+v", p)
	}
}

func TestExplain(t *testing.T) {
	a := parse(Options{URL: "amqp://broker.test/lookout", Username: "us\x1ber"})
	said := func(code int, reason string) error { return &amqp.Error{Code: code, Reason: reason, Server: true} }
	tests := []struct {
		name    string
		got     problem
		want    string
		lasting bool
	}{
		{"shut down", a.explainEnd(said(320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'")), "the broker was shut down", false},
		{"by hand", a.explainEnd(said(320, "CONNECTION_FORCED - Closed via management plugin")), "the broker ended the connection: CONNECTION_FORCED - Closed via management plugin", false},
		{"an error of its own", a.explainEnd(said(541, "INTERNAL_ERROR")), "the broker ended the connection (541 INTERNAL_ERROR)", false},
		{"what a terminal obeys", a.explainEnd(said(541, "a\x1b]0;b\x07\xff"+strings.Repeat("c", 300))), "the broker ended the connection (541 a]0;b" + strings.Repeat("c", 194) + "…)", false},
		{"nothing came", a.explainEnd(&net.OpError{Op: "read", Err: timeout{}}), "the connection to broker.test:5672 stands still: the network or the broker is stuck", false},
		{"cut", a.explainEnd(io.EOF), "the connection to broker.test:5672 was cut", false},
		{"no queue", a.explainUse("queue q", "consume", said(404, "NOT_FOUND")), `queue q is missing in vhost "lookout": import the definitions that lookout remote init wrote`, true},
		{"not ours", a.explainUse("queue q", "consume", said(403, "ACCESS_REFUSED")), `user "user" may not consume queue q: import the permissions that lookout remote init wrote`, true},
		{"no way", a.explain(&net.OpError{Op: "dial", Err: timeout{}}), "no answer from broker.test:5672: a firewall drops what is sent there, or the broker's url has the wrong address or port", false},
		{"DNS is away", a.explain(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), "the name broker.test in the broker's url cannot be resolved: its DNS servers do not answer", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got.sentence != tt.want || tt.got.lasting != tt.lasting {
				t.Errorf("%+v\nwant %s", tt.got, tt.want)
			}
		})
	}
}

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }
