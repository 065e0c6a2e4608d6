package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Act does to monitors what a person wants, and returns the names of those
// concerned. It returns once what was done is stored.
func (e *Engine) Act(ctx context.Context, a uptime.Action) ([]string, error) {
	var names []string
	var batch uint64
	var failed error
	err := e.do(ctx, func(now time.Time) {
		names, failed = e.act(a, now)
		batch = e.out.cuts + 1
		e.publish(now) // whoever looks after the answer sees it
	})
	if err != nil || failed != nil {
		return nil, errorOf(failed, err)
	}
	return names, e.stable(ctx, batch)
}

func errorOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// stable waits until a batch is on disk, and with it all before it.
func (e *Engine) stable(ctx context.Context, batch uint64) error {
	for {
		news := e.answered.next() // before the look: an answer in between is seen
		if e.written.Load() >= batch {
			return nil
		}
		if s := e.Snapshot(); s.Health.StoreError != "" {
			return fmt.Errorf("it is done, but not stored yet: %s", s.Health.StoreError)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.done:
			if e.written.Load() >= batch {
				return nil
			}
			return fmt.Errorf("%w: it has stopped", uptime.ErrNoEngine)
		}
	}
}

// act is Act, in the loop.
func (e *Engine) act(a uptime.Action, now time.Time) ([]string, error) {
	if !a.Until.IsZero() && !a.Until.After(now) {
		return nil, uptime.Invalid("the end %s has passed", a.Until.UTC().Format(time.RFC3339))
	}
	e.windows(now) // what is due comes first
	do, ok := map[uptime.Verb]func(*monitor, uptime.Action, time.Time) bool{
		uptime.VerbCheck:      e.recheck,
		uptime.VerbPause:      e.pause,
		uptime.VerbResume:     e.resume,
		uptime.VerbMaintain:   e.maintain,
		uptime.VerbUnmaintain: e.unmaintain,
		uptime.VerbAck:        e.acknowledge,
		uptime.VerbUnack:      e.takeBack,
		uptime.VerbBeat:       e.beat,
	}[a.Verb]
	if !ok {
		return nil, uptime.Invalid("%q is nothing that can be done", uptime.Clean(string(a.Verb), 40))
	}
	meant, err := e.meant(e.toldWith(a))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range meant {
		if do(m, a, now) {
			names = append(names, m.job.Name)
		}
	}
	if len(names) == 0 {
		return nil, uptime.Invalid("%s", nothingTo[a.Verb])
	}
	return names, nil
}

// nothingTo says why a verb had no effect on any of the monitors meant.
var nothingTo = map[uptime.Verb]string{
	uptime.VerbCheck:      "paused monitors are not checked; resume them first",
	uptime.VerbPause:      "already paused until then",
	uptime.VerbResume:     "not paused",
	uptime.VerbMaintain:   "already in maintenance until then",
	uptime.VerbUnmaintain: "not in maintenance",
	uptime.VerbAck:        "there is no open incident to acknowledge",
	uptime.VerbUnack:      "there is no acknowledged incident",
	uptime.VerbBeat:       "only monitors of the type beat take beats",
}

// toldWith is an action's targets. Who takes note of an incident by its number, as
// a letter says, takes note of all that the letter told: with one that shares its
// cause with others, of those that nobody took note of yet.
func (e *Engine) toldWith(a uptime.Action) []string {
	if a.Verb != uptime.VerbAck && a.Verb != uptime.VerbUnack {
		return a.Targets
	}
	targets, s, met := slices.Clone(a.Targets), *e.Snapshot(), map[uint64]bool{}
	if e.o.Outbox != nil { // the letter may be younger than the snapshot
		s.Outbox = e.o.Outbox()
	}
	for _, t := range a.Targets {
		sel, err := uptime.ParseSelector(t)
		if err != nil || sel.Incident == 0 || met[sel.Incident] {
			continue
		}
		for _, in := range s.Together(sel.Incident) {
			met[in.Number] = true
			if (in.Ack == nil) == (a.Verb == uptime.VerbAck) {
				targets = append(targets, in.Monitor)
			}
		}
	}
	return targets
}

// meant finds the monitors of an action's targets, each once. An incident that is
// over is no mistake beside one that lasts: a letter may have named both.
func (e *Engine) meant(targets []string) ([]*monitor, error) {
	seen := make(map[*monitor]bool)
	var out []*monitor
	var over error
	for _, t := range targets {
		sel, err := uptime.ParseSelector(t)
		if err != nil {
			return nil, err
		}
		found := false
		candidates := e.monitors
		if sel.Name != "" {
			candidates = nil
			if m := e.byName[sel.Name]; m != nil {
				candidates = []*monitor{m}
			}
		}
		for _, m := range candidates {
			if !sel.Matches(m.job.Monitor, m.number) {
				continue
			}
			found = true
			if !seen[m] {
				seen[m] = true
				out = append(out, m)
			}
		}
		if !found {
			err := fmt.Errorf("%w: %s", uptime.ErrNoMonitor, uptime.Clean(t, 120))
			if sel.Incident == 0 {
				return nil, err
			}
			over = errorOf(over, err)
		}
	}
	if len(out) == 0 && over != nil {
		return nil, over
	}
	if len(out) == 0 {
		return nil, uptime.Invalid("no monitor was named")
	}
	return out, nil
}

