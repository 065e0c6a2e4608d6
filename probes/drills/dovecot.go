package main

// dovecot serves IMAP and POP3, with one user who has no mail.
func dovecot() drill {
	conf := func(tls, more string) map[string]string {
		return map[string]string{"dovecot.conf": `base_dir = @dir@/run
state_dir = @dir@/run
log_path = /dev/stderr
listen = 127.0.0.1
protocols = imap pop3
` + tls + `
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=dovenull gid=dovenull home=@dir@/mail
}
service imap-login {
  inet_listener imap {
    port = @imap@
  }
  inet_listener imaps {
    port = @imaps@
  }
}
service pop3-login {
  inet_listener pop3 {
    port = @pop@
  }
  inet_listener pop3s {
    port = @pops@
  }
}
` + more}
	}
	tls := func(certificate string) string {
		return "ssl = yes\nssl_cert = <@cert " + certificate + "@\nssl_key = <@key " + certificate + "@"
	}
	start := func(ports ...string) []server {
		return []server{{program: "dovecot", args: []string{"-F", "-c", "@dir@/dovecot.conf"}, ports: ports}}
	}
	servers, open := start("imap", "imaps", "pop", "pops"), start("imap", "pop")
	checks := func(schemes map[string]string, want, says string) []check {
		var checks []check
		for _, scheme := range []string{"imap", "imap+starttls", "imap+tls", "pop3", "pop3+starttls", "pop3+tls"} {
			if port, ok := schemes[scheme]; ok {
				checks = append(checks, check{url: scheme + "://127.0.0.1:@" + port + "@", want: want, says: says})
			}
		}
		return checks
	}
	starttls := map[string]string{"imap+starttls": "imap", "pop3+starttls": "pop"}
	within := map[string]string{"imap+tls": "imaps", "pop3+tls": "pops"}
	plain := map[string]string{"imap": "imap", "pop3": "pop"}
	return drill{
		server: "dovecot",
		needs:  []need{{"/usr/lib/dovecot/imap-login", "dovecot-imapd"}, {"/usr/lib/dovecot/pop3-login", "dovecot-pop3d"}},
		running: state{files: conf(tls("good"), ""), servers: servers,
			checks: append(append(checks(plain, "", ""), checks(starttls, "", "")...), checks(within, "", "")...)},
		wrong: []state{
			{name: "no TLS", files: conf("ssl = no", ""), servers: open,
				checks: append(checks(starttls, "reply.unexpected", "has no STARTTLS"), checks(map[string]string{"imap+tls": "imap", "pop3+tls": "pop"}, "tls.not_tls", "does not speak TLS")...)},
			{name: "an expired certificate", files: conf(tls("expired"), ""), servers: servers,
				checks: append(checks(starttls, "tls.expired", "expired"), checks(within, "tls.expired", "expired")...)},
			{name: "its users cannot be looked up", files: conf("ssl = no", "passdb {\n  driver = none\n}\n"), servers: open,
				checks: checks(plain, "reply.unexpected", "Auth process broken")},
			{name: "the protocols exchanged", files: conf("ssl = no", ""), servers: open,
				checks: checks(map[string]string{"imap": "pop", "pop3": "imap"}, "reply.malformed", "does not speak")},
		},
	}
}
