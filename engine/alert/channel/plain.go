package channel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
)

// plainError is an error of the network in a few words, without what the
// sentence around it says already.
func plainError(err error) string {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	if c := (*tls.CertificateVerificationError)(nil); errors.As(err, &c) {
		why := "its certificate does not verify: " + strings.TrimPrefix(c.Err.Error(), "x509: ")
		if errors.As(c.Err, &x509.UnknownAuthorityError{}) {
			why += "; a CA of your own is trusted by ca_file"
		}
		return why
	}
	if noTLS(err) {
		return "what answers does not begin with TLS"
	}
	if d := (*net.DNSError)(nil); errors.As(err, &d) {
		return d.Name + ": " + d.Err
	}
	if o := (*net.OpError)(nil); errors.As(err, &o) {
		err = o.Err
	}
	if s := (*os.SyscallError)(nil); errors.As(err, &s) {
		err = s.Err
	}
	return err.Error()
}

// noTLS reports whether the other side speaks, and something else than TLS.
func noTLS(err error) bool {
	r := tls.RecordHeaderError{}
	return errors.As(err, &r)
}

// failedAt says what went wrong with whom, and the name of a host once.
func failedAt(where string, err error) string {
	if d := (*net.DNSError)(nil); errors.As(err, &d) && strings.Contains(where, d.Name) {
		return where + ": " + d.Err
	}
	return where + ": " + plainError(err)
}
