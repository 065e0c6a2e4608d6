package main

// slapd is OpenLDAP, with an empty directory.
func slapd() drill {
	conf := func(certificate string) map[string]string {
		text := "modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile @dir@/slapd.pid\nargsfile @dir@/slapd.args\n"
		if certificate != "" {
			text += "TLSCertificateFile @cert " + certificate + "@\nTLSCertificateKeyFile @key " + certificate + "@\n"
		}
		return map[string]string{"slapd.conf": text + "database mdb\nsuffix cn=drill\ndirectory @dir@/data\n", "data/none": ""}
	}
	servers := func(urls string, ports ...string) []server {
		return []server{{program: "slapd", args: []string{"-d", "0", "-h", urls, "-f", "@dir@/slapd.conf"}, ports: ports}}
	}
	const (
		plain    = "ldap://127.0.0.1:@ldap@"
		starttls = "ldap+starttls://127.0.0.1:@ldap@"
		within   = "ldap+tls://127.0.0.1:@ldaps@"
		both     = "ldap://127.0.0.1:@ldap@ ldaps://127.0.0.1:@ldaps@"
	)
	return drill{
		server: "slapd",
		needs:  []need{{"/usr/sbin/slapd", "slapd"}},
		running: state{files: conf("good"), servers: servers(both, "ldap", "ldaps"), checks: []check{
			{url: plain}, {url: starttls}, {url: within},
		}},
		wrong: []state{
			{name: "no TLS", files: conf(""), servers: servers("ldap://127.0.0.1:@ldap@", "ldap"), checks: []check{
				{url: starttls, want: "reply.unexpected", says: "has no STARTTLS"},
				{url: "ldap+tls://127.0.0.1:@ldap@", want: "tls.eof"}}},
			{name: "an expired certificate", files: conf("expired"), servers: servers(both, "ldap", "ldaps"), checks: []check{
				{url: starttls, want: "tls.expired"},
				{url: within, want: "tls.expired"}}},
			{name: "TLS on the plain port", files: conf("good"), servers: servers("ldaps://127.0.0.1:@ldap@", "ldap"), checks: []check{
				{url: plain, want: "reply.closed"}}},
		},
	}
}
