package topology

import (
	"fmt"
	"net/netip"
	"strings"
)

// The files of a folder that is copied to where it is used.
const (
	fileAuthority = "ca.pem"
	fileCert      = "client.pem"
	fileKey       = "client.key"
	filePassword  = "broker.pass"
	fileSigning   = "signing.key"
)

// access are the lines that the engine's and a probe's [broker] have in common.
func access(url, user string, ownCA bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[broker]\nurl = %q\nusername = %q\npassword_file = %q\n", url, user, filePassword)
	if secure(url) {
		if ownCA {
			fmt.Fprintf(&b, "ca_file = %q\n", fileAuthority)
		} else {
			b.WriteString("# ca_file = \"ca-of-the-broker.pem\"   # where its certificate is of no public CA\n")
		}
		fmt.Fprintf(&b, "client_cert = %q\nclient_key = %q\n", fileCert, fileKey)
	}
	return b.String()
}

// engineText is the part of the engine's configuration that the plan decides.
func (p *Plan) engineText() string {
	var b strings.Builder
	b.WriteString(`# The broker and the locations, made by "lookout remote init". Copy this folder to
# where lookout.toml is and name it there: include = ["engine/broker.toml"]

`)
	b.WriteString(access(p.URL, p.Engine.Name, p.ours("")))
	fmt.Fprintf(&b, "signing_key_file = %q\n", fileSigning)
	return b.String()
}

// locationText is what the engine's configuration says of a location.
func locationText(name string) string {
	return fmt.Sprintf("\n[[location]]\nname = %q\n# network = \"AS64500\"   # locations of one network are one witness\n# place = \"Frankfurt\"   # what people call it, for the screens\n", name)
}

// probeText is the whole configuration of a probe.
func (p *Plan) probeText(probe Probe, engineKey string, anchors []netip.AddrPort) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The probe %s, made by "lookout remote init". Copy this folder to its machine,
# for instance as /etc/lookout-probe, and start there:
#
#     lookout probe --config /etc/lookout-probe/probe.toml

location = %q
name = %q
engine_key = %q   # it obeys orders that are signed with the other half

`, probe.ID(), probe.Location, probe.Name, engineKey)
	b.WriteString(access(p.URLOf(probe.Location), probe.User.Name, p.ours(probe.Location)))
	if len(anchors) == 0 {
		b.WriteString(`
# Addresses that tell the probe whether its own line works. Without them it is
# the broker's address.
#
# [self_check]
# anchors = ["192.0.2.1:443", "198.51.100.7:53"]
`)
	} else {
		quoted := make([]string, len(anchors))
		for i, a := range anchors {
			quoted[i] = fmt.Sprintf("%q", a)
		}
		fmt.Fprintf(&b, "\n# Addresses that tell the probe whether its own line works.\n[self_check]\nanchors = [%s]\n", strings.Join(quoted, ", "))
	}
	b.WriteString(`
# What it may check, whatever it is told. Loopback, private, link-local and metadata
# addresses are refused unless they are allowed here.
#
# [policy]
# allow = ["10.20.0.0/16"]
`)
	return b.String()
}

// brokerText is what a broker's rabbitmq.conf is to say.
func brokerText(tls, ownCA bool) string {
	if !tls {
		return "# For rabbitmq.conf. Without TLS the broker is to be reached from this machine alone.\nlisteners.tcp.1 = 127.0.0.1:5672\n"
	}
	cert, key := SecretsAt+"/server.pem", SecretsAt+"/server.key"
	if !ownCA {
		cert, key = "/etc/rabbitmq/server.pem     # the broker's own", "/etc/rabbitmq/server.key"
	}
	return `# For rabbitmq.conf, or a file of its own in /etc/rabbitmq/conf.d. Only who has a
# certificate of the folder's CA gets as far as a password.
listeners.tcp.local   = 127.0.0.1:5672
listeners.ssl.default = 5671
ssl_options.cacertfile = ` + SecretsAt + `/ca.pem
ssl_options.certfile   = ` + cert + `
ssl_options.keyfile    = ` + key + `
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2

# A dead connection is noticed within half a minute.
heartbeat = 10

# To log in by certificate, without a password: rabbitmq-plugins enable
# rabbitmq_auth_mechanism_ssl, leave out password_file in each [broker], and:
# auth_mechanisms.1 = EXTERNAL
# auth_mechanisms.2 = PLAIN
# ssl_cert_login_from = common_name
`
}
