package verdict

import "lookout/engine/uptime"

// weight is what a first failure at home says, in log10 odds: a refusal says
// more than a silence, and one resolver's word says little.
func weight(r *uptime.Result) float64 {
	switch f := r.Fault; {
	case f == uptime.FaultTCPRefused || ofResets(f):
		return 4
	case ofNames(f) && (r.NameAgreed() || r.OfNameServer() && r.Side() == uptime.Target):
		return 3.5
	case ofNames(f):
		return 1
	case ofCertificates(f):
		return 5
	case f.Side() == uptime.Target:
		return 3.5
	}
	return 2.5
}

// abroad is what the first failure of a network that is not home's says.
func abroad(r *uptime.Result) float64 {
	switch f := r.Fault; {
	case ofCertificates(f):
		return 4
	case r.Side() == uptime.Target && !ofNames(f):
		return 3
	}
	return 2.3
}

// ofResets reports whether the host itself broke the connection.
func ofResets(f uptime.Fault) bool {
	return f == uptime.FaultTCPReset || f == uptime.FaultTLSReset || f == uptime.FaultHTTPReset
}

func ofNames(f uptime.Fault) bool { return f >= uptime.FaultDNSTimeout && f <= uptime.FaultDNSDnssec }

// ofCertificates reports whether a certificate was seen and is bad: nothing on
// the way makes one. A handshake that breaks off says no more than a bad answer.
func ofCertificates(f uptime.Fault) bool {
	return f >= uptime.FaultTLSExpired && f <= uptime.FaultTLSRevoked || f == uptime.FaultTLSBadCertificate
}
