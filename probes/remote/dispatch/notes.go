package dispatch

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
)

const (
	calmAtOnce = 8               // events of one probe …
	calmEvery  = 2 * time.Minute // … and then one in that time
	maxNotes   = 256             // events that wait to be written
)

// calm keeps a probe that comes and goes from flooding the log.
type calm struct {
	tokens float64
	at     time.Time
	unsaid int // changes that were not told
	last   uptime.ProbeState
}

func (c *calm) fill(now time.Time) {
	if c.at.IsZero() {
		c.tokens = calmAtOnce
	} else {
		c.tokens = min(c.tokens+float64(now.Sub(c.at))/float64(calmEvery), calmAtOnce)
	}
	c.at = now
}

// announce says what became of a probe. While there is no broker that alone is
// said: none of its probes can help it. Nor is it news that all join again after
// a restart: they work on, and it is said when their votes count.
func (d *Dispatcher) announce(p *probe, was uptime.ProbeState, now time.Time) {
	c := &p.calm
	c.fill(now)
	if !d.line.usable() && p.state != uptime.ProbeLive || p.carries {
		return
	}
	if c.tokens < 1 {
		c.unsaid++
		return
	}
	c.tokens--
	message := p.id() + " " + d.sentence(p, was)
	if c.unsaid > 0 {
		message += fmt.Sprintf("; it changed %d times since this was last said", c.unsaid)
		c.unsaid = 0
	}
	c.last = p.state
	d.note(message, p.state.String())
}

// settled says what a probe is that came and went too often to say it each time.
func (d *Dispatcher) settled(p *probe, now time.Time) {
	c := &p.calm
	if c.unsaid == 0 {
		return
	}
	if c.fill(now); c.tokens >= 1 {
		d.announce(p, c.last, now)
	}
}

func (d *Dispatcher) sentence(p *probe, was uptime.ProbeState) string {
	switch p.state {
	case uptime.ProbeLive:
		if by := d.excluded[p.id()]; by != "" {
			return "live: it works, and its vote does not count, says " + by
		}
		return "live: it works, and its vote counts"
	case uptime.ProbeLagging:
		return "lagging: " + p.why + ", its vote does not count"
	case uptime.ProbeGone:
		return "gone: " + p.why
	}
	switch {
	case p.why != "":
		return "joining: " + p.why + "; its vote does not count until it has proved itself"
	case was == uptime.ProbeLagging:
		return "joining: it said hello again, and its vote counts when it has proved itself"
	}
	if p.hello.Software == "" {
		return "joining: it said hello, and its vote counts when it has proved itself"
	}
	return fmt.Sprintf("joining: it said hello (lookout %s), and its vote counts when it has proved itself", p.hello.Software)
}

// note has an event written. Of too many the oldest are dropped.
func (d *Dispatcher) note(message, state string) {
	if len(d.notes) >= maxNotes {
		d.notes = d.notes[1:]
		d.o.Log.Warn("more events of probes than can be written")
	}
	d.notes = append(d.notes, uptime.Event{Time: time.Now().UTC(), Kind: uptime.EventProbe, Message: message, Note: state, By: "engine"})
}
