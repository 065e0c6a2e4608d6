package main

// plugins are those that exec runs, and nginx, which they look at.
func plugins() drill {
	run := func(plugin, args, want, says string) check {
		return check{url: "exec:" + plugin, keys: "command = \"" + plugin + "\"\nargs = [" + args + "]", want: want, says: says, dead: "exec.exit"}
	}
	web := nginxConf("  server { listen 127.0.0.1:@http@; }")
	shut := nginxConf("  server { listen 127.0.0.1:@http@; return 503; }")
	const at = `"-H", "127.0.0.1", "-p", "@http@"`
	return drill{
		server: "monitoring-plugins",
		needs:  []need{{"/usr/lib/nagios/plugins/check_tcp", "monitoring-plugins-basic"}, {"/usr/sbin/nginx", "nginx"}},
		running: state{files: web, servers: nginxServer("http"), checks: []check{
			run("check_tcp", at, "", ""),
			run("check_http", at, "", ""),
		}},
		wrong: []state{
			{name: "it finds a fault", files: shut, servers: nginxServer("http"), checks: []check{
				run("check_http", at, "exec.exit", "503"),
				run("check_http", at+`, "-s", "Add to cart", "-e", "503"`, "exec.exit", "CRITICAL")}},
			{name: "it warns", files: web, servers: nginxServer("http"), checks: []check{
				run("check_http", at+`, "-u", "/none"`, "exec.warning", "404")}},
			{name: "it cannot tell", checks: []check{
				run("check_http", `"--no-such-option"`, "exec.unknown", "")}},
			{name: "it hangs", then: func(p *place) error { return p.silent("http") }, checks: []check{
				{url: "exec:slow", keys: "timeout = \"1s\"\ncommand = \"check_tcp\"\nargs = [" + at + `, "-e", "220", "-t", "30"]`, want: "exec.timeout"}}},
			{name: "it is not installed", checks: []check{
				run("check_frobnicator", "", "exec.missing", "check_frobnicator")}},
		},
	}
}
