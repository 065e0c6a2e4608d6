package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Span is a stretch of time, from From up to, and without, To.
type Span struct{ From, To time.Time }

// Holds reports whether a moment is in the span.
func (s Span) Holds(at time.Time) bool { return !at.Before(s.From) && at.Before(s.To) }

// Window is when something happens that takes a while: once, or by a time
// table. It opens when clocks in its zone say so, and lasts its length by any
// clock: half an hour is half an hour in the night that an hour comes twice.
type Window struct {
	at     time.Time // zero: by the table
	table  Cron
	length time.Duration
	text   string
}

// Once is a window that opens one time.
func Once(at time.Time, length time.Duration) Window {
	return Window{at: at, length: length, text: at.Format("2006-01-02 15:04")}
}

// Every reads when a window opens: "Sun 03:00", "Mon,Thu 03:00", "Mon-Fri
// 22:30", "day 02:30", or a time table as ParseCron takes it; nil is UTC.
func Every(when string, length time.Duration, zone *time.Location) (Window, error) {
	fields := strings.Fields(when)
	expr, last := strings.Join(fields, " "), len(fields)-1
	switch {
	case last > 0 && strings.Contains(fields[last], ":"):
		minutes, err := clock(fields[last])
		if err != nil {
			return Window{}, err
		}
		days, err := weekdays(strings.Join(fields[:last], ","))
		if err != nil {
			return Window{}, err
		}
		expr = fmt.Sprintf("%d %d * * %s", minutes%60, minutes/60, days)
	case len(fields) != 5 && !strings.HasPrefix(expr, "@"):
		return Window{}, fmt.Errorf("neither a day with a time of day nor the five fields of a cron line")
	}
	table, err := ParseCron(expr, zone)
	return Window{table: table, length: length, text: strings.Join(fields, " ")}, err
}

// clock reads a time of day in minutes.
func clock(s string) (int, error) {
	h, m, _ := strings.Cut(s, ":")
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if err1 != nil || err2 != nil || hour > 23 || minute > 59 || len(m) != 2 || len(h) > 2 {
		return 0, fmt.Errorf("no time of day from 00:00 to 23:59")
	}
	return int(hour*60 + minute), nil
}

// weekdays is Days as the last field of a time table.
func weekdays(s string) (string, error) {
	on, err := Days(s)
	if err != nil || len(on) == 7 {
		return "*", err
	}
	out := make([]string, len(on))
	for i, d := range on {
		out[i] = strconv.Itoa(int(d))
	}
	return strings.Join(out, ","), nil
}

// Days reads day, daily, or days of the week with commas and hyphens, as in
// "Mon-Fri" or "Sat, Sun": each once, from Sunday on.
func Days(s string) ([]time.Weekday, error) {
	var on [7]bool
	if s = strings.ToLower(s); s == "day" || s == "daily" {
		s = "sun-sat"
	}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" { // "Mon, Thu"
			continue
		}
		a, b, isRange := strings.Cut(part, "-")
		from, to := weekday(a), weekday(b)
		if !isRange {
			to = from
		}
		if from < 0 || to < 0 {
			return nil, fmt.Errorf("no day of the week, and not the word day")
		}
		for d := from; ; d = (d + 1) % 7 {
			if on[d] = true; d == to {
				break
			}
		}
	}
	var out []time.Weekday
	for d, is := range on {
		if is {
			out = append(out, time.Weekday(d))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no day of the week, and not the word day")
	}
	return out, nil
}

// weekday is 0 for sun or sunday, to 6; -1 for what is none.
func weekday(s string) int {
	return slices.IndexFunc([]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"},
		func(day string) bool { return s == day || s == day[:3] })
}

// Length is how long the window is open.
func (w Window) Length() time.Duration { return w.length }

// String is when the window opens, as it was written.
func (w Window) String() string { return w.text }

// Repeats reports whether the window opens more than once.
func (w Window) Repeats() bool { return w.at.IsZero() }

// Opening is the first opening that ends after a moment: the one that is open
// then, or else the next; false where none comes any more.
func (w Window) Opening(now time.Time) (Span, bool) {
	if !w.at.IsZero() {
		s := Span{w.at, w.at.Add(w.length)}
		return s, now.Before(s.To)
	}
	from, ok := w.table.Next(now.Add(-w.length))
	return Span{from, from.Add(w.length)}, ok
}

// maxMerged bounds how far ahead Opening looks where one opening runs into the
// next for ever.
const maxMerged = 1000

// Opening is Window.Opening of several windows at once: openings that overlap
// or touch are one.
func Opening(windows []Window, now time.Time) (Span, bool) {
	var s Span
	found := false
	for _, w := range windows {
		if o, ok := w.Opening(now); ok && (!found || o.From.Before(s.From)) {
			s, found = o, true
		}
	}
	if !found {
		return Span{}, false
	}
	for range maxMerged {
		longer := false
		for _, w := range windows {
			if o, ok := w.Opening(s.To); ok && !o.From.After(s.To) {
				s.To, longer = o.To, true
			}
		}
		if !longer {
			break
		}
	}
	return s, true
}

// How far Apart looks: over a year, or to the next opening after that.
const (
	maxSteps = 3000
	oneYear  = 366 * 24 * time.Hour
)

// Apart is the shortest and the longest time from one opening to the next, by a
// clock without jumps; 0 for a window that opens once, or not twice in ten years.
func (w Window) Apart() (shortest, longest time.Duration) {
	if !w.at.IsZero() {
		return 0, 0
	}
	table := Cron{w.table.expr, time.UTC}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	last, _ := table.Next(begin)
	for range maxSteps {
		next, ok := table.Next(last)
		if !ok || next.Sub(begin) > 10*oneYear || longest > 0 && last.Sub(begin) > oneYear {
			break
		}
		d := next.Sub(last)
		if shortest == 0 || d < shortest {
			shortest = d
		}
		longest, last = max(longest, d), next
	}
	return shortest, longest
}
