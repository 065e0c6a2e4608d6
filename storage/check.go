package storage

import (
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

// maxProblems is how many problems a report spells out.
const maxProblems = 100

// Report is what Check found.
type Report struct {
	Values    int64 // looked at, each with its CRC
	Results   int64 // decoded, those of the log that are in packs too included
	Events    int64
	Incidents int64
	Damaged   int64    // problems in all
	Problems  []string // the first hundred, each with its bucket and key
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return r.Damaged == 0 }

func (r *Report) problem(err error) {
	if err == nil {
		return
	}
	if r.Damaged++; r.Damaged <= maxProblems {
		r.Problems = append(r.Problems, err.Error())
	}
}

// Check reads the whole file: it compares every CRC, decodes every value, holds
// the indexes against what they point to, and lets bbolt check its pages. It
// may run beside an engine; only bbolt's own check makes Append wait. progress
// (may be nil) hears how many bytes of how many are done.
func (s *Store) Check(progress func(done, total int64)) (Report, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	c := &check{s: s, progress: progress, ids: newIDs(), named: map[uint32]bool{}}
	var names [][]byte
	err := s.view("the root", func(tx *bbolt.Tx) error {
		c.total = tx.Size()
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			names = append(names, slices.Clone(name))
			return nil
		})
	})
	if err != nil {
		c.torn, names = true, nil
		c.report.problem(err)
	}
	c.meta()
	for _, name := range names {
		switch {
		case isWeek(name):
			c.week(name)
		case !slices.Contains([]string{bucketMeta, bucketLog, bucketState, bucketEvent, bucketIncident, bucketByMon, bucketText, bucketProbe, bucketOutbox}, string(name)):
			c.report.problem(fmt.Errorf("%w: bucket %q is not known", ErrDamaged, name))
		}
	}
	c.log()
	c.bucket(bucketState, c.state)
	for _, b := range []struct { // not in every file
		name string
		read func(k, v []byte) error
	}{{bucketProbe, c.probe}, {bucketOutbox, c.outbox}} {
		if slices.ContainsFunc(names, func(n []byte) bool { return string(n) == b.name }) {
			c.bucket(b.name, b.read)
		}
	}
	c.bucket(bucketEvent, c.event)
	c.incidents()
	c.texts()
	if !c.torn {
		c.pages()
	}
	progress(c.total, c.total)
	return c.report, nil
}

// check is one run. It begins no transaction that lasts longer than a bucket.
type check struct {
	s           *Store
	progress    func(done, total int64)
	done, total int64
	report      Report
	torn        bool // bbolt's pages don't hold together
	ids         *ids
	at          position
	named       map[uint32]bool // texts that results name
}

// view is the store's, with its error as a problem.
func (c *check) view(where string, fn func(*bbolt.Tx) error) {
	if err := c.s.view(where, func(tx *bbolt.Tx) error {
		c.learn(tx)
		return fn(tx)
	}); err != nil {
		c.torn = true
		c.report.problem(err)
	}
	c.progress(min(c.done, c.total), c.total)
}

func (c *check) saw(k, v []byte) {
	c.report.Values++
	c.done += int64(len(k) + len(v))
}

// learn takes in what an engine has named since the transaction before.
func (c *check) learn(tx *bbolt.Tx) {
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil || c.ids == nil {
		return
	}
	for name, known := range map[string]int{bucketMonitor: len(c.ids.monitors) + 1, bucketSeries: len(c.ids.series), bucketShape: len(c.ids.shapes)} {
		b := meta.Bucket([]byte(name))
		if b == nil {
			return
		}
		if k, _ := b.Cursor().Last(); len(k) == 4 && int(binary.BigEndian.Uint32(k)) >= known {
			next := newIDs()
			if next.read(tx) == nil { // else it was told already
				c.ids = next
			}
			return
		}
	}
}

func (c *check) meta() {
	c.view(bucketMeta, func(tx *bbolt.Tx) error {
		c.ids = newIDs()
		c.report.problem(checkSchema(tx))
		c.report.problem(c.at.read(tx))
		c.report.problem(c.ids.read(tx))
		c.report.Values += int64(2 + len(c.ids.monitors) + len(c.ids.series) + len(c.ids.shapes) - 1 + len(c.ids.runs))
		return nil
	})
}

// bucket calls fn with every pair of a top-level bucket.
func (c *check) bucket(name string, fn func(k, v []byte) error) {
	c.view(name, func(tx *bbolt.Tx) error {
		b, err := bucket(tx, name)
		if err != nil {
			return err
		}
		return b.ForEach(func(k, v []byte) error {
			c.saw(k, v)
			c.report.problem(fn(k, v))
			return nil
		})
	})
}

func (c *check) state(k, v []byte) error {
	_, _, err := readState(c.ids, k, v)
	return err
}

func (c *check) probe(k, v []byte) error {
	_, err := kept(bucketProbe).read(k, v)
	return err
}

func (c *check) outbox(k, v []byte) error {
	_, err := kept(bucketOutbox).read(k, v)
	return err
}

func (c *check) event(k, v []byte) error {
	e, err := readEvent(k, v)
	if err == nil {
		var x uptime.Event
		x, err = e.event(k, c.ids)
		if err == nil && (x.Time.UnixMilli() != e.time || int(e.monitor) > len(c.ids.monitors)) {
			err = fmt.Errorf("%w: bucket %s, key %x: its head is not that of its text", ErrDamaged, bucketEvent, k)
		}
	}
	c.report.Events++
	return err
}

