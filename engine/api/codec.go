package api

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"reflect"
	"strconv"
	"sync"
	"time"
)

// A codec writes and reads values of one Go type for the private stream. It is
// made from the type itself, so no field can be forgotten: both ends compare a
// hash of the types (streamVersion) before they talk.
//
//	bool          one byte, 0 or 1
//	uint8         one byte
//	int, Duration zigzag varint
//	uint          varint
//	float         eight bytes, little endian
//	string        varint length, bytes
//	slice         varint 0 for nil, else length + 1, elements
//	array         elements
//	pointer       byte 0 for nil, else 1 and the value
//	time.Time     byte 0 for zero, else 1, seconds (zigzag), nanoseconds (varint); always UTC
//	struct        fields in order
type codec struct {
	least int // bytes that a value takes at least: bounds what a length may claim
	write func(b []byte, v reflect.Value) []byte
	read  func(r *reader, v reflect.Value)
}

var errFrame = errors.New("the stream is damaged")

// reader takes a payload apart. After the first mistake it yields zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	r.b, r.err = nil, errFrame
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

// take returns the next n bytes, nil where there are fewer.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

var timeType = reflect.TypeFor[time.Time]()

func codecFor(t reflect.Type) *codec {
	if t == timeType {
		return &codec{1, writeTime, readTime}
	}
	switch t.Kind() {
	case reflect.Bool:
		return &codec{1, func(b []byte, v reflect.Value) []byte {
			if v.Bool() {
				return append(b, 1)
			}
			return append(b, 0)
		}, func(r *reader, v reflect.Value) { v.SetBool(r.byte() != 0) }}
	case reflect.Uint8:
		return &codec{1, func(b []byte, v reflect.Value) []byte { return append(b, byte(v.Uint())) },
			func(r *reader, v reflect.Value) { v.SetUint(uint64(r.byte())) }}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return &codec{1, func(b []byte, v reflect.Value) []byte { return binary.AppendVarint(b, v.Int()) },
			func(r *reader, v reflect.Value) { v.SetInt(r.int()) }}
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16:
		return &codec{1, func(b []byte, v reflect.Value) []byte { return binary.AppendUvarint(b, v.Uint()) },
			func(r *reader, v reflect.Value) { v.SetUint(r.uint()) }}
	case reflect.Float64:
		return &codec{8, func(b []byte, v reflect.Value) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
		}, func(r *reader, v reflect.Value) {
			if p := r.take(8); p != nil {
				v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(p)))
			}
		}}
	case reflect.String:
		return &codec{1, func(b []byte, v reflect.Value) []byte {
			return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...)
		}, func(r *reader, v reflect.Value) { v.SetString(string(r.take(r.uint()))) }}
	case reflect.Pointer:
		return pointerCodec(t)
	case reflect.Slice:
		return sliceCodec(t)
	case reflect.Array:
		return arrayCodec(t)
	case reflect.Struct:
		return structCodec(t)
	}
	panic("api: no codec for " + t.String())
}

func pointerCodec(t reflect.Type) *codec {
	elem := codecFor(t.Elem())
	return &codec{1, func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, 0)
		}
		return elem.write(append(b, 1), v.Elem())
	}, func(r *reader, v reflect.Value) {
		if r.byte() == 0 {
			return
		}
		p := reflect.New(t.Elem())
		elem.read(r, p.Elem())
		v.Set(p)
	}}
}

func sliceCodec(t reflect.Type) *codec {
	elem := codecFor(t.Elem())
	return &codec{1, func(b []byte, v reflect.Value) []byte {
		if v.IsNil() {
			return append(b, 0)
		}
		n := v.Len()
		b = binary.AppendUvarint(b, uint64(n)+1)
		for i := range n {
			b = elem.write(b, v.Index(i))
		}
		return b
	}, func(r *reader, v reflect.Value) {
		n := r.uint()
		if n == 0 {
			return
		}
		if n--; n > uint64(len(r.b)/elem.least) {
			r.fail()
			return
		}
		s := reflect.MakeSlice(t, int(n), int(n))
		for i := range int(n) {
			elem.read(r, s.Index(i))
		}
		v.Set(s)
	}}
}

