package config

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Broker is how an engine or a probe reaches the broker between them. What it
// holds of secrets, none of its fields shows.
type Broker struct {
	URL      string // amqps://host:port/vhost; it has no user and no password
	Vhost    string // the part of the broker that belongs to one engine
	Username string // "" where the client certificate alone says who we are
	Addr     string // host:port

	// Until is when the client certificate ends; zero: there is none.
	Until time.Time

	secret func() brokerSecrets // a function, so that no verb of fmt gets at them
}

type brokerSecrets struct {
	password string
	tls      *tls.Config
	key      ed25519.PrivateKey
}

// Password is the password; "" where the client certificate alone says who we are.
func (b *Broker) Password() string { return b.secret().password }

// TLS is how to speak TLS with the broker, to be cloned by whoever changes it;
// nil: plain TCP, which is for a broker on this machine.
func (b *Broker) TLS() *tls.Config { return b.secret().tls }

// SigningKey is what an engine signs its orders with; nil at a probe.
func (b *Broker) SigningKey() ed25519.PrivateKey { return b.secret().key }

// brokerKeys are the keys of [broker], for an engine and a probe.
var brokerKeys = []uptime.Key{
	{Name: "url", Kind: uptime.String, Doc: "of the broker between this engine and its probes, with the vhost", Example: `"amqps://broker.example.com/lookout"`},
	{Name: "username", Kind: uptime.String, Doc: "who logs in; default: the name in the client certificate", Example: `"engine"`},
	{Name: "password_file", Kind: uptime.String, Doc: "a file with the password, for its owner alone to read", Example: `"/etc/lookout/broker.pass"`},
	{Name: "ca_file", Kind: uptime.String, Doc: "trust the CAs in this PEM file instead of the system's", Example: `"/etc/lookout/ca.pem"`},
	{Name: "client_cert", Kind: uptime.String, Doc: "PEM file with the certificate to show to the broker", Example: `"/etc/lookout/engine.pem"`},
	{Name: "client_key", Kind: uptime.String, Doc: "PEM file with its key, for its owner alone to read", Example: `"/etc/lookout/engine.key"`},
}

// signingKey is the key of [broker] that only an engine has.
var signingKey = uptime.Key{Name: "signing_key_file", Kind: uptime.String, Doc: "PEM file with the Ed25519 key that orders to probes are signed with", Example: `"/etc/lookout/signing.key"`}

func engineBrokerKeys() []uptime.Key { return append(slices.Clip(brokerKeys), signingKey) }

// certificateEnds is how long before its end a client certificate is warned of.
const certificateEnds = 14 * 24 * time.Hour

// brokerDraft is [broker] while it is being read.
type brokerDraft struct {
	Broker
	brokerSecrets
	l      *loader
	failed bool
}

func (d *brokerDraft) fail(key, message, hint string) {
	d.failed = true
	d.l.fail(d.at(key), []string{"broker", key}, ofBroker(message), hint)
}

func (d *brokerDraft) warn(key, message, hint string) {
	d.l.warn(d.at(key), []string{"broker", key}, ofBroker(message), hint)
}

func ofBroker(message string) string {
	if strings.HasPrefix(message, "[") {
		return message
	}
	return "broker: " + message
}

// at is the block that sets a key, or the one where it should stand.
func (d *brokerDraft) at(key string) *block {
	if b := d.l.set["broker."+key]; b != nil {
		return b
	}
	return d.l.brokerAt
}

// path is the file that a key names: of systemd's credentials, where one is
// called as it is, so that on disk it may be root's alone.
func (d *brokerDraft) path(key, name string) string {
	if d.l.secrets.own != "" {
		handed := filepath.Join(d.l.secrets.own, filepath.Base(name))
		if _, err := os.Lstat(handed); err == nil {
			return handed
		}
	}
	return d.at(key).file.relative(name)
}

// text is what a key was set to; set says whether it stands there at all.
func (d *brokerDraft) text(key string) (v string, set bool) {
	_, set = d.l.set["broker."+key]
	return uptime.Value(d.l.globals, "broker."+key, ""), set
}

// broker reads what [broker] sets; nil where there is none, or where it cannot be used.
func (l *loader) broker(signs bool) *Broker {
	if l.brokerAt == nil {
		return nil
	}
	d := &brokerDraft{l: l}
	secure := d.url()
	d.login()
	d.security(secure)
	if signs {
		d.signing()
	}
	for full := range l.set {
		if key, ok := strings.CutPrefix(full, "broker."); ok {
			_, read := l.globals[full]
			d.failed = d.failed || !read && key != "" // of no use, and said
		}
	}
	if d.failed {
		return nil
	}
	b, secret := d.Broker, d.brokerSecrets // and nothing of the draft, which holds all that was read
	b.secret = func() brokerSecrets { return secret }
	return &b
}

