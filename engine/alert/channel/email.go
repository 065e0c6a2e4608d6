package channel

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"lookout/engine/uptime"
)

// maxRecipients bounds those of a channel. Mail for more is a mailing list's work.
const maxRecipients = 50

// emailType sends mail through a mail server. What is said there is in
// smtp.go, what a mail looks like in mail.go.
func emailType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "email",
		Summary: "sends mail through a mail server: in the open, with STARTTLS or within TLS, with or without a login",
		Keys: []uptime.Key{
			{Name: "to", Kind: uptime.Strings, Doc: "the addresses that get it", Example: `["ops@example.com"]`, Min: 1},
			{Name: "from", Kind: uptime.String, Doc: "the sender; default lookout@ and the name of this host", Example: `"lookout@example.com"`},
			{Name: "smtp", Kind: uptime.String, Doc: "the mail server: smtp:// takes TLS where it is offered, smtp+starttls:// insists on it, smtps:// begins with it; default smtp://localhost:25", Example: `"smtp+starttls://mail.example.com:587"`},
			{Name: "username", Kind: uptime.String, Doc: "to log in with: then TLS is a must, but to this machine itself", Example: `"lookout"`},
			{Name: "password", Kind: uptime.SecretText, Doc: "of that user", Example: `"${secret:mail}"`},
			{Name: "ca_file", Kind: uptime.File, Doc: "trust these CAs instead of the system's", Example: `"mail-ca.pem"`},
			{Name: "helo", Kind: uptime.String, Doc: "the name that we greet with; default that of this host", Example: `"web-1.example.com"`},
		},
		New: newEmail,
	}
}

// security is how a connection to a mail server is protected.
type security uint8

const (
	offered  security = iota // TLS where the server has it
	required                 // STARTTLS, or nothing is sent
	implicit                 // TLS from the first byte
)

// email is a channel of the type.
type email struct {
	to       []mail.Address
	from     mail.Address
	host     string // as TLS knows it
	port     string
	security security
	loopback bool
	username string
	password uptime.Secret
	roots    *x509.CertPool // nil: the system's
	helo     string
}

func newEmail(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
	f := form{ChannelSettings: s}
	e := email{
		username: f.text("username", ""),
		password: f.secret("password"),
		roots:    f.roots("ca_file"),
		helo:     hostName(f.text("helo", s.Host)),
	}
	for _, text := range uptime.Value(s.Values, "to", []string(nil)) {
		if a, ok := f.address("to", text); ok && !slices.ContainsFunc(e.to, func(b mail.Address) bool { return strings.EqualFold(a.Address, b.Address) }) {
			e.to = append(e.to, a)
		}
	}
	switch {
	case len(e.to) == 0 && len(f.mistakes) == 0:
		f.wrong("to", `write to = ["ops@example.com"]`, "there is nobody to send mail to")
	case len(e.to) > maxRecipients:
		f.wrong("to", "use the address of a list", "%d addresses are more than %d", len(e.to), maxRecipients)
	}
	e.from, _ = f.address("from", f.text("from", "lookout@"+e.helo))
	if e.from.Name == "" {
		e.from.Name = "lookout"
	}
	f.server(&e)
	if len(f.mistakes) == 0 && f.text("from", "") == "" && !strings.Contains(e.helo, ".") && !e.loopback {
		f.mistakes = append(f.mistakes, uptime.Mistake{Key: "from", Message: "mail would come from " + e.from.Address + ", whose domain is no domain of the Internet: most servers refuse that", Hint: `write from = "lookout@example.com"`, Warning: true})
	}
	if (e.username == "") != (e.password == "") {
		f.wrong("username", "set both, or neither", "username and password go together")
	}
	if strings.ContainsFunc(e.username, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.ContainsAny(e.password.Reveal(), "\x00\r\n") {
		f.wrong("username", "", "a username or password cannot have control characters")
	}
	return f.done(e)
}

// address reads a mail address, with a name or without.
func (f *form) address(key, text string) (mail.Address, bool) {
	a, err := mail.ParseAddress(text)
	if err != nil {
		f.wrong(key, `write "ops@example.com"`, "%q is no mail address", uptime.Clean(text, 100))
		return mail.Address{}, false
	}
	at := strings.LastIndexByte(a.Address, '@')
	local, domain := a.Address[:at], a.Address[at+1:]
	// A quoted local part is legal and may hold spaces and brackets; nobody has one,
	// and in a command of SMTP they would be more than an address.
	if strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"<>()[]\,;:@`, r) }) || len(a.Address) > 254 {
		f.wrong(key, "", "%q is no address that we can send to", uptime.Clean(text, 100))
		return mail.Address{}, false
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil && !strings.HasPrefix(domain, "[") {
		domain = ascii
	} else if !literal(domain) {
		f.wrong(key, "", "%q has no domain", uptime.Clean(text, 100))
		return mail.Address{}, false
	}
	return mail.Address{Name: uptime.Clean(a.Name, 80), Address: local + "@" + domain}, true
}

// literal reports whether a domain is an address in brackets: [192.0.2.1], [IPv6:2001:db8::1].
func literal(domain string) bool {
	inner, ok := strings.CutPrefix(domain, "[")
	inner, end := strings.CutSuffix(inner, "]")
	_, err := netip.ParseAddr(strings.TrimPrefix(inner, "IPv6:"))
	return ok && end && err == nil
}

// server reads the smtp URL.
func (f *form) server(e *email) {
	const hint = `write "smtp://host:25", "smtp+starttls://host:587" or "smtps://host:465"`
	text := f.text("smtp", "smtp://localhost:25")
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		if err == nil && u.User != nil {
			f.wrong("smtp", "username and password have keys of their own", "the URL has a login")
		} else {
			f.wrong("smtp", hint, "it is no URL of a mail server")
		}
		return
	}
	switch u.Scheme {
	case "smtp":
		e.security, e.port = offered, "25"
	case "smtp+starttls":
		e.security, e.port = required, "587"
	case "smtps", "smtp+tls":
		e.security, e.port = implicit, "465"
	default:
		f.wrong("smtp", hint, "%q is no scheme of a mail server", uptime.Clean(u.Scheme, 40))
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			f.wrong("smtp", "ports go from 1 to 65535", "%q is no port", uptime.Clean(p, 40))
		}
		e.port = p
	}
	e.host = u.Hostname()
	if ip, err := netip.ParseAddr(e.host); err == nil {
		e.loopback = ip.IsLoopback()
		return
	}
	e.loopback = strings.EqualFold(e.host, "localhost")
	ascii, err := idna.Lookup.ToASCII(e.host)
	if err != nil {
		f.wrong("smtp", hint, "%q is no host name", uptime.Clean(e.host, 100))
	}
	e.host = ascii
}

// hostName is a name that EHLO may have: a mail server is particular about it.
func hostName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return -1
	}, name)
	if name = strings.Trim(name[:min(len(name), 200)], ".-"); name == "" {
		return "localhost"
	}
	return name
}

// address is host:port.
func (e email) address() string { return net.JoinHostPort(e.host, e.port) }

// Target is "ops@example.com by smtp.example.com:25".
func (e email) Target() string {
	to := e.to[0].Address
	if more := len(e.to) - 1; more > 0 {
		to = fmt.Sprintf("%s and %d more", to, more)
	}
	return to + " by " + e.address()
}

// hidden has what a login looks like in the conversation.
func (e email) hidden() []uptime.Secret {
	if e.password == "" {
		return nil
	}
	return []uptime.Secret{uptime.Secret("\x00" + e.username + "\x00" + e.password.Reveal())}
}
