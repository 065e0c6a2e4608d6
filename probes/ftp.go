package probes

import "context"

// ftpService is FTP (RFC 959) with AUTH TLS (RFC 4217). That the server answers
// FEAT is enough: some do so only after a login. A mail server greets like an FTP
// server and has never heard of FEAT; its answer to NOOP has another code.
func ftpService() service {
	return service{
		name: "ftp", summary: "greets an FTP server, without a login",
		port: 21, tlsPort: 990,
		greeting: func(ctx context.Context, s *session) (string, *failure) {
			return s.coded(ctx, "greets with", "", "220")
		},
		hello: func(ctx context.Context, s *session) (string, *failure) {
			said, f := s.command(ctx, "FEAT", "", "211", "5")
			if f != nil || said[:3] == "211" || said[:3] == "530" {
				return said, f
			}
			return s.command(ctx, "NOOP", "", "200", "5")
		},
		starttls: func(ctx context.Context, s *session) (string, *failure) {
			said, f := s.command(ctx, "AUTH TLS", "", "2", "5")
			if f == nil && said[:3] != "234" {
				f = s.lacksTLS("it answers AUTH TLS with " + quote(said))
			}
			return said, f
		},
		goodbye: quit,
	}
}