func (c *check) incidents() {
	c.view(bucketIncident, func(tx *bbolt.Tx) error {
		b, err := bucket(tx, bucketIncident)
		if err != nil {
			return err
		}
		index, err := bucket(tx, bucketByMon)
		if err != nil {
			return err
		}
		if err := b.ForEach(func(k, v []byte) error {
			c.saw(k, v)
			c.report.Incidents++
			i, err := readIncident(k, v)
			if err == nil {
				_, err = i.incident(k, c.ids)
			}
			if err == nil && index.Get(incidentKey(i.monitor, binary.BigEndian.Uint64(k))) == nil {
				err = fmt.Errorf("%w: bucket %s: incident %x is not in it", ErrDamaged, bucketByMon, k)
			}
			c.report.problem(err)
			return nil
		}); err != nil {
			return err
		}
		return index.ForEach(func(k, v []byte) error {
			c.saw(k, v)
			body, err := opened(bucketByMon, k, v)
			if err == nil && (len(k) != 12 || len(body) != 1 || b.Get(k[4:]) == nil) {
				err = fmt.Errorf("%w: bucket %s, key %x: there is no such incident", ErrDamaged, bucketByMon, k)
			}
			c.report.problem(err)
			return nil
		})
	})
}

// rows checks what no CRC can: that numbers stand for something.
func (c *check) rows(where string, rows []chunk.Row) error {
	c.report.Results += int64(len(rows))
	for i := range rows {
		r := &rows[i]
		if int(r.Series) >= len(c.ids.series) || int(r.Shape) >= len(c.ids.shapes) || r.Outcome > uint8(uptime.OutcomeDown) {
			return fmt.Errorf("%w: bucket %s: a result of series %d, shape %d, outcome %d", ErrDamaged, where, r.Series, r.Shape, r.Outcome)
		}
		if r.Time >= c.s.cutoff(c.at) {
			for _, id := range [...]uint32{r.Text, r.Address} {
				if id != 0 {
					c.named[id] = true
				}
			}
		}
	}
	return nil
}

func (c *check) log() {
	c.view(bucketLog, func(tx *bbolt.Tx) error {
		return eachPiece(tx, func(_ uint64, rows []chunk.Row, err error) {
			c.report.Values++
			c.done += maxLog / 2
			c.report.problem(first(err, c.rows(bucketLog, rows)))
		})
	})
}

func (c *check) week(name []byte) {
	var hours []uint32
	c.view(string(name), func(tx *bbolt.Tx) error {
		week := tx.Bucket(name)
		if week == nil {
			return nil // expired meanwhile
		}
		return week.ForEach(func(k, v []byte) error {
			if v != nil || len(k) != 4 || string(weekName(binary.BigEndian.Uint32(k))) != string(name) {
				c.report.problem(fmt.Errorf("%w: bucket %s, key %x: no hour of this week", ErrDamaged, name, k))
				return nil
			}
			hours = append(hours, binary.BigEndian.Uint32(k))
			return nil
		})
	})
	for _, hour := range hours {
		c.view(hourName(hour), func(tx *bbolt.Tx) error {
			b := hourBucket(tx, hour)
			if b == nil {
				return nil
			}
			return b.ForEach(func(k, v []byte) error {
				c.saw(k, v)
				c.report.problem(c.pack(hour, k, v))
				return nil
			})
		})
	}
}

func (c *check) pack(hour uint32, k, v []byte) error {
	p, err := readPack(hour, k, v)
	if err != nil {
		return err
	}
	rows, err := p.rows(nil, nil)
	if err != nil {
		return err
	}
	key := spanKey{p.first / groupSize, hour}
	for i := range rows {
		if r := &rows[i]; r.Series/groupSize != key.group || spanAt(key.group, r.Time) != key || i > 0 && compare(rows[i-1], *r) >= 0 {
			return fmt.Errorf("%w: bucket %s, key %x: a result out of place", ErrDamaged, hourName(hour), k)
		}
	}
	return c.rows(hourName(hour), rows)
}

func (c *check) texts() {
	c.view(bucketText, func(tx *bbolt.Tx) error {
		b, err := bucket(tx, bucketText)
		if err != nil {
			return err
		}
		if err := b.ForEach(func(k, v []byte) error {
			c.saw(k, v)
			if len(k) == 9 && k[0] == 'h' {
				_, err := readHash(b, k)
				c.report.problem(err)
			} else if len(k) == 5 && k[0] == 'i' {
				id := binary.BigEndian.Uint32(k[1:])
				_, _, err := readText(b, id)
				c.report.problem(err)
				delete(c.named, id)
			} else {
				c.report.problem(fmt.Errorf("%w: bucket %s, key %x: unknown", ErrDamaged, bucketText, k))
			}
			return nil
		}); err != nil {
			return err
		}
		for id := range c.named {
			c.report.problem(fmt.Errorf("%w: bucket %s: text %d is missing", ErrDamaged, bucketText, id))
		}
		return nil
	})
}

// pages lets bbolt check its own. It compares with the list of free pages, so
// nothing may be written meanwhile.
func (c *check) pages() {
	c.s.writing.Lock()
	defer c.s.writing.Unlock()
	c.view("the pages", func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			c.report.problem(fmt.Errorf("%w: %w", ErrDamaged, err))
		}
		return nil
	})
}
