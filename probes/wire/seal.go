package wire

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"time"

	"lookout/engine/uptime"
)

const signatureSize = ed25519.SignatureSize

// The bounds of names, in bytes.
const (
	MaxVhost = 255 // AMQP's short string
	MaxName  = 64  // of a location or a probe
)

// Place is whom an order is for.
type Place struct {
	Vhost    string // of the broker: one for each engine
	Location string
	Probe    string // without its location; "" in a Chunk and a Request: any probe of the location
}

// Seal is what an engine signs with every order.
type Seal struct {
	Place
	Version  Version   // of the assignments; not in a Chunk
	NotAfter time.Time // UTC, to the millisecond; not in a Chunk. Nothing is begun after it
	Nonce    Nonce     // not in a Chunk
}

// Signer makes the orders of an engine.
type Signer struct {
	Codec *Codec
	Key   ed25519.PrivateKey
}

// Verifier reads orders at a probe, which obeys one engine.
type Verifier struct {
	Codec *Codec
	Key   ed25519.PublicKey // pinned
	Place Place             // the probe's own

	// Obeyed is the newest version of which a manifest was accepted. An older
	// manifest is refused, and so is whatever an engine says that began to count earlier.
	Obeyed Version
}

func (s Signer) write(k kind, seal Seal, f *fields) ([]byte, error) {
	var head fields
	seal.write(k, &head)
	head.fail(f.err)
	if head.err != nil {
		return nil, refuse(k, head.err)
	}
	out, err := s.Codec.compose(k, append(binary.AppendUvarint(nil, uint64(len(head.buf))), head.buf...), f.buf)
	if err != nil {
		return nil, err
	}
	return append(out, ed25519.Sign(s.Key, out)...), nil
}

func (s *Seal) write(k kind, f *fields) {
	f.text(1, s.Vhost, MaxVhost)
	f.text(2, s.Location, MaxName)
	if k == kindChunk {
		return
	}
	if k != kindRequest {
		f.text(3, s.Probe, MaxName)
	}
	f.version(4, s.Version)
	f.time(5, s.NotAfter)
	f.raw(6, s.Nonce[:])
}

func (s *Seal) read(r *reader, body []byte) {
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			s.Vhost = r.text(v, MaxVhost)
		case 2:
			s.Location = r.text(v, MaxName)
		case 3:
			s.Probe = r.text(v, MaxName)
		case 4:
			s.Version = r.version(v)
		case 5:
			s.NotAfter = r.time(v)
		case 6:
			r.array(s.Nonce[:], v)
		}
	})
}

// read verifies an order before any other byte of it is believed, and gives its
// body to a decoder.
func (v Verifier) read(k kind, frame []byte, now time.Time, decode func(r *reader, body []byte)) (Seal, error) {
	seal, err := v.verify(k, frame, now, decode)
	if err != nil {
		return Seal{}, err
	}
	return seal, nil
}

func (v Verifier) verify(k kind, frame []byte, now time.Time, decode func(r *reader, body []byte)) (seal Seal, err error) {
	coding, rest, err := open(k, frame)
	if err != nil {
		return seal, err
	}
	end := len(frame) - signatureSize
	if len(rest) < signatureSize || len(v.Key) != ed25519.PublicKeySize || !ed25519.Verify(v.Key, frame[:end], frame[end:]) {
		return seal, refuse(k, ErrForged)
	}
	rest = rest[:len(rest)-signatureSize]
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return seal, refuse(k, fmt.Errorf("%w: its seal is cut short", ErrMalformed))
	}
	var r reader
	seal.read(&r, rest[n:n+int(size)])
	if r.err == nil {
		r.err = v.accept(k, &seal, now)
	}
	if r.err != nil {
		return seal, refuse(k, r.err)
	}
	body, err := v.Codec.unfold(coding, rest[n+int(size):])
	if err == nil {
		decode(&r, body)
		err = r.err
	}
	if err != nil {
		return seal, refuse(k, err)
	}
	return seal, nil
}

// accept compares a seal with who we are, what time it is and what is obeyed.
func (v Verifier) accept(k kind, s *Seal, now time.Time) error {
	probe := v.Place.Probe
	if k == kindChunk || k == kindRequest {
		probe = ""
	}
	switch {
	case s.Vhost != v.Place.Vhost:
		return notForUs("vhost", s.Vhost, v.Place.Vhost)
	case s.Location != v.Place.Location:
		return notForUs("location", s.Location, v.Place.Location)
	case s.Probe != probe:
		return notForUs("probe", s.Probe, probe)
	case k == kindChunk:
		return nil // the manifest says whether it is in force
	case now.After(s.NotAfter):
		return fmt.Errorf("%w: it was good until %s", ErrExpired, s.NotAfter.Format(time.RFC3339))
	case s.Version.Engine < v.Obeyed.Engine, k == kindManifest && s.Version.Compare(v.Obeyed) < 0:
		return fmt.Errorf("%w: version %d.%d after %d.%d", ErrOlder, s.Version.Engine, s.Version.Counter, v.Obeyed.Engine, v.Obeyed.Counter)
	}
	return nil
}

func notForUs(what, is, ours string) error {
	return fmt.Errorf("%w: %s %q, and this is %q", ErrNotForUs, what, uptime.Clean(is, 100), uptime.Clean(ours, 100))
}
