package alert

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// publish makes Outbox what it is now.
func (f *Office) publish() {
	f.dirty = false
	o := &uptime.Outbox{Held: f.desk.Held()}
	for _, c := range f.channels {
		s := uptime.ChannelState{Name: c.Name, Type: c.Type, Target: f.targets[c.Name], Pending: len(c.queue), Tries: c.tries,
			Error: c.why, Failing: c.since, Next: c.next, Sent: c.sent, Last: c.last}
		if len(c.queue) > 0 {
			s.Oldest = c.oldest()
			c.worst(&s)
		}
		if err := f.post.err; err != nil {
			s.Error, s.Failing, s.Next = uptime.Clean("nothing is sent that is not stored: "+err.Error(), 300), f.post.failing, f.post.retryAt
		}
		if c.capped {
			s.Capped = len(c.queue)
			if s.Failing.IsZero() {
				s.Next = c.limit.at(f.now())
			}
		}
		o.Channels = append(o.Channels, s)
		for i := len(c.queue) - 1; i >= 0 && len(c.queue)-i <= uptime.MaxTold; i-- {
			t := c.queue[i].toldAs(c.stateOf(c.queue[i]), s.Target)
			if t.State != uptime.ToldSending && c.next.After(t.Next) {
				t.Next = c.next
			}
			o.Told = append(o.Told, t)
		}
	}
	for i := len(f.told) - 1; i >= 0 && len(f.told)-i <= uptime.MaxTold; i-- {
		t := f.told[i].Told
		t.Target = f.targets[t.Channel]
		o.Told = append(o.Told, t)
	}
	slices.SortStableFunc(o.Told, func(a, b uptime.Told) int { return b.At.Compare(a.At) })
	o.Told = slices.Clip(o.Told[:min(len(o.Told), uptime.MaxTold)])
	f.outbox.Store(o)
}

// oldest is since when something waits: a letter that stands for others waits
// since the first of them was refused.
func (c *channel) oldest() time.Time {
	at := c.queue[0].At
	for _, it := range c.queue[:min(len(c.queue), uptime.MaxTold)] {
		if len(it.stands) > 0 && !it.since.IsZero() && it.since.Before(at) {
			at = it.since
		}
	}
	return at
}

// worst says of a channel that works how the letter does that it refuses longest.
func (c *channel) worst(s *uptime.ChannelState) {
	if c.tries > 0 {
		return
	}
	for _, it := range c.queue[:min(len(c.queue), uptime.MaxTold)] {
		if it.tries > s.Tries {
			s.Tries, s.Error, s.Failing, s.Next = it.tries, it.why, it.since, it.next
		}
	}
}

func (c *channel) stateOf(it *item) uptime.ToldState {
	switch {
	case it.sending:
		return uptime.ToldSending
	case it.tries > 0:
		return uptime.ToldFailing
	}
	return uptime.ToldWaiting
}

// toldAs is a letter as others see it.
func (it *item) toldAs(state uptime.ToldState, target string) uptime.Told {
	t := uptime.Told{Number: it.Number, Channel: it.Channel, Target: target, Kind: it.Kind, State: state, Count: it.Count,
		Cause: it.Cause, At: it.At, Tries: it.tries, Next: it.next, Reply: it.why}
	if len(it.Incidents) > 0 {
		t.Incident = it.Incidents[0]
	}
	return t
}
