package channel

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"lookout/engine/uptime"
)

// form reads the settings of one channel and gathers all that is wrong with them.
type form struct {
	uptime.ChannelSettings
	mistakes []uptime.Mistake
}

func (f *form) wrong(key, hint, format string, args ...any) {
	f.mistakes = append(f.mistakes, uptime.Mistake{Key: key, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// text is the value of a String.
func (f *form) text(key, def string) string { return uptime.Value(f.Values, key, def) }

// secret is the value of a SecretText.
func (f *form) secret(key string) uptime.Secret {
	return uptime.Value(f.Values, key, uptime.Secret(""))
}

// done returns the channel, or nothing where there was a mistake.
func (f *form) done(c uptime.Channel) (uptime.Channel, []uptime.Mistake) {
	for _, m := range f.mistakes {
		if !m.Warning {
			return nil, f.mistakes
		}
	}
	return c, f.mistakes
}

// web reads a URL of HTTP that is a secret; nil where it is none.
func (f *form) web(key string, s uptime.Secret, must bool) *url.URL {
	if s == "" {
		if must {
			f.wrong(key, `write `+key+` = "https://…"`, "there is no %s to send to", key)
		}
		return nil
	}
	u, err := url.Parse(s.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		f.wrong(key, "it begins with https:// and has a host; it is not shown, since it is a secret", "it is no URL of HTTP")
		return nil
	}
	return u
}

// roots reads the CAs of a File; nil for the system's.
func (f *form) roots(key string) *x509.CertPool {
	pem := uptime.Value(f.Values, key, []byte(nil))
	if pem == nil {
		return nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		f.wrong(key, "it needs -----BEGIN CERTIFICATE-----", "the file has no certificate")
	}
	return roots
}
