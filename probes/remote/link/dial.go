package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// address is where the broker is and how the link logs in there.
type address struct {
	mistake string // a sentence; "": none

	tls   *tls.Config // nil: without
	host  string
	port  string
	vhost string
	user  string // "": by certificate alone
	auth  []amqp.Authentication
	leaf  *x509.Certificate // that the link logs in with; nil: none
}

// parse reads what the options say of the broker.
func parse(o Options) address {
	// What the parser would complain of may hold a password, so it is not shown.
	const form = "broker url is none: write it like amqps://probe.example.com/lookout"
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "amqp" && u.Scheme != "amqps" {
		return address{mistake: form}
	}
	a := address{host: u.Hostname(), port: u.Port(), vhost: strings.TrimPrefix(u.Path, "/"), user: o.Username}
	if a.vhost == "" {
		a.vhost = "/"
	}
	password := o.Password
	if a.user == "" && u.User != nil {
		a.user = u.User.Username()
		password, _ = u.User.Password()
	}
	switch {
	case u.Scheme == "amqps":
		a.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if o.TLS != nil {
			a.tls = o.TLS.Clone()
		}
		if a.tls.ServerName == "" {
			a.tls.ServerName = a.host
		}
		if a.port == "" {
			a.port = "5671"
		}
		if len(a.tls.Certificates) > 0 {
			if a.leaf, err = leaf(a.tls.Certificates[0]); err != nil {
				a.mistake = "client_cert holds no certificate that can be read"
			}
			a.auth = append(a.auth, &amqp.ExternalAuth{})
		}
	case o.TLS != nil && len(o.TLS.Certificates) > 0:
		a.mistake = "client_cert needs TLS: begin the broker's url with amqps://"
	case a.port == "":
		a.port = "5672"
	}
	if a.user != "" {
		a.auth = append(a.auth, &amqp.PlainAuth{Username: a.user, Password: password})
	}
	if a.auth == nil && a.mistake == "" {
		a.mistake = "no way to log in to the broker: set username and password_file, or client_cert and client_key"
	}
	return a
}

func leaf(c tls.Certificate) (*x509.Certificate, error) {
	if c.Leaf != nil {
		return c.Leaf, nil
	}
	if len(c.Certificate) == 0 {
		return nil, x509.ErrUnsupportedAlgorithm
	}
	return x509.ParseCertificate(c.Certificate[0])
}

// where is the broker's host and port.
func (a *address) where() string { return net.JoinHostPort(a.host, a.port) }

// connect opens a connection for one of the two purposes of a link.
func (a *address) connect(ctx context.Context, o Options, purpose string) (*connection, error) {
	dialer := net.Dialer{Timeout: dialTime}
	raw, err := dialer.DialContext(ctx, "tcp", a.where())
	if err != nil {
		return nil, err
	}
	w := newWire(raw)
	stop := context.AfterFunc(ctx, w.cut)
	defer stop()
	late := time.AfterFunc(openTime, w.cut)
	defer late.Stop()
	if a.tls != nil {
		secure := tls.Client(raw, a.tls)
		hurry, cancel := context.WithTimeout(ctx, silence)
		defer cancel()
		if err := secure.HandshakeContext(hurry); err != nil {
			w.cut()
			return nil, err
		}
		w.Conn = secure
	}
	opened, err := amqp.Open(w, amqp.Config{
		SASL:      a.auth,
		Vhost:     a.vhost,
		FrameSize: frameSize,
		Heartbeat: o.Heartbeat,
		Locale:    "en_US",
		Properties: amqp.Table{
			"product":         "lookout",
			"connection_name": o.Name + " " + purpose,
		},
	})
	if err != nil {
		w.cut()
		sasl := opened.Config.SASL // narrowed to what was tried
		return nil, &openError{err: err, wire: w, external: len(sasl) == 1 && sasl[0].Mechanism() == "EXTERNAL"}
	}
	w.wait(opened.Config.Heartbeat * 7 / 5) // a dead line is known within one and a half, on a busy machine too
	return &connection{
		Connection: opened,
		wire:       w,
		closed:     opened.NotifyClose(make(chan *amqp.Error, 1)),
		blocked:    opened.NotifyBlocked(make(chan amqp.Blocking, 4)),
	}, nil
}

// openError is a failure after the connection, and its TLS, was there.
type openError struct {
	err      error
	wire     *wire
	external bool // the certificate was to log us in
}

func (e *openError) Error() string { return e.err.Error() }
func (e *openError) Unwrap() error { return e.err }

// nearEnd is how long ahead the end of the link's own certificate is told.
const nearEnd = 14 * 24 * time.Hour

// check finds what is wrong without asking the broker.
func (a *address) check(now time.Time) (problem, bool) {
	switch {
	case a.mistake != "":
		return problem{a.mistake, true}, true
	case a.leaf == nil:
	case now.After(a.leaf.NotAfter):
		return problem{"client_cert expired on " + day(a.leaf.NotAfter) + ": make a new one with lookout remote init", true}, true
	case now.Before(a.leaf.NotBefore):
		return problem{"client_cert is not valid before " + a.leaf.NotBefore.UTC().Format("2006-01-02 15:04") + " UTC: look at this machine's clock", true}, true
	}
	return problem{}, false
}

// warning is a sentence about the end of the link's own certificate, when it is near.
func (a *address) warning(now time.Time) string {
	if a.leaf == nil || a.leaf.NotAfter.Sub(now) > nearEnd {
		return ""
	}
	return "client_cert expires on " + day(a.leaf.NotAfter) + ", in " +
		strconv.Itoa(int(a.leaf.NotAfter.Sub(now).Hours()/24)) + " days: make a new one with lookout remote init"
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }
