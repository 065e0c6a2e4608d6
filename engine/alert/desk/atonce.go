package desk

import (
	"time"

	"lookout/engine/uptime"
)

const (
	// fewThreads is up to how many letters a channel gets at once about what is
	// open as it becomes known: more of them are one.
	fewThreads = 3
	// fewOver is that of what came and went before anybody could be told. It is
	// many: each of them may be looked for by its number.
	fewOver = 50
)

// atOnce tells channels of many threads in one letter: of those that last, or
// of those that are over.
func (d *Desk) atOnce(kind uptime.AlertKind, now time.Time) {
	few := fewThreads
	if kind == uptime.AlertCollapsed {
		few = fewOver
	}
	if len(d.opening) <= few {
		return
	}
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
		if len(of[c]) <= few {
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
