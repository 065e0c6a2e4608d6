package uptime

import "fmt"

// Fault is the class of a failure: a stable number behind a stable word
// (group.class). Zero is no fault. The numbers are stored, so the table only grows.
type Fault uint16

// Side says whose fault a class is, as far as one place can tell.
type Side uint8

// The sides of a fault.
const (
	Target Side = iota // it answered, and the answer was wrong
	Path               // nothing came back; void while our node is offline
	Ours               // our own machine: no evidence about the target
)

var sideWords = [...]string{"target", "path", "ours"}

// String returns target, path or ours.
func (s Side) String() string { return word(sideWords[:], uint8(s)) }

// NoFault is the zero value: nothing is wrong.
const NoFault Fault = 0

// The fault classes. A word never changes its number.
const (
	FaultLocalFDLimit           Fault = 101
	FaultLocalPortExhausted     Fault = 102
	FaultLocalNoMemory          Fault = 103
	FaultLocalNoRoute           Fault = 104
	FaultLocalPermission        Fault = 105
	FaultLocalBlocked           Fault = 106
	FaultLocalResolverDown      Fault = 107
	FaultLocalNodeOffline       Fault = 108
	FaultLocalStalled           Fault = 109
	FaultLocalClockJump         Fault = 110
	FaultLocalOverload          Fault = 111
	FaultLocalCancelled         Fault = 112
	FaultLocalConfig            Fault = 113
	FaultLocalBug               Fault = 114
	FaultDNSTimeout             Fault = 201
	FaultDNSServfail            Fault = 202
	FaultDNSRefused             Fault = 203
	FaultDNSFormerr             Fault = 204
	FaultDNSNotimp              Fault = 205
	FaultDNSMalformed           Fault = 206
	FaultDNSTruncatedNoTCP      Fault = 207
	FaultDNSResolversDisagree   Fault = 208
	FaultDNSSinkhole            Fault = 209
	FaultDNSNxdomain            Fault = 210
	FaultDNSNodata              Fault = 211
	FaultDNSNoA                 Fault = 212
	FaultDNSNoAAAA              Fault = 213
	FaultDNSLame                Fault = 214
	FaultDNSCNAMELoop           Fault = 215
	FaultDNSCNAMEDangling       Fault = 216
	FaultDNSWrongAnswer         Fault = 217
	FaultDNSDnssec              Fault = 218
	FaultTCPTimeout             Fault = 301
	FaultTCPHostUnreachable     Fault = 302
	FaultTCPNetUnreachable      Fault = 303
	FaultTCPSomeAddressesDead   Fault = 304
	FaultTCPV6OnlyDead          Fault = 305
	FaultTCPV4OnlyDead          Fault = 306
	FaultTCPRefused             Fault = 307
	FaultTCPReset               Fault = 308
	FaultTLSTimeout             Fault = 401
	FaultTLSHelloTooBig         Fault = 402
	FaultTLSEOF                 Fault = 403
	FaultTLSReset               Fault = 404
	FaultTLSNotTLS              Fault = 405
	FaultTLSVersion             Fault = 406
	FaultTLSNoCipher            Fault = 407
	FaultTLSAlert               Fault = 408
	FaultTLSClientCertRequired  Fault = 409
	FaultTLSUnknownName         Fault = 410
	FaultTLSExpired             Fault = 411
	FaultTLSNotYetValid         Fault = 412
	FaultTLSIntermediateExpired Fault = 413
	FaultTLSHostname            Fault = 414
	FaultTLSNoSAN               Fault = 415
	FaultTLSSelfSigned          Fault = 416
	FaultTLSUntrustedCA         Fault = 417
	FaultTLSIncompleteChain     Fault = 418
	FaultTLSWrongEKU            Fault = 419
	FaultTLSNameConstraint      Fault = 420
	FaultTLSPathLen             Fault = 421
	FaultTLSWeakKey             Fault = 422
	FaultTLSWeakSignature       Fault = 423
	FaultTLSPinMismatch         Fault = 424
	FaultTLSRevoked             Fault = 425
	FaultTLSExpiresSoon         Fault = 426
	FaultTLSRenewalOverdue      Fault = 427
	FaultTLSBadCertificate      Fault = 428
	FaultHTTPTimeoutHeaders     Fault = 501
	FaultHTTPTimeoutBody        Fault = 502
	FaultHTTPEmptyReply         Fault = 503
	FaultHTTPReset              Fault = 504
	FaultHTTPTruncated          Fault = 505
	FaultHTTPMalformed          Fault = 506
	FaultHTTPHeadersTooLarge    Fault = 507
	FaultHTTPBodyTooLarge       Fault = 508
	FaultHTTPBadEncoding        Fault = 509
	FaultHTTPStatus             Fault = 510
	FaultHTTPRedirectLoop       Fault = 511
	FaultHTTPTooManyRedirects   Fault = 512
	FaultHTTPRedirectBad        Fault = 513
	FaultHTTPRedirectScheme     Fault = 514
	FaultHTTPDowngrade          Fault = 515
	FaultHTTPWrongHost          Fault = 516
	FaultHTTPH2Error            Fault = 517
	FaultHTTPKeywordMissing     Fault = 518
	FaultHTTPKeywordPresent     Fault = 519
	FaultHTTPJSONMismatch       Fault = 520
	FaultHTTPHeaderMismatch     Fault = 521
	FaultHTTPSize               Fault = 522
	FaultHTTPEmptyBody          Fault = 523
	FaultHTTPChallenged         Fault = 524
	FaultReplyTimeout           Fault = 601
	FaultReplyClosed            Fault = 602
	FaultReplyMalformed         Fault = 603
	FaultReplyUnexpected        Fault = 604
	FaultReplyRefusedLogin      Fault = 605
	FaultProxyConnect           Fault = 701
	FaultProxyAuthRequired      Fault = 702
	FaultProxyRefusedTunnel     Fault = 703
	FaultICMPTimeout            Fault = 801
	FaultICMPUnreachable        Fault = 802
	FaultICMPTTL                Fault = 803
	FaultICMPLoss               Fault = 804
	FaultExecExit               Fault = 901
	FaultExecTimeout            Fault = 902
	FaultExecMissing            Fault = 903
	FaultExecWarning            Fault = 904
	FaultExecUnknown            Fault = 905
	FaultBeatMissed             Fault = 921
	FaultBeatFailed             Fault = 922
	FaultDomainExpired          Fault = 941
	FaultDomainExpiresSoon      Fault = 942
	FaultDomainUnavailable      Fault = 943
	FaultGroupMembers           Fault = 961
	FaultHTTPTooSlow            Fault = 1001
	FaultTCPTooSlow             Fault = 1002
	FaultTLSTooSlow             Fault = 1003
	FaultDNSTooSlow             Fault = 1004
	FaultICMPTooSlow            Fault = 1005
	FaultReplyTooSlow           Fault = 1006
	FaultExecTooSlow            Fault = 1007
	FaultDomainTooSlow          Fault = 1008
)

