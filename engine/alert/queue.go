package alert

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"lookout/engine/alert/letter"
	"lookout/engine/uptime"
)

// item is a letter that was not taken yet.
type item struct {
	uptime.Parcel
	trouble            // with this letter; the channel has its own
	left      []string // who has not had it yet, where others have; nil: nobody has
	uncertain bool     // it may have been taken: it is sent again as it was, and stands for itself
	sending   bool     // on its way, or chosen to be
	underway  bool     // on its way
	stands    []uint64 // numbers of the letters that it took the place of
}

// channel is where letters go, one at a time.
type channel struct {
	uptime.ChannelConfig
	target    string // Channel.Target, clean
	templates *letter.Templates
	queue     []*item      // by number
	flying    *item        // the one of queue that is on its way, or chosen to be
	hung      *atomic.Bool // it is sending, or has not come back from that; of this configuration of it

	trouble // it takes none

	limit  limit  // of letters
	capped bool   // letters have waited for it
	said   limit  // of failures that are written down
	reason string // why one was not taken, as it was written down last
	sent   uint64
	last   time.Time
}

const (
	maxQueue   = 20_000 // letters to one channel; those beyond become one
	maxStands  = 1000
	maxEnds    = 100 // ends that wait on their own for their turn
	saidHourly = 20  // failures of a channel that are written down
)

// steady bounds what a clock that was set back does.
func (c *channel) steady(now time.Time) {
	c.trouble.steady(now)
	for _, it := range c.queue {
		it.steady(now)
	}
}

// find is the place of a number in the queue.
func (c *channel) find(number uint64) (int, bool) {
	return slices.BinarySearchFunc(c.queue, number, func(it *item, n uint64) int { return cmp.Compare(it.Number, n) })
}

// add takes a letter in; one of the same number it has already stays.
func (c *channel) add(it *item) {
	if i, found := c.find(it.Number); !found {
		c.queue = slices.Insert(c.queue, i, it)
	}
}

// drop takes one out.
func (c *channel) drop(number uint64) {
	switch i, found := c.find(number); {
	case !found:
	case i == 0:
		c.queue[0] = nil
		c.queue = c.queue[1:]
	default:
		c.queue = slices.Delete(c.queue, i, i+1)
	}
}

// collapse joins what is over with the letter that would have told of it, where
// that was surely told to nobody; and with whatever else of it waits, which is no
// news any more: reminders, digests. A reminder replaces the one before. It says
// which letters are gone, and whether this one changed.
func (c *channel) collapse(end *item) (gone []uint64, changed bool) {
	if end.Ends == 0 && end.Kind != uptime.AlertReminder || end.uncertain || end == c.flying {
		return nil, false
	}
	to, _ := c.find(end.Number)
	for _, it := range c.queue[:to] {
		begin := end.Ends != 0 && it.Number == end.Ends
		old := end.Thread != 0 && it.Thread == end.Thread && it.Number > end.Ends && end.replaces(it)
		if !begin && !old || it.uncertain || it == c.flying {
			continue
		}
		if begin {
			end.Kind = uptime.AlertCollapsed
		}
		gone = append(gone, it.Number)
		end.stands = append(append(end.stands, it.stands...), it.Number)
		end.tries = max(end.tries, it.tries)
		if !it.since.IsZero() && (end.since.IsZero() || it.since.Before(end.since)) {
			end.since = it.since
		}
	}
	end.stands = few(end.stands)
	for _, n := range gone {
		c.drop(n)
	}
	return gone, len(gone) > 0
}

// outdated drops what of a thread is left for some when its end was told: to those
// who have heard of the end it is no news, and the others hear of that.
func (c *channel) outdated(end *item) (gone []uint64) {
	if end.Ends == 0 {
		return nil
	}
	for _, it := range c.queue {
		if it.left != nil && it.Number < end.Number && (it.Number == end.Ends || end.Thread != 0 && it.Thread == end.Thread && it.Number > end.Ends) {
			gone = append(gone, it.Number)
		}
	}
	for _, n := range gone {
		c.drop(n)
	}
	return gone
}

// replaces reports whether another letter of the same thread is no news beside it.
func (it *item) replaces(other *item) bool {
	switch other.Kind {
	case uptime.AlertReminder:
		return true
	case uptime.AlertJoined, uptime.AlertFlapping, uptime.AlertEscalated:
		return it.Ends != 0
	}
	return false
}

