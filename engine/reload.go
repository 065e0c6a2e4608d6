package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// restore makes the monitors as the store remembers them.
func (e *Engine) restore(now time.Time) error {
	all := make([]monitor, len(e.o.Jobs)) // at once: one at a time they waste an eighth
	for i, job := range e.o.Jobs {
		m := &all[i]
		m.configure(job, e.o.Node)
		e.byName[job.Name] = m
		e.monitors = append(e.monitors, m)
	}
	e.sort()
	known := make(map[string]bool)
	err := e.o.Store.States(func(r uptime.StateRecord) error { known[r.Monitor] = true; return nil })
	if err := e.readable(err); err != nil {
		return err
	}
	for _, m := range e.monitors {
		if was := m.job.Was; was != "" && known[was] && !known[m.job.Name] && e.byName[was] == nil {
			if err := e.o.Store.Rename(was, m.job.Name); err != nil {
				e.journal.say(slog.LevelError, "a monitor starts anew under its new name", "monitor", m.job.Name, "was", was, "error", err)
			}
		}
	}
	err = e.o.Store.States(func(r uptime.StateRecord) error {
		m := e.byName[r.Monitor]
		if m == nil { // no longer configured; its history stays until it expires
			m = newMonitor(uptime.Job{Monitor: &uptime.Monitor{Name: r.Monitor}}, e.o.Node)
			if open, err := m.decode(r.Data); err == nil && open != nil {
				e.orphans = append(e.orphans, orphan{m, open})
			}
			return nil
		}
		open, err := m.decode(r.Data)
		if err != nil {
			e.journal.say(slog.LevelError, "a monitor starts anew", "monitor", r.Monitor, "error", err)
			return nil
		}
		if open != nil {
			e.open[open.Number] = open
			e.shown.change(open.Number)
			e.ids.incident = max(e.ids.incident, open.Number)
		}
		if m.stored != m.job.Subject { // edited while no engine ran
			m.forget(now)
		}
		return nil
	})
	if err := e.readable(err); err != nil {
		return err
	}
	e.setBackMeanwhile(now)
	err = e.o.Store.Tail(e.untold(now), func(r *uptime.Result) error {
		m := e.byName[r.Monitor]
		if m == nil || r.Location != m.seenFrom() { // what others found is in no history
			return nil
		}
		if r.Time.After(m.last.Time) && !r.Time.After(now) { // one of the future is of a clock that was set back since
			m.observe(r)
			if r.Outcome != uptime.OutcomeUnknown {
				m.mem.Judged = r.Time.Add(r.Total)
			}
		}
		return nil
	})
	if err := e.readable(err); err != nil {
		return err
	}
	if err := e.recallProbes(); err != nil {
		return err
	}
	err = e.recall(now)
	for _, m := range e.monitors {
		e.wake(m, now)
		m.slept, m.dated = true, m.mem.Fault
	}
	e.connect()
	e.weave(now)
	e.arrange(e.o.Maintenance, e.o.Resumed.LastAlive)
	return e.readable(err)
}

// untold is since when there may be results that a state record does not know of.
func (e *Engine) untold(now time.Time) time.Time {
	since := now.Add(-time.Hour)
	if known := e.o.Resumed.LastAlive.Add(-unsavedFor); known.After(since) && known.Before(now) {
		return known
	}
	return since
}

// orphan is a monitor that was taken out of the configuration while no engine
// ran, with the incident that it left open.
type orphan struct {
	m    *monitor
	open *uptime.Incident
}

// readable lets an engine go on with what could be read of a damaged file.
func (e *Engine) readable(err error) error {
	if errors.Is(err, uptime.ErrDamaged) {
		e.damaged = err
		return nil
	}
	return err
}

// wake continues a monitor's memory after a time without checks.
func (e *Engine) wake(m *monitor, now time.Time) {
	before := m.mem.Verdict
	m.mem = verdict.Resume(m.params, m.mem, now)
	if m.mem.Verdict == uptime.Unknown && before != uptime.Unknown {
		m.counts(m.mem.Since, m.class(), now)
	}
}

func (e *Engine) sort() {
	slices.SortFunc(e.monitors, func(a, b *monitor) int { return strings.Compare(a.job.Name, b.job.Name) })
}

// Reload puts another configuration in force. Monitors that it does not change
// keep their state and their place in time; those that check something else
// now keep their history only, and are checked at once. It returns a sentence
// that says what changed.
func (e *Engine) Reload(ctx context.Context, jobs []uptime.Job, c uptime.ConfigState, windows ...Maintenance) (string, error) {
	var said string
	var batch uint64
	err := e.do(ctx, func(now time.Time) {
		said = e.reload(jobs, windows, c, now)
		batch = e.out.cuts + 1
		e.publish(now)
	})
	if err != nil {
		return "", err
	}
	return said, e.stable(ctx, batch)
}

