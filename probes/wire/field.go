package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"lookout/engine/uptime"
)

// fields writes the fields of a body: tag, length, value. What is zero is left
// out. The first text or list over its bound is kept in err.
type fields struct {
	buf []byte
	err error
}

func (f *fields) raw(tag uint64, v []byte) {
	f.buf = binary.AppendUvarint(f.buf, tag)
	f.buf = binary.AppendUvarint(f.buf, uint64(len(v)))
	f.buf = append(f.buf, v...)
}

func (f *fields) uint(tag, v uint64) {
	if v != 0 {
		var b [binary.MaxVarintLen64]byte
		f.raw(tag, b[:binary.PutUvarint(b[:], v)])
	}
}

func (f *fields) int(tag uint64, v int64) { f.uint(tag, zigzag(v)) }

func (f *fields) bool(tag uint64, v bool) {
	if v {
		f.uint(tag, 1)
	}
}

// time writes Unix milliseconds; the zero time is left out.
func (f *fields) time(tag uint64, t time.Time) {
	if !t.IsZero() {
		f.int(tag, t.UnixMilli())
	}
}

// text writes one that is not empty.
func (f *fields) text(tag uint64, s string, max int) {
	if s != "" {
		f.item(tag, s, max)
	}
}

// item writes a text even if it is empty, as an element of a list.
func (f *fields) item(tag uint64, s string, max int) {
	if len(s) > max {
		f.fail(fmt.Errorf("%w: a text of %d bytes, at most %d", ErrTooLarge, len(s), max))
		return
	}
	if !utf8.ValidString(s) {
		f.fail(fmt.Errorf("%w: a text that is not UTF-8", ErrMalformed))
		return
	}
	f.raw(tag, []byte(s))
}

// message writes fields as the value of one.
func (f *fields) message(tag uint64, write func(*fields)) {
	var inner fields
	write(&inner)
	f.fail(inner.err)
	f.raw(tag, inner.buf)
}

func (f *fields) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// atMost bounds the length of a list.
func (f *fields) atMost(what string, n, max int) {
	if n > max {
		f.fail(fmt.Errorf("%w: %d %s, at most %d", ErrTooLarge, n, what, max))
	}
}

// reader reads values of fields; it keeps the first error, and then returns zeros.
type reader struct {
	err   error
	items int // of all lists, so that many short lists are no way round their bounds
}

const maxListed = 1 << 17 // elements of all lists of a frame

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
}

// each calls what for every field of a body until one fails.
func (r *reader) each(body []byte, what func(tag uint64, v []byte)) {
	for len(body) > 0 && r.err == nil {
		tag, n := binary.Uvarint(body)
		if n <= 0 {
			r.fail("a field is cut short")
			return
		}
		size, m := binary.Uvarint(body[n:])
		if m <= 0 || size > uint64(len(body)-n-m) {
			r.fail("field %d is cut short", tag)
			return
		}
		body = body[n+m:]
		what(tag, body[:size])
		body = body[size:]
	}
}

func (r *reader) uint(v []byte, max uint64) uint64 {
	u, n := binary.Uvarint(v)
	switch {
	case n <= 0 || n != len(v):
		r.fail("a number is cut short or too long")
	case u > max:
		r.fail("a number is %d, at most %d", u, max)
	case r.err == nil:
		return u
	}
	return 0
}

// int reads a signed number from -max to max.
func (r *reader) int(v []byte, max int64) int64 {
	i := unzigzag(r.uint(v, 1<<64-1))
	if i > max || i < -max {
		r.fail("a number is %d, from -%d to %d", i, max, max)
		return 0
	}
	return i
}

func (r *reader) bool(v []byte) bool { return r.uint(v, 1) == 1 }

// millis are Unix milliseconds, 0 of the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// maxMillis is the last millisecond of the year 9999.
const maxMillis = 253402300799999

func (r *reader) time(v []byte) time.Time {
	ms := r.int(v, maxMillis)
	if ms < 0 {
		r.fail("a time is before 1970")
	}
	if r.err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// duration reads nanoseconds from 0 to max.
func (r *reader) duration(v []byte, max time.Duration) time.Duration {
	return time.Duration(r.uint(v, uint64(max)))
}

// text reads one as it is.
func (r *reader) text(v []byte, max int) string {
	switch {
	case len(v) > max:
		if r.err == nil {
			r.err = fmt.Errorf("%w: a text of %d bytes, at most %d", ErrTooLarge, len(v), max)
		}
	case !utf8.Valid(v):
		r.fail("a text is not UTF-8")
	case r.err == nil:
		return string(v)
	}
	return ""
}

// word reads a name: it is what Clean leaves, or it is refused.
func (r *reader) word(v []byte, max int) string {
	s := r.text(v, max)
	if uptime.Clean(s, max) != s {
		r.fail("a name is not printable")
		return ""
	}
	return s
}

// clean reads a text for people, which no bytes can make harmful.
func (r *reader) clean(v []byte, max int) string {
	return uptime.Clean(string(v[:min(len(v), 8*max)]), max)
}

// array reads a value of one length.
func (r *reader) array(into, v []byte) {
	if len(v) != len(into) {
		r.fail("a value of %d bytes should have %d", len(v), len(into))
		return
	}
	copy(into, v)
}

// room reports whether a list may have one more.
func (r *reader) room(what string, n, max int) bool {
	if r.items++; r.items > maxListed {
		max = maxListed
		n = max
	}
	if n >= max && r.err == nil {
		r.err = fmt.Errorf("%w: more than %d %s", ErrTooLarge, max, what)
	}
	return r.err == nil
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (f *fields) version(tag uint64, v Version) {
	if v != (Version{}) {
		f.raw(tag, binary.AppendUvarint(binary.AppendUvarint(nil, v.Engine), v.Counter))
	}
}

func (r *reader) version(b []byte) (v Version) {
	e, n := binary.Uvarint(b)
	if n <= 0 {
		r.fail("a version is cut short")
		return Version{}
	}
	c := r.uint(b[n:], 1<<64-1)
	return Version{e, c}
}