func arrayCodec(t reflect.Type) *codec {
	elem, n := codecFor(t.Elem()), t.Len()
	if t.Elem().Kind() == reflect.Uint8 {
		return &codec{n, func(b []byte, v reflect.Value) []byte { return append(b, v.Bytes()...) },
			func(r *reader, v reflect.Value) {
				if p := r.take(uint64(n)); p != nil {
					copy(v.Bytes(), p)
				}
			}}
	}
	return &codec{n * elem.least, func(b []byte, v reflect.Value) []byte {
		for i := range n {
			b = elem.write(b, v.Index(i))
		}
		return b
	}, func(r *reader, v reflect.Value) {
		for i := range n {
			elem.read(r, v.Index(i))
		}
	}}
}

func structCodec(t reflect.Type) *codec {
	c := &codec{}
	fields := make([]*codec, t.NumField())
	for i := range fields {
		if f := t.Field(i); !f.IsExported() {
			panic("api: the field " + t.String() + "." + f.Name + " cannot be sent")
		}
		fields[i] = codecFor(t.Field(i).Type)
		c.least += fields[i].least
	}
	c.write = func(b []byte, v reflect.Value) []byte {
		for i, f := range fields {
			b = f.write(b, v.Field(i))
		}
		return b
	}
	c.read = func(r *reader, v reflect.Value) {
		for i, f := range fields {
			f.read(r, v.Field(i))
		}
	}
	return c
}

func writeTime(b []byte, v reflect.Value) []byte {
	t := v.Addr().Interface().(*time.Time)
	if t.IsZero() {
		return append(b, 0)
	}
	return binary.AppendUvarint(binary.AppendVarint(append(b, 1), t.Unix()), uint64(t.Nanosecond()))
}

func readTime(r *reader, v reflect.Value) {
	if r.byte() == 0 {
		return
	}
	sec, nano := r.int(), r.uint()
	if nano >= 1e9 {
		r.fail()
		return
	}
	*v.Addr().Interface().(*time.Time) = time.Unix(sec, int64(nano)).UTC()
}

// marshal appends a value, which v points to.
func (c *codec) marshal(b []byte, v any) []byte { return c.write(b, reflect.ValueOf(v).Elem()) }

// unmarshal reads a value into what v points to.
func (c *codec) unmarshal(b []byte, v any) error {
	r := &reader{b: b}
	c.read(r, reflect.ValueOf(v).Elem())
	if r.err == nil && len(r.b) > 0 {
		r.fail()
	}
	return r.err
}

// shape writes what a codec depends on.
func shape(b []byte, t reflect.Type) []byte {
	b = append(b, t.Kind().String()...)
	if t == timeType {
		return append(b, " time"...)
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		b = shape(append(b, ' '), t.Elem())
	case reflect.Array:
		b = shape(strconv.AppendInt(append(b, ' '), int64(t.Len()), 10), t.Elem())
	case reflect.Struct:
		b = append(b, '{')
		for i := range t.NumField() {
			b = append(append(b, t.Field(i).Name...), ' ')
			b = append(shape(b, t.Field(i).Type), ';')
		}
		b = append(b, '}')
	}
	return b
}

// streamVersion is the version of the private stream: that of its frames, and
// a hash of the types in them.
var streamVersion = sync.OnceValue(func() string {
	h := fnv.New32a()
	h.Write(shape(shape(nil, reflect.TypeFor[part]()), reflect.TypeFor[detailAnswer]()))
	return fmt.Sprintf("1.%08x", h.Sum32())
})

var (
	partCodec   = sync.OnceValue(func() *codec { return codecFor(reflect.TypeFor[part]()) })
	detailCodec = sync.OnceValue(func() *codec { return codecFor(reflect.TypeFor[detailAnswer]()) })
)
