package dispatch

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
)

// status is what screens read.
type status struct {
	uptime.Broker
	probes []uptime.Probe
}

// Status is what is known of the broker and of the probes, by location and
// name. Nobody may write to it. It may be called at any time, and does not wait.
func (d *Dispatcher) Status() (uptime.Broker, []uptime.Probe) {
	s := d.status.Load()
	return s.Broker, s.probes
}

// counts are what has come.
type counts struct {
	results, batches  uint64
	dead              uint64 // messages that nobody could read
	strays            uint64 // replies to nothing that was asked
	replies, refusals uint64

	at           time.Time // when the rates were reckoned, from
	lastResults  uint64
	lastBatches  uint64
	rate, bundle float64 // results and batches a second
}

// look reckons the rates, once a second.
func (c *counts) look(now time.Time) {
	if c.at.IsZero() {
		c.at = now
	}
	took := now.Sub(c.at).Seconds()
	if took < 1 {
		return
	}
	part := 1 - math.Exp(-took/30)
	c.rate += (float64(c.results-c.lastResults)/took - c.rate) * part
	c.bundle += (float64(c.batches-c.lastBatches)/took - c.bundle) * part
	c.at, c.lastResults, c.lastBatches = now, c.results, c.batches
}

// publish publishes what is known now.
func (d *Dispatcher) publish(now time.Time) {
	d.dirty, d.shown = false, now
	s := &status{Broker: uptime.Broker{
		URL: d.o.URL, Connected: d.line.state.Connected, Since: d.line.state.Since, Error: d.trouble(),
		Rate: d.counts.rate, Batches: d.counts.bundle, Dead: d.counts.dead,
	}}
	waiting := make(map[*location]int)
	for _, q := range d.pending {
		waiting[q.at]++
	}
	listed := make(map[string]bool)
	for _, l := range d.order {
		for _, p := range l.probes {
			x := p.shown(now)
			x.Excluded, x.Waiting, x.Monitors, x.Alone = d.excluded[p.id()], waiting[l], l.shares[p.name], l.opinions.share(now)
			x.Warning = strings.Join(d.warnings(p, now), "; ")
			s.probes, listed[x.ID()] = append(s.probes, x), true
		}
	}
	for id, by := range d.excluded { // so that it can be included again
		at, name, _ := strings.Cut(id, "/")
		if l := d.locations[at]; l != nil && !listed[id] {
			s.probes = append(s.probes, uptime.Probe{Location: at, Name: name, Network: l.Network, Place: l.Called, Why: "nothing was heard of it since the engine began", Excluded: by, Alone: -1})
		}
	}
	for _, l := range d.order {
		if !slices.ContainsFunc(s.probes, func(p uptime.Probe) bool { return p.Location == l.Location }) {
			s.probes = append(s.probes, d.unseen(l, now))
		}
	}
	slices.SortFunc(s.probes, func(a, b uptime.Probe) int {
		return cmp.Or(strings.Compare(a.Location, b.Location), strings.Compare(a.Name, b.Name))
	})
	d.status.Store(s)
}

// unseen stands for a location that no probe has come from since the engine
// began, and says what to do about that.
func (d *Dispatcher) unseen(l *location, now time.Time) uptime.Probe {
	p := uptime.Probe{Location: l.Location, Network: l.Network, Place: l.Called, State: uptime.ProbeUnseen, Alone: -1}
	switch {
	case !d.line.usable():
		p.Why = "never seen: nothing can be heard of it while there is no way to the broker"
	case d.line.since(now) < goneAfter: // each says hello once a minute
		p.Why = "not seen yet: a probe says hello once a minute"
	default:
		p.Why = fmt.Sprintf("never seen since the engine began: start lookout probe there with its probe.toml, which lookout remote init --out DIR %s/1 writes; lookout remote check says what the broker refuses", l.Location)
	}
	return p
}

// trouble says why the broker is of no use, or not of all that it should be.
func (d *Dispatcher) trouble() string {
	if e := d.line.error(); e != "" {
		return e
	}
	if d.untold != "" {
		return d.untold
	}
	for _, l := range d.order {
		if l.missing {
			return missing(topology.LocationQueue(l.Location))
		}
	}
	if len(d.held) > 0 {
		return fmt.Sprintf("probe %s obeys another engine, which began later than this one: its results are not taken. Each engine needs a vhost of its own", d.held[0].p.id())
	}
	if d.clogged() {
		return "results of the probes wait until the engine has stored those that came before; the probes keep what they have"
	}
	return d.line.state.Warning
}

