package main

// etcd is a gRPC server with a health service.
func etcd() drill {
	servers := func(certificate string) []server {
		args := []string{"--data-dir", "@dir@/data", "--listen-peer-urls", "http://127.0.0.1:@peer@", "--listen-client-urls"}
		if certificate == "" {
			args = append(args, "http://127.0.0.1:@grpc@", "--advertise-client-urls", "http://127.0.0.1:@grpc@")
			return []server{{program: "etcd", args: args, ports: []string{"grpc"}}}
		}
		args = append(args, "http://127.0.0.1:@grpc@,https://127.0.0.1:@grpcs@", "--advertise-client-urls", "http://127.0.0.1:@grpc@",
			"--cert-file", "@cert "+certificate+"@", "--key-file", "@key "+certificate+"@")
		return []server{{program: "etcd", args: args, ports: []string{"grpc", "grpcs"}}}
	}
	const (
		plain  = "grpc://127.0.0.1:@grpc@"
		secure = "grpcs://127.0.0.1:@grpcs@"
	)
	return drill{
		server: "etcd",
		needs:  []need{{"/usr/bin/etcd", "etcd-server"}, {"/usr/sbin/nginx", "nginx"}},
		running: state{servers: servers("good"), checks: []check{
			{url: plain}, {url: secure},
		}},
		wrong: []state{
			{name: "a service that it has not", servers: servers(""), checks: []check{
				{url: plain, keys: `service = "shop.v1.Cart"`, want: "reply.unexpected", says: "is not known"}}},
			{name: "an expired certificate", servers: servers("expired"), checks: []check{
				{url: secure, want: "tls.expired"}}},
			{name: "no TLS on its port", servers: servers(""), checks: []check{
				{url: "grpcs://127.0.0.1:@grpc@", want: "tls.eof"}}},
			{name: "TLS on the plain port", servers: servers("good"), checks: []check{
				{url: "grpc://127.0.0.1:@grpcs@", want: "http.empty_reply"}}},
			{name: "stopped behind a proxy", files: nginxConf("  server { listen 127.0.0.1:@front@ http2; location / { grpc_pass grpc://127.0.0.1:@grpc@; } }"), servers: nginxServer("front"), checks: []check{
				{url: "grpc://127.0.0.1:@front@", want: "http.status", says: "502"}}},
			{name: "a proxy that has no HTTP/2", files: nginxConf("  server { listen 127.0.0.1:@front@; location / { proxy_pass http://127.0.0.1:@grpc@; } }"), servers: nginxServer("front"), checks: []check{
				{url: "grpc://127.0.0.1:@front@", want: "http.h2_error", says: "answers in HTTP/1.1"}}},
		},
	}
}
