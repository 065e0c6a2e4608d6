package uptime

import (
	"maps"
	"slices"
	"strings"
)

// Explanation is what a person is told of a fault class: what it means, and
// what to do about it. Both are whole sentences.
type Explanation struct {
	Meaning string
	Advice  string
}

// Explain says what a class means and what to do about it. It is empty for
// NoFault and for a class that this version does not know.
func (f Fault) Explain() Explanation { return explanations[f] }

// Group is the first word of a class: dns, tcp, tls, http and so on.
func (f Fault) Group() string {
	group, _, _ := strings.Cut(f.String(), ".")
	return group
}

// Faults lists every class that this version knows, by number.
func Faults() []Fault { return slices.Sorted(maps.Keys(faultClasses)) }

// explanations has every class of faultClasses, in its order; a test holds one against the other.
var explanations = map[Fault]Explanation{
	FaultLocalFDLimit: {
		"lookout could not open another file or socket: a limit of the process or of this machine is used up.",
		"Raise it: ulimit -n for a shell, LimitNOFILE= in a systemd unit, fs.file-max for the machine. The target was not asked."},
	FaultLocalPortExhausted: {
		"This machine has no local port left for another connection to that destination.",
		"Check one destination less often, or widen net.ipv4.ip_local_port_range. The target was not asked."},
	FaultLocalNoMemory: {
		"This machine had no memory or no network buffers left for the check.",
		"Look at its memory and its socket buffers (free, ss -m). The target was not asked."},
	FaultLocalNoRoute: {
		"This machine's own routing table has no way to the address.",
		"Look at ip route get ADDRESS. Where the machine has no IPv6, set ip = \"4\" for the monitor."},
	FaultLocalPermission: {
		"lookout is not allowed to send what the check sends, such as a ping.",
		"For pings run sysctl net.ipv4.ping_group_range=\"0 2147483647\", or give the binary cap_net_raw with setcap."},
	FaultLocalBlocked: {
		"This machine itself forbids the connection: a firewall rule, a prohibit or blackhole route, or the policy of a remote probe.",
		"Look at the rules for outgoing traffic (nft list ruleset) and at ip route; at a probe, at allow in the [policy] of its probe.toml."},
	FaultLocalResolverDown: {
		"No resolver of this machine answers, so the name could not be looked up.",
		"Look at /etc/resolv.conf and at the resolver that it names. Other monitors with names are blind as well."},
	FaultLocalNodeOffline: {
		"This machine seems to be cut off from the network: its anchors do not answer either.",
		"Look at its own link, gateway and provider. Nobody is told of targets until it is back."},
	FaultLocalStalled: {
		"lookout did not run for a while in the midst of the check: it was stopped, the machine slept, or had no time for it.",
		"Nothing, if this was Ctrl-Z, a suspend or a snapshot. Otherwise look for a machine that is overloaded."},
	FaultLocalClockJump: {
		"The clock of this machine jumped, so dates of certificates could not be judged.",
		"Look at its time service (timedatectl, chronyc tracking)."},
	FaultLocalOverload: {
		"The check was due and was never started: this machine has more to do than it manages.",
		"Lengthen intervals, watch fewer targets from here, or give it more processor time."},
	FaultLocalCancelled: {
		"The check was broken off because lookout was ending or its monitor changed.",
		"Nothing: it is made again."},
	FaultLocalConfig: {
		"The settings of the monitor do not fit this machine or this target, so the check could not be made.",
		"The message says which; lookout config check may say more."},
	FaultLocalBug: {
		"The check failed because of a bug in lookout.",
		"Please report it with the log, which has the details. The target is not to blame."},

	FaultDNSTimeout: {
		"No resolver answered the question for the name in time, though it was sent several times.",
		"Ask it by hand (dig @RESOLVER NAME). If only this name is affected, the servers of its zone are silent."},
	FaultDNSServfail: {
		"The resolver could not find an answer: the servers of the zone failed, or DNSSEC did not hold.",
		"Ask with dig +cd NAME: if that works, the zone's DNSSEC is broken; otherwise ask its own servers with dig +trace NAME."},
	FaultDNSRefused: {
		"The DNS server refused to answer us, or nothing listens at its port.",
		"See that it runs, let this machine's address use it, or name another in resolvers."},
	FaultDNSFormerr: {
		"The DNS server says that it does not understand the question.",
		"It may be very old or behind a filter that changes DNS; ask another one to compare."},
	FaultDNSNotimp: {
		"The DNS server does not support this kind of question.",
		"Ask another server, or for another type of record."},
	FaultDNSMalformed: {
		"What came back is no DNS message that makes sense.",
		"See with dig what answers at that address; something in between may change DNS traffic."},
	FaultDNSTruncatedNoTCP: {
		"The answer did not fit a UDP packet, and the server could not be asked over TCP.",
		"Open port 53 for TCP on the server and on the way to it."},
	FaultDNSResolversDisagree: {
		"Two resolvers gave answers that contradict each other.",
		"A change may be on its way (wait for the TTL), or one resolver is filtered or stale: compare both with the zone's own servers."},
	FaultDNSSinkhole: {
		"The resolver answers with an address that leads nowhere, as filters do with names they block.",
		"Look at the filter lists of the resolver; compare with the zone's own servers."},
	FaultDNSNxdomain: {
		"The name does not exist, says DNS.",
		"Look for a typing mistake, a deleted record, or a domain that has expired."},
	FaultDNSNodata: {
		"The name exists, and has no address or no record of the type that was asked for.",
		"Add the record, or ask for another type."},
	FaultDNSNoA: {
		"The name has no IPv4 address, and the monitor wants one.",
		"Add an A record, or set ip = \"any\"."},
	FaultDNSNoAAAA: {
		"The name has no IPv6 address, and the monitor wants one.",
		"Add an AAAA record, or set ip = \"any\"."},
	FaultDNSLame: {
		"A server that the zone is delegated to does not know the zone.",
		"Correct the NS records at the parent, or set the zone up on that server."},
	FaultDNSCNAMELoop: {
		"The aliases (CNAME) of the name lead in a circle or go on too long.",
		"Follow them with dig NAME and cut the circle."},
	FaultDNSCNAMEDangling: {
		"The name is an alias (CNAME) of a name that does not exist.",
		"Remove or correct the alias. Somebody else might register what it points to."},
	FaultDNSWrongAnswer: {
		"DNS gave another answer than the monitor expects.",
		"If it is a change that you wanted, change answers in [monitor.expect]; if not, look at the zone."},
	FaultDNSDnssec: {
		"The DNSSEC signatures of the name do not hold, says a validating resolver.",
		"Look for expired signatures or a DS record at the parent that does not fit the zone's key."},

	FaultTCPTimeout: {
		"Nothing came back when we tried to connect: packets are lost or dropped on the way, or the host is off.",
		"Try from elsewhere. A firewall that drops looks the same as a dead host."},
	FaultTCPHostUnreachable: {
		"The host cannot be reached: a router says so, or it is silent on our own link.",
		"See whether the host is on, and whether a filter on the way forbids it."},
	FaultTCPNetUnreachable: {
		"A router on the way says that it knows no way to the target's network.",
		"A route is missing, often for a short time after a change; follow it with traceroute or mtr."},
	FaultTCPSomeAddressesDead: {
		"Some addresses of the name do not answer; the check went through with another.",
		"Mend or remove the dead address: clients that try it first wait or fail."},
	FaultTCPV6OnlyDead: {
		"The IPv6 addresses of the name do not answer; IPv4 works.",
		"Mend IPv6, or remove the AAAA record: many clients try it first."},
	FaultTCPV4OnlyDead: {
		"The IPv4 addresses of the name do not answer; IPv6 works.",
		"Mend IPv4: most clients still need it."},
	FaultTCPRefused: {
		"The host answers, and nothing listens at that port, or a firewall rejects us.",
		"See whether the service runs (ss -ltn) and at which address it listens."},
	FaultTCPReset: {
		"The connection was cut while it was being made.",
		"Look at the service's log; a full accept queue or a filter in between may do this, too."},

	FaultTLSTimeout: {
		"The connection stands, and the TLS handshake had no end in time.",
		"The server may be overloaded or hang; a path that loses large packets looks the same (MTU), and so does a server that knows no TLS and waits for more."},
	FaultTLSHelloTooBig: {
		"The handshake fails with a modern, large greeting and works with a small one: something on the way loses it.",
		"Update or mend the middlebox, load balancer or path MTU: browsers send the large one as well."},
	FaultTLSEOF: {
		"The server closed the connection in the midst of the TLS handshake.",
		"Look at its log: often a missing certificate, or a port that speaks another protocol."},
	FaultTLSReset: {
		"The connection was reset in the midst of the TLS handshake.",
		"A crashed process or a filter that looks at server names does this; look at the server's log."},
	FaultTLSNotTLS: {
		"What answers at that port does not speak TLS.",
		"Use the plain scheme, +starttls for mail and the like, or switch TLS on at the server."},
	FaultTLSVersion: {
		"The server and we have no TLS version in common.",
		"Enable TLS 1.2 or 1.3 at the server; min_tls = \"1.0\" lets an old one pass."},
	FaultTLSNoCipher: {
		"The server and we have no way of encryption in common.",
		"Enable modern cipher suites at the server; its certificate and its ciphers must fit each other."},
	FaultTLSAlert: {
		"The server broke off the handshake with an alert; its number is in the message.",
		"Look at the server's log for the same moment."},
	FaultTLSClientCertRequired: {
		"The server wants a certificate from the client.",
		"Set client_cert and client_key, with a certificate that it trusts."},
	FaultTLSUnknownName: {
		"The server says that it does not serve this name.",
		"Add the name to its configuration, or set server_name."},
	FaultTLSExpired: {
		"The server's certificate has expired: browsers refuse it.",
		"Renew it and have the server load it. If it was renewed, the server still shows the old one."},
	FaultTLSNotYetValid: {
		"The server's certificate is not valid yet.",
		"Look at the clocks of this machine and of the issuer; wait, or issue it anew."},
	FaultTLSIntermediateExpired: {
		"A certificate between the server's and the root has expired.",
		"Have the server send the CA's current chain."},
	FaultTLSHostname: {
		"The certificate is for other names than the one that was asked for.",
		"Issue one that has this name, or see whether the request reached the right server."},
	FaultTLSNoSAN: {
		"The certificate names no host in the way that clients look at (subject alternative names).",
		"Issue a new one with the name in it; the common name does not count any more."},
	FaultTLSSelfSigned: {
		"The server's certificate is signed by itself, so nobody vouches for it.",
		"Use one of a CA; for your own services set pin or ca_file."},
	FaultTLSUntrustedCA: {
		"The certificate was issued by a CA that this machine does not trust.",
		"For a CA of your own set ca_file; otherwise see who answers there."},
	FaultTLSIncompleteChain: {
		"The server does not send the certificates between its own and the root.",
		"Have it send the full chain (fullchain.pem): browsers may mend this, most programs do not."},
	FaultTLSWrongEKU: {
		"The certificate is not made for what it is used for: the server's for servers, or our own for clients.",
		"Issue one for that use. Public CAs no longer make any for clients: take a CA of your own for client_cert."},
	FaultTLSNameConstraint: {
		"A CA in the chain may not issue for this name.",
		"Issue the certificate from a CA that may."},
	FaultTLSPathLen: {
		"There are more CAs below one another than one in the chain permits.",
		"Issue the certificate from a CA higher up."},
	FaultTLSWeakKey: {
		"A key in the chain is too short to be safe.",
		"Issue the certificate anew with ECDSA P-256 or RSA of 2048 bits and more."},
	FaultTLSWeakSignature: {
		"A certificate in the chain is signed with SHA-1 or MD5, which can be forged.",
		"Issue it anew with SHA-256."},
	FaultTLSPinMismatch: {
		"No key in the chain is one of those that the monitor pins.",
		"If the key was changed on purpose, change pin; if not, somebody else may be answering."},
	FaultTLSRevoked: {
		"The certificate was revoked by its CA.",
		"Issue a new one with a new key, and find out why it was revoked."},
	FaultTLSExpiresSoon: {
		"The certificate expires soon.",
		"See why it has not been renewed yet. The limits are cert_warn and cert_min."},
	FaultTLSRenewalOverdue: {
		"The certificate used to be renewed earlier than this.",
		"See whether the renewal still works: there is time left, and something has changed."},
	FaultTLSBadCertificate: {
		"A certificate cannot be read, or demands what is not there: an extension that clients don't know, a stapled answer.",
		"Have it issued anew; where it demands a stapled answer, switch stapling on at the server."},

	FaultHTTPTimeoutHeaders: {
		"The request was sent, and the server did not begin or finish its answer in time.",
		"The server hangs or is overloaded; look at what it waits for. The limit is timeout."},
	FaultHTTPTimeoutBody: {
		"The answer began, and did not end in time.",
		"A slow backend, a thin line or an endless answer; the limit is timeout."},
	FaultHTTPEmptyReply: {
		"The server closed the connection without an answer.",
		"Look at its log for a crash; also whether that port speaks HTTP."},
	FaultHTTPReset: {
		"The connection was reset before the answer was whole.",
		"Look at the logs of the server and of what stands before it."},
	FaultHTTPTruncated: {
		"The answer ended before the length that it had announced, or before its last chunk.",
		"Look for a backend that dies in the midst, or a proxy that cuts. No body may break off within its first 16 KiB, whatever is expected of it."},
	FaultHTTPMalformed: {
		"The answer is no HTTP that makes sense.",
		"See what listens there; old or home-made servers may send broken headers."},
	FaultHTTPHeadersTooLarge: {
		"The headers of the answer are larger than lookout takes.",
		"Look for cookies or headers that grow without end: clients and proxies have limits as well."},
	FaultHTTPBodyTooLarge: {
		"The body of the answer is larger than allowed.",
		"lookout looks at 1 MiB, unpacked to at most 100 times its size: check a smaller page, or use a JSON path with fewer \"..\" and filters."},
	FaultHTTPBadEncoding: {
		"The body cannot be unpacked: its compression is broken or unpacks to far too much.",
		"Look at the server's compression and at proxies that add their own."},
	FaultHTTPStatus: {
		"The server answered with a status that the monitor does not expect.",
		"5xx: look at the server's log. 401, 403: give the check its login. 404: look at the path. Others: status in [monitor.expect]."},
	FaultHTTPRedirectLoop: {
		"The redirects lead back to where they began.",
		"Often http and https send to each other behind a proxy: look at the rules of both."},
	FaultHTTPTooManyRedirects: {
		"There were more redirects than allowed.",
		"Check the last address at once, or raise max_redirects."},
	FaultHTTPRedirectBad: {
		"The server redirects, and does not say where to, or to something that is no URL.",
		"Correct the Location header."},
	FaultHTTPRedirectScheme: {
		"The server redirects to something that is not http or https.",
		"Correct the Location header, or expect the redirect with its status and follow_redirects = false."},
	FaultHTTPDowngrade: {
		"A redirect leads from https to http: everything after it can be read and changed on the way.",
		"Correct the redirect; behind a proxy, tell the server that the outside is https."},
	FaultHTTPWrongHost: {
		"A redirect leads to a host that the monitor does not allow, or would have the body of its request sent to another host.",
		"See whether the site moved or was taken over; then change the url, or list the host in redirect_hosts."},
	FaultHTTPH2Error: {
		"The server broke the rules of HTTP/2 or ended the request with an error of it.",
		"Try http_version = \"1.1\"; if that works, look at the server's or proxy's HTTP/2."},
	FaultHTTPKeywordMissing: {
		"The page came, and lacks the text that the monitor expects.",
		"Look at the page: an error in nice clothes, another language, or a change that you wanted."},
	FaultHTTPKeywordPresent: {
		"The page came, and has a text that the monitor does not want to see.",
		"Look at the page: often the message of an error."},
	FaultHTTPJSONMismatch: {
		"The JSON of the answer is not what the monitor expects.",
		"The message has the path and the value; look at what the service says about itself."},
	FaultHTTPHeaderMismatch: {
		"A header of the answer is missing or not what the monitor expects.",
		"Look at it with curl -sI; a proxy may remove or change headers."},
	FaultHTTPSize: {
		"The body is smaller or larger than the monitor expects.",
		"Look at the page; the limits are size_min and size_max in [monitor.expect]."},
	FaultHTTPEmptyBody: {
		"The answer has no body where one was expected.",
		"Look at the application's log: it may have failed after sending the headers."},
	FaultHTTPChallenged: {
		"A wall against bots answered; the site behind it was not seen.",
		"Let lookout's user agent (\"lookout/1 (uptime monitor)\") or this machine's address through, or watch the origin with connect_to."},

	FaultReplyTimeout: {
		"The connection stands, and the server did not say what was waited for in time.",
		"The service hangs or is overloaded, or waits for us to speak first: look at send and banner."},
	FaultReplyClosed: {
		"The server closed the connection instead of answering, or nothing listens at that UDP port.",
		"See whether it runs, and look at its log: too many connections, a block of this machine's address, or a crash."},
	FaultReplyMalformed: {
		"What the server sent is not the protocol that was asked for.",
		"See what listens at that port, and whether it wants TLS."},
	FaultReplyUnexpected: {
		"The server answered, and said something else than expected.",
		"Its words are in the message; look at its log for the same moment."},
	FaultReplyRefusedLogin: {
		"The server refused the login of the check, or lets nobody in from the host that checks.",
		"Give the monitor the right user and password, or the right token; let its host in, or watch the port with tcp:// only."},

	FaultProxyConnect: {
		"The proxy that the monitor names could not be reached, or does not answer as a proxy.",
		"Look at the proxy; the target itself was not asked."},
	FaultProxyAuthRequired: {
		"The proxy wants a login.",
		"Put user and password into the proxy's URL."},
	FaultProxyRefusedTunnel: {
		"The proxy refused to connect us to the target.",
		"Look at its rules and its log; it may not reach the target itself."},

	FaultICMPTimeout: {
		"No reply to any of the pings.",
		"Try from elsewhere. Many hosts and firewalls drop pings: a port that serves says more."},
	FaultICMPUnreachable: {
		"A router or the host says that the address cannot be reached; who and why is in the message.",
		"Look at who says so: a missing route, a host that is off, or a filter."},
	FaultICMPTTL: {
		"The packets were passed on too often and thrown away: routers send them in a circle.",
		"Follow them with traceroute: the addresses that repeat are the circle."},
	FaultICMPLoss: {
		"More pings went unanswered than allowed.",
		"Look for a full line or a bad link with mtr; the limit is loss_max in [monitor.expect]."},

	FaultExecExit: {
		"The command says that something is critical: it ended with code 2, with one that means nothing, or by a signal.",
		"Its first line is in the message; run it by hand as the user that lookout runs as, with as few variables."},
	FaultExecTimeout: {
		"The command did not end in time and was ended with all that it had started.",
		"Run it by hand to see what it waits for; the limit is timeout."},
	FaultExecMissing: {
		"The command could not be started: it is not there, or may not be run.",
		"Look at command, at its permissions and its interpreter. Nothing is known about what it checks."},
	FaultExecWarning: {
		"The command says that something needs a look: it ended with code 1.",
		"Its first line is in the message; the limits are among its own arguments."},
	FaultExecUnknown: {
		"The command could not judge what it checks: it ended with code 3.",
		"Its first line is in the message: often a wrong argument, or something that it needs and lacks."},

	FaultBeatMissed: {
		"The job did not call in when it was due.",
		"See whether it ran at all, whether it still runs, and whether it could reach lookout. The limits are period or cron, and grace."},
	FaultBeatFailed: {
		"The job called in and said that it failed.",
		"Look at the job's own log; its exit code is in the message."},

	FaultDomainExpired: {
		"The registration of the domain has run out.",
		"Renew it at once: for some weeks only its old holder can."},
	FaultDomainExpiresSoon: {
		"The registration of the domain runs out soon.",
		"Renew it, and see whether the registrar still has a valid way to be paid. The limit is expires_warn."},
	FaultDomainUnavailable: {
		"Nobody told us when the registration of the domain ends: the registry's service did not answer, or its answer has no date.",
		"If that lasts, write the date by hand as expires, or name another RDAP server in server."},

	FaultGroupMembers: {
		"Fewer members of the group are well than it needs.",
		"Look at its members; need says how many have to be well."},

	FaultHTTPTooSlow:  {"The answer was right, and took longer than degraded_above.", "Look at which step took the time: ttfb is the server, the others are the way and the size."},
	FaultTCPTooSlow:   {"The connection or its dialogue was right, and took longer than degraded_above.", "Look at which step took the time."},
	FaultTLSTooSlow:   {"The handshake was right, and took longer than degraded_above.", "Look at which step took the time: a busy server is slow in the step tls."},
	FaultDNSTooSlow:   {"The answer was right, and took longer than degraded_above.", "The resolver may have had to ask far away, or a packet was lost and sent again."},
	FaultICMPTooSlow:  {"The mean round trip took longer than degraded_above.", "A full line or a detour: look for the step with mtr."},
	FaultReplyTooSlow: {"The dialogue was right, and took longer than degraded_above.", "Look at which step took the time."},
	FaultExecTooSlow:  {"The command found nothing wrong, and took longer than degraded_above.", "Run it by hand to see what it waits for."},
	FaultDomainTooSlow: {
		"The registry said what was asked for, and took longer than degraded_above.",
		"Nothing is wrong with the domain; leave degraded_above away here."},
}
