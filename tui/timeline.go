package tui

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lookout/engine/uptime"
	"lookout/tui/theme"
	"lookout/tui/widget"
)

// timeline is the lines of the picture: one a monitor, for those with incidents in the range.
func (l *incidents) timeline(s *shell, w, h int, ascii bool) []func(p *pen) {
	if h < 14 || w < 50 || len(l.all) == 0 {
		return nil
	}
	from := s.now.Add(-l.span)
	var names []string
	stretches := map[string][]widget.Stretch{}
	for _, r := range l.rows {
		if r.in == nil {
			continue
		}
		to := r.in.End
		if r.in.Open() {
			to = s.now
		}
		if _, ok := stretches[r.in.Monitor]; !ok {
			names = append(names, r.in.Monitor)
		}
		stretches[r.in.Monitor] = append(stretches[r.in.Monitor], widget.Stretch{From: r.in.Start, To: to, Mark: markOf(r.in)})
	}
	if len(names) == 0 {
		return nil
	}
	room := max(h/3-3, h-len(l.rows)-5, 2) // beside the list, which needs its rows and a head
	more := len(names) - room
	if more > 0 {
		names = names[:room]
	}
	label := min(max(w/6, 15), 26)
	lines := []func(p *pen){func(p *pen) {}, func(p *pen) {
		p.text(theme.Accent, " TIMELINE ")
		p.text(theme.Strong, spanName(l.span))
		p.to(label + 2)
		p.line(widget.TimeAxis(from.In(s.loc), s.now.In(s.loc), w-label-3))
	}}
	for _, name := range names {
		lines = append(lines, func(p *pen) {
			p.to(1)
			p.cell(theme.Plain, name, label)
			p.say(" ")
			p.line(widget.Timeline(stretches[name], from, s.now, w-label-3, ascii))
		})
	}
	return append(lines, func(p *pen) {
		p.to(label + 2)
		for _, m := range []struct {
			mark widget.Mark
			word string
		}{{widget.MarkDown, "down"}, {widget.MarkAlone, "behind, silenced or one place"}, {widget.MarkSlow, "degraded"}, {widget.MarkUp, "none"}} {
			p.line(widget.Line{widget.MarkOf(m.mark, ascii)})
			p.text(theme.Faint, " "+m.word+"   ")
		}
		if more > 0 {
			p.text(theme.Faint, fmt.Sprintf("%d more monitors above", more))
		}
	})
}

func markOf(in *uptime.Incident) widget.Mark {
	switch {
	case in.Behind != "", in.Silenced, onlyFrom(in) != "":
		return widget.MarkAlone
	case in.Verdict == uptime.Degraded:
		return widget.MarkSlow
	}
	return widget.MarkDown
}

// breaksLines is what the summary takes.
const breaksLines = 8

// breaks is the lines of a summary of what was read: by cause, and by the hour of the day.
func (l *incidents) breaks(s *shell, w, h int, ascii bool) []func(p *pen) {
	if h < breaksLines || w < wide || len(l.all) == 0 {
		return nil
	}
	causes, hours := map[string]int{}, make([]int, 24)
	for _, in := range l.all {
		group, _, _ := strings.Cut(in.Fault.String(), ".")
		causes[cmp.Or(group, "other")]++
		hours[in.Start.In(s.loc).Hour()]++
	}
	names := slices.SortedFunc(maps.Keys(causes), func(a, b string) int {
		return cmp.Or(causes[b]-causes[a], strings.Compare(a, b))
	})
	most := causes[names[0]]
	const left, right = 22, 62
	lines := []func(p *pen){func(*pen) {}, func(p *pen) {
		p.text(theme.Accent, " WHAT BREAKS ")
		p.text(theme.Strong, spanName(max(l.span, rangeOfStats)))
		p.to(left)
		p.text(theme.Faint, "by cause")
		p.to(right)
		p.text(theme.Faint, "by hour of the day, "+s.now.In(s.loc).Format("MST"))
	}}
	for i := range breaksLines - 3 {
		lines = append(lines, func(p *pen) {
			p.to(left)
			if i < len(names) {
				p.cell(theme.Plain, names[i], 9)
				p.line(widget.Meter(float64(causes[names[i]])/float64(most), 20, widget.Good, ascii))
				p.say(" ", strconv.Itoa(causes[names[i]]))
			}
			p.to(right)
			switch i {
			case 0:
				p.line(widget.Counts(hours, ascii))
			case 1:
				p.text(theme.Faint, "0     6     12    18   23")
			}
		})
	}
	return lines
}
