package brokertest

import (
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// FreePort finds a port of loopback that is free, below those that the kernel
// gives to connections: a broker that was killed must find it free when it
// starts again.
func FreePort() (int, error) {
	found, err := somePorts(1)
	if err != nil {
		return 0, err
	}
	return found[0], nil
}

func freePorts() (ports, error) {
	found, err := somePorts(4)
	if err != nil {
		return ports{}, err
	}
	return ports{found[0], found[1], found[2], found[3]}, nil
}

// somePorts finds different ports: it holds each until it has all.
func somePorts(n int) ([]int, error) {
	var found []int
	for range 100 * n {
		port := 20000 + mrand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close()
		if found = append(found, port); len(found) == n {
			return found, nil
		}
	}
	return nil, errors.New("no port of 127.0.0.1 is free")
}

// write fills the folder with what the broker reads.
func (b *Broker) write() error {
	conf := []string{
		fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d", b.ports.amqp),
		"log.console = false",
		"log.file.level = info",
		// By default 10 and 5 s, which a busy machine may take.
		"handshake_timeout = 60000",
		"ssl_handshake_timeout = 60000",
	}
	plugins := b.o.Plugins
	files := map[string][]byte{".erlang.cookie": []byte(rand.Text())}
	if b.o.Definitions != nil {
		files["definitions.json"] = b.o.Definitions
		conf = append(conf, "load_definitions = "+b.path("definitions.json"))
	}
	if t := b.o.TLS; t != nil {
		files["ca.pem"], files["cert.pem"], files["key.pem"] = t.CA, t.Cert, t.Key
		conf = append(conf,
			fmt.Sprintf("listeners.ssl.1 = 127.0.0.1:%d", b.ports.tls),
			"ssl_options.cacertfile = "+b.path("ca.pem"),
			"ssl_options.certfile = "+b.path("cert.pem"),
			"ssl_options.keyfile = "+b.path("key.pem"),
			"ssl_options.versions.1 = tlsv1.3",
			"ssl_options.versions.2 = tlsv1.2",
		)
		if t.Clients {
			plugins = append(plugins[:len(plugins):len(plugins)], "rabbitmq_auth_mechanism_ssl")
			conf = append(conf,
				"ssl_options.verify = verify_peer",
				"ssl_options.fail_if_no_peer_cert = true",
				"auth_mechanisms.1 = EXTERNAL",
				"auth_mechanisms.2 = PLAIN",
				"ssl_cert_login_from = common_name",
			)
		}
	}
	if err := b.home(plugins); err != nil {
		return err
	}
	conf = append(conf, b.o.Config...)
	files["rabbitmq.conf"] = []byte(strings.Join(conf, "\n") + "\n")
	files["enabled_plugins"] = []byte("[" + strings.Join(plugins, ",") + "].\n")
	for name, text := range files {
		if err := os.WriteFile(b.path(name), text, 0o400); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) path(name string) string { return filepath.Join(b.dir, name) }

// env is all of the environment of the broker and of rabbitmqctl: nothing of
// this process's own leaks in.
func (b *Broker) env() []string {
	return []string{
		"HOME=" + b.dir, // of .erlang.cookie
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8",
		"RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_SCRIPTS_DIR=" + b.path("home/sbin"), // its parent is the home
		fmt.Sprintf("RABBITMQ_NODENAME=t%d@localhost", b.ports.amqp),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", b.ports.dist),
		fmt.Sprintf("ERL_EPMD_PORT=%d", b.ports.epmd),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_ZFLAGS=-start_epmd false", // or, where ours is killed while it starts, it leaves one of its own
		"RABBITMQ_CONFIG_FILE=" + b.path("rabbitmq.conf"),
		"RABBITMQ_CONFIG_FILES=" + b.path("conf.d"), // there is none: not /etc/rabbitmq/conf.d
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + b.path("advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + b.path("enabled_plugins"),
		"RABBITMQ_MNESIA_BASE=" + b.path("db"),
		"RABBITMQ_LOG_BASE=" + b.path("log"),
		"RABBITMQ_ALLOW_INPUT=1", // the script becomes the broker: its process is the one to kill
		// Schedulers that spin while they wait take from the other processes of a test.
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-noinput -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
	}
}
