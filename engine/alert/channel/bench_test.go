package channel

import (
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/alert/channel/smtptest"
)

// BenchmarkEmail is a letter over a connection of its own, with all that the
// server in the same process does for it: without TLS, and with TLS and a login.
func BenchmarkEmail(b *testing.B) {
	for _, scheme := range []string{"smtp", "smtp+starttls", "smtps"} {
		b.Run(scheme, func(b *testing.B) {
			o, v := smtptest.Options{}, values{"to": []string{"ops@example.com"}}
			if scheme != "smtp" {
				o, v = secured(b)
				o.Implicit = scheme == "smtps"
			}
			v["smtp"] = scheme + "://" + mailServer(b, o).Address()
			ch := channeltest.Case{Type: typeOf(b, "email")}.Make(b, v)
			for i := 0; b.Loop(); i++ {
				if _, err := ch.Send(b.Context(), channeltest.Letter(i), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
