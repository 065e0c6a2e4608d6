package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"time"

	"lookout/engine/uptime"
)

// Unsupported is a value of a kind that a newer engine knows. A probe cannot run
// a check with one, and says so.
type Unsupported struct{}

// The bounds of settings.
const (
	maxKeys   = 64       // of Values, of Expect
	maxValue  = 16 << 20 // bytes of a text or a file; the frame's own bound is lower
	maxItems  = 1024     // of a list or a table
	maxTables = 256
)

// The kinds of values: the tag of the field that holds one.
const (
	valueText        = 2
	valueTexts       = 3
	valueInt         = 4
	valueBool        = 5
	valueDuration    = 6
	valueTable       = 7
	valueTables      = 8
	valueSecret      = 9
	valueSecretTable = 10
	valueFile        = 11
	valueShare       = 12
	valueLimit       = 13
	valueServers     = 14
)

// values writes one field a key, in the order of the keys: a message of the key
// and one field whose tag is the kind.
func (f *fields) values(tag uint64, m map[string]any) {
	f.atMost("keys", len(m), maxKeys)
	for _, key := range sortedKeys(m) {
		f.message(tag, func(f *fields) {
			f.item(1, key, MaxName)
			f.value(key, m[key])
		})
	}
}

func (f *fields) value(key string, v any) {
	switch v := v.(type) {
	case string:
		f.item(valueText, v, maxValue)
	case []string:
		f.message(valueTexts, func(f *fields) {
			f.atMost("texts", len(v), maxItems)
			for _, s := range v {
				f.item(1, s, maxValue)
			}
		})
	case int64:
		f.raw(valueInt, binary.AppendUvarint(nil, zigzag(v)))
	case bool:
		b := byte(0)
		if v {
			b = 1
		}
		f.raw(valueBool, []byte{b})
	case time.Duration:
		f.raw(valueDuration, binary.AppendUvarint(nil, zigzag(int64(v))))
	case map[string]string:
		f.message(valueTable, func(f *fields) { entries(f, v) })
	case []map[string]string:
		f.message(valueTables, func(f *fields) {
			f.atMost("tables", len(v), maxTables)
			for _, t := range v {
				f.message(1, func(f *fields) { entries(f, t) })
			}
		})
	case uptime.Secret:
		f.item(valueSecret, v.Reveal(), maxValue)
	case map[string]uptime.Secret:
		f.message(valueSecretTable, func(f *fields) { entries(f, v) })
	case []byte:
		f.raw(valueFile, v)
	case uptime.Percentage:
		if v.Duration != 0 {
			f.raw(valueLimit, binary.AppendUvarint(nil, zigzag(int64(v.Duration))))
		} else {
			f.raw(valueShare, binary.BigEndian.AppendUint64(nil, math.Float64bits(v.Share)))
		}
	case []netip.AddrPort:
		f.message(valueServers, func(f *fields) {
			f.atMost("servers", len(v), maxItems)
			for _, a := range v {
				f.addr(1, a)
			}
		})
	default:
		f.fail(fmt.Errorf("%w: %s is a %T, which no frame can hold", ErrMalformed, key, v))
	}
}

// entries writes a message for each entry, in the order of the keys.
func entries[S ~string](f *fields, m map[string]S) {
	f.atMost("entries", len(m), maxItems)
	for _, k := range sortedKeys(m) {
		f.message(1, func(f *fields) {
			f.item(1, k, maxValue)
			f.item(2, string(m[k]), maxValue)
		})
	}
}

// value reads the field of one key into a map.
func (r *reader) value(into *map[string]any, body []byte) {
	if !r.room("keys", len(*into), maxKeys) {
		return
	}
	key, v := "", any(Unsupported{})
	r.each(body, func(tag uint64, b []byte) {
		switch tag {
		case 1:
			key = r.word(b, MaxName)
		case valueText:
			v = r.text(b, maxValue)
		case valueTexts:
			v = list(r, b, "texts", maxItems, func(b []byte) string { return r.text(b, maxValue) })
		case valueInt:
			v = unzigzag(r.uint(b, math.MaxUint64))
		case valueBool:
			v = r.bool(b)
		case valueDuration:
			v = time.Duration(unzigzag(r.uint(b, math.MaxUint64)))
		case valueTable:
			v = readTable[string](r, b)
		case valueTables:
			v = list(r, b, "tables", maxTables, func(b []byte) map[string]string { return readTable[string](r, b) })
		case valueSecret:
			v = uptime.Secret(r.text(b, maxValue))
		case valueSecretTable:
			v = readTable[uptime.Secret](r, b)
		case valueFile:
			v = append([]byte{}, b...)
		case valueShare:
			var bits [8]byte
			r.array(bits[:], b)
			share := math.Float64frombits(binary.BigEndian.Uint64(bits[:]))
			if !(share >= 0 && share <= 1) { // nor is it NaN
				r.fail("a share is not from 0 to 1")
				return
			}
			v = uptime.Percentage{Share: share}
		case valueLimit:
			v = uptime.Percentage{Duration: time.Duration(unzigzag(r.uint(b, math.MaxUint64)))}
		case valueServers:
			v = list(r, b, "servers", maxItems, r.addr)
		}
	})
	if key == "" {
		r.fail("a setting has no key")
	}
	if r.err != nil {
		return
	}
	if *into == nil {
		*into = map[string]any{}
	}
	(*into)[key] = v
}

// list reads the elements of a list, never nil.
func list[T any](r *reader, body []byte, what string, max int, one func([]byte) T) []T {
	out := []T{}
	r.each(body, func(tag uint64, v []byte) {
		if tag == 1 && r.room(what, len(out), max) {
			out = append(out, one(v))
		}
	})
	return out
}

func readTable[S ~string](r *reader, body []byte) map[string]S {
	m := map[string]S{}
	r.each(body, func(tag uint64, entry []byte) {
		if tag != 1 || !r.room("entries", len(m), maxItems) {
			return
		}
		var k, v string
		r.each(entry, func(tag uint64, b []byte) {
			switch tag {
			case 1:
				k = r.text(b, maxValue)
			case 2:
				v = r.text(b, maxValue)
			}
		})
		m[k] = S(v)
	})
	return m
}

func (f *fields) addr(tag uint64, a netip.AddrPort) { f.item(tag, a.String(), 2*MaxName) }

func (r *reader) addr(v []byte) netip.AddrPort {
	a, err := netip.ParseAddrPort(r.text(v, 2*MaxName))
	if err != nil {
		r.fail("an address is none")
	}
	return a
}
