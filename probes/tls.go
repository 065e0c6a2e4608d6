package probes

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"lookout/engine/uptime"
)

// tlsType shakes hands and looks at the certificate.
func tlsType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "tls",
		Schemes:  []string{"tls"},
		Summary:  "speaks TLS with a port and verifies its certificate",
		Measures: []string{"dns", "connect", "tls"},
		Keys:     tlsKeys(),
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := tlsCheck{sys: sys, to: f.endpoint(0), tls: f.tls(sys)}
			f.noPath()
			return f.done(uptime.Check{Checker: c, Dest: c.to.String()})
		},
	}
}

type tlsCheck struct {
	sys *system
	to  endpoint
	tls tlsSettings
}

// Check shakes hands once.
func (c tlsCheck) Check(ctx context.Context) uptime.Result {
	return c.sys.speak(ctx, c.to, func(t *trace, conn net.Conn) *failure {
		sec, f := c.tls.handshake(ctx, t, conn, c.to.host)
		if f != nil {
			return f
		}
		if (sec.asked || sec.gave != nil) && sec.ConnectionState().Version == tls.VersionTLS13 {
			if f := sec.afterthought(ctx, t); f != nil {
				return f
			}
		}
		sec.Close()
		return nil
	})
}

// afterthought waits a moment for the alert of a server that wanted another
// client certificate: in TLS 1.3 it comes after our side of the handshake is
// done. A server that has no such thing to say ends the connection as we do.
func (s *secured) afterthought(ctx context.Context, t *trace) *failure {
	start := time.Now()
	s.CloseWrite()
	s.SetReadDeadline(start.Add(min(time.Second, left(ctx))))
	_, err := s.Read(make([]byte, 1))
	if _, refused := alertOf(err); refused {
		f := s.failure(t, err)
		t.judged("tls", start, "", f)
		return f
	}
	return nil
}
