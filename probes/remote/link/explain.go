package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	amqp "github.com/rabbitmq/amqp091-go"
)

// problem is why the link, or a part of it, does not work, for a person.
type problem struct {
	sentence string // names the setting to look at, where one can mend it
	lasting  bool   // only a person can mend it
}

// passing is a problem that may go away by itself, lasting one that does not.
func passing(format string, args ...any) problem { return problem{fmt.Sprintf(format, args...), false} }
func lasting(format string, args ...any) problem { return problem{fmt.Sprintf(format, args...), true} }

// explain says why no connection could be opened.
func (a *address) explain(err error) problem {
	var open *openError
	if errors.As(err, &open) {
		return a.explainOpen(open)
	}
	if p, ok := a.explainNetwork(err); ok {
		return p
	}
	return a.explainTLS(err)
}

// explainNetwork says why there is no TCP connection.
func (a *address) explainNetwork(err error) (problem, bool) {
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return passing("the name %s in the broker's url does not exist", a.host), true
	case errors.As(err, &name):
		return passing("the name %s in the broker's url cannot be resolved: its DNS servers do not answer", a.host), true
	case errors.Is(err, syscall.ECONNREFUSED):
		return passing("%s refuses connections: the broker is not running there, or the broker's url has the wrong port", a.where()), true
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return passing("there is no way to %s from here: the network is away, or the broker's url has the wrong address", a.where()), true
	case isTimeout(err):
		return passing("no answer from %s: a firewall drops what is sent there, or the broker's url has the wrong address or port", a.where()), true
	}
	return problem{}, false
}

func isTimeout(err error) bool {
	var late net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) && late.Timeout()
}

// explainTLS says why the other end, or its certificate, or ours, was not accepted.
func (a *address) explainTLS(err error) problem {
	var (
		record  tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
		other   x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &record):
		return lasting("%s does not speak TLS: the broker's url needs the port for TLS, most often 5671, or amqp:// instead of amqps://", a.where())
	case errors.As(err, &unknown):
		return lasting("the broker's certificate is signed by %s, which is not trusted here: set ca_file to the certificate of that authority", issuer(unknown.Cert))
	case errors.As(err, &other):
		return lasting("the broker's certificate is for %s and not for %s: use a name of it in the broker's url", names(other.Certificate), a.tls.ServerName)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return lasting("the broker's certificate is valid from %s to %s only: renew it there, or look at this machine's clock", day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	case errors.As(err, &invalid):
		return lasting("the broker's certificate is not accepted (%s): renew it there", clean(invalid.Error()))
	}
	if p, ok := a.explainAlert(err); ok {
		return p
	}
	if cutShort(err) {
		return passing("%s ended the connection while TLS began: it may not speak TLS there, or not accept %s", a.where(), a.ownCertificate())
	}
	return passing("TLS to %s fails: %s", a.where(), clean(err.Error()))
}

// explainAlert says what the broker's end did not accept in TLS.
func (a *address) explainAlert(err error) (problem, bool) {
	_, alert, ok := strings.Cut(err.Error(), "remote error: tls: ")
	if !ok {
		return problem{}, false
	}
	alert = clean(alert)
	switch {
	case a.leaf == nil && (strings.Contains(alert, "certificate") || strings.Contains(alert, "handshake failure")):
		return lasting("the broker wants a certificate from us: set client_cert and client_key (it said %q)", alert), true
	case a.leaf != nil && strings.Contains(alert, "expired"):
		return lasting("the broker says that client_cert has expired, and it is valid until %s: look at the clocks of both machines", day(a.leaf.NotAfter)), true
	case strings.Contains(alert, "certificate"), strings.Contains(alert, "handshake failure"):
		return lasting("the broker does not accept %s: it must be signed by the authority in the broker's ssl_options.cacertfile (it said %q)", a.ownCertificate(), alert), true
	}
	return lasting("the broker does not accept our TLS (it said %q): look at ssl_options in its configuration", alert), true
}

// ownCertificate are the facts of the certificate that the link logs in with.
func (a *address) ownCertificate() string {
	if a.leaf == nil {
		return "a connection without client_cert"
	}
	return fmt.Sprintf("client_cert (%s, signed by %s, valid until %s)", name(a.leaf.Subject.CommonName), issuer(a.leaf), day(a.leaf.NotAfter))
}

