package spool

import (
	"io"
	"os"
	"path/filepath"
	"time"

	"lookout/probes/wire"
)

// groupRows is how many rows a record of a sealed file has: as many as make
// them small, and no more than are sent at once.
const groupRows = 1024

// rotate begins the next live file, and rewrites the one before it.
func (s *Spool) rotate() error {
	next := uint64(0)
	if s.live != nil {
		next = s.live.to
	}
	old, file := s.live, s.file
	if err := s.begin(s.epoch, next); err != nil {
		return err
	}
	if old != nil {
		s.sync(s.synced)
		file.Close()
		if s.tidy(old); !old.empty() {
			s.seal(old)
		}
	}
	return nil
}

// begin makes a live file. It starts with what is known of older ones and is
// not in them.
func (s *Spool) begin(epoch, next uint64) error {
	number := s.number + 1
	h := header{form: formLive, epoch: epoch, boot: s.boot, from: next, next: next, dropped: s.dropped}
	f, err := os.OpenFile(path(s.dir, number), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h.inode = inode(f)
	b := h.write()
	for _, g := range s.segments {
		if g.number == 0 || g == s.live { // that one is about to be rewritten
			continue
		}
		at := g.from
		left := g.left()
		for _, iv := range append(left, wire.Interval{From: g.to, To: g.to}) {
			if iv.From > at {
				b = appendMark(b, mark{kindSent, g.epoch, wire.Interval{From: at, To: iv.From}, s.dropped})
			}
			at = iv.To
		}
	}
	for epoch, lost := range s.lost {
		for _, iv := range lost {
			b = appendMark(b, mark{kindLost, epoch, iv, s.dropped})
		}
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return err
	}
	syncDir(s.dir)
	s.live = &segment{number: number, epoch: epoch, from: next, to: next, size: int64(len(b))}
	s.segments = append(s.segments, s.live)
	s.file, s.number, s.epoch, s.dirty = f, number, epoch, false
	return nil
}

// seal rewrites a file with many rows in a record, which takes a tenth of the
// space. What goes wrong leaves it as it is.
func (s *Spool) seal(g *segment) {
	records, size, err := s.rewrite(g)
	if err != nil {
		s.log().Warn("a file of the spool stays as large as it is", "file", path(s.dir, g.number), "error", err)
		return
	}
	g.records, g.size = records, size
}

func (s *Spool) rewrite(g *segment) ([]record, int64, error) {
	src, done, err := s.source(g)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	left := g.left()
	h := header{form: formSealed, epoch: g.epoch, boot: s.boot, from: g.from, to: g.to}
	b := h.write()
	var records []record
	for _, iv := range left {
		if b, records, err = s.regroup(g, src, iv, b, records); err != nil {
			return nil, 0, err
		}
	}
	name := path(s.dir, g.number)
	if err := replace(name, b); err != nil {
		return nil, 0, err
	}
	syncDir(s.dir)
	return records, int64(len(b)), nil
}

// regroup writes the rows of an interval as large records.
func (s *Spool) regroup(g *segment, src io.ReaderAt, iv wire.Interval, b []byte, records []record) ([]byte, []record, error) {
	var group []wire.Row
	var at int64 // of the first of the group: what is late of it makes all of it late
	next := iv.From
	for i := g.at(iv.From); i < len(g.records) && g.records[i].From < iv.To; i++ {
		r := g.records[i]
		rows, err := s.rows(g, src, r)
		if err != nil {
			return b, records, err
		}
		rows = rows[max(r.From, iv.From)-r.From : min(r.To, iv.To)-r.From]
		if len(group)+len(rows) > groupRows && len(group) > 0 {
			if b, records, err = s.write(b, records, g.epoch, next, group, at); err != nil {
				return b, records, err
			}
			next += uint64(len(group))
			group = group[:0]
		}
		if len(group) == 0 {
			at = r.at
		}
		group = append(group, rows...)
	}
	if len(group) == 0 {
		return b, records, nil
	}
	return s.write(b, records, g.epoch, next, group, at)
}

// replace puts a file in the place of another, whole or not at all.
func replace(name string, b []byte) error {
	f, err := os.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
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
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
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

// defaults fills in what is not set.
func (o Options) defaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256e6
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 7 * 24 * time.Hour
	}
	if o.Fresh <= 0 {
		o.Fresh = time.Minute
	}
	if o.Codec == nil {
		o.Codec = wire.New()
	}
	return o
}