// merge makes one letter of those that wait and were surely not told, the oldest
// first and at most as many as one transaction may have: the newest of them
// stands for the others. It says which letters are gone, and which one stands for
// them; nil: there is nothing to merge.
func (c *channel) merge(now time.Time) (gone []uint64, into *item) {
	var all []*item
	ends := 0
	for _, it := range c.queue {
		if it.ends() {
			ends++
		}
	}
	for _, it := range c.queue {
		if len(all) < maxPost && !it.uncertain && it != c.flying && (!it.ends() || ends > maxEnds) {
			all = append(all, it)
		}
	}
	if len(all) < 2 {
		return nil, nil
	}
	into = all[len(all)-1]
	m := uptime.Parcel{Number: into.Number, Channel: into.Channel, Kind: uptime.AlertMore, At: now, Event: into.Event, Why: into.Why}
	merged := &item{trouble: trouble{since: all[0].since}}
	for _, it := range all {
		m.Incidents = append(m.Incidents, it.Incidents...)
		n := 1
		if it.Kind == uptime.AlertMore {
			n = max(it.Count, 1)
		}
		m.Count += n
		merged.stands = append(merged.stands, it.stands...)
		if it != into {
			merged.stands = append(merged.stands, it.Number)
			gone = append(gone, it.Number)
		}
		merged.tries = max(merged.tries, it.tries)
		if len(it.Incidents) == 0 && it.Says != "" && len(m.Says)+len(it.Says) < 500 {
			if m.Says != "" {
				m.Says += "; "
			}
			m.Says += it.Says
		}
	}
	m.Incidents = newestNamed(m.Incidents)
	merged.Parcel = m
	merged.stands = few(merged.stands)
	for _, n := range gone {
		c.drop(n)
	}
	*into = *merged
	return gone, into
}

// ends reports whether a letter is the end of one that was taken. Whoever keeps
// books of what is open closes what is told to be over, and nothing else.
func (it *item) ends() bool { return it.Ends != 0 && it.Kind != uptime.AlertCollapsed }

// newestNamed are the last incidents of a list, each once.
func newestNamed(list []uint64) []uint64 {
	var out []uint64
	for i := len(list) - 1; i >= 0 && len(out) < uptime.MaxNamed; i-- {
		if !slices.Contains(out, list[i]) {
			out = append(out, list[i])
		}
	}
	slices.Reverse(out)
	return out
}

// few bounds the numbers that a letter stands for, the newest last.
func few(numbers []uint64) []uint64 {
	slices.Sort(numbers)
	return slices.Clone(numbers[max(len(numbers)-maxStands, 0):])
}

// pick is the letter to be sent now: the first that is due, unless an earlier
// one about the same has to go before it. nil: none, before at (zero: before
// something else happens).
func (c *channel) pick(now time.Time) (it *item, at time.Time) {
	if c.flying != nil || len(c.queue) == 0 {
		return nil, time.Time{}
	}
	if c.next.After(now) {
		return nil, c.next
	}
	var later *item
	var held map[uint64]bool // incidents of letters that are not due
	for _, it := range c.queue {
		switch {
		case it.next.After(now):
			if at.IsZero() || it.next.Before(at) {
				at = it.next
			}
		case !held[it.Thread] && !slices.ContainsFunc(it.Incidents, func(n uint64) bool { return held[n] }):
			if !c.capped || !it.ends() {
				return it, time.Time{}
			}
			if later == nil { // while the limit holds letters back, what is down goes before what is up again
				later = it
			}
		}
		if it.left != nil {
			continue // those who have had it need not wait for the others
		}
		if held == nil {
			held = map[uint64]bool{}
		}
		if it.Thread != 0 {
			held[it.Thread] = true
		}
		for _, n := range it.Incidents {
			held[n] = true
		}
	}
	if later != nil {
		return later, time.Time{}
	}
	return nil, at
}

// took notes that the other side took a letter.
func (c *channel) took(now time.Time) {
	c.trouble = trouble{}
	c.sent++
	c.last = now
	c.limit.take(now)
}

// record is the channel's. What it was goes into it without secrets, and without
// what could be checked for them.
func (c *channel) record() uptime.OutboxRecord {
	return uptime.OutboxRecord{Key: channelKey(c.Name), Data: encode(channelRecord{recordVersion, c.Name, c.Type, c.target,
		c.tries, stamp(c.since), stamp(c.next), c.why, c.hard, c.asked, stamp(c.limit.full)})}
}
