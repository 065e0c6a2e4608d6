package main

// vsftpd runs twice: for FTP that begins in the open, and for FTP within TLS.
func vsftpd() drill {
	conf := func(port, more string) string {
		return "listen=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port=@" + port + "@\nbackground=NO\nanonymous_enable=NO\nlocal_enable=YES\n" +
			"secure_chroot_dir=@dir@/empty\nxferlog_enable=NO\n" + more
	}
	tls := func(certificate string) string {
		return "ssl_enable=YES\nrsa_cert_file=@cert " + certificate + "@\nrsa_private_key_file=@key " + certificate + "@\n"
	}
	files := func(ftp, ftps string) map[string]string {
		return map[string]string{"ftp.conf": conf("ftp", ftp), "ftps.conf": conf("ftps", "implicit_ssl=YES\n"+ftps), "empty/none": ""}
	}
	ftp := server{program: "vsftpd", args: []string{"@dir@/ftp.conf"}, ports: []string{"ftp"}}
	ftps := server{program: "vsftpd", args: []string{"@dir@/ftps.conf"}, ports: []string{"ftps"}}
	const (
		plain    = "ftp://127.0.0.1:@ftp@"
		starttls = "ftp+starttls://127.0.0.1:@ftp@"
		within   = "ftp+tls://127.0.0.1:@ftps@"
	)
	return drill{
		server: "vsftpd",
		needs:  []need{{"/usr/sbin/vsftpd", "vsftpd"}},
		running: state{files: files(tls("good"), tls("good")), servers: []server{ftp, ftps}, checks: []check{
			{url: plain}, {url: starttls}, {url: within},
		}},
		wrong: []state{
			{name: "no TLS", files: files("", ""), servers: []server{ftp}, checks: []check{
				{url: starttls, want: "reply.unexpected", says: "has no STARTTLS"},
				{url: "ftp+tls://127.0.0.1:@ftp@", want: "tls.not_tls"}}},
			{name: "an expired certificate", files: files(tls("expired"), tls("expired")), servers: []server{ftp, ftps}, checks: []check{
				{url: starttls, want: "tls.expired"},
				{url: within, want: "tls.expired"}}},
			{name: "a folder of its own is gone", files: files("secure_chroot_dir=@dir@/gone\n", ""), servers: []server{ftp}, checks: []check{
				{url: plain, want: "reply.unexpected", says: "500 OOPS"}}},
			{name: "too many users", files: files("max_clients=1\n", ""), servers: []server{ftp}, then: func(p *place) error { return p.hold("ftp", 1) }, checks: []check{
				{url: plain, want: "reply.unexpected", says: "421"}}},
			{name: "TLS on the plain port", files: files("implicit_ssl=YES\n"+tls("good"), ""), servers: []server{ftp}, checks: []check{
				{url: plain, keys: `timeout = "2s"`, want: "reply.timeout"}}},
		},
	}
}