const brokerURLHint = `Write it like url = "amqps://broker.example.com/lookout"`

// url reads the address; secure says whether it is spoken to with TLS.
func (d *brokerDraft) url() (secure bool) {
	raw, set := d.text("url")
	if raw == "" {
		if _, read := d.l.globals["broker.url"]; !set || read {
			d.fail("url", "[broker] needs a url", brokerURLHint)
		}
		return true // whether the others go with it is not known
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		d.fail("url", "url "+urlFault(err), brokerURLHint)
		return true
	case u.Scheme != "amqp" && u.Scheme != "amqps":
		d.fail("url", fmt.Sprintf("url begins with %q, and must begin with amqps://", shown(u.Scheme)), brokerURLHint)
		return true
	}
	secure = u.Scheme == "amqps"
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[bool]string{true: "5671", false: "5672"}[secure]
	}
	n, err := strconv.Atoi(port)
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	vhost, perr := url.PathUnescape(path)
	switch {
	case u.User != nil:
		d.fail("url", "url holds a user or a password, which everybody sees", "Put them into username and password_file")
	case host == "" || u.Opaque != "":
		d.fail("url", "url names no host", brokerURLHint)
	case err != nil || n < 1 || n > 65535:
		d.fail("url", "url has a port that is not from 1 to 65535", "")
	case u.RawQuery != "" || u.Fragment != "":
		d.fail("url", "url has something after the vhost", brokerURLHint)
	case vhost == "":
		d.fail("url", "url names no vhost", `The vhost is its path: "amqps://broker.example.com/lookout", and %2f for the one called /`)
	case perr != nil || strings.Contains(path, "/") || len(vhost) > 255 || uptime.Clean(vhost, 255) != vhost:
		d.fail("url", "url names a vhost that cannot be one", "A / in it is written %2f")
	case !secure && !onThisMachine(host):
		d.fail("url", fmt.Sprintf("amqp:// sends passwords and results over the network to %s for everybody to read", shown(host)), "Write amqps://, and ca_file if the broker's CA is your own; without TLS only a broker on this machine is spoken to")
	}
	d.Addr = net.JoinHostPort(host, port)
	d.URL, d.Vhost = u.Scheme+"://"+d.Addr+"/"+path, vhost
	return secure
}

// onThisMachine reports whether a host can be nobody else.
func onThisMachine(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback() || err != nil && strings.EqualFold(host, "localhost")
}

// login reads who we are: a user with a password, or a certificate.
func (d *brokerDraft) login() {
	user, named := d.text("username")
	path, withPassword := d.text("password_file")
	_, withCert := d.text("client_cert")
	if named && (user == "" || uptime.Clean(user, 255) != user) {
		if _, read := d.l.globals["broker.username"]; read {
			d.fail("username", "username must be a printable name", example(brokerKeys[1]))
		}
	}
	d.Username = user
	switch {
	case withPassword && !named:
		d.fail("username", "[broker] has a password_file and no username", example(brokerKeys[1]))
	case named && !withPassword && !withCert:
		d.fail("password_file", "[broker] has a username and no password_file", "Write its path, or client_cert and client_key where the broker takes certificates")
	case !withPassword && !withCert:
		d.fail("username", "[broker] says not who logs in", "Write username and password_file, or client_cert and client_key")
	}
	if path == "" {
		d.empty("password_file", withPassword)
		return
	}
	password, err := d.l.secrets.file(d.path("password_file", path))
	if err != nil {
		d.fail("password_file", "password_file "+err.Error(), "")
	}
	d.password = password
}

// empty says that a key which is there names nothing.
func (d *brokerDraft) empty(key string, set bool) {
	if _, read := d.l.globals["broker."+key]; set && read {
		d.fail(key, key+" is empty", "Write the path of a file, or leave it out")
	}
}

// security reads what TLS needs.
func (d *brokerDraft) security(secure bool) {
	ca, hasCA := d.text("ca_file")
	cert, hasCert := d.text("client_cert")
	key, hasKey := d.text("client_key")
	if !secure {
		for _, k := range []string{"ca_file", "client_cert", "client_key"} {
			if _, set := d.text(k); set {
				d.fail(k, k+" is for TLS, and url begins with amqp://", "Write amqps:// there, with the broker's TLS port")
			}
		}
		return
	}
	host, _, _ := net.SplitHostPort(d.Addr)
	d.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if ca != "" {
		d.roots(ca)
	}
	d.empty("ca_file", hasCA && ca == "")
	switch {
	case hasCert && !hasKey:
		d.fail("client_key", "[broker] has a client_cert and no client_key", "Write the path of its key")
	case hasKey && !hasCert:
		d.fail("client_cert", "[broker] has a client_key and no client_cert", "Write the path of its certificate")
	case cert != "" && key != "":
		d.certificate(cert, key)
	}
	d.empty("client_cert", hasCert && cert == "")
	d.empty("client_key", hasKey && key == "")
}

