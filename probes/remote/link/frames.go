package link

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
)

// MaxBody is the largest body of a message that is taken, in bytes.
const MaxBody = 1 << 20

// frames takes the bodies over MaxBody out of what a broker sends. The client
// puts a message together in memory before it hands it over, whatever size the
// broker gives for it; here such a message has size 0 by then, and its frames of
// the body are dropped.
//
//	┌──────┬─────────┬──────┬─────────────────┬─────┐
//	│ type │ channel │ size │     payload     │ end │
//	└──────┴─────────┴──────┴─────────────────┴─────┘
//	   1        2       4          size          1
//
// Type 1 is a method, 2 the header of a content (class 2, weight 2, size of the
// body 8, …), 3 a part of its body, 8 a heartbeat.
type frames struct {
	r    *bufio.Reader
	out  []byte           // to be read next, instead of the same bytes of r
	pass int64            // bytes of r that go through, then
	drop map[uint16]int64 // bytes of bodies that are still to be dropped, by channel
}

func newFrames(r io.Reader) *frames {
	return &frames{r: bufio.NewReader(r), drop: map[uint16]int64{}}
}

const (
	frameHead   = 7
	contentHead = frameHead + 12 // with the size of the body
)

// Read reads what is left.
func (f *frames) Read(b []byte) (int, error) {
	for {
		if len(f.out) > 0 {
			n := copy(b, f.out)
			f.out = f.out[n:]
			return n, nil
		}
		if f.pass > 0 {
			n, err := f.r.Read(b[:min(int64(len(b)), f.pass)])
			f.pass -= int64(n)
			return n, err
		}
		if err := f.next(); err != nil {
			return 0, err
		}
	}
}

// next decides about the next frame.
func (f *frames) next() error {
	if first, err := f.r.Peek(1); err != nil {
		return err
	} else if first[0] == 0 || first[0] > 3 && first[0] != 8 {
		f.pass = math.MaxInt64 // no frame: the client complains of it
		return nil
	}
	head, err := f.r.Peek(frameHead)
	if err != nil {
		return err
	}
	channel := binary.BigEndian.Uint16(head[1:])
	size := int64(binary.BigEndian.Uint32(head[3:]))
	whole := frameHead + size + 1
	switch kind := head[0]; {
	case kind == 3 && f.drop[channel] > 0:
		f.drop[channel] -= size
		_, err := io.CopyN(io.Discard, f.r, whole)
		return err
	case kind == 2 && size >= contentHead-frameHead:
		return f.content(channel, whole)
	}
	delete(f.drop, channel) // what was not sent of a body is not sent any more
	f.pass = whole
	return nil
}

// content lets the header of a content through, with another size where that is too large.
func (f *frames) content(channel uint16, whole int64) error {
	head, err := f.r.Peek(contentHead)
	if err != nil {
		return err
	}
	body := binary.BigEndian.Uint64(head[contentHead-8:])
	if body <= MaxBody {
		delete(f.drop, channel)
		f.pass = whole
		return nil
	}
	f.drop[channel] = int64(min(body, math.MaxInt64))
	f.out = append(append(f.out[:0], head[:contentHead-8]...), 0, 0, 0, 0, 0, 0, 0, 0)
	f.pass = whole - contentHead
	_, err = f.r.Discard(contentHead)
	return err
}
