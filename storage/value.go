package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// The buckets; results lie in one more for each ISO week, as 2026-W47.
const (
	bucketMeta     = "meta"
	bucketLog      = "log"
	bucketState    = "state"
	bucketEvent    = "event"
	bucketIncident = "incident"
	bucketByMon    = "incm"
	bucketText     = "txt"
	bucketProbe    = "probe"  // not in files from before there were probes
	bucketOutbox   = "outbox" // … from before somebody was to be told

	// in meta
	bucketMonitor = "monitor"
	bucketSeries  = "series"
	bucketShape   = "shape"
	bucketRun     = "run" // not in files whose monitors no probe knows
)

const (
	sumSize = 4    // the CRC before every value
	maxPack = 2018 // two such values with their keys fill a page
	maxLog  = 1990
	maxText = 1900
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the CRC32C of a value in its place: a value under another key, or in
// another bucket, is as wrong as another value.
func sum(where string, key, body []byte) uint32 {
	var place [96]byte
	n := copy(place[:63], where) + 1
	fits := copy(place[n:], key)
	crc := crc32.Update(0, castagnoli, place[:n+fits])
	if fits < len(key) {
		crc = crc32.Update(crc, castagnoli, key[fits:])
	}
	return crc32.Update(crc, castagnoli, body)
}

// sealed fills in the CRC of a value whose first four bytes are left for it.
func sealed(where string, key, value []byte) []byte {
	binary.LittleEndian.PutUint32(value, sum(where, key, value[sumSize:]))
	return value
}

// opened is the body of a stored value: a version byte and what follows. It
// fails with ErrDamaged when the CRC does not match.
func opened(where string, key, value []byte) ([]byte, error) {
	if len(value) <= sumSize || binary.LittleEndian.Uint32(value) != sum(where, key, value[sumSize:]) {
		return nil, fmt.Errorf("%w: bucket %s, key %x", ErrDamaged, where, key)
	}
	return value[sumSize:], nil
}

// put stores a value that begins with room for its CRC.
func put(b *bbolt.Bucket, where string, key, value []byte) error {
	return b.Put(key, sealed(where, key, value))
}

// fresh begins a value: room for the CRC, and the version.
func fresh(version byte, size int) []byte {
	return append(make([]byte, sumSize, sumSize+1+size), version)
}

// bucket finds a top-level bucket that every file has.
func bucket(tx *bbolt.Tx, name string) (*bbolt.Bucket, error) {
	if b := tx.Bucket([]byte(name)); b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
}

func key32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func key64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// fields reads the body of a value; past its end, bad is set and zeros come.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) take(n uint64) []byte {
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, nil
		return nil
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) byte() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) u32() uint32 {
	if b := f.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (f *fields) uvarint() uint64 {
	u, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return u
}

func (f *fields) varint() int64 {
	u := f.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (f *fields) text() string { return string(f.take(f.uvarint())) }

// version takes the version byte; any but the wanted one is bad.
func (f *fields) version(want byte) {
	if f.byte() != want {
		f.bad = true
	}
}

// done fails with ErrDamaged when the value was not what it should be: its CRC
// holds, so another lookout wrote it.
func (f *fields) done(where string, key []byte) error {
	if f.bad || len(f.rest) > 0 {
		return fmt.Errorf("%w: bucket %s, key %x: unknown or malformed record", ErrDamaged, where, key)
	}
	return nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
