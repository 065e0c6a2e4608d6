package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// postfix takes mail, in the open, within TLS, and behind postscreen, which
// greets a stranger with half a greeting and waits whether he speaks too soon.
func postfix() drill {
	conf := func(more string) map[string]string {
		return map[string]string{
			"main.cf": `compatibility_level = 3.6
queue_directory = @dir@/queue
data_directory = @dir@/data
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = drill.example.test
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
maillog_file_prefixes = @dir@
maillog_file = @dir@/log
smtpd_client_event_limit_exceptions =
postscreen_access_list =
` + more + "\n",
			"master.cf": `127.0.0.1:@smtp@ inet n - n - - smtpd
127.0.0.1:@smtps@ inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:@screen@ inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`,
		}
	}
	tls := func(certificate string) string {
		return "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = @cert " + certificate + "@\nsmtpd_tls_key_file = @key " + certificate + "@"
	}
	servers := []server{{program: "/usr/lib/postfix/sbin/master", args: []string{"-c", "@dir@", "-d"}, ports: []string{"smtp", "smtps", "screen"}}}
	const (
		plain    = "smtp://127.0.0.1:@smtp@"
		starttls = "smtp+starttls://127.0.0.1:@smtp@"
		within   = "smtp+tls://127.0.0.1:@smtps@"
	)
	in := func(name, more string, checks ...check) state {
		return state{name: name, files: conf(more), prepare: postfixFolders, servers: servers, checks: checks}
	}
	busy := in("too many connections", "smtpd_client_connection_count_limit = 1", check{url: plain, want: "reply.unexpected", says: "421"})
	busy.then = func(p *place) error { return p.converse("smtp", "220") }
	return drill{
		server: "postfix",
		needs:  []need{{"/usr/lib/postfix/sbin/master", "postfix"}},
		running: in("", tls("good"),
			check{url: plain},
			check{url: "smtp://127.0.0.1:@screen@"},
			check{url: starttls},
			check{url: within},
			check{url: "tcp://127.0.0.1:@smtp@", keys: "[monitor.expect]\ndialogue = [{ expect = \"^220 .*ESMTP\", send = \"QUIT\\r\\n\" }, { expect = \"^221 \" }]"},
		),
		wrong: []state{
			in("no TLS", "smtpd_tls_security_level = none",
				check{url: starttls, want: "reply.unexpected", says: "has no STARTTLS"},
				check{url: "smtp+tls://127.0.0.1:@smtp@", want: "tls.not_tls"}),
			in("an expired certificate", tls("expired"),
				check{url: starttls, want: "tls.expired"},
				check{url: within, want: "tls.expired"}),
			in("it takes nothing from us", "smtpd_delay_reject = no\nsmtpd_client_restrictions = reject", check{url: plain, want: "reply.unexpected", says: "554"}),
			in("it does not relay safely", "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions =", check{url: plain, keys: `timeout = "2s"`, want: "reply.timeout"}),
			in("TLS on the plain port", tls("good"), check{url: "smtp://127.0.0.1:@smtps@", keys: `timeout = "2s"`, want: "reply.timeout"}),
			busy,
		},
	}
}

// postfixFolders makes the folders of a queue that postfix wants to find.
func postfixFolders(p *place) error {
	uid, _, err := ids("postfix")
	if err != nil {
		return err
	}
	drop, err := user.LookupGroup("postdrop")
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(drop.Gid)
	if err != nil {
		return err
	}
	for _, name := range []string{"queue/pid", "queue/private", "queue/public", "queue/active", "queue/incoming", "queue/maildrop", "data"} {
		path := filepath.Join(p.dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if name == "queue/pid" {
			continue // root's
		}
		if err := os.Chown(path, int(uid), gid); err != nil {
			return err
		}
	}
	return nil
}
