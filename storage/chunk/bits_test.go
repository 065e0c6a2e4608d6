package chunk

import "testing"

func TestBits(t *testing.T) {
	var w bitWriter
	w.bits(5, 3)
	w.varint(1 << 63)
	for k := uint(0); k <= kMax; k++ {
		for _, u := range []uint64{0, 1, 1<<k - 1, 1 << k, 23 << k, 24 << k, 1<<64 - 1} {
			w.rice(u, k)
		}
	}
	w.bits(1<<32-1, 32)
	r := bitReader{data: w.flush()}
	if got := r.bits(3); got != 5 {
		t.Fatalf("got %d", got)
	}
	if got := r.varint(); got != 1<<63 {
		t.Fatalf("got %d", got)
	}
	for k := uint(0); k <= kMax; k++ {
		for _, u := range []uint64{0, 1, 1<<k - 1, 1 << k, 23 << k, 24 << k, 1<<64 - 1} {
			if got := r.rice(k); got != u {
				t.Fatalf("k %d: got %d, want %d", k, got, u)
			}
		}
	}
	if got := r.bits(32); got != 1<<32-1 {
		t.Fatalf("got %d", got)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if r.bits(8); r.short() == nil {
		t.Error("reading past the end is not noticed")
	}
}
