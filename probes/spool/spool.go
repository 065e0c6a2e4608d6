// Package spool keeps the results of a probe until the broker has them: on
// disk, in the order in which checks ended, each with a number of its own.
// FORMAT.md draws the files.
//
// Rows are numbered from 0 within an epoch, which is drawn at random. A number
// of an epoch is that of one row for good, since the engine takes the second
// row with a number for the first come twice. So a spool begins a new epoch
// wherever it cannot be sure of the numbers that were given: when its folder is
// empty, when something in it is damaged, missing or a copy, and when the machine
// was started in between, as after a power cut. What can still be read is sent
// under the epoch that it has.
//
// What Append took survives the end of the process, kill -9 included. Run brings
// it to the disk itself, once a second: a power cut may take what came in the
// last second before it. Nobody else waits for the disk.
//
// A disk that takes nothing stops no checks: rows are then kept in memory,
// under an epoch of their own and up to 4 MiB, and are sent from there.
package spool

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"lookout/probes/wire"
)

// Options are the bounds of a spool.
type Options struct {
	MaxBytes int64         // of all files; 0: 256 MB
	MaxAge   time.Duration // of a row; 0: 7 days
	Fresh    time.Duration // how old a row may be that is not late; 0: a minute
	Codec    *wire.Codec   // nil: one of its own
	Log      *slog.Logger  // of a disk that fails, and of what is given up; nil: nowhere
}

// The bounds of a file that rows are appended to.
const (
	segmentRows  = wire.MaxRows
	segmentBytes = 1 << 20
	segmentAge   = 6 * time.Hour
	memoryBytes  = 4 << 20 // of rows in memory while the disk takes none
	retryAfter   = time.Second
)

// Spool is a probe's results that were not sent yet. Its methods may be called
// by several goroutines.
type Spool struct {
	dir   string
	o     Options
	codec *wire.Codec
	boot  boot
	lock  *os.File

	mu       sync.Mutex
	segments []*segment // the oldest first
	live     *segment   // that rows are appended to, in a file; nil: none could be made
	memory   *segment   // … in memory; nil: the disk takes them
	file     *os.File   // of live
	began    time.Time  // of live, by its first row
	number   uint64     // of the newest file
	epoch    uint64     // of live
	aside    uint64     // epoch of what is in memory
	asideTo  uint64     // its next number
	dropped  uint64     // since the epoch began
	lost     map[uint64]runs
	orphans  map[uint64]runs // rows that were given up while somebody sent them
	telling  map[uint64]bool // epochs without rows of which somebody sends what was lost
	trouble  error           // why the disk takes nothing; nil: it does
	tried    time.Time       // when it was asked last in that state
	stale    []*os.File      // of files that were live: to be synced and closed
	dirty    bool            // something of the live file may not be on the disk
	named    bool            // … nor its name
	closed   bool

	tending sync.Mutex // held by who waits for the disk; taken before mu
}

// ErrLocked reports that another process uses the folder.
var ErrLocked = errors.New("is in use by another probe")

// errClosed is of a caller that goes on after Close.
var errClosed = errors.New("the spool is closed")

// Open opens the spool in a folder, which it makes where there is none.
func Open(dir string, o Options) (*Spool, error) { return open(dir, o, bootNow()) }

func (s *Spool) log() *slog.Logger {
	if s.o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.o.Log
}

// draw makes an epoch.
func draw() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}

// Epoch is that of the rows that are appended now.
func (s *Spool) Epoch() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	epoch, _ := s.position()
	return epoch
}

// Next is the number that the next row gets.
func (s *Spool) Next() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, next := s.position()
	return next
}

func (s *Spool) position() (epoch, next uint64) {
	if s.live == nil || s.memory != nil {
		return s.aside, s.asideTo
	}
	return s.epoch, s.live.to
}

// Depth is how many rows were not let go.
func (s *Spool) Depth() (n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		n += g.free.count() + g.out.count()
	}
	return n
}

// Dropped is how many rows were given up since the epoch began.
func (s *Spool) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Trouble is why rows are kept in memory alone; nil: they are on disk.
func (s *Spool) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// Append numbers rows and keeps them, in that order, with the version that was
// obeyed when they were measured. The error says which of them are none that can
// be sent: these are given up, and have no numbers. A disk that fails is no
// error: see Trouble.
func (s *Spool) Append(rows []wire.Row, obeyed wire.Version, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	var errs []error
	for part := range slices.Chunk(rows, groupRows) {
		if s.append(part, obeyed, now) == nil {
			continue
		}
		for i, r := range part { // the good ones among them
			if err := s.append(part[i:i+1], obeyed, now); err != nil {
				s.dropped++
				errs = append(errs, fmt.Errorf("spool a result of monitor %d: %w", r.Monitor, err))
			}
		}
	}
	s.trim(now)
	return errors.Join(errs...)
}

