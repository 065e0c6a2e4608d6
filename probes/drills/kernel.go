package main

// kernel answers pings: that of a network namespace of its own.
func kernel() drill {
	// within runs what follows in a new namespace, after the commands.
	within := func(commands string) []string {
		return []string{"unshare", "--net", "sh", "-ec", "ip link set lo up\n" + commands + "\n" + `"$@"`, "sh"}
	}
	const router = `unshare --net sleep 60 & router=$!
trap 'kill $router' EXIT
until [ "$(readlink /proc/$router/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do :; done
ip link add near type veth peer name far netns $router
ip addr add 192.0.2.2/24 dev near
ip link set near up
nsenter -t $router -n sh -ec 'ip addr add 192.0.2.1/24 dev far; ip link set far up; echo 1 >/proc/sys/net/ipv4/ip_forward'
ip route add default via 192.0.2.1`
	ping := func(url, commands, want, says string) check {
		return check{url: url, keys: `timeout = "6s"`, want: want, says: says, alone: within(commands)}
	}
	running := ping("icmp://127.0.0.1", "", "", "")
	running.dead, running.deadAlone = "icmp.timeout", within("echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all")
	return drill{
		server:  "kernel",
		needs:   []need{{"/usr/bin/unshare", "util-linux"}, {"/*bin/ip", "iproute2"}},
		release: "/proc/sys/kernel/osrelease",
		running: state{checks: []check{running}},
		wrong: []state{
			{name: "a router knows no way", checks: []check{ping("icmp://198.51.100.7", router, "icmp.unreachable", "192.0.2.1")}},
			{name: "nobody has the address", checks: []check{ping("icmp://192.0.2.77", router, "icmp.unreachable", "")}},
		},
	}
}
