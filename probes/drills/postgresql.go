package main

import (
	"os"
	"path/filepath"
)

// postgresql is up to a stranger whom it asks for a password. Before version 17
// it speaks TLS only after it was asked to; others do it in front of it.
func postgresql() drill {
	conf := func(certificate, more string) map[string]string {
		text := "listen_addresses = '127.0.0.1'\nport = @postgres@\nunix_socket_directories = ''\nfsync = off\nlogging_collector = off\n" + more + "\n"
		if certificate != "" {
			text += "ssl = on\nssl_cert_file = '@cert " + certificate + "@'\nssl_key_file = '@key " + certificate + "@'\n"
		}
		return map[string]string{"postgresql.conf": text}
	}
	const programs = "/usr/lib/postgresql/*/bin/"
	prepare := func(p *place) error {
		return p.once("data", "postgres", func(data string) error {
			if err := os.WriteFile(filepath.Join(data, "..", "password"), []byte("open sesame\n"), 0o644); err != nil {
				return err
			}
			return p.do("postgres", programs+"initdb", "-D", data, "-A", "scram-sha-256", "--pwfile", data+"/../password", "--locale=C.UTF-8", "--no-sync")
		})
	}
	servers := func(prints string) []server {
		return []server{{program: programs + "postgres", args: []string{"-D", "@dir@/../data", "-c", "config_file=@dir@/postgresql.conf"}, user: "postgres", ports: []string{"postgres"}, prints: prints}}
	}
	const ready = "ready to accept connections"
	// front is nginx, which speaks TLS with clients and none with the server behind it.
	front := func(files map[string]string, certificate string) map[string]string {
		files["nginx.conf"] = `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
pid @dir@/nginx.pid;
error_log stderr;
events { worker_connections 256; }
stream {
  server {
    listen 127.0.0.1:@front@ ssl;
    ssl_certificate @cert ` + certificate + `@;
    ssl_certificate_key @key ` + certificate + `@;
    proxy_pass 127.0.0.1:@postgres@;
  }
}
`
		return files
	}
	const (
		plain    = "postgres://127.0.0.1:@postgres@"
		starttls = "postgres+starttls://127.0.0.1:@postgres@"
		within   = "postgres+tls://127.0.0.1:@front@"
	)
	return drill{
		server: "postgresql",
		needs:  []need{{programs + "postgres", "postgresql"}, {"/usr/sbin/nginx", "nginx"}, {"/usr/lib/nginx/modules/ngx_stream_module.so", "libnginx-mod-stream"}},
		running: state{files: front(conf("good", ""), "good"), prepare: prepare, servers: append(servers(ready), nginxServer("front")...), checks: []check{
			{url: plain}, {url: starttls}, {url: within},
		}},
		wrong: []state{
			{name: "no TLS", files: conf("", ""), prepare: prepare, servers: servers(ready), checks: []check{
				{url: starttls, want: "reply.unexpected", says: "has no STARTTLS"},
				{url: "postgres+tls://127.0.0.1:@postgres@", want: "tls.eof"}}},
			{name: "an expired certificate", files: conf("expired", ""), prepare: prepare, servers: servers(ready), checks: []check{
				{url: starttls, want: "tls.expired"}}},
			{name: "stopped behind a proxy", files: front(map[string]string{}, "good"), servers: nginxServer("front"), checks: []check{
				{url: within, want: "reply.closed"}}},
			{name: "too many clients", files: conf("", "max_connections = 1\nsuperuser_reserved_connections = 0\nmax_wal_senders = 0\nautovacuum_max_workers = 1\nmax_worker_processes = 0"),
				prepare: prepare, servers: servers(ready), then: func(p *place) error { return p.hold("postgres", 10) }, checks: []check{
					{url: plain, want: "reply.unexpected", says: "53300"}}},
			{name: "a standby that is closed", files: conf("", "hot_standby = off\nrestore_command = '/bin/false'"), prepare: func(p *place) error {
				if err := prepare(p); err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(p.dir, "..", "data", "standby.signal"), nil, 0o644)
			}, servers: servers("entering standby mode"), checks: []check{
				{url: plain, want: "reply.unexpected", says: "57P03"}}},
		},
	}
}
