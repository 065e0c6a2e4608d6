package main

// mariadb is up to a stranger whose login it refuses.
func mariadb() drill {
	prepare := func(p *place) error {
		return p.once("data", "mysql", func(data string) error {
			return p.do("mysql", "mariadb-install-db", "--no-defaults", "--datadir="+data, "--skip-test-db")
		})
	}
	servers := func(more ...string) []server {
		return []server{{program: "mariadbd", user: "mysql", ports: []string{"mysql"}, prints: "ready for connections", args: append([]string{
			"--no-defaults", "--datadir=@dir@/../data", "--bind-address=127.0.0.1", "--port=@mysql@", "--socket=@dir@/s", "--pid-file=@dir@/pid"}, more...)}}
	}
	const url = "mysql://127.0.0.1:@mysql@"
	return drill{
		server: "mariadb",
		needs:  []need{{"/usr/sbin/mariadbd", "mariadb-server"}},
		running: state{prepare: prepare, servers: servers(), checks: []check{
			{url: url, keys: "[monitor.expect]\nbanner = \"MariaDB\""},
		}},
		wrong: []state{
			{name: "too many connections", prepare: prepare, servers: servers("--max-connections=10"), then: func(p *place) error { return p.hold("mysql", 12) }, checks: []check{
				{url: url, want: "reply.unexpected", says: "1040"}}},
			{name: "it does not know our host", prepare: prepare, servers: servers("--skip-name-resolve"), checks: []check{
				{url: url, want: "reply.refused_login", says: "1130"}}},
			{name: "a web server on its port", files: nginxConf("  server { listen 127.0.0.1:@mysql@; }"), servers: nginxServer("mysql"), checks: []check{
				{url: url, keys: `timeout = "2s"`, want: "reply.timeout"}}},
		},
	}
}
