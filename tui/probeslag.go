package tui

import (
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
	"lookout/tui/widget"
)

// How lags are drawn: a probe's is that of its newest proof of work, which comes
// with a flush each 10 s, and from 25 s on its vote does not count; this node's is
// how late a check began.
const (
	lagFine    = 12 * time.Second
	lagLimit   = 25 * time.Second
	localLimit = 10 * time.Second
	lagRows    = 12 // at most: who has more sees those of now in the table
)

// lagLines are the last hour of lag of this node and of the probes.
func lagLines(out *sheet, s *shell, w int) {
	type series struct {
		id          string
		hour        *uptime.LagHour
		fine, limit time.Duration
	}
	all := []series{{uptime.Local, &s.snap.Lags, time.Second, localLimit}}
	for i := range s.snap.Probes {
		if p := &s.snap.Probes[i]; p.State != uptime.ProbeUnseen && len(all) < lagRows {
			all = append(all, series{p.ID(), &p.Lags, lagFine, lagLimit})
		}
	}
	name := 0
	for _, x := range all {
		name = max(name, cells(x.id))
	}
	name = min(name, 24)
	const in = 8
	each := name + 1 + uptime.LagCells + 3
	across := max((w-in)/each, 1)
	for at := 0; at < len(all); at += across {
		line := all[at:min(at+across, len(all))]
		out.add(func(p *pen) {
			if at == 0 {
				p.to(1)
				p.text(theme.Accent, "LAG 1h")
			}
			for i, x := range line {
				p.to(in + i*each)
				p.cell(theme.Plain, x.id, name)
				p.to(p.x + 1)
				p.line(widget.Lag(x.hour[:], x.fine, x.limit, p.th.ASCII))
			}
		})
	}
}
