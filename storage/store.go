// Package storage keeps what an engine found in one bbolt file: results, events,
// incidents and the state to go on from. It is the only importer of bbolt;
// FORMAT.md draws the file.
//
// Results go through a log: each tick is one transaction that appends its rows,
// coded in columns, to the bucket log. An hour later the rows of 256 series are
// taken together, coded again by series, and put as packs into the bucket of
// their ISO week; the log behind them is deleted. That writes 27 bytes a result
// instead of the 7,000 of a key per result, and stores 4.
//
// Three habits keep the file small and every commit short. Values stay under
// half a page, so that any free page fits any need. Whatever is deleted is
// deleted at the pace of what is written, because bbolt writes its list of free
// pages at every commit. And what is due is encoded before the transaction begins.
//
// bbolt checks only its own two meta pages. Every value here carries a CRC of
// its bucket, its key and itself; what does not match is reported as ErrDamaged
// and never served.
package storage

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
	"lookout/storage/chunk"
)

// The decisions that callers make on errors of a store; uptime.ErrFull is the other one.
var (
	// ErrLocked reports that another engine has the data file open.
	ErrLocked = errors.New("data file is in use by another engine; attach to it instead")
	// ErrDamaged reports bytes in the data file that lookout did not write, or that are missing.
	ErrDamaged = uptime.ErrDamaged
	// ErrNewer reports a data file that a newer lookout has written.
	ErrNewer = errors.New("data file was written by a newer lookout")
	// ErrReadOnly reports a write to a store that was opened to be read.
	ErrReadOnly = errors.New("data file is open for reading only")
	// ErrReplaced reports that the path of an open store leads to another file, or to none.
	ErrReplaced = uptime.ErrReplaced
)

// Retention says how long things are kept; a zero field keeps them for ever.
type Retention struct {
	Results time.Duration
	Events  time.Duration // of events, and of incidents since they ended
	MaxSize int64         // bytes of the file: the oldest hours of results go first
}

// Options of Open.
type Options struct {
	Retention Retention
	Now       time.Time // what is older than the retention from here is not read again
	ReadOnly  bool      // for commands beside no engine: nothing is written, not even a new file
}

// Store is a data file. Append, Rename and Close are for one goroutine at a
// time, which the store sees to; everything else may run beside them.
type Store struct {
	path string
	opt  Options
	db   *bbolt.DB
	file os.FileInfo // which file is open: its path may lead to another one later

	writing sync.Mutex // held by the one writer, from encoding to commit
	looked  time.Time  // when the path was last seen to lead to the file
	lost    error      // ErrReplaced, once the path led elsewhere
	encoder chunk.Encoder
	shapeOf []uint16 // by series: the shape of its last result, most often that of the next
	texts   textCache
	// Room for the rows of a span that is being sealed.
	unfolded, sorted []chunk.Row

	// mu guards what follows: written after a commit, read when a reader begins.
	mu      sync.RWMutex
	ids     *ids
	spans   map[spanKey]*span // rows that are in the log only
	at      position
	refused uint64
	damaged []string // found by Open
}

// Resume says where an engine goes on.
type Resume struct {
	LastEvent    uint64 // the ID of the newest event; 0: none
	LastIncident uint64 // the number of the newest incident; 0: none
	LastAlive    time.Time
	Clean        bool     // the last engine closed the file
	Damaged      []string // what of the log could not be read, by bucket
}

// Open opens the data file, and makes it unless ReadOnly. It fails with
// ErrLocked, ErrDamaged or ErrNewer; other errors say what to do.
func Open(path string, opt Options) (*Store, error) {
	s := &Store{path: path, opt: opt, ids: newIDs(), spans: map[spanKey]*span{}, texts: textCache{}}
	var err error
	if s.db, s.file, err = openFile(path, opt.ReadOnly); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		_ = s.db.Close()
		return nil, err
	}
	return s, nil
}

// load reads the meta bucket and replays the log.
func (s *Store) load() error {
	err := s.view(bucketMeta, func(tx *bbolt.Tx) error {
		if err := checkSchema(tx); err != nil {
			return err
		}
		if err := s.at.read(tx); err != nil {
			return err
		}
		return s.ids.read(tx)
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", s.path, err)
	}
	s.shapeOf = make([]uint16, len(s.ids.series))
	s.at.now = s.at.alive
	if !s.opt.Now.IsZero() {
		s.at.tell(max(s.opt.Now.UnixMilli(), s.at.alive))
	}
	if err := s.view(bucketLog, s.replay); err != nil {
		return fmt.Errorf("open %s: %w", s.path, err)
	}
	return nil
}

// Resume says where the engine that wrote this file had got to.
func (s *Store) Resume() (Resume, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Resume{s.at.event, s.at.incident, fromMillis(s.at.alive), s.at.clean, s.damaged}, nil
}

// Refused counts results that were not stored because they are older than the
// retention, or stamped outside the years that the file can hold.
func (s *Store) Refused() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.refused
}

// Size is the size of the file in bytes.
func (s *Store) Size() int64 {
	fi, err := os.Stat(s.path)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// Close marks the file as closed in peace and lets go of it.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	var err error
	if !s.opt.ReadOnly && !s.at.clean {
		at := s.at
		at.clean = true
		err = s.update(func(tx *bbolt.Tx) error { return at.write(tx) })
	}
	return errors.Join(err, s.db.Close())
}

// view runs fn in a read transaction. Pages that make bbolt panic, or that lie
// beyond a file that was cut under us, become ErrDamaged. fn copies out what it
// needs and calls nobody else's code.
func (s *Store) view(where string, fn func(*bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damage(where, p)
		}
	}()
	return s.db.View(fn)
}

// update is view for a write transaction; its errors say what to do.
func (s *Store) update(fn func(*bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damage("the pages being changed", p)
		}
	}()
	return explain("store in", s.path, s.db.Update(fn))
}

func damage(where string, what any) error {
	return fmt.Errorf("%w: %s: %v", ErrDamaged, where, what)
}

// cutoff is the time in Unix milliseconds before which results are hidden.
func (s *Store) cutoff(at position) int64 {
	cut := int64(at.floor) * hourMillis
	if r := s.opt.Retention.Results; r > 0 {
		cut = max(cut, at.now-r.Milliseconds())
	}
	return cut
}

// eventCutoff is the same for events and incidents.
func (s *Store) eventCutoff(at position) int64 {
	if r := s.opt.Retention.Events; r > 0 {
		return at.now - r.Milliseconds()
	}
	return minMillis
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
