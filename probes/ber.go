package probes

import (
	"context"
	"encoding/binary"
)

// The universal tags of BER (X.690) that LDAP's messages are made of.
const (
	berBoolean  = 0x01
	berInteger  = 0x02
	berOctets   = 0x04
	berEnum     = 0x0a
	berSequence = 0x30
	berSet      = 0x31
)

// berOf encodes an element.
func berOf(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := []byte{tag, byte(n)}
	if n > 127 {
		b = []byte{tag, 0x82, byte(n >> 8), byte(n)}
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// berLength reads the length of an element that begins with head: how long the
// head is and what follows it, or how many bytes of the head are missing. Only
// definite lengths are known, as in LDAP (RFC 4511, 5.1); those of Active
// Directory are longer than they have to be, which encoding/asn1 refuses.
func berLength(head []byte) (header, body, missing int, ok bool) {
	if len(head) < 2 {
		return 0, 0, 2 - len(head), true
	}
	n := int(head[1])
	if n < 0x80 {
		return 2, n, 0, true
	}
	if n -= 0x80; n == 0 || n > 4 {
		return 0, 0, 0, false
	}
	if len(head) < 2+n {
		return 0, 0, 2 + n - len(head), true
	}
	var long [4]byte
	copy(long[4-n:], head[2:2+n])
	size := binary.BigEndian.Uint32(long[:])
	return 2 + n, int(size), 0, size <= maxReply
}

// elements are what is left of the inside of an element.
type elements []byte

// any takes the next element.
func (e *elements) any() (tag byte, inside elements, ok bool) {
	header, body, missing, ok := berLength(*e)
	if !ok || missing > 0 || len(*e)-header < body {
		return 0, nil, false
	}
	tag, inside = (*e)[0], (*e)[header:header+body]
	*e = (*e)[header+body:]
	return tag, inside, true
}

// next takes the next element if it is of this tag.
func (e *elements) next(tag byte) (inside elements, ok bool) {
	got, inside, ok := e.any()
	return inside, ok && got == tag
}

// ber reads one element of this tag from a dialogue.
func (k *talk) ber(ctx context.Context, tag byte) (elements, *failure) {
	var head []byte
	for {
		if len(head) > 0 && head[0] != tag {
			return nil, k.malformed(string(head) + string(k.seen))
		}
		_, body, missing, ok := berLength(head)
		if !ok {
			return nil, k.malformed(string(head) + string(k.seen))
		}
		if missing == 0 {
			inside, f := k.take(ctx, body)
			return inside, f
		}
		more, f := k.take(ctx, 1)
		if f != nil {
			return nil, f
		}
		head = append(head, more...)
	}
}
