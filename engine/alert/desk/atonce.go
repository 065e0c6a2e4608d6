package desk

import (
	"time"

	"lookout/engine/uptime"
)

// fewThreads is up to how many letters a channel gets at once about what is open
// as it becomes known, or came and went before anybody could be told: more of
// them are one.
const fewThreads = 3

// atOnce tells channels of many threads in one letter: of those that last, or
// of those that are over.
func (d *Desk) atOnce(kind uptime.AlertKind, now time.Time) {
	var channels []string
	of := map[string][]*leg{}
	threads := map[*leg]*thread{}
	for _, t := range d.opening {
		for _, l := range t.Legs {
			if l.Opened != 0 || (l.Open == 0) != (kind == uptime.AlertCollapsed) || threads[l] != nil {
				continue
			}
			if of[l.Channel] == nil {
				channels = append(channels, l.Channel)
			}
			of[l.Channel] = append(of[l.Channel], l)
			threads[l] = t
		}
	}
	for _, c := range channels {
		if len(of[c]) <= fewThreads {
			continue
		}
		all := &leg{Channel: c, Why: of[c][0].Why}
		for _, l := range of[c] {
			all.Count, all.Open = all.Count+l.Count, all.Open+l.Open
			all.name(l.First)
			for _, n := range l.Newest {
				all.name(n)
			}
		}
		p := d.parcel(&thread{}, all, kind, now)
		p.Thread = 0
		for _, l := range of[c] {
			l.Opened, l.Joint, l.At, l.Told = p.Number, true, now, l.Count-l.Open
			if l.Open == 0 {
				l.Over = now
			}
			d.letters[p.Number] = append(d.letters[p.Number], threads[l])
			d.watch(threads[l], now)
		}
	}
}
