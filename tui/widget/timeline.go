package widget

import "time"

// Mark is what a stretch of time was in a timeline; where stretches overlap in
// a cell, the larger one shows.
type Mark uint8

// The marks. MarkUp is the zero value.
const (
	MarkUp          Mark = iota
	MarkUnwatched        // nothing is known
	MarkMaintenance      // nobody was to be told
	MarkSlow             // degraded
	MarkAlone            // down as one place sees it, or explained by another outage
	MarkDown             // confirmed
)

var (
	markGlyphs  = [...]Cell{{'.', Faint}, {' ', Plain}, {'~', Faint}, {'▄', Slow}, {'▒', Odd}, {'█', Bad}}
	markLetters = [...]Cell{{'.', Faint}, {' ', Plain}, {'~', Faint}, {'s', Slow}, {'o', Odd}, {'X', Bad}}
)

// MarkOf is how a mark looks.
func MarkOf(m Mark, ascii bool) Cell {
	if ascii {
		return markLetters[min(int(m), len(markLetters)-1)]
	}
	return markGlyphs[min(int(m), len(markGlyphs)-1)]
}

// Stretch is a span of time [From, To) in a timeline.
type Stretch struct {
	From, To time.Time
	Mark     Mark
}

// Timeline draws the span [from, to) as width cells. However short a stretch
// is, it takes a cell: an outage of a minute shows in a month.
func Timeline(stretches []Stretch, from, to time.Time, width int, ascii bool) Line {
	l := make(Line, max(width, 0))
	marks := make([]Mark, len(l))
	span := to.Sub(from)
	if span <= 0 {
		return l
	}
	for _, s := range stretches {
		if !s.From.Before(to) || !s.To.After(from) || !s.To.After(s.From) {
			continue
		}
		first := column(s.From.Sub(from), span, len(l))
		last := column(s.To.Sub(from)-1, span, len(l))
		for x := first; x <= last && x < len(l); x++ {
			marks[x] = max(marks[x], s.Mark)
		}
	}
	for x, m := range marks {
		l[x] = MarkOf(m, ascii)
	}
	return l
}

// column is the cell of a moment within a span of width cells.
func column(at, span time.Duration, width int) int {
	if at < 0 {
		return 0
	}
	return min(int(float64(at)/float64(span)*float64(width)), width-1)
}

// TimeAxis labels the span [from, to) under or over a picture of width cells:
// the first moment at the left, the last at the right, and round times between
// where there is room. Times are shown in to's time zone.
func TimeAxis(from, to time.Time, width int) Line {
	l := make(Line, max(width, 0))
	span := to.Sub(from)
	if span <= 0 || width < 5 {
		return l
	}
	from = from.In(to.Location())
	first, last := from.Format(axisLayout(span)), to.Format("15:04")+" now"
	if width < len(last) {
		last = "now"
	}
	lastAt := width - len(last)
	l.Put(lastAt, last, Faint)
	free := 0
	if len(first)+2 <= lastAt {
		l.Put(0, first, Faint)
		free = len(first) + 2
	}
	for t := nextRound(from, axisStep(span, width)); t.Before(to); t = nextRound(t, axisStep(span, width)) {
		text := t.Format(axisLayout(span))
		if x := column(t.Sub(from), span, width); x >= free && x+len(text)+2 <= lastAt {
			l.Put(x, text, Faint)
			free = x + len(text) + 2
		}
	}
	return l
}

func axisLayout(span time.Duration) string {
	switch {
	case span <= 36*time.Hour:
		return "15:04"
	case span <= 14*day:
		return "Mon 2"
	}
	return "01-02"
}

const day = 24 * time.Hour

// axisStep is the smallest round step that leaves about twelve columns to a label.
func axisStep(span time.Duration, width int) time.Duration {
	round := [...]time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day}
	for _, r := range round {
		if int64(span/r)*12 <= int64(width) {
			return r
		}
	}
	return 28 * day
}

// nextRound is the first moment after t that is a whole number of steps from
// midnight on t's own clock, so that labels stay round over a change of summer time.
func nextRound(t time.Time, step time.Duration) time.Time {
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	if step >= day {
		return midnight.AddDate(0, 0, int(step/day))
	}
	clock := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	next := (clock/step + 1) * step
	n := time.Date(t.Year(), t.Month(), t.Day(), 0, int(next/time.Minute), 0, 0, t.Location())
	if !n.After(t) {
		return t.Add(step) // the hour that summer time repeats
	}
	return n
}