type faultClass struct {
	word     string
	side     Side
	degraded bool
}

var faultClasses = map[Fault]faultClass{
	FaultLocalFDLimit:           {"local.fd_limit", Ours, false},
	FaultLocalPortExhausted:     {"local.port_exhausted", Ours, false},
	FaultLocalNoMemory:          {"local.no_memory", Ours, false},
	FaultLocalNoRoute:           {"local.no_route", Ours, false},
	FaultLocalPermission:        {"local.permission", Ours, false},
	FaultLocalBlocked:           {"local.blocked", Ours, false},
	FaultLocalResolverDown:      {"local.resolver_down", Ours, false},
	FaultLocalNodeOffline:       {"local.node_offline", Ours, false},
	FaultLocalStalled:           {"local.stalled", Ours, false},
	FaultLocalClockJump:         {"local.clock_jump", Ours, false},
	FaultLocalOverload:          {"local.overload", Ours, false},
	FaultLocalCancelled:         {"local.cancelled", Ours, false},
	FaultLocalConfig:            {"local.config", Ours, false},
	FaultLocalBug:               {"local.bug", Ours, false},
	FaultDNSTimeout:             {"dns.timeout", Path, false},
	FaultDNSServfail:            {"dns.servfail", Path, false},
	FaultDNSRefused:             {"dns.refused", Path, false},
	FaultDNSFormerr:             {"dns.formerr", Path, false},
	FaultDNSNotimp:              {"dns.notimp", Path, false},
	FaultDNSMalformed:           {"dns.malformed", Path, false},
	FaultDNSTruncatedNoTCP:      {"dns.truncated_no_tcp", Path, false},
	FaultDNSResolversDisagree:   {"dns.resolvers_disagree", Path, false},
	FaultDNSSinkhole:            {"dns.sinkhole", Path, false},
	FaultDNSNxdomain:            {"dns.nxdomain", Target, false},
	FaultDNSNodata:              {"dns.nodata", Target, false},
	FaultDNSNoA:                 {"dns.no_a", Target, false},
	FaultDNSNoAAAA:              {"dns.no_aaaa", Target, false},
	FaultDNSLame:                {"dns.lame", Target, false},
	FaultDNSCNAMELoop:           {"dns.cname_loop", Target, false},
	FaultDNSCNAMEDangling:       {"dns.cname_dangling", Target, false},
	FaultDNSWrongAnswer:         {"dns.wrong_answer", Target, false},
	FaultDNSDnssec:              {"dns.dnssec", Target, false},
	FaultTCPTimeout:             {"tcp.timeout", Path, false},
	FaultTCPHostUnreachable:     {"tcp.host_unreachable", Path, false},
	FaultTCPNetUnreachable:      {"tcp.net_unreachable", Path, false},
	FaultTCPSomeAddressesDead:   {"tcp.some_addresses_dead", Path, true},
	FaultTCPV6OnlyDead:          {"tcp.v6_only_dead", Path, true},
	FaultTCPV4OnlyDead:          {"tcp.v4_only_dead", Path, true},
	FaultTCPRefused:             {"tcp.refused", Target, false},
	FaultTCPReset:               {"tcp.reset", Target, false},
	FaultTLSTimeout:             {"tls.timeout", Path, false},
	FaultTLSHelloTooBig:         {"tls.hello_too_big", Path, true},
	FaultTLSEOF:                 {"tls.eof", Target, false},
	FaultTLSReset:               {"tls.reset", Target, false},
	FaultTLSNotTLS:              {"tls.not_tls", Target, false},
	FaultTLSVersion:             {"tls.version", Target, false},
	FaultTLSNoCipher:            {"tls.no_cipher", Target, false},
	FaultTLSAlert:               {"tls.alert", Target, false},
	FaultTLSClientCertRequired:  {"tls.client_cert_required", Target, false},
	FaultTLSUnknownName:         {"tls.unknown_name", Target, false},
	FaultTLSExpired:             {"tls.expired", Target, false},
	FaultTLSNotYetValid:         {"tls.not_yet_valid", Target, false},
	FaultTLSIntermediateExpired: {"tls.intermediate_expired", Target, false},
	FaultTLSHostname:            {"tls.hostname", Target, false},
	FaultTLSNoSAN:               {"tls.no_san", Target, false},
	FaultTLSSelfSigned:          {"tls.self_signed", Target, false},
	FaultTLSUntrustedCA:         {"tls.untrusted_ca", Target, false},
	FaultTLSIncompleteChain:     {"tls.incomplete_chain", Target, false},
	FaultTLSWrongEKU:            {"tls.wrong_eku", Target, false},
	FaultTLSNameConstraint:      {"tls.name_constraint", Target, false},
	FaultTLSPathLen:             {"tls.path_len", Target, false},
	FaultTLSWeakKey:             {"tls.weak_key", Target, false},
	FaultTLSWeakSignature:       {"tls.weak_signature", Target, false},
	FaultTLSPinMismatch:         {"tls.pin_mismatch", Target, false},
	FaultTLSRevoked:             {"tls.revoked", Target, false},
	FaultTLSExpiresSoon:         {"tls.expires_soon", Target, true},
	FaultTLSRenewalOverdue:      {"tls.renewal_overdue", Target, true},
	FaultTLSBadCertificate:      {"tls.bad_certificate", Target, false},
	FaultHTTPTimeoutHeaders:     {"http.timeout_headers", Path, false},
	FaultHTTPTimeoutBody:        {"http.timeout_body", Path, false},
	FaultHTTPEmptyReply:         {"http.empty_reply", Target, false},
	FaultHTTPReset:              {"http.reset", Target, false},
	FaultHTTPTruncated:          {"http.truncated", Target, false},
	FaultHTTPMalformed:          {"http.malformed", Target, false},
	FaultHTTPHeadersTooLarge:    {"http.headers_too_large", Target, false},
	FaultHTTPBodyTooLarge:       {"http.body_too_large", Target, false},
	FaultHTTPBadEncoding:        {"http.bad_encoding", Target, false},
	FaultHTTPStatus:             {"http.status", Target, false},
	FaultHTTPRedirectLoop:       {"http.redirect_loop", Target, false},
	FaultHTTPTooManyRedirects:   {"http.too_many_redirects", Target, false},
	FaultHTTPRedirectBad:        {"http.redirect_bad", Target, false},
	FaultHTTPRedirectScheme:     {"http.redirect_scheme", Target, false},
	FaultHTTPDowngrade:          {"http.downgrade", Target, false},
	FaultHTTPWrongHost:          {"http.wrong_host", Target, false},
	FaultHTTPH2Error:            {"http.h2_error", Target, false},
	FaultHTTPKeywordMissing:     {"http.keyword_missing", Target, false},
	FaultHTTPKeywordPresent:     {"http.keyword_present", Target, false},
	FaultHTTPJSONMismatch:       {"http.json_mismatch", Target, false},
	FaultHTTPHeaderMismatch:     {"http.header_mismatch", Target, false},
	FaultHTTPSize:               {"http.size", Target, false},
	FaultHTTPEmptyBody:          {"http.empty_body", Target, false},
	FaultHTTPChallenged:         {"http.challenged", Target, true},
	FaultReplyTimeout:           {"reply.timeout", Path, false},
	FaultReplyClosed:            {"reply.closed", Target, false},
	FaultReplyMalformed:         {"reply.malformed", Target, false},
	FaultReplyUnexpected:        {"reply.unexpected", Target, false},
	FaultReplyRefusedLogin:      {"reply.refused_login", Target, false},
	FaultProxyConnect:           {"proxy.connect", Path, false},
	FaultProxyAuthRequired:      {"proxy.auth_required", Path, false},
	FaultProxyRefusedTunnel:     {"proxy.refused_tunnel", Path, false},
	FaultICMPTimeout:            {"icmp.timeout", Path, false},
	FaultICMPUnreachable:        {"icmp.unreachable", Path, false},
	FaultICMPTTL:                {"icmp.ttl", Path, false},
	FaultICMPLoss:               {"icmp.loss", Path, false},
	FaultExecExit:               {"exec.exit", Target, false},
	FaultExecTimeout:            {"exec.timeout", Path, false},
	FaultExecMissing:            {"exec.missing", Ours, false},
	FaultExecWarning:            {"exec.warning", Target, true},
	FaultExecUnknown:            {"exec.unknown", Ours, false}, // says the command itself: no evidence
	FaultBeatMissed:             {"beat.missed", Path, false},
	FaultBeatFailed:             {"beat.failed", Target, false},
	FaultDomainExpired:          {"domain.expired", Target, false},
	FaultDomainExpiresSoon:      {"domain.expires_soon", Target, true},
	FaultDomainUnavailable:      {"domain.unavailable", Path, false},
	FaultGroupMembers:           {"group.members", Target, false},
	FaultHTTPTooSlow:            {"http.too_slow", Target, true},
	FaultTCPTooSlow:             {"tcp.too_slow", Target, true},
	FaultTLSTooSlow:             {"tls.too_slow", Target, true},
	FaultDNSTooSlow:             {"dns.too_slow", Target, true},
	FaultICMPTooSlow:            {"icmp.too_slow", Target, true},
	FaultReplyTooSlow:           {"reply.too_slow", Target, true},
	FaultExecTooSlow:            {"exec.too_slow", Target, true},
	FaultDomainTooSlow:          {"domain.too_slow", Target, true},
}

