package verdict

import (
	"lookout/engine/uptime"
)

// Void is a result that says nothing, because what it met is ours: it is
// unknown by a fault of ours, and its sentence keeps what was found.
func Void(r *uptime.Result, fault uptime.Fault, why string) uptime.Result {
	void := *r
	void.Outcome, void.Fault, void.Message = uptime.OutcomeUnknown, fault, uptime.Clean(why+"; "+r.Message, 300)
	return void
}

// Blind ends a doubt that rests on nothing but what turns out to be ours: the
// monitor is unknown from the start of the doubt on. Void says for which fault of
// ours, and in which words, a failing check of home counts for nothing now;
// NoFault where it counts. A check that has only been slow so far is one that is
// silent. A doubt that has something else in it goes on, and so does one that
// another place shares.
func Blind(m Memory, void func(*uptime.Evidence) (fault uptime.Fault, why string)) (Memory, Decision) {
	if m.Verdict != uptime.Suspect {
		return m, Decision{}
	}
	all := m.Evidence
	if len(all) == 0 {
		all = []uptime.Evidence{{Location: uptime.Local, Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPTimeout}}
	}
	fault, why := uptime.NoFault, ""
	for _, e := range all {
		if !e.Vote { // it still runs
			e.Outcome, e.Fault = uptime.OutcomeDown, uptime.FaultTCPTimeout
		}
		if e.Outcome != uptime.OutcomeDown {
			continue
		}
		if e.Location != "" && e.Location != uptime.Local {
			return m, Decision{}
		}
		if fault, why = void(&e); fault == uptime.NoFault {
			return m, Decision{}
		}
	}
	if fault == uptime.NoFault {
		return m, Decision{}
	}
	since := m.First
	if since.IsZero() {
		since = m.Doubt
	}
	found := m.Message
	m, d := m.blind(since)
	m.Unknowns, m.Goods = 1, 0
	m.Fault, m.Message = fault, uptime.Clean(why+"; "+found, 300)
	return m, d
}
