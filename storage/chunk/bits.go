package chunk

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// bitWriter appends bits to a buffer, the most significant first.
type bitWriter struct {
	buf []byte
	acc uint64 // the last n bits are waiting
	n   uint   // < 32
}

// bits writes the lower n bits of v, n ≤ 32; the upper ones must be zero.
func (w *bitWriter) bits(v uint64, n uint) {
	w.acc = w.acc<<n | v
	w.n += n
	if w.n >= 32 {
		w.n -= 32
		w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(w.acc>>w.n))
	}
}

func (w *bitWriter) varint(u uint64) {
	for u >= 0x80 {
		w.bits(u&0x7f|0x80, 8)
		u >>= 7
	}
	w.bits(u, 8)
}

func (w *bitWriter) rice(u uint64, k uint) {
	q := u >> k
	if q >= escape {
		w.bits(1<<escape-1, escape)
		w.varint(u)
		return
	}
	low := u & (1<<k - 1)
	if n := uint(q) + 1 + k; n <= 32 {
		w.bits((1<<(q+1)-2)<<k|low, n)
		return
	}
	w.bits(1<<(q+1)-2, uint(q)+1)
	w.bits(low, k)
}

// flush pads to a whole byte and returns the buffer.
func (w *bitWriter) flush() []byte {
	for w.n > 0 {
		if w.n < 8 {
			w.acc, w.n = w.acc<<(8-w.n), 8
		}
		w.n -= 8
		w.buf = append(w.buf, byte(w.acc>>w.n))
	}
	return w.buf
}

// bitReader reads what bitWriter wrote. Past the end it reads zeros, and short tells.
type bitReader struct {
	data []byte
	pos  uint // in bits
}

// peek returns the next bits at the upper end, at least 57 of them.
func (r *bitReader) peek() uint64 {
	i := r.pos >> 3
	var v uint64
	if i+8 <= uint(len(r.data)) {
		v = binary.BigEndian.Uint64(r.data[i:])
	} else {
		for j := range uint(8) {
			v <<= 8
			if i+j < uint(len(r.data)) {
				v |= uint64(r.data[i+j])
			}
		}
	}
	return v << (r.pos & 7)
}

// bits reads n bits, n ≤ 32.
func (r *bitReader) bits(n uint) uint64 {
	v := r.peek() >> (64 - n)
	r.pos += n
	return v
}

func (r *bitReader) varint() uint64 {
	var u uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := r.bits(8)
		u |= b & 0x7f << shift
		if b < 0x80 {
			break
		}
	}
	return u
}

func (r *bitReader) rice(k uint) uint64 {
	v := r.peek()
	q := uint(bits.LeadingZeros64(^v))
	if q >= escape {
		r.pos += escape
		return r.varint()
	}
	if q+1+k <= 56 {
		r.pos += q + 1 + k
		return uint64(q)<<k | v<<(q+1)>>(64-k)
	}
	r.pos += q + 1
	return uint64(q)<<k | r.bits(k)
}

// short fails once more was read than there is.
func (r *bitReader) short() error {
	if r.pos > 8*uint(len(r.data)) {
		return fmt.Errorf("%w: cut short", ErrCorrupt)
	}
	return nil
}

// end fails unless everything was read.
func (r *bitReader) end() error {
	if err := r.short(); err != nil {
		return err
	}
	if (r.pos+7)/8 != uint(len(r.data)) {
		return fmt.Errorf("%w: %d bytes too many", ErrCorrupt, uint(len(r.data))-(r.pos+7)/8)
	}
	return nil
}