func (e *Engine) recheck(m *monitor, _ uptime.Action, now time.Time) bool {
	if m.mode == uptime.Paused {
		return false
	}
	if m.judged != nil {
		e.judge(m, now)
		return true
	}
	if m.flying(now) == 0 { // one that waits or runs is what was asked for
		e.checkNow(check{m: m, epoch: m.epoch, job: m.job, due: now, urgent: true}, 0)
	}
	return true
}

func (e *Engine) pause(m *monitor, a uptime.Action, now time.Time) bool {
	return e.setMode(m, uptime.Paused, a, now)
}

func (e *Engine) maintain(m *monitor, a uptime.Action, now time.Time) bool {
	return e.setMode(m, uptime.Maintenance, a, now)
}

func (e *Engine) resume(m *monitor, a uptime.Action, now time.Time) bool {
	return m.mode == uptime.Paused && e.endMode(m, a.By, now, now)
}

func (e *Engine) unmaintain(m *monitor, a uptime.Action, now time.Time) bool {
	if m.mode != uptime.Maintenance {
		return false
	}
	if m.covered(now) {
		m.out = m.rota.span.To
	}
	return e.endMode(m, a.By, now, now)
}

// setMode pauses a monitor or puts it into maintenance.
func (e *Engine) setMode(m *monitor, mode uptime.Mode, a uptime.Action, now time.Time) bool {
	if m.mode == mode && m.until.Equal(a.Until) && !m.windowed {
		return false
	}
	was := m.mode
	m.mode, m.until, m.modeSince, m.windowed = mode, a.Until.Round(0), now, false
	if mode == uptime.Maintenance {
		m.out = time.Time{} // whoever took it out before has changed their mind
	}
	if was == uptime.Paused {
		m.mem = m.mem.Forget(now)
	}
	m.counts(now, m.class(), now)
	kind, text := uptime.EventMaintenance, "in maintenance"
	if mode == uptime.Paused {
		kind, text = uptime.EventPause, "paused"
	}
	e.emit(uptime.Event{Time: now, Kind: kind, Monitor: m.job.Name, Mode: mode, Message: text, By: a.By, Note: a.Note, Until: a.Until})
	m.touched()
	if mode == uptime.Paused || was == uptime.Paused {
		e.schedule(m, now, new(int))
	}
	e.stands(m, now)
	e.regroup(m, now)
	return true
}

// endMode ends what a person set, or a maintenance that a person ends, at a time
// that has come or passed while no engine ran. The monitor is active again, unless
// a window wants it: a maintenance then goes on as that of the window.
func (e *Engine) endMode(m *monitor, by string, at, now time.Time) bool {
	if m.mode == uptime.Maintenance && m.covered(now) {
		e.enter(m, now, m.rota.note(now), now)
		return true
	}
	kind, text := uptime.EventMaintenance, "out of maintenance"
	paused := m.mode == uptime.Paused
	if paused {
		kind, text = uptime.EventPause, "resumed"
	}
	m.mode, m.until, m.modeSince, m.windowed = uptime.Active, time.Time{}, latest(at, m.modeSince), false
	if paused { // what was known before is no longer true by itself
		m.mem = m.mem.Forget(now)
	}
	m.counts(m.modeSince, m.class(), now)
	ev := uptime.Event{Time: now, Kind: kind, Monitor: m.job.Name, Mode: uptime.Active, Message: text, By: by}
	if by == byEngine { // when its end came, and not when we saw that
		ev.Since = m.modeSince
	}
	e.emit(ev)
	m.touched()
	if paused {
		e.schedule(m, now, new(int))
	}
	if m.covered(now) {
		e.enter(m, now, m.rota.note(now), now)
	}
	e.outlasted(m, now)
	e.stands(m, now)
	e.regroup(m, now)
	return true
}

func (e *Engine) acknowledge(m *monitor, a uptime.Action, now time.Time) bool {
	i := e.open[m.number]
	if i == nil {
		return false
	}
	i.Ack = &uptime.Ack{By: a.By, Note: a.Note, Until: a.Until.Round(0)}
	m.ack = i.Ack
	i.Tell(uptime.Phase{Time: now.UTC().Round(0), Phase: uptime.PhaseAcknowledged, Verdict: m.mem.Verdict, Message: saidBy(a.By, a.Note)})
	e.emit(uptime.Event{Time: now, Kind: uptime.EventAck, Monitor: m.job.Name, Fault: i.Fault, Incident: i.Number,
		Message: fmt.Sprintf("#%d acknowledged", i.Number), By: a.By, Note: a.Note, Until: a.Until})
	e.keep(i)
	m.touched()
	return true
}

func (e *Engine) takeBack(m *monitor, a uptime.Action, now time.Time) bool {
	return m.ack != nil && e.unack(m, a.By, now)
}

func (e *Engine) unack(m *monitor, by string, now time.Time) bool {
	i := e.open[m.number]
	if i == nil {
		return false
	}
	i.Ack, m.ack = nil, nil
	i.Tell(uptime.Phase{Time: now.UTC().Round(0), Phase: uptime.PhaseUnacknowledged, Verdict: m.mem.Verdict, Message: saidBy(by, "")})
	e.emit(uptime.Event{Time: now, Kind: uptime.EventAck, Monitor: m.job.Name, Fault: i.Fault, Incident: i.Number,
		Message: fmt.Sprintf("#%d no longer acknowledged", i.Number), By: by, TakenBack: true})
	e.keep(i)
	m.touched()
	return true
}
