package desk

import (
	"strconv"
	"time"

	"lookout/engine/uptime"
)

// sharedBy is a cause, of what is down or of what is degraded.
type sharedBy struct {
	cause uptime.Cause
	down  bool
}

// group is a cause that monitors may share: looked into, and told if they do.
type group struct {
	Number uint64
	Cause  uptime.Cause
	Down   bool
	Thread thread
}

func (g *group) key() string { return keyGroup + strconv.FormatUint(g.Number, 10) }

func (g *group) by() sharedBy { return sharedBy{g.Cause, g.Down} }

func (g *group) due() time.Time { return g.Thread.due() }

func (d *Desk) keepGroup(g *group) {
	d.save(g.key(), g)
	d.alarms.set(g.key(), g.due())
}

func (d *Desk) ringGroup(g *group, s *uptime.Snapshot, now time.Time) {}

type index struct{}

func (d *Desk) sample(s *uptime.Snapshot, now time.Time) {}

// hold keeps a matter from being told while it may turn out to be one of many.
func (d *Desk) hold(m *matter, s *uptime.Snapshot, now time.Time) {
	if in := open(s, m.Number); in != nil {
		m.Here = here(in)
	}
	d.tell(m, s, now)
}

func (d *Desk) decide(m *matter, s *uptime.Snapshot, now time.Time) { d.tell(m, s, now) }

// here reports whether an incident was judged from this machine alone.
func here(in *uptime.Incident) bool {
	if len(in.ConfirmedBy) > 0 {
		return false
	}
	for i := range in.Evidence {
		if e := &in.Evidence[i]; e.Outcome == uptime.OutcomeDown && e.Location != "" && e.Location != uptime.Local {
			return false
		}
	}
	return true
}
