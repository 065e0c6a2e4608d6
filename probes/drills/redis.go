package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"lookout/tui/cli/e2e"
)

// redis is up with a password and without one, and says what keeps it from
// serving.
func redis() drill {
	conf := func(more string) map[string]string {
		return map[string]string{"redis.conf": `bind 127.0.0.1
port @redis@
dir @dir@
save ""
daemonize no
` + more + "\n"}
	}
	servers := func(ports ...string) []server {
		return []server{{program: "redis-server", args: []string{"@dir@/redis.conf"}, ports: ports}}
	}
	const (
		plain  = "redis://127.0.0.1:@redis@"
		secure = "rediss://127.0.0.1:@rediss@"
		secret = `password = "open sesame"`
	)
	withTLS := func(certificate string) string {
		return "tls-port @rediss@\ntls-cert-file @cert " + certificate + "@\ntls-key-file @key " + certificate + "@\ntls-ca-cert-file @ca@\ntls-auth-clients no\n"
	}
	unsaved := conf("dir @dir@/data\nsave 1 1\nshutdown-on-sigterm nosave force")
	unsaved["data/none"] = ""
	return drill{
		server: "redis",
		needs:  []need{{"/usr/bin/redis-server", "redis-server"}},
		running: state{files: conf("requirepass \"open sesame\"\n" + withTLS("good")), servers: servers("redis", "rediss"), checks: []check{
			{url: plain},
			{url: plain, keys: secret},
			{url: secure, keys: secret},
			{url: "tcp://127.0.0.1:@redis@", keys: "send = \"PING\\r\\n\"\n[monitor.expect]\nbanner = \"NOAUTH\""},
		}},
		wrong: []state{
			{name: "another password", files: conf("requirepass swordfish"), servers: servers("redis"), checks: []check{
				{url: plain, keys: secret, want: "reply.refused_login", says: "WRONGPASS"}}},
			{name: "an expired certificate", files: conf(withTLS("expired")), servers: servers("rediss"), checks: []check{
				{url: secure, want: "tls.expired"}}},
			{name: "no TLS on its port", files: conf(""), servers: servers("redis"), checks: []check{
				{url: "rediss://127.0.0.1:@redis@", keys: `timeout = "2s"`, want: "tls.timeout"}}},
			{name: "TLS on the plain port", files: conf(withTLS("good")), servers: servers("rediss"), checks: []check{
				{url: "redis://127.0.0.1:@rediss@", want: "reply.closed"}}},
			{name: "too many clients", files: conf("maxclients 1"), servers: servers("redis"), then: func(p *place) error { return p.hold("redis", 1) }, checks: []check{
				{url: plain, want: "reply.unexpected", says: "max number of clients"},
				{url: "tcp://127.0.0.1:@redis@", keys: "send = \"PING\\r\\n\"\n[monitor.expect]\nbanner = \"PONG\"", want: "reply.unexpected", says: "max number of clients"}}},
			{name: "it cannot save", files: unsaved, servers: servers("redis"), then: redisUnsaved, checks: []check{
				{url: plain, want: "reply.unexpected", says: "MISCONF"}}},
			{name: "it is loading its data", files: conf("key-load-delay 20000\nloading-process-events-interval-bytes 1024"), prepare: redisDump, servers: servers("redis"), checks: []check{
				{url: plain, want: "reply.unexpected", says: "LOADING"}}},
		},
	}
}

// redisUnsaved takes the folder away in which redis wants to save a key.
func redisUnsaved(p *place) error {
	if err := os.RemoveAll(filepath.Join(p.dir, "data")); err != nil {
		return err
	}
	if err := p.do("", "redis-cli", "-p", "@redis@", "SET", "key", "value"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return e2e.Poll(ctx, "a save that fails", func() bool {
		return strings.Contains(p.output(), "Background saving error")
	})
}

// redisDump leaves a dump that takes a while to load.
func redisDump(p *place) error {
	first := &place{dir: p.dir, ports: p.ports, issued: p.issued}
	defer first.leave()
	if err := first.start(context.Background(), server{program: "redis-server", args: []string{"--bind", "127.0.0.1", "--port", "@redis@", "--dir", "@dir@"}, ports: []string{"redis"}}); err != nil {
		return err
	}
	if err := first.do("", "redis-cli", "-p", "@redis@", "EVAL", "for i = 1, 1000 do redis.call('SET', i, string.rep('x', 100)) end", "0"); err != nil {
		return err
	}
	return first.do("", "redis-cli", "-p", "@redis@", "SAVE")
}