// explainOpen says why the broker did not let us in.
func (a *address) explainOpen(open *openError) problem {
	failure := open.wire.failure()
	var said *amqp.Error
	if errors.As(open.err, &said) && said.Server {
		return a.explainWord(said)
	}
	head := open.wire.began()
	switch {
	case errors.Is(open.err, amqp.ErrSASL) && a.user == "":
		return lasting("the broker does not let a certificate log in: enable its plugin rabbitmq_auth_mechanism_ssl and set auth_mechanisms.1 = EXTERNAL there, or set username and password_file")
	case errors.Is(open.err, amqp.ErrSASL):
		return lasting("the broker does not let a password log in: set client_cert and client_key, or auth_mechanisms in its configuration")
	case a.tls == nil && len(head) >= 2 && (head[0] == 0x15 || head[0] == 0x16) && head[1] == 3:
		return lasting("%s speaks TLS: begin the broker's url with amqps://", a.where())
	case failure == nil && len(head) > 0:
		return lasting("what answers at %s is no RabbitMQ broker: look at the port of the broker's url", a.where())
	case failure == nil:
		return passing("%s did not answer like a broker: %s", a.where(), clean(open.err.Error()))
	}
	if p, ok := a.explainAlert(failure); ok {
		return p
	}
	switch {
	case isTimeout(failure):
		return passing("%s accepts connections and says nothing: the broker stands still, or the broker's url has the wrong port", a.where())
	case len(head) == 0 && a.tls == nil:
		return passing("%s ended the connection at once: it may need TLS (amqps:// in the broker's url), or the broker is starting", a.where())
	case len(head) == 0:
		return passing("%s ended the connection at once: it may not accept %s, or the broker is starting", a.where(), a.ownCertificate())
	case errors.Is(open.err, amqp.ErrCredentials) && cutShort(failure) && open.wire.quiet() >= grudge:
		return a.refused(open.external)
	}
	return passing("the connection to %s broke while it was opened: %s", a.where(), clean(failure.Error()))
}

// grudge is the least time after which a broker that hangs up means our name or
// password: RabbitMQ waits 3 s then, and says nothing. One that is killed is faster.
const grudge = 2 * time.Second

// refused is what it means that the broker hangs up on our name.
func (a *address) refused(external bool) problem {
	if external || a.user == "" {
		return lasting("the broker lets no user %s in by certificate: add a user of that name, which is in client_cert, without a password", name(a.leaf.Subject.CommonName))
	}
	return lasting("the broker refuses user %s: look at username and password_file", name(a.user))
}

// explainWord says what the broker said when it closed the connection.
func (a *address) explainWord(e *amqp.Error) problem {
	said := clean(e.Reason)
	switch {
	case e.Code == amqp.AccessRefused:
		return a.refused(a.user == "")
	case e.Code == amqp.NotAllowed && strings.Contains(said, "limit"):
		return passing("the broker has as many connections of %s as it allows: old ones end by themselves within a minute, or another program uses the same name (it said %q)", a.who(), said)
	case e.Code == amqp.NotAllowed && strings.Contains(said, "not found"):
		return lasting("the broker has no vhost %s: look at the path of the broker's url, or import the definitions that lookout remote init wrote", name(a.vhost))
	case e.Code == amqp.NotAllowed && strings.Contains(said, "refused"):
		return lasting("%s has no permissions in vhost %s: look at the path of the broker's url, or import the definitions that lookout remote init wrote", a.who(), name(a.vhost))
	case e.Code == amqp.ConnectionForced && strings.Contains(said, "shutdown"):
		return passing("the broker was shut down")
	case e.Code == amqp.ConnectionForced:
		return passing("the broker ended the connection: %s", said)
	}
	return passing("the broker ended the connection (%d %s)", e.Code, said)
}

// who is the name that we have at the broker.
func (a *address) who() string {
	if a.user == "" {
		return "user " + name(a.leaf.Subject.CommonName)
	}
	return "user " + name(a.user)
}

// explainEnd says why an open connection ended.
func (a *address) explainEnd(err error) problem {
	var said *amqp.Error
	switch {
	case errors.As(err, &said) && said.Server:
		return a.explainWord(said)
	case isTimeout(err):
		return passing("the connection to %s stands still: the network or the broker is stuck", a.where())
	case err == nil, cutShort(err), errors.Is(err, errCut):
		return passing("the connection to %s was cut", a.where())
	}
	return passing("the connection to %s broke: %s", a.where(), clean(err.Error()))
}

// explainUse says why a queue or an exchange cannot be used.
func (a *address) explainUse(what, verb string, err error) problem {
	var said *amqp.Error
	if !errors.As(err, &said) {
		return passing("%s does not work: %s", what, clean(err.Error()))
	}
	switch said.Code {
	case amqp.NotFound:
		return lasting("%s is missing in vhost %s: import the definitions that lookout remote init wrote", what, name(a.vhost))
	case amqp.AccessRefused:
		return lasting("%s may not %s %s: import the permissions that lookout remote init wrote", a.who(), verb, what)
	}
	return passing("%s does not work (%d %s)", what, said.Code, clean(said.Reason))
}

// cutShort reports whether the other end, or the way there, ended a connection.
func cutShort(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

func issuer(c *x509.Certificate) string {
	if c == nil {
		return "an authority"
	}
	return name(c.Issuer.CommonName)
}

// names are those that a certificate is for, not too many.
func names(c *x509.Certificate) string {
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no name"
	}
	if len(all) > 3 {
		all = append(all[:3], "…")
	}
	return clean(strings.Join(all, ", "))
}

// name is a word from outside in quotes.
func name(s string) string { return `"` + clean(s) + `"` }

// clean is a text from outside, short and without what a terminal would obey.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 200 {
		s = string(r[:199]) + "…"
	}
	return s
}
