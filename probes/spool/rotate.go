package spool

import (
	"os"
	"time"

	"lookout/probes/wire"
)

// rotate begins the next live file; the one before it is for Run to rewrite.
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
		s.stale = append(s.stale, file)
		old.loose = true
		s.tidy(old)
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
		if g.number == 0 {
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
	if _, err := f.Write(b); err != nil {
		f.Close()
		os.Remove(f.Name())
		return err
	}
	s.live = &segment{number: number, epoch: epoch, from: next, to: next, size: int64(len(b))}
	s.segments = append(s.segments, s.live)
	s.file, s.number, s.epoch, s.dirty, s.named = f, number, epoch, true, true
	return nil
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
