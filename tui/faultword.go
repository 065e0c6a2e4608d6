package tui

import (
	"strings"

	"lookout/engine/uptime"
)

// faultName is a fault's word without its group, which the place says.
func faultName(f uptime.Fault) string {
	group, class, ok := strings.Cut(f.String(), ".")
	if !ok {
		return group
	}
	if group == "dns" || group == "tls" || group == "icmp" {
		return group + " " + class
	}
	return class
}

// faultWord is a fault's class in at most width cells, of which there are seven
// at least: a shorter word where the class is too long, never a piece of it.
func faultWord(f uptime.Fault, width int) string {
	group, class, _ := strings.Cut(f.String(), ".")
	if len(class) <= width {
		return class
	}
	if w, ok := shortFaults[class]; ok {
		return w
	}
	if first, _, ok := strings.Cut(class, "_"); ok && len(first) <= width {
		return first
	}
	return group
}

// shortFaults are the classes whose first word does not say it.
var shortFaults = map[string]string{
	"nxdomain": "no name", "servfail": "srvfail", "wrong_answer": "answer", "resolvers_disagree": "differ",
	"unreachable": "unreach", "host_unreachable": "unreach", "net_unreachable": "unreach",
	"some_addresses_dead": "partly", "v4_only_dead": "v4 dead", "v6_only_dead": "v6 dead",
	"hostname": "name", "unknown_name": "name", "self_signed": "selfsig", "untrusted_ca": "bad ca", "not_yet_valid": "not yet",
	"intermediate_expired": "chain", "incomplete_chain": "chain", "no_cipher": "cipher", "wrong_eku": "eku",
	"too_slow": "slow", "too_many_redirects": "redir", "redirect_bad": "redir", "redirect_loop": "redir", "redirect_scheme": "redir",
	"wrong_host": "host", "bad_encoding": "coding", "malformed": "garbled", "truncated": "cut off", "downgrade": "no tls",
	"challenged": "blocked", "no_memory": "memory", "no_route": "noroute", "fd_limit": "files", "overload": "busy",
	"permission": "denied", "node_offline": "offline", "resolver_down": "dns",
}