func probeQueue(p *probe) string { return topology.ProbeQueue(p.at.Location, p.name) }

// shown is what is known of a probe by itself.
func (p *probe) shown(now time.Time) uptime.Probe {
	x := uptime.Probe{
		Location: p.at.Location, Name: p.name, Network: p.at.Network, Place: p.at.Called, State: p.state, Since: p.since, Why: p.why,
		Version: p.hello.Software, Seen: p.heard, Connected: p.connected,
		Spool: p.work.sums.Depth, Lost: p.work.sums.Dropped, Rate: p.work.rate, Failing: p.work.share(),
	}
	if p.state == uptime.ProbeJoining {
		x.Why = cmp.Or(p.slow(), p.why, "it has not proved yet that it works")
	}
	if !p.proof.IsZero() {
		x.Lag = max(now.Sub(p.proof), 0)
	}
	if skew, rtt, ok := p.clock.known(); ok {
		x.Skew, x.RTT = skew, rtt
	} else if p.clock.least > warnSkew {
		x.Skew = p.clock.least
	}
	return x
}

// warnings say what is wrong with a probe although it may work.
func (d *Dispatcher) warnings(p *probe, now time.Time) (all []string) {
	if skew := p.clock.guess(); skew > warnSkew || len(p.clock.samples) > 0 && skew < -warnSkew {
		way := "ahead"
		if skew < 0 {
			skew, way = -skew, "behind"
		}
		all = append(all, fmt.Sprintf("its clock is %.1f s %s: its times are corrected by that; check NTP there", skew.Seconds(), way))
	}
	if p.twins.are(now) {
		all = append(all, "two processes say that they are it, as after its machine was copied: stop one, or make it a probe of its own with lookout remote init")
	}
	if v := p.hello.Software; v != "" && v != d.o.Software {
		if older(v, d.o.Software) {
			all = append(all, fmt.Sprintf("version %s is older than this engine (%s): it works, update it when convenient", v, d.o.Software))
		} else {
			all = append(all, fmt.Sprintf("version %s is not that of this engine (%s)", v, d.o.Software))
		}
	}
	if p.hello.Warning != "" {
		all = append(all, "it says: "+p.hello.Warning) // whoever has its keys chose the words
	}
	if lost := p.work.sums.Dropped; lost > 0 {
		all = append(all, fmt.Sprintf("%d of its results are lost: its spool was full, or they could not be sent", lost))
	}
	if p.unreadable > 0 {
		all = append(all, fmt.Sprintf("it sent %d messages that nobody can read (of those only results are kept, in the queue %s): it is of another version, or somebody else has its keys", p.unreadable, topology.Dead))
	}
	if share, most := p.at.share(), p.hello.Capacity; most > 0 && share > most && p.listens() {
		all = append(all, fmt.Sprintf("about %d monitors are its to check, and it takes %d: raise max_monitors in its [policy], or add a probe there", share, most))
	}
	if why := p.slow(); why != "" && p.state != uptime.ProbeJoining {
		all = append(all, why)
	}
	if l := p.at; p.state == uptime.ProbeLive && p.obeys != l.version && now.Sub(l.renewed) > time.Minute {
		all = append(all, fmt.Sprintf("it has not taken its assignments of %s and works by older ones", l.renewed.UTC().Format("2006-01-02 15:04:05 UTC")))
	}
	if p.listens() && len(p.hello.Types) > 0 {
		for _, t := range p.at.set.types {
			if !slices.Contains(p.hello.Types, t) {
				all = append(all, fmt.Sprintf("it cannot check %s, which it has to", t))
			}
		}
	}
	return all
}

// share is how many monitors a probe of the location has to check, regularly
// or once a day.
func (l *location) share() int {
	n := max(len(l.live), 1)
	return (l.set.monitors + n - 1) / n
}

// older reports whether a version, as 1.4.2, comes before another. What is no number counts as 0.
func older(a, b string) bool {
	x, y := strings.Split(strings.TrimPrefix(a, "v"), "."), strings.Split(strings.TrimPrefix(b, "v"), ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m < n
		}
	}
	return len(x) < len(y)
}
