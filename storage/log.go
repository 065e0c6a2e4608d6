package storage

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"go.etcd.io/bbolt"

	"lookout/storage/chunk"
)

// Ten ticks share a bucket of the log, so that dropping it frees few pages.
const ticksPerBucket = 10

// piece is a part of a tick's rows that can be read alone.
type piece struct {
	key, value []byte
}

// encodeLog cuts rows, in the order of series, into pieces.
func (s *Store) encodeLog(tick uint64, rows []chunk.Row) []piece {
	var out []piece
	for len(rows) > 0 && len(out) < math.MaxUint16 {
		key := binary.BigEndian.AppendUint16(key64(tick), uint16(len(out)))
		v, n := s.encoder.Fit(make([]byte, sumSize, maxLog), 0, rows, maxLog-sumSize)
		out = append(out, piece{key, sealed(bucketLog, key, v)})
		rows = rows[n:]
	}
	return out
}

func writeLog(tx *bbolt.Tx, tick uint64, pieces []piece) error {
	if len(pieces) == 0 {
		return nil
	}
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return err
	}
	log.FillPercent = 1
	b, err := log.CreateBucketIfNotExists(key64(tick / ticksPerBucket))
	if err != nil {
		return err
	}
	b.FillPercent = 1
	for _, p := range pieces {
		if err := b.Put(p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}

// trimLog drops buckets of which every row is in a pack: those of ticks before
// first. Twice the pace of writing lets it catch up.
func trimLog(tx *bbolt.Tx, first uint64) error {
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return err
	}
	for range 2 {
		k, _ := log.Cursor().First()
		if len(k) != 8 || (binary.BigEndian.Uint64(k)+1)*ticksPerBucket > first {
			return nil
		}
		if err := log.DeleteBucket(append([]byte(nil), k...)); err != nil {
			return err
		}
	}
	return nil
}

// eachPiece reads the log in order. A piece that cannot be read is given as an error.
func eachPiece(tx *bbolt.Tx, fn func(tick uint64, rows []chunk.Row, err error)) error {
	log, err := bucket(tx, bucketLog)
	if err != nil {
		return err
	}
	var rows []chunk.Row
	return log.ForEachBucket(func(name []byte) error {
		return log.Bucket(name).ForEach(func(k, v []byte) error {
			var tick uint64
			rows, tick, err = readPiece(rows[:0], name, k, v)
			fn(tick, rows, err)
			return nil
		})
	})
}

func readPiece(dst []chunk.Row, name, k, v []byte) ([]chunk.Row, uint64, error) {
	if len(name) != 8 || len(k) != 10 || binary.BigEndian.Uint64(k)/ticksPerBucket != binary.BigEndian.Uint64(name) {
		return dst, 0, fmt.Errorf("%w: bucket %s, key %x/%x: out of place", ErrDamaged, bucketLog, name, k)
	}
	body, err := opened(bucketLog, k, v)
	if err == nil {
		if dst, err = chunk.Decode(dst, 0, body); err != nil {
			err = fmt.Errorf("%w: bucket %s, key %x: %w", ErrDamaged, bucketLog, k, err)
		}
	}
	return dst, binary.BigEndian.Uint64(k), err
}

// replay brings the rows that are in no pack yet back into memory.
func (s *Store) replay(tx *bbolt.Tx) error {
	sealedAt := map[spanKey]uint64{}
	cut := s.cutoff(s.at)
	return eachPiece(tx, func(tick uint64, rows []chunk.Row, err error) {
		if err != nil {
			s.damaged = append(s.damaged, err.Error())
		}
		for i := range rows {
			r := &rows[i]
			if r.Time < cut || r.Time < minMillis || r.Time > maxMillis || int(r.Series) >= len(s.ids.series) {
				continue
			}
			key := spanAt(r.Series/groupSize, r.Time)
			at, ok := sealedAt[key]
			if !ok {
				at = sealTick(tx, key)
				sealedAt[key] = at
			}
			if tick >= at {
				s.hold(key, r, tick)
			}
		}
	})
}

// hold adds a row to its span.
func (s *Store) hold(key spanKey, r *chunk.Row, tick uint64) {
	sp := s.spans[key]
	if sp == nil {
		sp = &span{tick: tick, due: key.due(s.at.now)}
		s.spans[key] = sp
	}
	sp.add(key, r)
}

// firstTick is the oldest tick, up to tick, of which a row is in the log only
// once the spans of sealed are in packs.
func (s *Store) firstTick(sealed []*sealing, tick uint64) uint64 {
	for k, sp := range s.spans {
		if sp.tick < tick && !slices.ContainsFunc(sealed, func(x *sealing) bool { return x.key == k }) {
			tick = sp.tick
		}
	}
	return tick
}