// roots takes the CAs of a file.
func (d *brokerDraft) roots(path string) {
	data, err := readFile(d.path("ca_file", path), maxFile)
	if err != nil {
		d.fail("ca_file", "ca_file cannot be read: "+cause(err), "")
		return
	}
	d.tls.RootCAs = x509.NewCertPool()
	if !d.tls.RootCAs.AppendCertsFromPEM(data) {
		d.fail("ca_file", "ca_file holds no certificate", "It is a PEM file: it begins with -----BEGIN CERTIFICATE-----")
	}
}

// certificate takes the client certificate and its key.
func (d *brokerDraft) certificate(cert, key string) {
	pemCert, err := readFile(d.path("client_cert", cert), maxFile)
	if err != nil {
		d.fail("client_cert", "client_cert cannot be read: "+cause(err), "")
		return
	}
	pemKey, err := d.l.secrets.file(d.path("client_key", key))
	if err != nil {
		d.fail("client_key", "client_key "+err.Error(), "")
		return
	}
	pair, err := tls.X509KeyPair(pemCert, []byte(pemKey))
	if err != nil {
		key, why := certificateFault(err)
		d.fail(key, why, "")
		return
	}
	d.tls.Certificates = []tls.Certificate{pair}
	d.Until = pair.Leaf.NotAfter
	switch now := d.l.opt.Now; {
	case now.IsZero():
	case !now.Before(d.Until):
		d.warn("client_cert", fmt.Sprintf("client_cert ended on %s: the broker will refuse it", d.Until.UTC().Format(time.DateOnly)), "")
	case d.Until.Sub(now) < certificateEnds:
		d.warn("client_cert", fmt.Sprintf("client_cert ends on %s", d.Until.UTC().Format(time.DateOnly)), "")
	}
}

// certificateFault says which file is wrong, and quotes nothing of it.
func certificateFault(err error) (key, why string) {
	text := err.Error()
	switch {
	case strings.Contains(text, "does not match"):
		return "client_key", "client_key is not the key of client_cert"
	case strings.Contains(text, "certificate input"), strings.Contains(text, "x509"):
		return "client_cert", "client_cert holds no certificate that can be read: it is a PEM file that begins with -----BEGIN CERTIFICATE-----"
	}
	return "client_key", "client_key holds no key that can be read: it is a PEM file that begins with -----BEGIN PRIVATE KEY-----, without a passphrase"
}

// signing reads the key that orders are signed with.
func (d *brokerDraft) signing() {
	const key = "signing_key_file"
	path, set := d.text(key)
	if path == "" {
		if _, read := d.l.globals["broker."+key]; !set || read {
			d.fail(key, "[broker] needs a signing_key_file: probes obey only what is signed with it", "lookout remote init makes one")
		}
		return
	}
	text, err := d.l.secrets.file(d.path(key, path))
	if err != nil {
		d.fail(key, key+" "+err.Error(), "")
		return
	}
	if d.key, err = parseSigningKey(text); err != nil {
		d.fail(key, key+" "+err.Error(), "lookout remote init makes one")
	}
}

func parseSigningKey(text string) (ed25519.PrivateKey, error) {
	b, _ := pem.Decode([]byte(text))
	if b == nil || b.Type != "PRIVATE KEY" {
		return nil, errors.New("holds no key: it is a PEM file that begins with -----BEGIN PRIVATE KEY-----")
	}
	k, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	key, ok := k.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("holds no Ed25519 key")
	}
	return key, nil
}

// SameBroker reports whether two configurations reach the broker in the same
// way, with the same secrets.
func SameBroker(a, b *Config) bool { return a.Broker.same(b.Broker) }

func (b *Broker) same(o *Broker) bool {
	if b == nil || o == nil {
		return b == o
	}
	x, y := b.secret(), o.secret()
	return b.URL == o.URL && b.Username == o.Username && x.password == y.password && x.key.Equal(y.key) && sameTLS(x.tls, y.tls)
}

func sameTLS(a, b *tls.Config) bool {
	if a == nil || b == nil {
		return a == b
	}
	pair := func(x, y tls.Certificate) bool { return slices.EqualFunc(x.Certificate, y.Certificate, slices.Equal) }
	return (a.RootCAs == b.RootCAs || a.RootCAs != nil && b.RootCAs != nil && a.RootCAs.Equal(b.RootCAs)) &&
		slices.EqualFunc(a.Certificates, b.Certificates, pair)
}
