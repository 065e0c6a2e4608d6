package storage

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// schema grows when a file can no longer be read by the lookouts before.
const schema = 1

var (
	keySchema   = []byte("schema")
	keyPosition = []byte("position")
)

// format makes the buckets of a new file.
func format(tx *bbolt.Tx) error {
	for _, name := range []string{bucketMeta, bucketLog, bucketState, bucketEvent, bucketIncident, bucketByMon, bucketText} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	meta := tx.Bucket([]byte(bucketMeta))
	for _, name := range []string{bucketMonitor, bucketSeries, bucketShape} {
		if _, err := meta.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	v := binary.BigEndian.AppendUint32(fresh(1, 4), schema)
	if err := put(meta, bucketMeta, keySchema, v); err != nil {
		return err
	}
	return (&position{clean: true}).write(tx)
}

func checkSchema(tx *bbolt.Tx) error {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	body, err := opened(bucketMeta, keySchema, meta.Get(keySchema))
	if err != nil {
		return err
	}
	f := fields{rest: body}
	f.version(1)
	n := f.u32()
	if err := f.done(bucketMeta, keySchema); err != nil {
		return err
	}
	if n > schema {
		return fmt.Errorf("%w: its schema is %d, this one reads up to %d; install the newer one again", ErrNewer, n, schema)
	}
	return nil
}

// position is how far the file has got: one small record, written with every tick.
type position struct {
	tick     uint64 // of the newest transaction; 0: none yet
	alive    int64  // Unix milliseconds of that tick
	event    uint64 // the newest event
	incident uint64 // the newest incident
	floor    uint32 // the first hour whose results are not given up for max_size
	texts    uint32 // the newest text
	swept    uint32 // the text that was last looked at for its age
	clean    bool   // closed in peace

	// Not stored.
	now    int64  // the newest of alive and what Open was told
	leapt  int64  // when the clock last leapt forward
	passed uint64 // the incident that was last looked at for its age
}

// tell moves the clock on.
func (p *position) tell(now int64) {
	if now-p.now > leapMillis {
		p.leapt = now
	}
	p.now = now
}

func (p *position) write(tx *bbolt.Tx) error {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	e := binary.BigEndian
	v := fresh(1, 50)
	v = e.AppendUint64(v, p.tick)
	v = e.AppendUint64(v, uint64(p.alive))
	v = e.AppendUint64(v, p.event)
	v = e.AppendUint64(v, p.incident)
	v = e.AppendUint32(v, p.floor)
	v = e.AppendUint32(v, p.texts)
	v = e.AppendUint32(v, p.swept)
	clean := byte(0)
	if p.clean {
		clean = 1
	}
	return put(meta, bucketMeta, keyPosition, append(v, clean))
}

func (p *position) read(tx *bbolt.Tx) error {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	body, err := opened(bucketMeta, keyPosition, meta.Get(keyPosition))
	if err != nil {
		return err
	}
	f := fields{rest: body}
	f.version(1)
	*p = position{tick: f.u64(), alive: int64(f.u64()), event: f.u64(), incident: f.u64(),
		floor: f.u32(), texts: f.u32(), swept: f.u32(), clean: f.byte() == 1}
	return f.done(bucketMeta, keyPosition)
}
