package main

import "time"

// nginxConf is what every nginx here needs; its servers come in between.
func nginxConf(servers string) map[string]string {
	return map[string]string{
		"nginx.conf": `
daemon off;
master_process off;
pid @dir@/nginx.pid;
error_log stderr;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path @dir@/body;
  proxy_temp_path @dir@/proxy;
  fastcgi_temp_path @dir@/fastcgi;
  uwsgi_temp_path @dir@/uwsgi;
  scgi_temp_path @dir@/scgi;
  root @dir@/www;
` + servers + `
}
`,
		"www/index.html": "<h1>Shop</h1> Add to cart\n",
	}
}

// nginxTLS is an nginx that shows a certificate at the ports of https and tls.
func nginxTLS(certificate, more string) map[string]string {
	return nginxConf(`  server {
    listen 127.0.0.1:@https@ ssl http2;
    ssl_certificate @cert ` + certificate + `@;
    ssl_certificate_key @key ` + certificate + `@;
    ` + more + `
  }
`)
}

func nginxServer(ports ...string) []server {
	return []server{{program: "nginx", args: []string{"-p", "@dir@", "-c", "@dir@/nginx.conf", "-e", "stderr"}, ports: ports}}
}

// nginx serves http, https with HTTP/2 and without, and so TLS. As an RDAP
// server it serves files, which is all that one does.
func nginx() drill {
	const (
		plain   = "http://127.0.0.1:@http@/"
		secure  = "https://127.0.0.1:@https@/"
		shop    = "[monitor.expect]\nbody_contains = [\"Add to cart\"]"
		refuses = `http_version = "2"`
	)
	// broken is a web server in the open that does something else than serve.
	broken := func(name, does, want, says, keys string) state {
		return state{name: name, files: nginxConf("  server { listen 127.0.0.1:@http@; " + does + " }"), servers: nginxServer("http"),
			checks: []check{{url: plain, keys: keys, want: want, says: says}}}
	}
	// shows is a web server that shows a certificate that is no good.
	shows := func(name, certificate, want, says string) state {
		return state{name: name, files: nginxTLS(certificate, ""), servers: nginxServer("https"), checks: []check{
			{url: secure, want: want, says: says},
			{url: "tls://127.0.0.1:@https@", want: want, says: says},
		}}
	}
	rdap := func(name, status, expires, want, says string) state {
		files := nginxConf("  server { listen 127.0.0.1:@http@; types { } default_type application/rdap+json; }")
		if expires != "" {
			files["www/domain/example.test"] = rdapAnswer(expires)
		}
		return state{name: name, files: files, servers: nginxServer("http"), checks: []check{
			{url: "domain:example.test", keys: `server = "http://127.0.0.1:@http@/"`, want: want, says: says}}}
	}
	day := func(days int) string { return time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339) }

	running := nginxConf(`  server { listen 127.0.0.1:@http@; types { } default_type application/rdap+json; }
  server {
    listen 127.0.0.1:@https@ ssl http2;
    ssl_certificate @cert good@;
    ssl_certificate_key @key good@;
  }
`)
	running["www/domain/example.test"] = rdapAnswer(day(300))
	return drill{
		server: "nginx",
		needs:  []need{{"/usr/sbin/nginx", "nginx"}},
		running: state{files: running, servers: nginxServer("http", "https"), checks: []check{
			{url: plain, keys: shop},
			{url: secure, keys: "http_version = \"1.1\"\n" + shop},
			{url: secure, keys: "http_version = \"2\"\n" + shop},
			{url: "tls://127.0.0.1:@https@"},
			{url: "domain:example.test", keys: `server = "http://127.0.0.1:@http@/"`, dead: "domain.unavailable"},
		}},
		wrong: []state{
			broken("under maintenance", "return 503;", "http.status", "503", ""),
			broken("its backend is down", "location / { proxy_pass http://127.0.0.1:@none@; }", "http.status", "502", ""),
			{name: "its backend hangs", files: nginxConf("  server { listen 127.0.0.1:@http@; location / { proxy_pass http://127.0.0.1:@backend@; } }"), servers: nginxServer("http"),
				then:   func(p *place) error { return p.silent("backend") },
				checks: []check{{url: plain, keys: `timeout = "1s"`, want: "http.timeout_headers"}}},
			broken("redirects to itself", "return 301 http://$http_host$request_uri;", "http.redirect_loop", "", ""),
			broken("hangs up without a word", "return 444;", "http.empty_reply", "", ""),
			broken("wants a password", "auth_basic shop; auth_basic_user_file /dev/null;", "http.status", "401", ""),
			broken("its default page", "return 200 'Welcome to nginx!';", "http.keyword_missing", "Add to cart", shop),
			shows("an expired certificate", "expired", "tls.expired", "expired"),
			shows("an ending certificate", "ending", "tls.expires_soon", ""),
			shows("another host's certificate", "other", "tls.hostname", "other.example.test"),
			shows("no intermediate certificate", "lone", "tls.incomplete_chain", "Drill CA"),
			shows("a self-signed certificate", "self", "tls.self_signed", ""),
			{name: "refuses unknown names", files: nginxTLS("good", "ssl_reject_handshake on;"), servers: nginxServer("https"), checks: []check{
				{url: secure, want: "tls.unknown_name", says: "alert 112"}}},
			{name: "wants a client certificate", files: nginxTLS("good", "ssl_verify_client on; ssl_client_certificate @ca@;"), servers: nginxServer("https"), checks: []check{
				{url: secure, want: "http.status", says: "400"}}},
			{name: "no TLS on its port", files: nginxConf("  server { listen 127.0.0.1:@https@; }"), servers: nginxServer("https"), checks: []check{
				{url: secure, want: "tls.not_tls", says: "does not speak TLS"},
				{url: "tls://127.0.0.1:@https@", want: "tls.not_tls"}}},
			{name: "TLS on the plain port", files: nginxTLS("good", ""), servers: nginxServer("https"), checks: []check{
				{url: "http://127.0.0.1:@https@/", want: "http.status", says: "400"}}},
			{name: "no HTTP/2", files: nginxConf("  server { listen 127.0.0.1:@https@ ssl; ssl_certificate @cert good@; ssl_certificate_key @key good@; }"),
				servers: nginxServer("https"), checks: []check{{url: secure, keys: refuses, want: "http.h2_error", says: ""}}},
			rdap("the domain has expired", "", day(-3), "domain.expired", "ended"),
			rdap("the domain ends soon", "", day(9), "domain.expires_soon", "ends"),
			rdap("the registry knows no domain", "", "", "domain.unavailable", "404"),
		},
	}
}

func rdapAnswer(expires string) string {
	return `{"objectClassName":"domain","ldhName":"example.test","events":[{"eventAction":"expiration","eventDate":"` + expires + `"}]}`
}
