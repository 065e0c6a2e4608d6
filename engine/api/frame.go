package api

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"lookout/engine/uptime"
)

// The private stream is one zstd stream of frames:
//
//	+------+----------------+---------+
//	| kind | length, varint | payload |
//	+------+----------------+---------+
const (
	framePart = 1 // a part, in its codec
	frameBeat = 2 // the server's clock, as microseconds since 1970, zigzag varint: nothing new
	frameBye  = 3 // why the server ends the stream, in words
)

const (
	maxFrame  = 1 << 20   // of a payload
	window    = 512 << 10 // of the compression
	maxStates = 2_000_000 // that a client takes
)

// part is a piece of a change from one snapshot to the next. The parts of one
// change follow each other; the one with Last ends it, and only then it holds.
// A change with Whole holds everything, its problems first.
type part struct {
	Whole  bool
	Last   bool
	Shown  bool             // of Whole: every problem has come, it is worth a look
	Now    time.Time        // the server's clock
	Head   *uptime.Snapshot // in the first part: all but States and Open, and what Remote and Outbox have
	Remote *remote          // in the first part, where it changed, and of Whole; nil: as it was
	Outbox *uptime.Outbox   // likewise
	States []change         // by name; in a Whole first all problems, then all others
	Gone   []string         // names of the monitors that no longer are, by name
	Open   []*uptime.Incident
	Closed []uint64 // incidents that are no longer open
}

// change is a new state. Its Monitor is nil where it is the one that the
// client has under this name.
type change struct {
	Name  string
	State *uptime.State
}

// remote is what a snapshot says of other locations. It is long, and most
// snapshots say the same as the one before.
type remote struct {
	Broker uptime.Broker
	Probes []uptime.Probe
	Lags   uptime.LagHour
}

// detailAnswer is what /v1/detail answers with.
type detailAnswer struct{ Detail *uptime.Detail }

// frameWriter writes frames to a watcher.
type frameWriter struct {
	z   *zstd.Encoder
	buf []byte
}

func newFrameWriter(w io.Writer) (*frameWriter, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	return &frameWriter{z: z}, nil
}

// frame writes one frame; flush brings it to the watcher.
func (f *frameWriter) frame(kind byte, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("a frame of %d bytes is too long", len(payload))
	}
	var head [1 + binary.MaxVarintLen32]byte
	head[0] = kind
	n := 1 + binary.PutUvarint(head[1:], uint64(len(payload)))
	if _, err := f.z.Write(head[:n]); err != nil {
		return err
	}
	_, err := f.z.Write(payload)
	return err
}

func (f *frameWriter) flush() error { return f.z.Flush() }

// part writes a part, in halves if it is too long for one frame.
func (f *frameWriter) part(p *part) error {
	f.buf = partCodec().marshal(f.buf[:0], p)
	if len(f.buf) <= maxFrame || len(p.States)+len(p.Open) < 2 {
		return f.frame(framePart, f.buf)
	}
	a, b := *p, *p
	s, o := len(p.States)/2, len(p.Open)/2
	a.States, a.Open, a.Last, a.Shown = p.States[:s], p.Open[:o], false, false
	b.States, b.Open, b.Head, b.Remote, b.Outbox, b.Gone, b.Closed = p.States[s:], p.Open[o:], nil, nil, nil, nil, nil
	if err := f.part(&a); err != nil {
		return err
	}
	return f.part(&b)
}

func (f *frameWriter) beat(now time.Time) error {
	f.buf = binary.AppendVarint(f.buf[:0], now.UnixMicro())
	return f.frame(frameBeat, f.buf)
}

// frameReader reads frames of a server.
type frameReader struct {
	z   *zstd.Decoder
	r   *bufio.Reader
	buf []byte
}

func newFrameReader(r io.Reader) (*frameReader, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, err
	}
	return &frameReader{z: z, r: bufio.NewReaderSize(z, 32<<10)}, nil
}

func (f *frameReader) close() { f.z.Close() }

// next returns the next frame. The payload holds until the one after.
func (f *frameReader) next() (kind byte, payload []byte, err error) {
	if kind, err = f.r.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(f.r)
	if err != nil {
		return 0, nil, unexpected(err)
	}
	if n > maxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", errFrame, n)
	}
	if uint64(cap(f.buf)) < n {
		f.buf = make([]byte, n)
	}
	f.buf = f.buf[:n]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return 0, nil, unexpected(err)
	}
	return kind, f.buf, nil
}

// unexpected is the error of a stream that ends inside a frame.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
