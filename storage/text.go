package storage

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"go.etcd.io/bbolt"

	"lookout/storage/chunk"
)

// A text is kept for as long as the results that name it: its record says in
// which hour it was last used, to the day.
const textTouch = 24

// textCache knows the numbers of the texts that were used lately.
type textCache map[string]textRef

const textCacheSize = 8192

type textRef struct {
	id   uint32
	hour uint32 // of last use, as stored
}

// textGrowth is what a batch adds to the texts.
type textGrowth struct {
	hour   uint32
	next   uint32               // the newest number
	dirty  map[string]uint32    // new, or used for the first time in a day
	looked map[string]textRef   // for the cache
	lookup func(string) textRef // finds a text in the file; id 0: not there
}

// number of a text, "" being 0.
func (t *textGrowth) number(cache textCache, s string) uint32 {
	if s == "" {
		return 0
	}
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	if id, ok := t.dirty[s]; ok {
		return id
	}
	ref, ok := cache[s]
	if !ok {
		if ref, ok = t.looked[s]; !ok {
			ref = t.lookup(s)
		}
	}
	if ref.id != 0 && ref.hour+textTouch > t.hour {
		t.keep(s, ref)
		return ref.id
	}
	if ref.id == 0 {
		t.next++
		ref.id = t.next
	}
	if t.dirty == nil {
		t.dirty = map[string]uint32{}
	}
	t.dirty[s] = ref.id
	t.keep(s, textRef{ref.id, t.hour})
	return ref.id
}

func (t *textGrowth) keep(s string, ref textRef) {
	if t.looked == nil {
		t.looked = map[string]textRef{}
	}
	t.looked[s] = ref
}

// join adds what was looked up and written to the cache.
func (t *textGrowth) join(cache textCache) {
	if len(cache)+len(t.looked) > textCacheSize {
		clear(cache)
	}
	for s, ref := range t.looked {
		cache[s] = ref
	}
}

func textKey(id uint32) []byte { return binary.BigEndian.AppendUint32([]byte{'i'}, id) }

func hashKey(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return append([]byte{'h'}, h[:8]...)
}

func (t *textGrowth) write(tx *bbolt.Tx) error {
	if len(t.dirty) == 0 {
		return nil
	}
	b, err := bucket(tx, bucketText)
	if err != nil {
		return err
	}
	for s, id := range t.dirty {
		v := append(binary.BigEndian.AppendUint32(fresh(1, 4+len(s)), t.hour), s...)
		if err := put(b, bucketText, textKey(id), v); err != nil {
			return err
		}
		// Two texts of one hash are two texts all the same: the later is found again.
		if err := put(b, bucketText, hashKey(s), binary.BigEndian.AppendUint32(fresh(1, 4), id)); err != nil {
			return err
		}
	}
	return nil
}

// readText reads a text by its number.
func readText(b *bbolt.Bucket, id uint32) (s string, hour uint32, err error) {
	key := textKey(id)
	body, err := opened(bucketText, key, b.Get(key))
	if err != nil {
		return "", 0, err
	}
	f := fields{rest: body}
	f.version(1)
	hour = f.u32()
	s = string(f.take(uint64(len(f.rest))))
	return s, hour, f.done(bucketText, key)
}

// findText finds a text's number. One that cannot be read is not there, and gets a new number.
func findText(b *bbolt.Bucket, s string) textRef {
	id, err := readHash(b, hashKey(s))
	if err != nil {
		return textRef{}
	}
	got, hour, err := readText(b, id)
	if err != nil || got != s {
		return textRef{}
	}
	return textRef{id, hour}
}

func readHash(b *bbolt.Bucket, key []byte) (uint32, error) {
	body, err := opened(bucketText, key, b.Get(key))
	if err != nil {
		return 0, err
	}
	f := fields{rest: body}
	f.version(1)
	id := f.u32()
	return id, f.done(bucketText, key)
}

// loadTexts reads the texts that rows name. Those that cannot be read are left
// out and reported as ErrDamaged beside the rest.
func (s *Store) loadTexts(rows []chunk.Row) (map[uint32]string, error) {
	known := map[uint32]string{}
	var bad error
	err := s.view(bucketText, func(tx *bbolt.Tx) error {
		b, err := bucket(tx, bucketText)
		if err != nil {
			return err
		}
		for i := range rows {
			for _, id := range [...]uint32{rows[i].Text, rows[i].Address} {
				if _, ok := known[id]; ok || id == 0 {
					continue
				}
				text, _, err := readText(b, id)
				known[id], bad = text, first(bad, err)
			}
		}
		return nil
	})
	return known, first(err, bad)
}

// sweepTexts forgets texts that no result within the retention can name, at
// most a few a tick. at.swept goes round.
func sweepTexts(tx *bbolt.Tx, at *position, cutoff int64, most int) error {
	b, err := bucket(tx, bucketText)
	if err != nil {
		return err
	}
	// Two days more: one because use is noted to the day, one for clocks.
	before := (cutoff - 2*24*hourMillis) / hourMillis
	if before <= 0 {
		return nil
	}
	c := b.Cursor()
	var old []textRef
	var names []string
	k, _ := c.Seek(textKey(at.swept + 1))
	for range most {
		if k == nil || len(k) != 5 {
			at.swept = 0
			break
		}
		at.swept = binary.BigEndian.Uint32(k[1:])
		if s, hour, err := readText(b, at.swept); err == nil && int64(hour) < before {
			old, names = append(old, textRef{at.swept, hour}), append(names, s)
		}
		k, _ = c.Next()
	}
	for i, ref := range old {
		if id, err := readHash(b, hashKey(names[i])); err == nil && id == ref.id {
			if err := b.Delete(hashKey(names[i])); err != nil {
				return err
			}
		}
		if err := b.Delete(textKey(ref.id)); err != nil {
			return err
		}
	}
	return nil
}
