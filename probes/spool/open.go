package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lookout/probes/wire"
)

// bootNow names the time since the machine was started, where the system does.
func bootNow() (b boot) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return boot{}
	}
	hex := strings.ReplaceAll(strings.TrimSpace(string(text)), "-", "")
	for i := range b {
		v, err := strconv.ParseUint(hex[min(2*i, len(hex)):min(2*i+2, len(hex))], 16, 8)
		if err != nil {
			return boot{}
		}
		b[i] = byte(v)
	}
	return b
}

// inode is the number of a file on its disk, as much of it as a header has; 0
// where there is none.
func inode(f *os.File) uint32 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint32(st.Ino)
	}
	return 0
}

func open(dir string, o Options, now boot) (*Spool, error) {
	s := &Spool{dir: dir, o: o.defaults(), boot: now, epoch: draw(), aside: draw(),
		lost: map[uint64]runs{}, orphans: map[uint64]runs{}, telling: map[uint64]bool{}}
	s.codec = s.o.Codec
	if err := s.take(); err != nil {
		return nil, fmt.Errorf("open the spool %s: %w", dir, err)
	}
	if err := s.load(); err != nil {
		s.lock.Close()
		return nil, fmt.Errorf("open the spool %s: %w", dir, err)
	}
	return s, nil
}

// take has the folder for this process alone.
func (s *Spool) take() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrLocked
		}
		return err
	}
	s.lock = lock
	return nil
}

// loading is what is known while the files are read.
type loading struct {
	marks   []mark
	missing map[uint64]runs // rows that damaged files should have, by epoch
	sound   bool            // nothing is damaged or missing
	newest  *header         // of the last file; nil: it is none
	last    *segment
}

// load reads all files, and goes on with the newest or begins a new epoch.
func (s *Spool) load() error {
	numbers, err := s.files()
	if err != nil {
		return err
	}
	l := loading{sound: true, missing: map[uint64]runs{}}
	for _, n := range numbers {
		if err := s.loadFile(n, &l); err != nil {
			return err
		}
	}
	for _, m := range l.marks {
		s.apply(m, &l)
	}
	if !s.resume(&l) {
		s.dropped = 0
		for epoch, missing := range l.missing {
			for _, iv := range missing {
				s.giveUp(epoch, iv)
			}
		}
		if err := s.begin(s.epoch, 0); err != nil {
			s.fails(err, s.tried)
		}
	}
	for _, g := range slices.Clone(s.segments) {
		s.tidy(g)
	}
	return nil
}

// files are the numbers of the segments, in their order.
func (s *Spool) files() (numbers []uint64, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".seg")
		if strings.HasSuffix(e.Name(), ".seg.tmp") {
			os.Remove(filepath.Join(s.dir, e.Name())) // of a rewrite that did not end
		}
		if n, err := strconv.ParseUint(name, 16, 64); ok && err == nil && n > 0 && path(s.dir, n) == filepath.Join(s.dir, e.Name()) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (s *Spool) loadFile(number uint64, l *loading) error {
	s.number = max(s.number, number)
	name := path(s.dir, number)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	h, sound, err := readHeader(b)
	if errors.Is(err, errNewer) {
		return fmt.Errorf("%s %w", name, err)
	}
	l.newest, l.last = nil, nil
	if err != nil {
		s.log().Error("a file of the spool is damaged, and its results are lost", "file", name)
		os.Remove(name)
		l.sound = false
		return nil
	}
	c := scan(b)
	g := &segment{number: number, epoch: h.epoch, from: h.from, to: h.from, size: int64(len(b))}
	for _, r := range c.rows {
		if r.From < g.to || h.to > 0 && r.To > h.to || s.has(h.epoch, r.Interval) {
			c.damaged = true
			continue
		}
		g.took(r)
	}
	s.segments = append(s.segments, g)
	g.loose = h.form == formLive || c.damaged
	s.dropped = h.dropped
	if n := len(c.marks); n > 0 {
		s.dropped = c.marks[n-1].dropped
	}
	l.marks = append(l.marks, c.marks...)
	if end := max(h.to, h.next); c.damaged || !sound || g.to < end && h.form == formLive {
		l.sound = false
		missing := s.missing(g, end)
		s.log().Error("a file of the spool is damaged", "file", name, "lost", missing.count())
		l.missing[g.epoch] = append(l.missing[g.epoch], missing...)
		g.to = max(g.to, end)
	}
	l.newest, l.last = &h, g
	return nil
}

// has reports whether some of an interval's rows are known already.
func (s *Spool) has(epoch uint64, iv wire.Interval) bool {
	return slices.ContainsFunc(s.segments, func(g *segment) bool { return g.epoch == epoch && g.from < iv.To && iv.From < g.to })
}

// missing are the rows that a damaged file should have. Some of them may have
// been sent: nobody knows any more.
func (s *Spool) missing(g *segment, end uint64) (missing runs) {
	missing.add(wire.Interval{From: g.from, To: max(end, g.to)})
	for _, iv := range g.free {
		missing.remove(iv)
	}
	return missing
}

// apply does what a mark says.
func (s *Spool) apply(m mark, l *loading) {
	if m.kind == kindTold {
		s.forget(s.lost, m.epoch, m.Interval)
		return
	}
	for _, g := range s.segments {
		if g.epoch == m.epoch {
			g.letGo(m.Interval)
		}
	}
	s.forget(l.missing, m.epoch, m.Interval)
	if m.kind == kindLost {
		set := s.lost[m.epoch]
		set.add(m.Interval)
		s.lost[m.epoch] = set
	}
}

// resume goes on with the newest file, if the numbers that it gave are known
// for sure.
func (s *Spool) resume(l *loading) bool {
	if l.newest == nil || !l.sound || l.newest.form != formLive || l.newest.boot != s.boot || s.boot == (boot{}) {
		return false
	}
	f, err := os.OpenFile(path(s.dir, l.last.number), os.O_RDWR, 0o600)
	if err != nil {
		s.log().Error("a file of the spool cannot be written any more", "error", err)
		return false
	}
	if is := l.newest.inode; is != 0 && is != inode(f) {
		f.Close()
		return false // a copy: the original may have gone on
	}
	s.live, s.file, s.epoch = l.last, f, l.last.epoch
	s.live.loose = false
	if len(s.live.records) > 0 {
		s.began = time.UnixMilli(s.live.records[0].at)
	}
	return true
}
