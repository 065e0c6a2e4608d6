package wire

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// The first bytes of a frame: "lk", the major version, the kind, the coding of the body.
const (
	magic      = "lk"
	headSize   = 5
	codingNone = 0
	codingZstd = 1
)

// refuse is why a frame cannot be used.
func refuse(k kind, err error) error { return fmt.Errorf("the %s %w", k, err) }

// compose appends a body to the head of a frame, compressed where that is shorter.
func (c *Codec) compose(k kind, seal, body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, refuse(k, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(body), MaxBody))
	}
	out := make([]byte, 0, headSize+len(seal)+len(body)/2+128)
	out = append(out, magic...)
	out = append(out, Major, byte(k), codingZstd)
	out = append(out, seal...)
	at := len(out)
	out = c.pack.EncodeAll(body, out)
	if len(out)-at >= len(body) {
		out[headSize-1] = codingNone
		out = append(out[:at], body...)
	}
	size := len(out)
	if k.signed() {
		size += signatureSize
	}
	if size > MaxFrame {
		return nil, refuse(k, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, MaxFrame))
	}
	return out, nil
}

// open checks the head of a frame and returns what follows it.
func open(k kind, frame []byte) (coding byte, rest []byte, err error) {
	switch {
	case len(frame) > MaxFrame:
		return 0, nil, refuse(k, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(frame), MaxFrame))
	case len(frame) < headSize || string(frame[:len(magic)]) != magic:
		return 0, nil, refuse(k, fmt.Errorf("%w: it does not begin as a frame does", ErrMalformed))
	case frame[2] != Major:
		return 0, nil, refuse(k, fmt.Errorf("%w: %d, and this lookout reads %d", ErrMajor, frame[2], Major))
	case kind(frame[3]) != k:
		return 0, nil, refuse(k, fmt.Errorf("%w: it is of kind %d, not %d", ErrMalformed, frame[3], k))
	}
	return frame[4], frame[headSize:], nil
}

// unfold returns a body as it was before compose. The size that it claims is
// checked before anything is decompressed.
func (c *Codec) unfold(coding byte, body []byte) ([]byte, error) {
	switch coding {
	case codingNone:
		return body, nil
	case codingZstd:
		var h zstd.Header
		switch err := h.Decode(body); {
		case err != nil || h.Skippable || !h.HasFCS:
			return nil, fmt.Errorf("%w: its body does not begin as zstd with a size", ErrMalformed)
		case h.FrameContentSize > MaxBody:
			return nil, fmt.Errorf("%w: its body would have %d bytes, at most %d", ErrTooLarge, h.FrameContentSize, MaxBody)
		}
		out, err := c.unpack.DecodeAll(body, nil)
		if err != nil {
			return nil, fmt.Errorf("%w: its body cannot be decompressed: %v", ErrMalformed, err)
		}
		if uint64(len(out)) != h.FrameContentSize {
			return nil, fmt.Errorf("%w: more follows its body", ErrMalformed)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: coding %d of its body is not known", ErrMalformed, coding)
}

// write makes a frame that is not signed.
func (c *Codec) write(k kind, f *fields) ([]byte, error) {
	if f.err != nil {
		return nil, refuse(k, f.err)
	}
	return c.compose(k, nil, f.buf)
}

// read gives a frame that is not signed to a decoder of its body.
func (c *Codec) read(k kind, frame []byte, decode func(r *reader, body []byte)) error {
	coding, rest, err := open(k, frame)
	if err != nil {
		return err
	}
	body, err := c.unfold(coding, rest)
	if err == nil {
		var r reader
		decode(&r, body)
		err = r.err
	}
	if err != nil {
		return refuse(k, err)
	}
	return nil
}
