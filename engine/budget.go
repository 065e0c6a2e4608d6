package engine

import (
	"net"
	"net/netip"
	"time"

	"lookout/engine/depend"
	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// The checks beyond the regular ones have a budget: what confirms a doubt at
// home and elsewhere, what looks for a recovery, and what looks closer at what
// fails now and then. Ten thousand suspects at once must not flood what they
// all depend on, nor keep the one with a fault of its own from being told of.
//
// A plan of the rule that cannot be paid for waits in line, without being in
// the way of the regular checks of its monitor, whose results go on counting;
// when its turn comes, the rule is asked anew what it wants. The line has ranks:
const (
	rankFirst  = iota // the first doubt of a class of faults
	rankLast          // a last look: who is nearly decided comes first, so that some are decided and not all half done
	rankBegun         // what was looked at already, and what is about to recover
	rankCommon        // the first doubt behind a parent, or in a network
	rankHost          // the first doubt of a host
	rankDoubt         // the others
	rankWatch         // what is down or degraded, looked at more often
	ranks      = iota
	rankHedge  = ranks // a check that has not failed yet: not in line; without means it is shed
	rankExempt = ranks + 1
)

// confirmations is how many of them may be made a second, and at once, on this
// node: those at home and those that others are asked for.
const confirmations = 50

// budget is a token bucket with a line before it.
type budget struct {
	rate    float64 // tokens a second; as many fit in
	tokens  float64
	at      time.Time // when they were counted
	lines   [ranks][]*monitor
	waiting int
	turns   uint
	claims  map[cause]*monitor // whose doubt is the first of a cause

	spent, shed uint64
}

// cause is what monitors may have in common that fail; one of its fields is set.
type cause struct {
	fault   uptime.Fault
	parent  *depend.Needs[*monitor]
	network netip.Prefix
	host    string
}

// rank is that of the first doubt of a cause.
func (c cause) rank() int {
	switch {
	case c.fault != uptime.NoFault:
		return rankFirst
	case c.host != "":
		return rankHost
	}
	return rankCommon
}

func newBudget(rate int, now time.Time) budget {
	if rate <= 0 {
		rate = confirmations
	}
	return budget{rate: float64(rate), tokens: float64(rate), at: now, claims: make(map[cause]*monitor)}
}

// fill adds the tokens of the time that has passed.
func (b *budget) fill(now time.Time) {
	if now.After(b.at) {
		b.tokens = min(b.tokens+b.rate*now.Sub(b.at).Seconds(), b.rate)
		b.at = now
	}
}

// spend takes what some checks cost, if need be on credit: a plan is not made in part.
func (b *budget) spend(checks int) {
	b.tokens -= float64(checks)
	b.spent += uint64(checks)
}

// owe is spend for a check that waits for nobody: of many such, those that wait
// are kept waiting a second at the most.
func (b *budget) owe() {
	b.tokens = max(b.tokens-1, min(b.tokens, -b.rate))
	b.spent++
}

// queue has a monitor wait in the line of a rank.
func (b *budget) queue(m *monitor, rank int) {
	if int(m.waits) == rank+1 {
		return
	}
	if m.waits == 0 {
		b.waiting++
	}
	m.waits = uint8(rank + 1) // where it waited before it is passed over
	b.lines[rank] = append(b.lines[rank], m)
}

// leave takes a monitor out of the line.
func (b *budget) leave(m *monitor) {
	if m.waits > 0 {
		m.waits = 0
		b.waiting--
	}
}

// next is whose turn it is; nil for nobody's. Every rank has its share, half as
// large as that of the one before it: of 64 turns at least 32, 16, 8, 4, 2, 1 and 1.
func (b *budget) next() *monitor {
	b.turns++
	from := rankFirst
	for b.turns>>from&1 == 0 && from < ranks-1 {
		from++
	}
	for i := range ranks {
		rank := (from + i) % ranks
		for len(b.lines[rank]) > 0 {
			m := b.lines[rank][0]
			if b.lines[rank] = b.lines[rank][1:]; len(b.lines[rank]) == 0 {
				b.lines[rank] = nil
			}
			if int(m.waits) == rank+1 {
				b.leave(m)
				return m
			}
		}
	}
	return nil
}

// wake is when there is a token for whoever waits; zero where nobody does.
func (b *budget) wake(now time.Time) time.Time {
	if b.waiting == 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(max(1-b.tokens, 0) / b.rate * float64(time.Second)))
}

