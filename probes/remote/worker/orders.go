package worker

import (
	"errors"
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// maxHeld bounds the frames of all chunks that are held: a million monitors, many times.
const maxHeld = 512 << 20

// storeAgain is how much longer a manifest has to be good for to be stored once
// more, where nothing else has changed: one comes each minute, and the loop waits
// for the disk.
const storeAgain = time.Hour

// askAfter is how many chunks come in answer to a hello at least, where more are missing.
const askAfter = 15

// errLimit reports an order that is more than this probe takes.
var errLimit = errors.New("is more than this probe takes")

// orders is what the engine wants, and what of it is here.
type orders struct {
	accepted wire.Version   // of the newest manifest that was accepted: nothing older is
	force    *wire.Manifest // all of whose chunks are here; nil: none yet
	next     *wire.Manifest // accepted, and chunks of it are missing; nil: none
	live     []string       // of the newest that was accepted
	until    time.Time      // … and how long it is good for
	stored   time.Time      // … as it is on disk
	heard    bool           // one came since the start

	chunks map[wire.Hash]*held
	size   int // of their frames
	came   int // chunks since the last hello
}

// held is a chunk that is here.
type held struct {
	size     int
	monitors []*monitor
}

// obeyed is the version that is worked by; zero: none.
func (o *orders) obeyed() wire.Version {
	if o.force == nil {
		return wire.Version{}
	}
	return o.force.Version
}

// wanted are the chunks that a manifest which matters names.
func (o *orders) wanted() map[wire.Hash]bool {
	all := make(map[wire.Hash]bool)
	for _, m := range []*wire.Manifest{o.force, o.next} {
		if m != nil {
			for _, h := range m.Chunks {
				all[h] = true
			}
		}
	}
	return all
}

func (o *orders) misses(m *wire.Manifest) bool {
	for _, h := range m.Chunks {
		if o.chunks[h] == nil {
			return true
		}
	}
	return false
}

// hashes are the chunks that are here, for the hello.
func (o *orders) hashes() []wire.Hash {
	all := make([]wire.Hash, 0, len(o.chunks))
	for h := range o.chunks {
		all = append(all, h)
	}
	return all[:min(len(all), wire.MaxChunks)]
}

// verifier accepts what is for us and no older than what was accepted.
func (w *Worker) verifier() wire.Verifier {
	return wire.Verifier{Codec: w.codec, Key: w.o.Key, Place: w.o.Place, Obeyed: w.orders.accepted}
}

// takeManifest obeys a manifest as far as its chunks are here.
func (w *Worker) takeManifest(frame []byte, now time.Time) error {
	m, err := w.verifier().Manifest(frame, now)
	if err != nil {
		return err
	}
	if m.Major != wire.Major {
		return fmt.Errorf("the manifest %w: it is about major version %d", wire.ErrMajor, m.Major)
	}
	w.heard.now(now)
	o := &w.orders
	first := !o.heard
	o.heard = true
	w.hello.answered()
	if m.Version == o.accepted && !m.NotAfter.After(o.until) { // known, and good for longer
		if first {
			w.apply(now)
		}
		return nil
	}
	renewed := m.Version == o.obeyed()
	known := m.Version == o.accepted
	name := fileNext
	if !o.misses(&m) {
		name = fileManifest
	}
	if m.Version.Engine != o.accepted.Engine {
		w.hello.now() // another engine, or a new start of it: it has not heard of us
	}
	if !known || m.NotAfter.Sub(o.stored) >= storeAgain {
		if err := w.files.write(w.files.path(name), frame, true); err != nil {
			w.log.Error("a manifest is obeyed, and would be forgotten by a restart: it cannot be stored", "why", err)
			o.stored = time.Time{} // the next one is, though nothing has changed
		} else {
			o.stored = m.NotAfter
		}
	}
	o.accept(&m, name == fileManifest)
	if name == fileManifest {
		w.complete()
	} else {
		w.hello.soon(now)
	}
	if renewed && w.serving {
		return nil
	}
	w.apply(now)
	return nil
}

// accept makes a manifest the newest.
func (o *orders) accept(m *wire.Manifest, whole bool) {
	o.accepted, o.live, o.until = m.Version, m.Live, m.NotAfter
	if whole {
		o.force, o.next = m, nil
	} else {
		o.next = m
	}
}

// complete forgets what the manifest in force does not name.
func (w *Worker) complete() {
	if err := w.files.remove(w.files.path(fileNext)); err != nil {
		w.log.Error("what is obeyed cannot be stored", "why", err)
	}
	o := &w.orders
	wanted := o.wanted()
	for h, c := range o.chunks {
		if !wanted[h] {
			delete(o.chunks, h)
			o.size -= c.size
			if err := w.files.remove(w.files.chunk(h)); err != nil {
				w.log.Error("a chunk that is not obeyed any more cannot be removed", "why", err)
			}
		}
	}
}

// takeChunk keeps a chunk that an accepted manifest names.
func (w *Worker) takeChunk(frame []byte, now time.Time) error {
	o := &w.orders
	h := wire.HashOf(frame)
	if o.chunks[h] != nil || o.next == nil || !o.wanted()[h] {
		_, err := w.verifier().Chunk(frame)
		return err // it came twice, or too late: no mistake, unless somebody else made it
	}
	if err := w.hold(h, frame); err != nil {
		return err
	}
	if err := w.files.write(w.files.chunk(h), frame, true); err != nil {
		w.log.Error("a chunk is obeyed, and would be forgotten by a restart: it cannot be stored", "why", err)
	}
	o.came++
	if !o.misses(o.next) {
		if err := w.files.promote(); err != nil {
			w.log.Error("a manifest is obeyed, and would be forgotten by a restart: it cannot be stored", "why", err)
		}
		o.force, o.next = o.next, nil
		w.complete()
		w.apply(now)
		w.hello.now() // the engine hears at once that all is here
	} else if o.came%askAfter == 0 {
		w.hello.now()
	} else {
		w.hello.soon(now)
	}
	return nil
}

// hold reads a chunk and keeps its monitors.
func (w *Worker) hold(h wire.Hash, frame []byte) error {
	c, err := w.verifier().Chunk(frame)
	if err != nil {
		return err
	}
	o := &w.orders
	if o.size+len(frame) > maxHeld {
		return fmt.Errorf("the chunk %w: all of them have over %d bytes", errLimit, maxHeld)
	}
	in := &held{size: len(frame), monitors: make([]*monitor, len(c.Monitors))}
	for i := range c.Monitors {
		in.monitors[i] = &monitor{Monitor: c.Monitors[i], fresh: true}
	}
	o.chunks[h] = in
	o.size += in.size
	return nil
}

// restore reads what was obeyed when the probe last ran. What cannot be read is asked for again.
func (w *Worker) restore(now time.Time) {
	w.counts = readCounts(w.files, now)
	o := &w.orders
	force, next := w.stored(fileManifest), w.stored(fileNext)
	for _, m := range []*wire.Manifest{force, next} {
		if m == nil {
			continue
		}
		for _, h := range m.Chunks {
			if o.chunks[h] == nil {
				w.restoreChunk(h)
			}
		}
	}
	if force != nil {
		o.accept(force, !o.misses(force))
	}
	newer := next != nil && next.Version.Compare(o.accepted) >= 0
	var err error
	if newer {
		o.accept(next, !o.misses(next))
	}
	if newer && o.next == nil {
		err = w.files.promote() // it was killed just before it did so
	} else if !newer {
		err = w.files.remove(w.files.path(fileNext))
	}
	if err != nil {
		w.log.Error("what is obeyed cannot be stored", "why", err)
	}
	o.stored = o.until
	wanted := o.wanted()
	if err := w.files.tidy(func(h wire.Hash) bool { return wanted[h] }); err != nil {
		w.log.Warn("the probe's folder cannot be tidied", "why", err)
	}
	again := now.UnixMilli() < w.counts.FreshUntil
	for _, c := range o.chunks {
		for _, m := range c.monitors {
			m.fresh = again // else its baseline was taken before
		}
	}
}

// stored reads a manifest that was accepted once. It may have expired meanwhile:
// then nothing is done by it, and nothing older is obeyed all the same.
func (w *Worker) stored(name string) *wire.Manifest {
	frame, err := w.files.read(w.files.path(name))
	if frame == nil && err == nil {
		return nil
	}
	var m wire.Manifest
	if err == nil {
		v := w.verifier()
		v.Obeyed = wire.Version{}
		m, err = v.Manifest(frame, time.Time{})
	}
	if err == nil && m.Major != wire.Major {
		err = wire.ErrMajor
	}
	if err != nil {
		w.log.Warn("what was obeyed before cannot be used, and is asked for again", "file", w.files.path(name), "why", err)
		return nil
	}
	return &m
}

func (w *Worker) restoreChunk(h wire.Hash) {
	frame, err := w.files.read(w.files.chunk(h))
	if frame == nil && err == nil {
		return
	}
	if err == nil && wire.HashOf(frame) != h {
		err = wire.ErrMalformed
	}
	if err == nil {
		err = w.hold(h, frame)
	}
	if err != nil {
		w.log.Warn("a chunk cannot be used, and is asked for again", "file", w.files.chunk(h), "why", err)
	}
}

func clean(s string) string { return uptime.Clean(s, 100) }
