package channel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// facilities of syslog by their numbers (RFC 5424, 6.2.1).
var facilities = []string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "", "",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// maxSyslog bounds a message: what every receiver takes in one datagram (RFC 5424, 6.1).
const maxSyslog = 2048

// localSyslog is the socket of this machine's.
const localSyslog = "/dev/log"

// syslogType writes a line to syslog. It has no receipts: what was handed over
// counts as taken.
func syslogType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "syslog",
		Summary: "writes the subject, or the body, as a line to syslog, of this machine or another",
		Keys: []uptime.Key{
			{Name: "address", Kind: uptime.String, Doc: "udp://host:514, tcp://host:601, tls://host:6514 or unix:///path; default unix:///dev/log", Example: `"tls://logs.example.com:6514"`},
			{Name: "facility", Kind: uptime.String, Doc: "of the messages", Example: `"daemon"`, OneOf: slices.DeleteFunc(slices.Clone(facilities), func(s string) bool { return s == "" || s == "kern" })},
			{Name: "ca_file", Kind: uptime.File, Doc: "trust these CAs instead of the system's", Example: `"logs-ca.pem"`},
		},
		New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
			f := form{ChannelSettings: s}
			c := syslog{facility: slices.Index(facilities, f.text("facility", "daemon")), host: hostName(s.Host), roots: f.roots("ca_file")}
			text := f.text("address", "unix://"+localSyslog)
			u, err := url.Parse(text)
			const hint = `write "udp://host:514", "tcp://host:601", "tls://host:6514" or "unix:///dev/log"`
			switch {
			case err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "":
				f.wrong("address", hint, "%q is no address of a syslog", uptime.Clean(text, 100))
			case u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
				c.network, c.address = "unix", u.Path
			case (u.Scheme == "udp" || u.Scheme == "tcp" || u.Scheme == "tls") && u.Hostname() != "" && strings.Trim(u.Path, "/") == "":
				port := u.Port()
				if port == "" {
					port = map[string]string{"udp": "514", "tcp": "601", "tls": "6514"}[u.Scheme]
				}
				c.network, c.address, c.name = u.Scheme, net.JoinHostPort(u.Hostname(), port), u.Hostname()
			default:
				f.wrong("address", hint, "%q is no address of a syslog", uptime.Clean(text, 100))
			}
			return f.done(c)
		},
	}
}

type syslog struct {
	network, address string // unix and a path; udp, tcp or tls and host:port
	name             string // of a host, for TLS
	facility         int
	host             string // ours
	roots            *x509.CertPool
}

func (c syslog) Target() string {
	if c.network == "unix" {
		return "syslog of this machine"
	}
	return "syslog of " + c.network + "://" + c.address
}

// severity is how loud an alert is (RFC 5424, 6.2.1).
func severity(l *uptime.Letter) int {
	switch {
	case l.Urgent:
		return 2 // critical
	case l.Over, l.Kind == uptime.AlertTest:
		return 5 // notice
	}
	return 4 // warning
}

// loggedLine is a letter as one line of a log.
func loggedLine(l *uptime.Letter) string {
	if l.Custom {
		return uptime.Clean(l.Text, maxSyslog)
	}
	return l.Subject + " (" + l.ID + ")"
}

// message is a letter in the form that a receiver reads: of 2009 over the
// network, the old one on the socket of this machine, as logger(1) writes it.
func (c syslog) message(l *uptime.Letter, now time.Time) string {
	priority, text := c.facility*8+severity(l), loggedLine(l)
	if c.network == "unix" {
		return uptime.Clean(fmt.Sprintf("<%d>%s lookout[%d]: %s", priority, now.Format(time.Stamp), os.Getpid(), text), maxSyslog)
	}
	kind := string(l.Kind)
	if kind == "" {
		kind = "-"
	}
	return uptime.Clean(fmt.Sprintf("<%d>1 %s %s lookout %d %.32s - %s", priority, now.UTC().Format("2006-01-02T15:04:05.000Z"), c.host, os.Getpid(), kind, text), maxSyslog)
}

func (c syslog) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	conn, framed, err := c.dial(ctx)
	if err != nil {
		return uptime.Receipt{}, c.refuse(ctx, err, false)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	text := c.message(l, time.Now())
	say("> " + text)
	if framed { // octets are counted (RFC 6587, 3.4.1), so that no text is taken for the next message
		text = fmt.Sprintf("%d %s", len(text), text)
	} else if c.network == "unix" && conn.LocalAddr().Network() == "unix" {
		text += "\x00" // on a stream of this machine that ends a message
	}
	if _, err := conn.Write([]byte(text)); err != nil {
		return uptime.Receipt{}, c.refuse(ctx, err, true)
	}
	return uptime.Receipt{Reply: fmt.Sprintf("%d bytes handed over", len(text))}, nil
}

// dial connects; framed is whether messages have to be told apart.
func (c syslog) dial(ctx context.Context) (conn net.Conn, framed bool, err error) {
	var d net.Dialer
	switch c.network {
	case "unix":
		if conn, err = d.DialContext(ctx, "unixgram", c.address); err != nil {
			if stream, serr := d.DialContext(ctx, "unix", c.address); serr == nil {
				return stream, false, nil
			}
		}
		return conn, false, err
	case "tls":
		t := tls.Dialer{NetDialer: &d, Config: &tls.Config{ServerName: c.name, RootCAs: c.roots, MinVersion: tls.VersionTLS12}}
		conn, err = t.DialContext(ctx, "tcp", c.address)
		return conn, true, err
	}
	conn, err = d.DialContext(ctx, c.network, c.address)
	return conn, c.network == "tcp", err
}

func (c syslog) refuse(ctx context.Context, err error, begun bool) *uptime.Refusal {
	r := &uptime.Refusal{Reply: failedAt(c.address, err), Uncertain: begun}
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		r.Reply = c.address + " does not take it in time"
	}
	return r
}