func (e *Engine) reload(jobs []uptime.Job, windows []Maintenance, c uptime.ConfigState, now time.Time) string {
	names := make(map[string]bool, len(jobs))
	for _, j := range jobs {
		names[j.Name] = true
	}
	e.renameAll(jobs, names, now)
	added, changed, fresh := 0, 0, 0
	for _, j := range jobs {
		switch m := e.byName[j.Name]; {
		case m == nil:
			added++
			if m = e.removed[j.Name]; m != nil { // it is back, with its past
				delete(e.removed, j.Name)
				m.configure(j, e.o.Node)
				m.forget(now)
				m.touched()
			} else {
				m = newMonitor(j, e.o.Node)
			}
			e.byName[j.Name] = m
			e.monitors = append(e.monitors, m)
			e.schedule(m, now, &fresh)
		case m.job.Fingerprint != j.Fingerprint:
			changed++
			e.change(m, j, now, &fresh)
		default:
			m.job = j // the same, made anew: nothing of the old configuration is kept alive
			m.viewed = false
		}
	}
	removed := 0
	e.monitors = slices.DeleteFunc(e.monitors, func(m *monitor) bool {
		if names[m.job.Name] {
			return false
		}
		removed++
		e.remove(m, now)
		return true
	})
	e.sort()
	e.connect()
	c.Error = ""
	e.config = c
	said := fmt.Sprintf("%s (+%d new, ~%d changed, -%d removed)", counted(len(e.monitors)), added, changed, removed)
	e.emit(uptime.Event{Time: now, Kind: uptime.EventConfig, Message: "reloaded: " + said, By: byEngine})
	e.weave(now)
	e.explainAll(now)
	e.arrange(windows, now)
	e.settle(e.monitors, now)
	e.tellPauses()
	return said
}

// counted is a number of monitors with its word.
func counted(monitors int) string {
	if monitors == 1 {
		return "1 monitor"
	}
	return fmt.Sprintf("%d monitors", monitors)
}

// change gives a monitor other settings. Where another thing is checked now,
// what is believed of the old one is dropped and it is looked at at once; a
// note, a tag or an interval changes no verdict.
func (e *Engine) change(m *monitor, j uptime.Job, now time.Time, fresh *int) {
	was := m.job
	m.configure(j, e.o.Node)
	m.touched()
	switch {
	case was.Subject != j.Subject:
		m.since = now
		m.forget(now)
		e.schedule(m, now, fresh)
	case was.Interval != j.Interval:
		e.schedule(m, now, fresh)
	default:
		e.replan(m, now)
	}
}

// renameAll carries history over to monitors that say what they were called.
func (e *Engine) renameAll(jobs []uptime.Job, names map[string]bool, now time.Time) {
	for _, j := range jobs {
		m := e.byName[j.Was]
		if j.Was == "" || m == nil || names[j.Was] || e.byName[j.Name] != nil {
			continue
		}
		e.out.rename(j.Was, j.Name)
		e.intake.called.rename(j.Was, j.Name, now)
		delete(e.byName, j.Was)
		e.byName[j.Name] = m
		renamed := *m.job.Monitor
		renamed.Name = j.Name
		m.job.Monitor = &renamed
		if i := e.open[m.number]; i != nil {
			i.Monitor = j.Name
			e.shown.change(i.Number)
		}
		e.renamed(m, j.Was)
		if m.closed != nil {
			m.closed.Monitor = j.Name
		}
		m.touched()
	}
	e.sort()
}

// rename gives what waits for the store, and then what is in it, another name.
func (o *outbound) rename(from, to string) {
	for i := range o.pending.Results {
		if r := &o.pending.Results[i]; r.Monitor == from {
			r.Monitor = to
		}
	}
	for i := range o.rows {
		if r := &o.rows[i]; r.Monitor == from {
			r.Monitor = to
		}
	}
	for i := range o.pending.Events {
		if ev := &o.pending.Events[i]; ev.Monitor == from {
			ev.Monitor = to
		}
	}
	for i := range o.pending.Incidents {
		if in := &o.pending.Incidents[i]; in.Monitor == from {
			in.Monitor = to
		}
	}
	o.renames = append(o.renames, rename{from, to})
}

// remove ends the watch of a monitor. Its history stays until it expires, and
// so does what is known of it, in case it comes back.
func (e *Engine) remove(m *monitor, now time.Time) {
	m.epoch++
	m.plan++
	m.regular, m.extra, m.rota = time.Time{}, time.Time{}, nil
	delete(e.byName, m.job.Name)
	e.removed[m.job.Name] = m
	m.node, m.needs = nil, nil
	if i := e.open[m.number]; i != nil {
		e.abandon(m, i, now)
	}
	m.counts(now, uptime.ClassNone, now)
	e.record(&e.out.pending, m)
}

// abandon closes the incident of a monitor that is no longer watched.
func (e *Engine) abandon(m *monitor, i *uptime.Incident, now time.Time) {
	i.End, i.Ended = now, uptime.EndedUnwatched
	i.Tell(uptime.Phase{Time: now.UTC().Round(0), Phase: uptime.IncidentClosed, Verdict: m.mem.Verdict, Message: i.Ended})
	delete(e.open, i.Number)
	from := m.mem.Verdict
	m.number, m.ack, m.mem = 0, nil, verdict.Memory{}
	e.emit(uptime.Event{Time: now, Kind: uptime.EventIncident, Monitor: m.job.Name, Fault: i.Fault, From: from, To: from,
		Message: fmt.Sprintf("#%d closed: %s", i.Number, i.Ended), Incident: i.Number, By: byEngine, Note: uptime.IncidentClosed})
	e.keep(i)
}
