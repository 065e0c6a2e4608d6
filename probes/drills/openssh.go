package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// openssh is an SSH server that nobody can log in to.
func openssh() drill {
	conf := func(more string) map[string]string {
		return map[string]string{"sshd_config": `ListenAddress 127.0.0.1:@ssh@
HostKey @dir@/host
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile none
PasswordAuthentication no
` + more}
	}
	prepare := func(p *place) error {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // its own service makes it at boot: an empty folder to shut itself into
			return err
		}
		if err := p.do("", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "@dir@/host"); err != nil {
			return err
		}
		conf := filepath.Join(p.dir, "sshd_config")
		text, err := os.ReadFile(conf)
		if err != nil {
			return err
		}
		path, err := find("sshd")
		if err != nil {
			return err
		}
		more := string(text) + "PerSourcePenalties no\n" // since 9.8: it would shut us out
		if err := os.WriteFile(conf, []byte(more), 0o600); err != nil {
			return err
		}
		if exec.Command(path, "-t", "-f", conf).Run() != nil {
			return os.WriteFile(conf, []byte(strings.TrimSuffix(more, "PerSourcePenalties no\n")), 0o600)
		}
		return nil
	}
	servers := []server{{program: "sshd", args: []string{"-D", "-e", "-f", "@dir@/sshd_config"}, ports: []string{"ssh"}}}
	const url = "ssh://127.0.0.1:@ssh@"
	return drill{
		server: "openssh",
		needs:  []need{{"/usr/sbin/sshd", "openssh-server"}},
		running: state{files: conf(""), prepare: prepare, servers: servers, checks: []check{
			{url: url, keys: "[monitor.expect]\nbanner = \"OpenSSH\""},
		}},
		wrong: []state{
			{name: "another host key", files: conf(""), prepare: prepare, servers: servers, checks: []check{
				{url: url, keys: "[monitor.expect]\nfingerprint = [\"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]", want: "reply.unexpected", says: "host key"}}},
			{name: "too many log-ins at once", files: conf("MaxStartups 1:100:1\n"), prepare: prepare, servers: servers, then: func(p *place) error { return p.hold("ssh", 1) }, checks: []check{
				{url: url, want: "reply.unexpected", says: "Exceeded MaxStartups"}}},
			{name: "a web server on its port", files: nginxConf("  server { listen 127.0.0.1:@ssh@; }"), servers: nginxServer("ssh"), checks: []check{
				{url: url, keys: `timeout = "2s"`, want: "reply.timeout"}}},
		},
	}
}
