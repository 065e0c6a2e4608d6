package storage

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"go.etcd.io/bbolt"
)

// Probes know a monitor by a number, and what they found under it may arrive
// days later. A file that was restored from a backup has forgotten the numbers
// that were given after it; were they given again, those results would come
// under another monitor. So numbers are given in runs that begin at random, and
// every opening of the file begins another: what it does not know it never meets.

const (
	runGroup = 256  // numbers divided by this travel together: a run begins with such a group
	maxRuns  = 1000 // more would be more groups than can be sent: then the last one goes on
)

// stretch is a run of numbers in order: those of the monitors from first on.
type stretch struct {
	first uint32 // of monitors, as the file numbers them
	base  uint32 // its number for probes
	count uint32
}

func (r stretch) holds(id uint32) bool { return id >= r.first && id-r.first < r.count }

// number is what probes call a monitor; 0: it has none yet.
func (n *ids) number(id uint32) uint32 {
	i, found := slices.BinarySearchFunc(n.runs, id, func(r stretch, id uint32) int {
		switch {
		case r.holds(id):
			return 0
		case r.first > id:
			return 1
		}
		return -1
	})
	if !found {
		return 0
	}
	return n.runs[i].base + id - n.runs[i].first
}

// free reports whether a run has room that no other has.
func (n *ids) free(r stretch) bool {
	end := uint64(r.base) + uint64(r.count)
	return end <= math.MaxUint32 && !slices.ContainsFunc(n.runs, func(o stretch) bool {
		return o.first != r.first && uint64(r.base) < uint64(o.base)+uint64(o.count) && uint64(o.base) < end
	})
}

// reach is the run with which all monitors up to one have a number: a longer
// last one, or another. It is not among the runs yet.
func (n *ids) reach(id uint32) stretch {
	next := stretch{first: 1}
	if len(n.runs) > 0 {
		last := n.runs[len(n.runs)-1]
		next.first = last.first + last.count
		last.count = id + 1 - last.first
		if (n.began || len(n.runs) >= maxRuns) && n.free(last) {
			return last
		}
	}
	next.count = id + 1 - next.first
	for next.base = randomBase(); !n.free(next); next.base = randomBase() {
	}
	return next
}

// take puts a run among the others.
func (n *ids) take(r stretch) {
	if i := len(n.runs) - 1; i >= 0 && n.runs[i].first == r.first {
		n.runs[i] = r
	} else {
		n.runs = append(n.runs, r)
	}
	n.began = true
}

// randomBase is where a run may begin.
func randomBase() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return max(binary.BigEndian.Uint32(b[:])/runGroup, 1) * runGroup
}

func (r stretch) record() []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(fresh(1, 8), r.base), r.count)
}

// write puts a run into the meta bucket. The first one makes its bucket.
func (r stretch) write(tx *bbolt.Tx) error {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	b, err := meta.CreateBucketIfNotExists([]byte(bucketRun))
	if err != nil {
		return err
	}
	return put(b, bucketRun, key32(r.first), r.record())
}

// readRuns loads the runs. One that cannot be read would give results to the
// wrong monitor.
func (n *ids) readRuns(tx *bbolt.Tx) error {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	b := meta.Bucket([]byte(bucketRun))
	if b == nil {
		return nil
	}
	next := uint32(1)
	return b.ForEach(func(k, v []byte) error {
		body, err := opened(bucketRun, k, v)
		if err != nil {
			return err
		}
		f := fields{rest: body}
		f.version(1)
		r := stretch{next, f.u32(), f.u32()}
		if !slices.Equal(k, key32(next)) || r.base == 0 || r.count == 0 || uint64(next)+uint64(r.count) > uint64(len(n.monitors))+1 || !n.free(r) {
			f.bad = true
		}
		n.runs = append(n.runs, r)
		next += r.count
		return f.done(bucketRun, k)
	})
}

var errNoName = errors.New("number monitors: one has no name")

// Numbers gives monitors the numbers by which probes know them, in the order of
// the names, and returns them: those that have one keep it, once and for good
// and over a Rename. New ones follow one another where they can, and are none that
// the file gave before it was restored from a backup. They are on disk when it
// returns. A monitor that is to carry on another's history is renamed first: a
// name with a number is taken.
func (s *Store) Numbers(names []string) ([]uint32, error) {
	if slices.Contains(names, "") {
		return nil, errNoName
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	g := s.ids.grow()
	out := make([]uint32, len(names))
	most := uint32(0)
	for i, name := range names {
		id := g.monitor(name)
		if out[i] = s.ids.number(id); out[i] == 0 {
			most = max(most, id)
		}
	}
	switch {
	case most == 0:
		return out, nil
	case s.opt.ReadOnly:
		return nil, explain("store in", s.path, ErrReadOnly)
	case s.lost != nil:
		return nil, s.lost
	}
	r := s.ids.reach(most)
	// A tick of its own: relearn goes by that.
	at := s.at
	at.tick++
	at.clean = false
	err := s.update(func(tx *bbolt.Tx) error {
		if err := g.write(tx); err != nil {
			return err
		}
		if err := r.write(tx); err != nil {
			return fmt.Errorf("number monitors: %w", err)
		}
		return at.write(tx)
	})
	if err != nil {
		s.relearn()
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
	g.join()
	s.ids.take(r)
	for i, name := range names {
		out[i] = s.ids.number(s.ids.byName[name])
	}
	return out, nil
}
