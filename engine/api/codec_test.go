package api

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// fill sets every field of a value to something.
func fill(v reflect.Value, r *rand.Rand) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(r.Int64() - r.Int64())
	case reflect.Uint8:
		v.SetUint(uint64(r.IntN(256)))
	case reflect.Uint, reflect.Uint64:
		v.SetUint(r.Uint64())
	case reflect.Uint16, reflect.Uint32:
		v.SetUint(uint64(r.IntN(1 << 16)))
	case reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", r.IntN(1000)))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), r)
	case reflect.Slice:
		n := 1 + r.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), r)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), r)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), r)
		}
	}
}

func TestCodecRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var p, q part
		fill(reflect.ValueOf(&p).Elem(), r)
		if err := partCodec().unmarshal(partCodec().marshal(nil, &p), &q); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("%v\n%+v\n%+v", err, p, q)
		}
		var d, e detailAnswer
		fill(reflect.ValueOf(&d).Elem(), r)
		if err := detailCodec().unmarshal(detailCodec().marshal(nil, &d), &e); err != nil || !reflect.DeepEqual(d, e) {
			t.Fatalf("%v\n%+v\n%+v", err, d, e)
		}
	}
}

func TestCodecZero(t *testing.T) {
	p, q := part{States: []change{{}}, Gone: []string{}}, part{}
	if err := partCodec().unmarshal(partCodec().marshal(nil, &p), &q); err != nil || !reflect.DeepEqual(p, q) {
		t.Errorf("%v\n%+v\n%+v", err, p, q)
	}
}

// TestCodecCut checks that no beginning of a payload is taken for a whole one, nor one with something behind it.
func TestCodecCut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var p part
	fill(reflect.ValueOf(&p).Elem(), r)
	b := partCodec().marshal(nil, &p)
	for n := range len(b) {
		if err := partCodec().unmarshal(b[:n], new(part)); !errors.Is(err, errFrame) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	if err := partCodec().unmarshal(append(b, 0), new(part)); !errors.Is(err, errFrame) {
		t.Errorf("one byte more: %v", err)
	}
}

// TestCodecClaims checks that a length which the payload cannot hold costs no memory.
func TestCodecClaims(t *testing.T) {
	c := codecFor(reflect.TypeFor[[]uptime.State]())
	b := append([]byte{0xff, 0xff, 0xff, 0xff, 0x7f}, make([]byte, 1000)...)
	allocated := testing.AllocsPerRun(10, func() {
		if err := c.unmarshal(b, new([]uptime.State)); !errors.Is(err, errFrame) {
			t.Error(err)
		}
	})
	if allocated > 10 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestCodecRefusesWhatItCannotSend(t *testing.T) {
	for _, v := range []any{struct{ hidden int }{}, map[string]int{}, func() {}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T has a codec", v)
				}
			}()
			codecFor(reflect.TypeOf(v))
		}()
	}
}

func TestShapeSeesEveryChange(t *testing.T) {
	type a struct{ X, Y int }
	type b struct{ X, Z int }
	type c struct{ X, Y uint }
	type d struct{ Y, X int }
	type e struct {
		X int
		Y [2]int
	}
	type f struct {
		X int
		Y [3]int
	}
	seen := map[string]reflect.Type{}
	for _, typ := range []reflect.Type{reflect.TypeFor[a](), reflect.TypeFor[b](), reflect.TypeFor[c](), reflect.TypeFor[d](),
		reflect.TypeFor[e](), reflect.TypeFor[f](), reflect.TypeFor[[]a](), reflect.TypeFor[*a](), reflect.TypeFor[time.Time]()} {
		s := string(shape(nil, typ))
		if other := seen[s]; other != nil {
			t.Errorf("%v and %v have the shape %s", other, typ, s)
		}
		seen[s] = typ
	}
}
