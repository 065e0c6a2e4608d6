package uptime

import "net/netip"

// Anchor is an address that tells whether we are online: it is asked over TCP,
// or a question of DNS where it is a resolver. It is never a name.
type Anchor struct {
	Address  netip.AddrPort
	Resolver bool // one of the system's
}

// Answer is what became of asking an anchor. The zero value is silence.
type Answer uint8

// The answers.
const (
	AnswerNone Answer = iota // nothing came back in time, or there is no way to it
	AnswerPoor               // a resolver answers, and cannot help: SERVFAIL and the like
	AnswerGood               // it answers
	AnswerVoid               // our own side kept it from being asked: no file descriptor, no port
)
