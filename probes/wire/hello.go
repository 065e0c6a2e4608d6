package wire

import (
	"encoding/binary"
	"time"

	"lookout/engine/uptime"
)

// The bounds of lists in a Hello and a Manifest.
const (
	MaxChunks = 4096 // of a location: a million monitors
	MaxLive   = 256  // probes of a location
	maxMajors = 32
	maxTypes  = 128
)

// Hello is what a probe says when it connects, every minute, and when it leaves.
type Hello struct {
	Epoch    uint64   // of its spool, drawn at random; the results are numbered in it
	Obeyed   Version  // the manifest that it works by; zero: none
	Chunks   []Hash   // that it holds, so that only others are sent
	Majors   []uint8  // major versions that it reads; the engine picks the highest that both know
	Free     int      // checks that it could begin now
	Capacity int      // monitors that it accepts at most; 0: no bound of its own
	Types    []string // check types that it can run
	Software string   // its version of lookout, for people
	Clock    time.Time
	Goodbye  bool   // it ends; nothing is to be sent any more
	Warning  string // what is wrong there although it works; "": nothing
}

// Hello writes the frame of a Hello.
func (c *Codec) Hello(h Hello) ([]byte, error) {
	var f fields
	f.raw(1, binary.BigEndian.AppendUint64(nil, h.Epoch))
	f.version(2, h.Obeyed)
	f.hashes(3, h.Chunks)
	f.atMost("major versions", len(h.Majors), maxMajors)
	f.raw(4, h.Majors)
	f.uint(5, uint64(max(h.Free, 0)))
	f.uint(6, uint64(max(h.Capacity, 0)))
	f.atMost("check types", len(h.Types), maxTypes)
	for _, t := range h.Types {
		f.item(7, t, MaxName)
	}
	f.text(8, h.Software, MaxName)
	f.time(9, h.Clock)
	f.bool(10, h.Goodbye)
	f.text(11, uptime.Clean(h.Warning, maxMessage), maxMessage)
	return c.write(kindHello, &f)
}

// ReadHello reads the frame of a Hello.
func (c *Codec) ReadHello(frame []byte) (Hello, error) {
	var h Hello
	err := c.read(kindHello, frame, func(r *reader, body []byte) {
		r.each(body, func(tag uint64, v []byte) {
			switch tag {
			case 1:
				h.Epoch = r.epoch(v)
			case 2:
				h.Obeyed = r.version(v)
			case 3:
				h.Chunks = r.hashes(v)
			case 4:
				if len(v) > maxMajors {
					r.fail("%d major versions, at most %d", len(v), maxMajors)
					return
				}
				h.Majors = append([]uint8(nil), v...)
			case 5:
				h.Free = int(r.uint(v, 1<<31-1))
			case 6:
				h.Capacity = int(r.uint(v, 1<<31-1))
			case 7:
				if r.room("check types", len(h.Types), maxTypes) {
					h.Types = append(h.Types, r.word(v, MaxName))
				}
			case 8:
				h.Software = r.clean(v, MaxName)
			case 9:
				h.Clock = r.time(v)
			case 10:
				h.Goodbye = r.bool(v)
			case 11:
				h.Warning = r.clean(v, maxMessage)
			}
		})
	})
	if err != nil {
		return Hello{}, err
	}
	return h, nil
}

// Manifest is the whole of what a probe has to do: the chunks in force, and who
// shares the work. Its Seal has the version that they are.
type Manifest struct {
	Seal
	Major  uint8    // of the frames that this engine and this probe use
	Chunks []Hash   // all that are in force, in any order
	Live   []string // the probes of the location that share its regular checks, by name
}

// Manifest signs the frame of a Manifest.
func (s Signer) Manifest(m Manifest) ([]byte, error) {
	var f fields
	f.uint(1, uint64(m.Major))
	f.hashes(2, m.Chunks)
	f.atMost("live probes", len(m.Live), MaxLive)
	for _, name := range m.Live {
		f.item(3, name, MaxName)
	}
	return s.write(kindManifest, m.Seal, &f)
}

// Manifest reads and verifies the frame of a Manifest. One of the version that
// is obeyed is accepted again: it may be good for longer and name other probes.
func (v Verifier) Manifest(frame []byte, now time.Time) (Manifest, error) {
	var m Manifest
	seal, err := v.read(kindManifest, frame, now, func(r *reader, body []byte) {
		r.each(body, func(tag uint64, b []byte) {
			switch tag {
			case 1:
				m.Major = uint8(r.uint(b, 255))
			case 2:
				m.Chunks = r.hashes(b)
			case 3:
				if r.room("live probes", len(m.Live), MaxLive) {
					m.Live = append(m.Live, r.word(b, MaxName))
				}
			}
		})
	})
	if err != nil {
		return Manifest{}, err
	}
	m.Seal = seal
	return m, nil
}

func (f *fields) hashes(tag uint64, list []Hash) {
	f.atMost("chunks", len(list), MaxChunks)
	b := make([]byte, 0, len(list)*len(Hash{}))
	for _, h := range list {
		b = append(b, h[:]...)
	}
	if len(b) > 0 {
		f.raw(tag, b)
	}
}

func (r *reader) hashes(v []byte) []Hash {
	const size = len(Hash{})
	if len(v)%size != 0 {
		r.fail("a list of hashes has %d bytes", len(v))
		return nil
	}
	if len(v) > 0 && !r.room("chunks", len(v)/size-1, MaxChunks) {
		return nil
	}
	list := make([]Hash, len(v)/size)
	for i := range list {
		list[i] = Hash(v[i*size:])
	}
	return list
}
