package spool

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lookout/probes/wire"
)

// groupRows is how many rows a record of a sealed file has: as many as make
// them small, and no more than are sent at once.
const groupRows = 1024

// Run brings what was appended to the disk, once a second, and makes small what
// waits there, until ctx ends. Without it all that is left to the system, and
// files stay ten times as large.
func (s *Spool) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.tend()
		}
	}
}

// tend does what has to wait for the disk; nobody else waits for it meanwhile.
func (s *Spool) tend() {
	s.tending.Lock()
	defer s.tending.Unlock()
	s.sync()
	for g := s.loose(); g != nil; g = s.loose() {
		s.seal(g)
	}
}

// sync brings to the disk what the system has.
func (s *Spool) sync() {
	s.mu.Lock()
	stale, file, dirty, named := s.stale, s.file, s.dirty, s.named
	s.stale, s.dirty, s.named = nil, false, false
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return
	}
	failed := func(err error) {
		if err != nil {
			s.log().Warn("results may not survive a power cut", "folder", s.dir, "error", err)
		}
	}
	for _, f := range stale {
		failed(f.Sync())
		failed(f.Close())
	}
	if dirty && file != nil {
		failed(file.Sync())
	}
	if named {
		syncDir(s.dir)
	}
}

// loose is a file that waits to be rewritten.
func (s *Spool) loose() *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.segments, func(g *segment) bool { return g.loose }); i >= 0 && !s.closed {
		return s.segments[i]
	}
	return nil
}

// seal rewrites a file with many rows in a record, which takes a tenth of the
// space. What goes wrong leaves it as it is.
func (s *Spool) seal(g *segment) {
	s.mu.Lock()
	left := g.left() // of a file that gets no more rows: what is let go meanwhile stays in it
	s.mu.Unlock()
	name := path(s.dir, g.number)
	b, records, err := s.rewrite(g, left)
	if err == nil {
		err = writeSynced(name+".tmp", b)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.loose = false
	if !slices.Contains(s.segments, g) { // it is gone
		os.Remove(name + ".tmp")
		return
	}
	if err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err != nil {
		os.Remove(name + ".tmp")
		s.log().Warn("a file of the spool stays as large as it is", "file", name, "error", err)
		return
	}
	s.named = true
	g.records, g.size = records, int64(len(b))
}

// rewrite makes a sealed file of a segment. It reads what nobody changes.
func (s *Spool) rewrite(g *segment, left runs) (b []byte, records []record, err error) {
	src, err := os.Open(path(s.dir, g.number))
	if err != nil {
		return nil, nil, err
	}
	defer src.Close()
	h := header{form: formSealed, epoch: g.epoch, boot: s.boot, from: g.from, to: g.to}
	b = h.write()
	for _, iv := range left {
		if b, records, err = s.regroup(g, src, iv, b, records); err != nil {
			return nil, nil, err
		}
	}
	return b, records, nil
}

// regroup writes the rows of an interval as large records, each of rows of one version.
func (s *Spool) regroup(g *segment, src io.ReaderAt, iv wire.Interval, b []byte, records []record) ([]byte, []record, error) {
	group := wire.Batch{Epoch: g.epoch, From: iv.From}
	var at int64 // of the first of the group: what is late of it makes all of it late
	for i := g.at(iv.From); i < len(g.records) && g.records[i].From < iv.To; i++ {
		r := g.records[i]
		rows, obeyed, err := s.rows(g, src, r)
		if err != nil {
			return b, records, err
		}
		rows = rows[max(r.From, iv.From)-r.From : min(r.To, iv.To)-r.From]
		if has := len(group.Rows); has > 0 && (has+len(rows) > groupRows || obeyed != group.Obeyed) {
			if b, records, err = s.write(b, records, group, at); err != nil {
				return b, records, err
			}
			group.From += uint64(has)
			group.Rows = group.Rows[:0]
		}
		if len(group.Rows) == 0 {
			at, group.Obeyed = r.at, obeyed
		}
		group.Rows = append(group.Rows, rows...)
	}
	if len(group.Rows) == 0 {
		return b, records, nil
	}
	return s.write(b, records, group, at)
}

// writeSynced writes a file and brings it to the disk.
func writeSynced(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// syncDir makes names last; without it a power cut may bring old ones back,
// and then some rows are sent again.
func syncDir(dir string) {
	if d, err := os.Open(filepath.Clean(dir)); err == nil {
		d.Sync()
		d.Close()
	}
}
