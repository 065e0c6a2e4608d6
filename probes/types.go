// Package probes holds the checks: one file for each type, one line for each
// in Types, and the path that they share.
//
// That path is our own where Go's defaults hide a fault or blame the wrong
// side: names are asked for with our own retransmits and keep their response
// codes (exchange.go, resolve.go), others are asked about one that fails
// (opinion.go, zone.go), addresses are tried one by one (dial.go),
// certificates are verified for all that is wrong with them (verify.go), and
// HTTP/1.1 is spoken on that one connection (http1.go). Each check has a new
// connection and shares no packet's fate with another. Sockets are made by doors
// alone (door.go), which are under the policy of a remote probe (policy.go).
//
// A checker reports phases that it measured and errors that it saw; whatever
// it says goes through Runner, which bounds it in time, stamps and cleans it.
package probes

import (
	"net/netip"

	"lookout/engine/uptime"
)

// Types returns the check types, which share what they know of this machine:
// resolv.conf and hosts, read again when they change. Where resolvers are
// given, they alone are asked for names, whatever files and monitors say.
func Types(resolvers ...netip.AddrPort) []uptime.CheckType {
	sys := newSystem("/etc/resolv.conf", "/etc/hosts")
	if len(resolvers) > 0 {
		sys.forced = namedServers(resolvers, anywhere) // by who runs lookout
	}
	return typesOf(sys)
}

func typesOf(sys *system) []uptime.CheckType {
	return []uptime.CheckType{
		httpType(sys),
		tcpType(sys),
		tlsType(sys),
		dnsType(sys),
		icmpType(sys),
		websocketType(sys),
		grpcType(sys),
		sshType(sys),
		redisType(sys),
		mysqlType(sys),
		udpType(sys),
		ntpType(sys),
		execType(),
		domainType(sys),
		serviceType(sys, smtpService()),
		serviceType(sys, imapService()),
		serviceType(sys, pop3Service()),
		serviceType(sys, ftpService()),
		serviceType(sys, xmppService()),
		serviceType(sys, postgresService()),
		serviceType(sys, ldapService()),
	}
}
