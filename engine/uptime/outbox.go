package uptime

import (
	"fmt"
	"strconv"
	"time"
)

// MaxChannels bounds Outbox.Channels where it travels: nobody reads more.
const MaxChannels = 500

// patience is how long a letter may wait for its turn before anybody has to know.
const patience = 10 * time.Second

// Waiting is how many letters were not taken yet.
func (o *Outbox) Waiting() int {
	n := 0
	for i := range o.Channels {
		n += o.Channels[i].Pending
	}
	return n
}

// Failing is how many channels take nothing, or refuse a letter.
func (o *Outbox) Failing() int {
	n := 0
	for i := range o.Channels {
		if o.Channels[i].Fails() {
			n++
		}
	}
	return n
}

// Fails reports whether letters wait because the channel did not take one.
func (c *ChannelState) Fails() bool { return c.Pending > 0 && !c.Failing.IsZero() }

// Stuck reports whether letters wait for longer than their turn takes.
func (c *ChannelState) Stuck(now time.Time) bool {
	return c.Pending > 0 && (!c.Failing.IsZero() || c.Capped > 0 || now.Sub(c.Oldest) > patience)
}

// Says is one sentence about letters that are not sent; "" where none has to
// wait. at writes a moment.
func (c *ChannelState) Says(now time.Time, at func(time.Time) string) string {
	if !c.Stuck(now) {
		return ""
	}
	s := strconv.Itoa(c.Pending) + " wait for "
	if c.Pending == 1 {
		s = "1 waits for "
	}
	s += c.Name
	if !c.Oldest.IsZero() {
		s += " since " + at(c.Oldest)
	}
	switch {
	case !c.Failing.IsZero():
		why := c.Error
		if why == "" {
			why = "not taken"
		}
		s += ": " + why
		switch {
		case c.Next.IsZero(): // nobody tries
		case c.Next.Sub(now) >= time.Second:
			s += ", next try in " + Ago(c.Next.Sub(now))
		default:
			s += ", trying now"
		}
	case c.Capped > 0:
		s += ": max_per_hour is reached"
		if c.Pending > 1 {
			s += "; they become one letter"
		}
		if c.Next.Sub(now) >= time.Second {
			s += ", in " + Ago(c.Next.Sub(now))
		}
	}
	return s
}

// maxSaid bounds how many channels Troubles names.
const maxSaid = 5

// Troubles are sentences about what is not told, the channels in their order;
// nil where nothing has to wait.
func (o *Outbox) Troubles(now time.Time, at func(time.Time) string) []string {
	var out []string
	more := 0
	for i := range o.Channels {
		s := o.Channels[i].Says(now, at)
		switch {
		case s == "":
		case len(out) == maxSaid:
			more++
		default:
			out = append(out, s)
		}
	}
	switch {
	case more == 1:
		out = append(out, "1 more channel is behind")
	case more > 1:
		out = append(out, fmt.Sprintf("%d more channels are behind", more))
	}
	return out
}

// Says is one sentence about a heartbeat that is not heard; "" where it is.
func (h *HeartbeatState) Says(now time.Time, at func(time.Time) string) string {
	if h.Error == "" {
		return ""
	}
	s := "not heard"
	if !h.Failing.IsZero() {
		s += " since " + at(h.Failing)
	}
	return s + ": " + h.Error
}

// Who is whom a channel tells, without the way that leads there:
// "ops@example.com" of "ops@example.com by smtp.example.com:25".
func Who(target string) string {
	for i := 0; i+4 <= len(target); i++ {
		if target[i:i+4] == " by " {
			return target[:i]
		}
	}
	return target
}

// Took is how long it took until a letter was taken; false where it was not.
func (t *Told) Took() (time.Duration, bool) {
	if t.State != ToldSent || t.Done.IsZero() {
		return 0, false
	}
	return max(t.Done.Sub(t.At), 0), true
}

// About reports whether a letter is about this incident, or began with it.
func (t *Told) About(incident uint64) bool { return incident != 0 && t.Incident == incident }
