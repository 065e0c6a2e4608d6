package main

import "strings"

// prosody serves XMPP, over TCP and over WebSocket.
func prosody() drill {
	conf := func(virtual, tls string) string {
		return `pidfile = "@dir@/prosody.pid"
data_path = "@dir@"
log = { info = "*console" }
interfaces = { "127.0.0.1" }
http_interfaces = { "127.0.0.1" }
https_interfaces = { "127.0.0.1" }
modules_enabled = { "saslauth", "tls", "http", "websocket" }
modules_disabled = { "s2s" }
c2s_require_encryption = false
c2s_ports = { @xmpp@ }
http_ports = { @http@ }
http_default_host = "` + virtual + `"
` + tls + `
VirtualHost "` + virtual + `"
`
	}
	tls := func(certificate string) string {
		const pair = `{ certificate = "@cert %@", key = "@key %@" }`
		with := strings.ReplaceAll(pair, "%", certificate)
		return "c2s_direct_tls_ports = { @xmpps@ }\nhttps_ports = { @https@ }\nssl = " + with + "\nhttps_ssl = " + with + "\nc2s_direct_tls_ssl = " + with + "\n"
	}
	const none = "https_ports = {}\nmodules_disabled = { \"s2s\", \"tls\" }\n"
	files := func(text string) map[string]string { return map[string]string{"prosody.cfg.lua": text} }
	servers := func(ports ...string) []server {
		return []server{{program: "prosody", args: []string{"-F", "--config", "@dir@/prosody.cfg.lua"}, user: "prosody", ports: ports}}
	}
	const (
		to       = "server_name = \"" + host + "\"\n"
		xmpp     = `subprotocols = ["xmpp"]`
		plain    = "xmpp://127.0.0.1:@xmpp@"
		starttls = "xmpp+starttls://127.0.0.1:@xmpp@"
		within   = "xmpp+tls://127.0.0.1:@xmpps@"
		ws       = "ws://127.0.0.1:@http@/xmpp-websocket"
		wss      = "wss://127.0.0.1:@https@/xmpp-websocket"
	)
	behind := nginxConf("  server { listen 127.0.0.1:@front@; location / { proxy_pass http://127.0.0.1:@http@; } }")
	behind["prosody.cfg.lua"] = conf(host, none)
	return drill{
		server: "prosody",
		needs:  []need{{"/usr/bin/prosody", "prosody"}, {"/usr/sbin/nginx", "nginx"}},
		running: state{files: files(conf(host, tls("good"))), servers: servers("xmpp", "xmpps", "http", "https"), checks: []check{
			{url: plain, keys: to},
			{url: starttls, keys: to},
			{url: within, keys: to},
			{url: ws, keys: xmpp},
			{url: wss, keys: to + xmpp},
		}},
		wrong: []state{
			{name: "it serves another host", files: files(conf("other.example.test", tls("good"))), servers: servers("xmpp"), checks: []check{
				{url: plain, keys: to, want: "reply.unexpected", says: "host-unknown"},
				{url: starttls, keys: to, want: "reply.unexpected", says: "host-unknown"}}},
			{name: "no TLS", files: files(conf(host, none)), servers: servers("xmpp", "http"), checks: []check{
				{url: starttls, keys: to, want: "reply.unexpected", says: "has no STARTTLS"},
				{url: "xmpp+tls://127.0.0.1:@xmpp@", keys: to, want: "tls.not_tls"},
				{url: "wss://127.0.0.1:@http@/xmpp-websocket", keys: "timeout = \"2s\"\n" + to + xmpp, want: "tls.timeout"}}},
			{name: "an expired certificate", files: files(conf(host, tls("expired"))), servers: servers("xmpp", "xmpps", "https"), checks: []check{
				{url: starttls, keys: to, want: "tls.expired"},
				{url: within, keys: to, want: "tls.expired"},
				{url: wss, keys: to + xmpp, want: "tls.expired"}}},
			{name: "it speaks another protocol", files: files(conf(host, none)), servers: servers("http"), checks: []check{
				{url: ws, keys: `subprotocols = ["graphql-transport-ws"]`, want: "http.status"}}},
			{name: "a proxy that drops the upgrade", files: behind, servers: append(servers("http"), nginxServer("front")...), checks: []check{
				{url: "ws://127.0.0.1:@front@/xmpp-websocket", keys: xmpp, want: "reply.closed"}}},
		},
	}
}