func (s *Spool) append(rows []wire.Row, obeyed wire.Version, now time.Time) error {
	if s.usable(now) {
		if done, err := s.store(rows, obeyed, now); done || err != nil {
			return err
		}
	}
	return s.remember(rows, obeyed, now)
}

// usable reports whether the disk is to be asked.
func (s *Spool) usable(now time.Time) bool {
	if s.trouble != nil {
		if wait := now.Sub(s.tried); wait >= 0 && wait < retryAfter {
			return false
		}
		s.tried = now
	}
	if s.live == nil || s.full(now) {
		if err := s.rotate(); err != nil {
			s.fails(err, now)
			return false
		}
	}
	return true
}

// full reports whether the live file has had its share.
func (s *Spool) full(now time.Time) bool {
	g := s.live
	return g.to-g.from >= segmentRows || g.size >= min(segmentBytes, s.o.MaxBytes/4) ||
		g.to > g.from && now.Sub(s.began) > segmentAge
}

// store appends rows to the live file; not done where the disk does not take them.
func (s *Spool) store(rows []wire.Row, obeyed wire.Version, now time.Time) (done bool, err error) {
	g := s.live
	b, records, err := s.write(nil, nil, wire.Batch{Epoch: g.epoch, From: g.to, Obeyed: obeyed, Rows: rows}, now.UnixMilli())
	if err != nil {
		return false, err
	}
	if err := s.put(b, g.to+uint64(len(rows))); err != nil {
		s.fails(err, now)
		return false, nil
	}
	if s.trouble != nil {
		s.log().Info("the disk takes results again", "folder", s.dir)
		s.trouble, s.memory = nil, nil
	}
	if g.to == g.from {
		s.began = now
	}
	for _, r := range records {
		r.off += g.size - int64(len(b))
		g.took(r)
	}
	s.dirty = true
	return true, nil
}

// put appends bytes to the live file, and writes down the number that the next row gets.
func (s *Spool) put(b []byte, next uint64) error {
	g := s.live
	if _, err := s.file.WriteAt(b, g.size); err != nil {
		s.file.Truncate(g.size) // what is left of it would be damage to a later Open
		return err
	}
	if next != g.to {
		if _, err := s.file.WriteAt(writeNext(next), nextAt); err != nil {
			s.file.Truncate(g.size)
			return err
		}
	}
	g.size += int64(len(b))
	return nil
}

// fails is told that the disk does not take what it should.
func (s *Spool) fails(err error, now time.Time) {
	if s.trouble == nil {
		s.log().Error("results are kept in memory only: the disk takes none", "folder", s.dir, "error", err)
	}
	s.trouble, s.tried = fmt.Errorf("spool %s: %w; results are kept in memory only", s.dir, err), now
}

// remember keeps rows in memory.
func (s *Spool) remember(rows []wire.Row, obeyed wire.Version, now time.Time) error {
	g := s.memory
	if g == nil || g.to-g.from >= segmentRows || len(g.memory) >= segmentBytes {
		g = &segment{epoch: s.aside, from: s.asideTo, to: s.asideTo}
	}
	b, records, err := s.write(g.memory, nil, wire.Batch{Epoch: g.epoch, From: g.to, Obeyed: obeyed, Rows: rows}, now.UnixMilli())
	if err != nil {
		return err
	}
	g.memory = b
	for _, r := range records {
		g.took(r)
	}
	if s.asideTo = g.to; g != s.memory {
		s.memory = g
		s.segments = append(s.segments, g)
	}
	return nil
}

// Close brings everything to the disk and leaves the folder to others.
func (s *Spool) Close() error {
	s.tending.Lock()
	defer s.tending.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.file != nil {
		s.stale = append(s.stale, s.file)
	}
	for _, f := range s.stale {
		errs = append(errs, f.Sync(), f.Close())
	}
	s.lock.Close()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the spool: %w", err)
	}
	return nil
}

func remove[T comparable](list []T, v T) []T {
	return slices.DeleteFunc(list, func(w T) bool { return w == v })
}
