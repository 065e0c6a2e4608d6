package link

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
)

// MaxBody is the largest body of a message that is taken, in bytes.
const MaxBody = 1 << 20

// frames takes out of what a broker sends what the client cannot bear. It puts a
// message together in memory before it hands it over, whatever size the broker
// gives for it; here one with a body over MaxBody has size 0 by then, and its
// frames of the body are dropped. And it ends the connection for headers that are
// nested too deep or too many, which a broker delivers again and again: such a
// message has none.
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

	maxContentHeader = frameSize + frameHead + 1
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

// content lets the header of a content through, with another size where that is
// too large, and without what the client takes for a mistake.
func (f *frames) content(channel uint16, whole int64) error {
	if whole > maxContentHeader { // no broker sends it
		f.pass = whole
		return nil
	}
	frame := make([]byte, whole)
	if _, err := io.ReadFull(f.r, frame); err != nil {
		return err
	}
	size := frame[contentHead-8 : contentHead]
	delete(f.drop, channel)
	if body := binary.BigEndian.Uint64(size); body > MaxBody {
		f.drop[channel] = int64(min(body, math.MaxInt64))
		clear(size)
	}
	f.out = withoutMonsters(frame)
	return nil
}
