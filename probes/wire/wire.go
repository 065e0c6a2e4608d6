// Package wire is the language of an engine and its remote probes: frames of
// bytes that a broker carries, whatever broker that is. It is pure: no socket,
// no clock, no goroutine of its own. FORMAT.md draws every frame.
//
// What an engine orders (Manifest, Chunk, Canary, Request) is signed with its
// Ed25519 key over exactly the bytes that travel, and says whom it is for: a
// broker that somebody took over can withhold orders, and cannot give any. What
// a probe says (Hello, Answer, Reply, Batch) names nobody: who said it is known
// from the routing key, which the broker checked.
//
// Whatever is read is bounded before it is decoded, and is refused with one of
// the errors below; texts of results come out cleaned. Fields that a reader
// does not know are skipped, so a frame may grow without a new major version.
package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Major is the version of the frames that this package writes, and the only one that it reads.
const Major = 1

// The bounds of a frame, in bytes.
const (
	MaxFrame = 1 << 20  // as it travels
	MaxBody  = 16 << 20 // its body when decompressed
)

// Why a frame is refused. The errors that are returned wrap one of these and
// say a sentence for people.
var (
	// ErrTooLarge reports a frame over MaxFrame, a body over MaxBody, or a list or text over its own bound.
	ErrTooLarge = errors.New("is too large")
	// ErrMajor reports a frame of a major version that is not known here.
	ErrMajor = errors.New("has a major version that is not known here")
	// ErrMalformed reports bytes that are no frame of the kind that was expected.
	ErrMalformed = errors.New("is malformed")
	// ErrForged reports a signature that is not that of the engine whose key is pinned.
	ErrForged = errors.New("is not signed by the engine whose key is pinned here")
	// ErrNotForUs reports an order for another vhost, location or probe.
	ErrNotForUs = errors.New("is for somebody else")
	// ErrExpired reports an order whose time has passed.
	ErrExpired = errors.New("has expired")
	// ErrOlder reports an order that is older than one that was accepted.
	ErrOlder = errors.New("is older than what is obeyed already")
)

// kind is the fourth byte of a frame. A number never changes its meaning.
type kind byte

const (
	kindHello    kind = 1
	kindManifest kind = 2
	kindChunk    kind = 3
	kindRequest  kind = 4
	kindReply    kind = 5
	kindCanary   kind = 6
	kindAnswer   kind = 7
	kindBatch    kind = 8
)

func (k kind) String() string {
	switch k {
	case kindHello:
		return "hello"
	case kindManifest:
		return "manifest"
	case kindChunk:
		return "chunk"
	case kindRequest:
		return "request"
	case kindReply:
		return "reply"
	case kindCanary:
		return "canary"
	case kindAnswer:
		return "answer to a canary"
	case kindBatch:
		return "batch of results"
	}
	return "frame"
}

// signed reports whether frames of the kind are orders of an engine.
func (k kind) signed() bool {
	return k == kindManifest || k == kindChunk || k == kindRequest || k == kindCanary
}

// Hash names a chunk: the first 16 bytes of the SHA-256 of its frame.
type Hash [16]byte

// HashOf is the hash of a chunk's frame, signature included.
func HashOf(frame []byte) Hash {
	sum := sha256.Sum256(frame)
	return Hash(sum[:])
}

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Nonce ties an answer to what was asked. An engine draws it at random, so that
// only who has seen the question can answer it.
type Nonce [16]byte

// String returns the nonce in hexadecimal.
func (n Nonce) String() string { return hex.EncodeToString(n[:]) }

// Version numbers the assignments of an engine. Versions are ordered.
type Version struct {
	// Engine is when the engine began to count, in Unix milliseconds: an engine
	// whose data was restored begins again, later than before.
	Engine  uint64
	Counter uint64 // grows with each change
}

// Compare is negative where v is older than w, 0 where they are the same.
func (v Version) Compare(w Version) int {
	switch {
	case v.Engine < w.Engine, v.Engine == w.Engine && v.Counter < w.Counter:
		return -1
	case v == w:
		return 0
	}
	return 1
}

// Codec writes and reads frames. It may be used by any number of goroutines.
type Codec struct {
	pack   *zstd.Encoder
	unpack *zstd.Decoder
}

// New returns a Codec. It costs memory, so a process has one.
func New() *Codec {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20),
		zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(fmt.Sprintf("wire: options of zstd: %v", err)) // constants
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBody),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(fmt.Sprintf("wire: options of zstd: %v", err))
	}
	return &Codec{pack, unpack}
}
