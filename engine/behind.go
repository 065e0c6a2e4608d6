package engine

import (
	"fmt"
	"slices"
	"time"

	"lookout/engine/depend"
	"lookout/engine/uptime"
)

// A parent and a child fail in the same second, and either may be confirmed
// first; who is woken wants one page. So the first doubt of a child has its
// parents looked at, out of turn; a child that is down while its parent is in
// doubt counts as behind it until that is decided, at most patience; and when
// the parent is up again, or the child was reached although it is down, the
// child is no longer behind it with the next check of its own that fails. Its
// verdict waits for nothing.
const (
	// patience is how long a doubt of a parent keeps those behind it from being
	// told of: the longest window of the rule, a last look at its end, and its
	// time-out come to less.
	patience = 90 * time.Second
	// lookGap is between two looks at a parent that doubts of children ask for.
	lookGap = 5 * time.Second
	// mostLooks is how many of the monitors with a tag, or in a group, are looked at then.
	mostLooks = 32
)

// weave works out who depends on whom. It is called when the monitors are
// complete, at the start and after a reload.
func (e *Engine) weave(now time.Time) {
	tagged := make(map[string][]*monitor)
	for _, m := range e.monitors {
		m.needs, m.node = nil, nil
		for _, to := range m.job.DependsOn {
			if sel, err := uptime.ParseSelector(to); err == nil && sel.Tag != "" {
				tagged[sel.Tag] = nil
			}
		}
	}
	for _, m := range e.monitors {
		for _, t := range m.job.Tags {
			if in, named := tagged[t]; named {
				tagged[t] = append(in, m)
			}
		}
	}
	web := depend.New(func(to string) []*monitor {
		switch sel, err := uptime.ParseSelector(to); {
		case err != nil:
		case sel.Tag != "":
			return tagged[sel.Tag]
		case e.byName[sel.Name] != nil:
			return []*monitor{e.byName[sel.Name]}
		}
		return nil // disabled, or gone with what the configuration no longer has
	})
	for _, m := range e.monitors {
		if on := dependsOn(m.job.Monitor); len(on) > 0 {
			m.needs = web.Add(m, on)
		}
	}
	for m, node := range web.Join() {
		m.node = node
	}
	for _, m := range e.monitors { // explainAll follows: in between some are missing, and nothing is to be told of that
		e.stand(m, now)
	}
}

// dependsOn is what a monitor names, the parent first, each once.
func dependsOn(m *uptime.Monitor) []string {
	if m.Parent == "" {
		return m.DependsOn
	}
	on := []string{m.Parent}
	for _, to := range m.DependsOn {
		if !slices.Contains(on, to) {
			on = append(on, to)
		}
	}
	return on
}

// explainAll looks at every open incident again: the monitors are others now.
func (e *Engine) explainAll(now time.Time) {
	for _, m := range e.monitors {
		e.explain(m, now)
	}
}

// renamed gives what is behind a monitor its new name.
func (e *Engine) renamed(m *monitor, was string) {
	if m.node == nil {
		return
	}
	for _, i := range e.open {
		if heir := e.byName[i.Monitor]; i.Behind == was && heir != nil {
			i.Behind = m.job.Name
			e.keep(i)
			heir.touched()
		}
	}
}

// stands tells those that depend on a monitor how it is now.
func (e *Engine) stands(m *monitor, now time.Time) {
	for _, needs := range e.stand(m, now) {
		for _, heir := range needs.Heirs {
			if heir.number != 0 {
				e.explain(heir, now)
			}
		}
	}
}

// stand notes how a monitor is now, and returns those whose Cause that changes.
func (e *Engine) stand(m *monitor, now time.Time) []*depend.Needs[*monitor] {
	if m.node == nil {
		return nil
	}
	s, until := e.standing(m, now)
	if s.Standing == depend.Doubted && !until.Equal(m.doubted) {
		m.doubted = until
		e.wheel.Add(until, due{m, dueDoubt, m.epoch})
	}
	return m.node.Set(s)
}

