package link

import (
	"encoding/binary"
	"slices"
)

// The headers of a message come from whoever published it. Ours have those of a
// dead letter at most, which the broker writes.
const (
	maxHeaderFields = 256 // in all
	maxHeaderDepth  = 8
)

// Which properties a message has, of those that stand before its headers and of these.
const (
	hasContentType     = 1 << 15
	hasContentEncoding = 1 << 14
	hasHeaders         = 1 << 13
)

// withoutMonsters is the frame of a content's header, without the headers of the
// message where these are more than a few. What is no such frame is left alone.
func withoutMonsters(frame []byte) []byte {
	at := contentHead + 2
	if len(frame) < at+1 {
		return frame
	}
	has := binary.BigEndian.Uint16(frame[contentHead:])
	if has&hasHeaders == 0 {
		return frame
	}
	rest := frame[at : len(frame)-1]
	for _, flag := range []uint16{hasContentType, hasContentEncoding} {
		if has&flag == 0 {
			continue
		}
		if len(rest) == 0 || len(rest) <= int(rest[0]) {
			return frame
		}
		at += 1 + int(rest[0])
		rest = rest[1+int(rest[0]):]
	}
	table, _, ok := counted(rest)
	if fields := maxHeaderFields; !ok || bearable(table, &fields, 0) {
		return frame
	}
	cut := 4 + len(table)
	binary.BigEndian.PutUint16(frame[contentHead:], has&^hasHeaders)
	binary.BigEndian.PutUint32(frame[3:], uint32(len(frame)-cut-frameHead-1))
	return slices.Delete(frame, at, at+cut)
}

// counted takes what is preceded by its length.
func counted(b []byte) (what, rest []byte, ok bool) {
	if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint32(b))
	return b[4 : 4+n], b[4+n:], true
}

// bearable reports whether a table has no more fields than may be left, is not
// nested too deep, and is one.
func bearable(table []byte, left *int, depth int) bool {
	for len(table) > 0 {
		key := int(table[0])
		if len(table) <= key {
			return false
		}
		var ok bool
		if table, ok = skip(table[1+key:], left, depth); !ok {
			return false
		}
	}
	return depth <= maxHeaderDepth
}

// skip reads over a field: its type and its value.
func skip(b []byte, left *int, depth int) (rest []byte, ok bool) {
	if *left--; *left < 0 || len(b) == 0 || depth > maxHeaderDepth {
		return nil, false
	}
	kind, b := b[0], b[1:]
	size := 0
	switch kind {
	case 'V':
	case 't', 'b', 'B':
		size = 1
	case 's', 'u':
		size = 2
	case 'I', 'i', 'f':
		size = 4
	case 'D':
		size = 5
	case 'l', 'd', 'T':
		size = 8
	case 'S', 'x', 'F', 'A':
		what, rest, ok := counted(b)
		switch {
		case !ok, kind == 'F' && !bearable(what, left, depth+1):
			return nil, false
		case kind == 'A':
			for len(what) > 0 {
				if what, ok = skip(what, left, depth+1); !ok {
					return nil, false
				}
			}
		}
		return rest, true
	default:
		return nil, false
	}
	if len(b) < size {
		return nil, false
	}
	return b[size:], true
}