var faultsByWord = func() map[string]Fault {
	m := make(map[string]Fault, len(faultClasses))
	for f, c := range faultClasses {
		m[c.word] = f
	}
	return m
}()

// String returns the stable word of a class, "" for NoFault.
func (f Fault) String() string {
	if f == NoFault {
		return ""
	}
	if c, ok := faultClasses[f]; ok {
		return c.word
	}
	return fmt.Sprintf("fault.%d", uint16(f))
}

// Side says whose fault it is; a class that this version does not know counts as the path's.
func (f Fault) Side() Side {
	if c, ok := faultClasses[f]; ok {
		return c.side
	}
	return Path
}

// Degrades reports whether the class means degraded rather than down.
func (f Fault) Degrades() bool { return faultClasses[f].degraded }

// Outcome is the outcome that a check with this fault has.
func (f Fault) Outcome() Outcome {
	switch {
	case f == NoFault:
		return OutcomeUp
	case f.Side() == Ours, f == FaultDomainUnavailable: // a registry that does not say a date says nothing
		return OutcomeUnknown
	case f.Degrades():
		return OutcomeDegraded
	}
	return OutcomeDown
}

// ParseFault finds a class by its word; "" is NoFault.
func ParseFault(s string) (Fault, error) {
	if s == "" {
		return NoFault, nil
	}
	if f, ok := faultsByWord[s]; ok {
		return f, nil
	}
	var n uint16
	if _, err := fmt.Sscanf(s, "fault.%d", &n); err == nil {
		return Fault(n), nil
	}
	return NoFault, fmt.Errorf("%q is no fault class", s)
}

// MarshalText writes the word.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the word.
func (f *Fault) UnmarshalText(b []byte) (err error) {
	*f, err = ParseFault(string(b))
	return err
}