// standing is how a monitor is, as far as others depend on it, and until when
// where it is in doubt. One in maintenance explains as any other does: what is
// announced for it is announced for what is behind it. One that was down when
// it was paused, or when we lost sight of it, still is. Otherwise one that is
// paused or unknown tells nothing, and what is above it may explain what is below.
func (e *Engine) standing(m *monitor, now time.Time) (depend.State, time.Time) {
	v := m.mem.Verdict
	if v == uptime.Unknown && m.mem.Before == uptime.Down && m.number != 0 {
		v = uptime.Down // a moment without sight ends no outage
	}
	switch {
	case v == uptime.Down:
		at := m.mem.Outage
		if at.IsZero() {
			at = m.mem.Since
		}
		// Whoever was reached while its first failing check ran was not reached without it.
		return depend.State{Standing: depend.Down, At: at.Add(m.job.Timeout), Path: e.ofPath(m), Reached: m.good}, time.Time{}
	case m.mode == uptime.Paused || v == uptime.Unknown || v == uptime.Pending:
		return depend.State{}, time.Time{}
	}
	if until := m.inDoubt(); until.After(now) {
		return depend.State{Standing: depend.Doubted, At: m.mem.First.Add(m.job.Timeout), Reached: m.good}, until
	}
	if until := m.groupInDoubt(now); until.After(now) {
		return depend.State{Standing: depend.Doubted, At: now}, until
	}
	well := depend.State{Standing: depend.Well}
	if m.mem.Fails == 0 {
		well.At = m.mem.Began
	}
	return well, time.Time{}
}

// inDoubt is until when a monitor may yet turn out to be down; zero: not.
func (m *monitor) inDoubt() time.Time {
	switch {
	case m.mode == uptime.Paused:
	case m.mem.Verdict == uptime.Suspect:
		return m.mem.Doubt.Add(patience)
	case !m.asked.IsZero():
		return m.asked.Add(patience)
	}
	return time.Time{}
}

// groupInDoubt is until when a group may yet turn out to be down: it would be,
// if its members in doubt were.
func (m *monitor) groupInDoubt(now time.Time) time.Time {
	if m.judged == nil || len(m.judged.members) == 0 {
		return time.Time{}
	}
	var until time.Time
	said := m.judged.by.Judge(m.known(func(other *monitor) uptime.Verdict {
		if u := other.inDoubt(); u.After(now) {
			if u.After(until) {
				until = u
			}
			return uptime.Down
		}
		return other.counting()
	}), now)
	if !said.Known || said.Result.Outcome != uptime.OutcomeDown {
		return time.Time{}
	}
	return until
}

// ofPath reports whether a monitor fails by a fault of the path: only that can
// be the fault of another.
func (e *Engine) ofPath(m *monitor) bool {
	r := uptime.Result{Type: m.job.Type, Target: m.job.Target, Fault: m.mem.Fault}
	return r.Side() == uptime.Path
}

// explained is what the incident of a monitor that is down is behind. A parent
// that is only in doubt explains one that opens now.
func (e *Engine) explained(m *monitor, i *uptime.Incident, opens bool) string {
	c := m.needs.CauseFor(m.good)
	switch {
	case !e.ofPath(m):
		return ""
	case c.Sure || !c.None() && opens:
		m.freed = time.Time{}
		return c.Of.job.Name
	case opens:
		m.freed = time.Time{}
		return ""
	}
	return i.Behind // until its next check
}

// behindOf is what a monitor that is down is behind, with the incident that a
// decision is about; "" for nothing.
func (e *Engine) behindOf(m *monitor, i *uptime.Incident) string {
	if i == nil {
		i = e.open[m.number]
	}
	if i == nil || m.mem.Verdict != uptime.Down {
		return ""
	}
	return i.Behind
}

// explain looks again at what the incident of a monitor is behind.
func (e *Engine) explain(m *monitor, now time.Time) {
	i := e.open[m.number]
	if i == nil || m.mem.Verdict != uptime.Down {
		return
	}
	e.behind(m, i, e.explained(m, i, false), now)
	if i.Behind != "" && m.needs.CauseFor(m.good).None() && m.freed.IsZero() {
		m.freed = now
	}
}

