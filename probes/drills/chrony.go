package main

// chrony serves the time of this machine, and does not touch its clock.
func chrony() drill {
	conf := func(more string) map[string]string {
		return map[string]string{"chrony.conf": `port @ntp@
bindaddress 127.0.0.1
cmdport 0
bindcmdaddress /
pidfile @dir@/chrony.pid
user root
` + more + "\n"}
	}
	servers := []server{{program: "chronyd", args: []string{"-d", "-x", "-F", "0", "-f", "@dir@/chrony.conf"}, ports: []string{"ntp"}}}
	const url = "ntp://127.0.0.1:@ntp@"
	return drill{
		server: "chrony",
		needs:  []need{{"/usr/sbin/chronyd", "chrony"}},
		running: state{files: conf("local stratum 8\nallow 127.0.0.1"), servers: servers, checks: []check{
			{url: url, keys: "[monitor.expect]\noffset_max = \"500ms\"", dead: "reply.closed"},
		}},
		wrong: []state{
			{name: "not synchronised", files: conf("allow 127.0.0.1"), servers: servers, checks: []check{
				{url: url, want: "reply.unexpected", says: "not synchronised"}}},
			{name: "it does not serve us", files: conf("local stratum 8\nallow 192.0.2.0/24"), servers: servers, checks: []check{
				{url: url, keys: `timeout = "2s"`, want: "reply.timeout", says: "no reply"}}},
		},
	}
}
