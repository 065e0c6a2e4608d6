package alert

import (
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// told is a letter that was taken, or given up.
type told struct {
	uptime.Told
	thread uint64
}

// keep remembers a letter that was taken or given up, while its incident is of interest.
func (f *Office) keep(it *item, state uptime.ToldState, reply string, now time.Time) {
	t := it.toldAs(state, "")
	t.Done, t.Reply, t.Next = now, reply, time.Time{}
	if t.Incident == 0 && state == uptime.ToldSent {
		return
	}
	f.told = append(f.told, told{t, it.Thread})
	f.post.put(toldRecord(&t, it.Thread))
}

// lost reports whether a letter was given up.
func (f *Office) lost(channel string, number uint64) bool {
	return number != 0 && slices.ContainsFunc(f.told, func(t told) bool {
		return t.Number == number && t.Channel == channel && t.State == uptime.ToldLost
	})
}

// dropped tells of letters of a channel that is gone.
func (f *Office) dropped(g removed) {
	for _, key := range g.keys {
		f.post.drop(key)
	}
	f.told = slices.DeleteFunc(f.told, func(t told) bool {
		if t.Channel == g.name {
			f.post.drop(numbered(underTold, t.Channel, t.Number))
		}
		return t.Channel == g.name
	})
	f.dirty = true
	if g.letters > 0 {
		f.note(uptime.Event{Kind: uptime.EventAlert, Channel: g.name, Note: string(uptime.ToldLost),
			Message: fmt.Sprintf("%s to %s dropped: it is no channel any more", letters(g.letters), g.name)})
	}
}

// prune forgets letters that were taken of incidents that are over. One of a common
// cause names only some of them; it is forgotten with its end.
func (f *Office) prune(now time.Time) {
	if since := now.Sub(f.pruned); len(f.told) == 0 || f.snapshot.Seq == f.looked || 0 <= since && since < pruneEvery {
		return
	}
	f.pruned, f.looked = now, f.snapshot.Seq
	open := make(map[uint64]bool, len(f.snapshot.Open))
	oldest := now // that is open
	for _, i := range f.snapshot.Open {
		open[i.Number] = true
		if i.Start.Before(oldest) {
			oldest = i.Start
		}
	}
	type thread struct {
		channel string
		first   uint64
	}
	ends := map[thread]uint64{}
	for _, t := range f.told {
		if t.Kind == uptime.AlertRecovered || t.Kind == uptime.AlertCollapsed {
			of := thread{t.Channel, t.thread}
			ends[of] = max(ends[of], t.Number)
		}
	}
	excess := len(f.told) - maxTold
	f.told = slices.DeleteFunc(f.told, func(t told) bool {
		excess--
		lost := t.State == uptime.ToldLost && now.Sub(t.Done).Abs() < keepLost
		lasts := t.Cause.Kind != "" && ends[thread{t.Channel, t.thread}] < t.Number && oldest.Before(t.At)
		if excess < 0 && (open[t.Incident] || open[t.thread] || lost || lasts) {
			return false
		}
		f.post.drop(numbered(underTold, t.Channel, t.Number))
		f.dirty = true
		return true
	})
}