// afford reports whether a plan of so many checks may be carried out now.
// Otherwise it waits.
func (e *Engine) afford(m *monitor, plan verdict.Plan, checks int, now time.Time) bool {
	b := &e.budget
	b.fill(now)
	rank := e.rank(m, plan)
	switch {
	case rank == rankExempt:
		return true
	case b.tokens >= 1 && b.waiting == 0 && (rank < rankHedge || !e.flow.full()):
		b.spend(checks)
		return true
	case rank == rankHedge:
		b.shed++
		plan.At = now.Add(time.Second)
		e.wants(m, plan, now)
		return false
	}
	b.queue(m, rank)
	m.viewed = false
	return false
}

// confirm carries out what has waited, as far as the budget goes.
func (e *Engine) confirm(now time.Time) {
	b := &e.budget
	b.fill(now)
	for b.tokens >= 1 && b.waiting > 0 {
		m := b.next()
		if m == nil {
			return
		}
		m.viewed = false
		if m.mode == uptime.Paused || e.byName[m.job.Name] != m {
			continue
		}
		plan, ok := verdict.Next(m.params, e.scene(m), m.mem, m.started, now)
		switch {
		case !ok:
		case plan.At.After(now) || !plan.Looks():
			e.wants(m, plan, now)
		default:
			e.lookNow(m, plan, now, func(checks int) bool { b.spend(checks); return true })
		}
	}
}

// rank is where a plan waits. What a monitor that was never checked, or is
// checked anew, has to begin with costs nothing.
func (e *Engine) rank(m *monitor, plan verdict.Plan) int {
	v := m.mem.Verdict
	down := v == uptime.Down || v == uptime.Unknown && m.mem.Before == uptime.Down && m.number != 0
	switch {
	case v == uptime.Suspect && m.mem.Fault == uptime.NoFault:
		return rankHedge
	case v == uptime.Suspect && len(plan.Ask) > 0 && plan.Step == "check":
		return rankWatch // five waves have not decided
	case v == uptime.Suspect:
		return min(e.stake(m), e.progress(m, plan))
	case down && !m.mem.Good.IsZero():
		return rankBegun
	case down || len(plan.Ask) > 0 || m.mem.Score > 0 || m.mem.Unknowns > 0:
		return rankWatch
	}
	return rankExempt
}

// progress is the rank of a doubt by how far it has come.
func (e *Engine) progress(m *monitor, plan verdict.Plan) int {
	switch {
	case plan.Step == "last":
		return rankLast
	case plan.Step != "wave 1" && m.mem.Looks > 0:
		return rankBegun
	}
	return rankDoubt
}

// stake claims the causes that a doubt may have in common with others, and
// reports its rank: as long as it lasts, it is the first of those that nobody
// had claimed. What is the first of a cause is looked at before the others,
// and its result counts for no other: each has evidence of its own.
func (e *Engine) stake(m *monitor) int {
	if m.staked != nil && m.staked.doubt.Equal(m.mem.Doubt) {
		return m.staked.rank
	}
	e.unstake(m)
	m.staked = &staked{doubt: m.mem.Doubt, rank: rankDoubt}
	for _, c := range causesOf(m) {
		if first := e.budget.claims[c]; first != nil && e.claims(first) {
			continue
		}
		e.budget.claims[c] = m
		m.staked.causes = append(m.staked.causes, c)
		m.staked.rank = min(m.staked.rank, c.rank())
	}
	return m.staked.rank
}

// claims reports whether what a monitor has claimed is still its own.
func (e *Engine) claims(m *monitor) bool {
	return m.staked != nil && m.mem.Verdict == uptime.Suspect && m.mode != uptime.Paused && e.byName[m.job.Name] == m
}

// staked is what a doubt has claimed.
type staked struct {
	doubt  time.Time // when it began
	rank   int
	causes []cause
}

// unstake gives back what a doubt has claimed.
func (e *Engine) unstake(m *monitor) {
	if m.staked == nil {
		return
	}
	for _, c := range m.staked.causes {
		if e.budget.claims[c] == m {
			delete(e.budget.claims, c)
		}
	}
	m.staked = nil
}

// causesOf are the causes that a failing monitor may have in common with others.
func causesOf(m *monitor) []cause {
	host := m.job.Dest
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	out := []cause{{fault: m.mem.Fault}, {host: "." + host}}
	if m.needs != nil {
		out = append(out, cause{parent: m.needs})
	}
	if at, err := netip.ParseAddrPort(m.last.Address); err == nil {
		out = append(out, cause{network: networkOf(at.Addr())})
	} else if at, err := netip.ParseAddr(m.last.Address); err == nil {
		out = append(out, cause{network: networkOf(at)})
	}
	return out
}

// networkOf is the network that an address is taken to be in: its /24 or /48.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits)
	return p
}
