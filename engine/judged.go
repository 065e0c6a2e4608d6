package engine

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// judged is what a monitor has that the engine judges itself.
type judged struct {
	by      uptime.Judge
	members []*monitor
	running bool // it is being judged: what that changes does not come back to it
}

// connect looks up who is a member of whom. It is called when the monitors are
// complete, at the start and after a reload.
func (e *Engine) connect() {
	for _, m := range e.monitors {
		m.groups = nil
	}
	for _, m := range e.monitors {
		j, ok := m.job.Checker.(uptime.Judge)
		if !ok {
			m.judged = nil
			continue
		}
		m.judged = &judged{by: j}
		seen := map[*monitor]bool{m: true}
		for _, to := range j.Members() {
			found, err := e.meant([]string{to})
			if err != nil { // disabled, or gone with what the configuration no longer has
				continue
			}
			for _, other := range found {
				if !seen[other] {
					seen[other] = true
					m.judged.members = append(m.judged.members, other)
					other.groups = append(other.groups, m)
				}
			}
		}
	}
}

// judge has a monitor say what follows from what is known, as a check would.
func (e *Engine) judge(m *monitor, now time.Time) {
	j := m.judged
	if j.running || m.mode == uptime.Paused {
		return
	}
	j.running = true
	defer func() { j.running = false }()
	said := j.by.Judge(m.known((*monitor).counting), now)
	if r := said.Result; said.Known && (r.Outcome != uptime.OutcomeUnknown || !j.waits()) {
		r.Time, r.Monitor, r.Type, r.Target, r.Location = now.UTC().Truncate(time.Millisecond), m.job.Name, m.job.Type, m.job.Target, uptime.Local
		r.Message = uptime.Clean(r.Message, 300)
		e.found(m, r, now, now)
	}
	if at := said.Again; !at.IsZero() && at.Before(m.regular) && (m.extra.IsZero() || at.Before(m.extra)) {
		e.extra(m, at, now)
	}
}

// known is what a Judge is told, of members with the verdict that counts.
func (m *monitor) known(verdict func(*monitor) uptime.Verdict) uptime.Known {
	known := uptime.Known{Beat: m.beat}
	for _, other := range m.judged.members {
		known.Members = append(known.Members, uptime.Member{Name: other.job.Name, Verdict: verdict(other), Mode: other.mode, Fault: other.mem.Fault})
	}
	return known
}

// counting is the verdict that counts: of a suspect what it was before.
func (m *monitor) counting() uptime.Verdict {
	if m.mem.Verdict == uptime.Suspect {
		return m.mem.Before
	}
	return m.mem.Verdict
}

// waits reports whether a member is not known because nothing was found yet
// since we stood still, which is no news.
func (j *judged) waits() bool {
	return slices.ContainsFunc(j.members, func(m *monitor) bool { return m.slept && m.mem.Verdict == uptime.Unknown })
}

// regroup judges those again of which a monitor is a member.
func (e *Engine) regroup(m *monitor, now time.Time) {
	for _, g := range m.groups {
		e.judge(g, now)
	}
}

// beat takes what a job says of itself.
func (e *Engine) beat(m *monitor, a uptime.Action, now time.Time) bool {
	if m.job.Type != "beat" {
		return false
	}
	m.beat = m.beat.Take(a.Signal, uptime.Clean(a.Note, 200), now.UTC().Round(0))
	m.touched()
	e.out.urgent = true
	e.judge(m, now)
	return true
}
