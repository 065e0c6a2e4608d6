package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// Note writes an event of somebody else's into the log: that a probe is lagging,
// that a broker is gone. It is numbered here; By is the engine where it says
// nobody. Note returns once it is taken, not once it is stored.
func (e *Engine) Note(ctx context.Context, ev uptime.Event) error {
	return e.do(ctx, func(now time.Time) {
		if ev.Time.IsZero() {
			ev.Time = now
		}
		if ev.By == "" {
			ev.By = byEngine
		}
		ev.Message = uptime.Clean(ev.Message, 300)
		e.emit(ev)
	})
}

// Exclude has the vote of a probe not count from now on, whatever it finds. It
// returns once that is stored.
func (e *Engine) Exclude(ctx context.Context, probe, by, note string) error {
	by = uptime.Clean(by, maxBy)
	if by == "" {
		by = "somebody"
	}
	return e.exclude(ctx, probe, by, by, note)
}

// Include has it count again.
func (e *Engine) Include(ctx context.Context, probe, by, note string) error {
	return e.exclude(ctx, probe, "", by, note)
}

func (e *Engine) exclude(ctx context.Context, probe, excluded, by, note string) error {
	if l, name, ok := strings.Cut(probe, "/"); !ok || l == "" || name == "" || len(probe) > 200 {
		return uptime.Invalid("%q is no probe: it is LOCATION/NAME", uptime.Clean(probe, 80))
	}
	var failed error
	var batch uint64
	err := e.do(ctx, func(now time.Time) {
		a := &applied{}
		if known := e.intake.probes[probe]; known != nil {
			a = known.clone()
		}
		switch {
		case excluded == "" && a.exclude == "":
			failed = uptime.Invalid("%s is not excluded", uptime.Clean(probe, 80))
			return
		case excluded != "" && a.exclude != "":
			failed = uptime.Invalid("%s is excluded already, by %s", uptime.Clean(probe, 80), a.exclude)
			return
		}
		a.exclude = excluded
		e.intake.probes[probe] = a
		e.out.probe(probe)
		said := "%s excluded: its vote does not count"
		if excluded == "" {
			said = "%s included: its vote counts again"
		}
		e.emit(uptime.Event{Time: now, Kind: uptime.EventProbe, Message: uptime.Clean(fmt.Sprintf(said, probe), 300), By: by, Note: uptime.Clean(note, 200)})
		if e.o.OnExclude != nil {
			e.o.OnExclude(probe, excluded)
		}
		if excluded != "" {
			e.silence(probe, now)
		}
		batch = e.out.cuts + 1
		e.publish(now)
	})
	if err != nil || failed != nil {
		return errorOf(failed, err)
	}
	return e.stable(ctx, batch)
}

// silence has the doubts and recoveries that are on go on without the location of a probe that
// was excluded just now, where no other of it has a vote.
func (e *Engine) silence(probe string, now time.Time) {
	location, _, _ := strings.Cut(probe, "/")
	if e.o.Probes != nil {
		_, probes := e.o.Probes()
		for i := range probes {
			p := probes[i]
			if e.ledger(&p); p.Location == location && p.Votes() {
				return
			}
		}
	}
	for _, m := range e.monitors {
		if m.mem.Listens() && m.judged == nil {
			e.without(m, location, now)
		}
	}
}

// without has a monitor's doubt, or recovery, go on without a location.
func (e *Engine) without(m *monitor, location string, now time.Time) {
	home := m.away != nil && m.away.home.Location == location
	s := e.scene(m)
	if home { // another may be by now
		s.Home = location
	}
	mem, d := verdict.Without(m.params, s, m.mem, location, now)
	if e.holdsBack(m, d, now, func(now time.Time) { e.without(m, location, now) }) {
		return
	}
	m.mem = mem
	e.apply(m, d, now)
	e.replan(m, now)
}

// recallProbes reads what is known of probes.
func (e *Engine) recallProbes() error {
	err := e.o.Store.Probes(func(r uptime.ProbeRecord) error {
		a, err := decodeApplied(r.Data)
		if err != nil {
			e.journal.say(slog.LevelError, "results of a probe may count twice", "probe", r.Probe, "error", err)
			return nil
		}
		e.intake.probes[r.Probe] = a
		return nil
	})
	if err := e.readable(err); err != nil {
		return err
	}
	if e.o.OnExclude != nil {
		for probe, a := range e.intake.probes {
			if a.exclude != "" {
				e.o.OnExclude(probe, a.exclude)
			}
		}
	}
	return nil
}

// ledger adds to a probe, as others know it, what is known of its results.
func (e *Engine) ledger(p *uptime.Probe) {
	a := e.intake.probes[p.ID()]
	if a == nil {
		return
	}
	p.Excluded = a.exclude
	p.Lost += a.givenUp
	switch {
	case p.Warning != "":
	case a.refused > 0:
		p.Warning = fmt.Sprintf("%d of its results were refused: their time is no time that they can be of", a.refused)
	case a.again > 0:
		p.Warning = fmt.Sprintf("%d of its results were refused: they are of an epoch of its spool that is long over, and were probably taken then", a.again)
	}
}

// probeRecords adds the records of probes to a batch.
func (e *Engine) probeRecords(b *uptime.Batch) {
	for _, probe := range e.out.probes {
		data := e.intake.probes[probe].encode()
		b.Probes = append(b.Probes, uptime.ProbeRecord{Probe: probe, Data: data})
	}
	e.out.probes = nil
}
