package chunk

import (
	"math"
	"testing"
)

func TestBin(t *testing.T) {
	last := int32(-1)
	for v := int64(0); v >= 0 && v < math.MaxInt64/17*16; v += 1 + v/200 {
		b := Bin(v)
		if b < last {
			t.Fatalf("Bin(%d) = %d after %d", v, b, last)
		}
		last = b
		m := Micros(b)
		if math.Abs(float64(m-v)) > float64(v)/128 {
			t.Fatalf("%d µs are stored as %d", v, m)
		}
		if v < 128 && m != v {
			t.Fatalf("%d µs are stored as %d, not exactly", v, m)
		}
		if Bin(m) != b || Bin(-v) != -b || Micros(-b) != -m {
			t.Fatalf("%d µs: bin %d, middle %d, bin of that %d", v, b, m, Bin(m))
		}
	}
	for _, v := range []int64{math.MaxInt64, math.MinInt64} {
		if m := Micros(Bin(v)); (m < 0) != (v < 0) {
			t.Errorf("%d µs are stored as %d", v, m)
		}
	}
	for _, b := range []int32{math.MaxInt32, math.MinInt32} {
		if m := Micros(b); (m < 0) != (b < 0) {
			t.Errorf("Micros(%d) = %d", b, m)
		}
	}
}