// behind has an incident be behind another monitor from now on; "" for none.
func (e *Engine) behind(m *monitor, i *uptime.Incident, name string, now time.Time) {
	if i.Behind == name {
		return
	}
	text := "behind " + name
	if name == "" {
		text = "no longer behind " + i.Behind + ": " + i.Message
		m.freed = time.Time{}
	}
	i.Behind = name
	i.Tell(uptime.Phase{Time: now.UTC().Round(0), Phase: uptime.IncidentChanged, Verdict: m.mem.Verdict, Fault: i.Fault, Message: text})
	e.emit(uptime.Event{Time: now, Kind: uptime.EventIncident, Monitor: m.job.Name, Since: i.Start, From: m.mem.Verdict, To: m.mem.Verdict,
		Fault: i.Fault, Message: fmt.Sprintf("#%d %s", i.Number, text), Incident: i.Number, By: byEngine, Note: uptime.IncidentChanged, Behind: name, Silenced: i.Silenced})
	e.keep(i)
	m.touched()
}

// reached takes a success of one that is behind another: what was down by then
// explains nothing any more, once it fails again.
func (e *Engine) reached(m *monitor, now time.Time) {
	if i := e.open[m.number]; i != nil && i.Behind != "" {
		e.explain(m, now)
	}
}

// released takes a check that began at a time and failed, of one whose parent
// is no longer down: from now on it is told of.
func (e *Engine) released(m *monitor, began, now time.Time) {
	i := e.open[m.number]
	if m.freed.IsZero() || i == nil || i.Behind == "" || m.mem.Verdict != uptime.Down || !began.After(m.freed) {
		return
	}
	if c := m.needs.CauseFor(m.good); c.Sure || !c.None() && now.Sub(m.freed) < patience {
		return // it may be down again
	}
	e.behind(m, i, "", now)
}

// consult has what a monitor depends on looked at, because it fails by a fault
// of the path.
func (e *Engine) consult(m *monitor, now time.Time) {
	if m.needs == nil {
		return
	}
	switch m.mem.Verdict {
	case uptime.Suspect:
		if !m.mem.Path {
			return
		}
	case uptime.Down:
		if !e.ofPath(m) {
			return
		}
	default:
		return
	}
	since := m.mem.First
	if since.IsZero() {
		since = m.mem.Since
	}
	for _, parent := range m.needs.Ask(since, now, lookGap, mostLooks) {
		e.glance(parent, since, now)
	}
}

// glance looks at a monitor that was well, if it was not since a time.
func (e *Engine) glance(m *monitor, since, now time.Time) {
	if j := m.judged; j != nil {
		for _, member := range j.members[:min(len(j.members), mostLooks)] {
			if member.judged == nil {
				e.glance(member, since, now)
			}
		}
		return
	}
	if v := m.mem.Verdict; m.mode == uptime.Paused || v != uptime.Up && v != uptime.Degraded {
		return
	}
	running := m.flying(now) > 0
	if m.started.After(since) && !running {
		return // and it was well
	}
	if m.asked = since; !m.started.After(since) {
		m.asked = now.Add(-1) // a check that begins now is new enough
	}
	if !running {
		e.budget.owe() // it waits for nobody: it tells what the others wait for
		e.checkNow(check{m: m, epoch: m.epoch, job: m.job, due: now, regular: true, urgent: true}, 0)
	}
	e.doubtful(m, now)
}

// seen takes a result of a monitor that others had looked at.
func (e *Engine) seen(m *monitor, r *uptime.Result, began, now time.Time) {
	if m.asked.IsZero() {
		return
	}
	if r.Outcome == uptime.OutcomeUp && !began.After(m.asked) && m.flying(now) == 0 && m.mode != uptime.Paused {
		e.checkNow(check{m: m, epoch: m.epoch, job: m.job, due: now, regular: true, urgent: true}, 0)
		return // that one began before the child failed
	}
	m.asked = time.Time{}
	e.doubtful(m, now)
}

// doubtful tells those that depend on a monitor, or on a group with it, that it
// is in doubt, or no longer.
func (e *Engine) doubtful(m *monitor, now time.Time) {
	e.stands(m, now)
	for _, g := range m.groups {
		e.stands(g, now)
	}
}
