package report

import (
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"lookout/engine/uptime"
)

const (
	flushAt = 64 << 10 // bytes of text that are gathered before they are written

	// A longer name pushes its own line to the right instead of every other one.
	maxNameColumn = 64
	minNameColumn = 8
	maxMessage    = 512
)

// text gathers lines and writes them in large pieces.
type text struct {
	w     io.Writer
	b     []byte
	err   error
	ascii bool
	dates dates
}

func newText(w io.Writer, opt Options) *text {
	return &text{w: w, b: make([]byte, 0, flushAt+8<<10), ascii: opt.ASCII, dates: newDates(opt.Now, opt.Location)}
}

// endLine ends a line, and writes what has been gathered if that is much.
func (t *text) endLine() {
	t.b = append(t.b, '\n')
	if len(t.b) >= flushAt {
		t.flush()
	}
}

// flush writes what has been gathered and returns the first error of all writes.
func (t *text) flush() error {
	if t.err == nil && len(t.b) > 0 {
		_, t.err = t.w.Write(t.b)
	}
	t.b = t.b[:0]
	return t.err
}

func (t *text) add(s string) { t.b = append(t.b, s...) }

// outside appends text that did not come from us.
func (t *text) outside(s string, max int) {
	s = uptime.Clean(s, max)
	if t.ascii && !isASCII(s) {
		t.b = appendASCII(t.b, s)
		return
	}
	t.b = append(t.b, s...)
}

// pad appends spaces up to a width of the cell that began at from, and the two that part fields.
func (t *text) pad(from, width int) {
	for n := width - (len(t.b) - from); n > 0; n-- {
		t.b = append(t.b, ' ')
	}
	t.b = append(t.b, ' ', ' ')
}

// name appends a name in a column of this width; it is cut only if cut is set.
func (t *text) name(s string, width int, cut bool) {
	s = uptime.Clean(s, maxMessage)
	w := len(s)
	if !isASCII(s) {
		if t.ascii {
			s = string(appendASCII(nil, s))
			w = len(s)
		} else {
			w = ansi.StringWidth(s)
		}
	}
	if cut && w > width {
		mark := "…"
		if t.ascii {
			mark = "~"
		}
		s = ansi.Truncate(s, width, mark)
		w = ansi.StringWidth(s)
	}
	t.b = append(t.b, s...)
	for ; w < width; w++ {
		t.b = append(t.b, ' ')
	}
	t.b = append(t.b, ' ', ' ')
}

// nameWidth is the width of a name in cells.
func nameWidth(s string, ascii bool) int {
	if isASCII(s) {
		return len(s)
	}
	if ascii {
		return len(appendASCII(nil, uptime.Clean(s, maxMessage)))
	}
	return ansi.StringWidth(uptime.Clean(s, maxMessage))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// asciiFor are characters of our own that have an ASCII form.
var asciiFor = strings.NewReplacer("…", "...", "–", "-", "—", "-", "“", `"`, "”", `"`, "’", "'", "·", "-")

func appendASCII(b []byte, s string) []byte {
	for _, r := range asciiFor.Replace(s) {
		if r >= utf8.RuneSelf {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}

// dates writes times for people. It keeps the words of the last weeks' days,
// because a status has a time on each of 180,000 lines.
type dates struct {
	now      time.Time // in the reader's time zone
	today    int64     // the second at which today begins
	tomorrow int64
	even     bool // no change of the clock today
	days     [64]dayWord
}

// dayWord is what a time in [from, to) is written as.
type dayWord struct {
	from, to int64
	word     string
}

func newDates(now time.Time, loc *time.Location) dates {
	if loc == nil {
		loc = time.UTC
	}
	now = now.In(loc)
	begin, end := dayOf(now)
	return dates{now: now, today: begin, tomorrow: end, even: end-begin == 24*60*60}
}

func dayOf(t time.Time) (begin, end int64) {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location()).Unix(), time.Date(y, m, d+1, 0, 0, 0, 0, t.Location()).Unix()
}

// since appends the clock of a time of today, day and clock of the last 24
// hours, else the day: 12:31:07, 21 Nov 23:50, 16 Nov, 16 Nov 2025; "-" for zero.
func (d *dates) since(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, '-')
	}
	at := t.Unix()
	switch {
	case at >= d.today && at < d.tomorrow && d.even:
		s := at - d.today
		return append(b, byte('0'+s/36000), byte('0'+s/3600%10), ':', byte('0'+s%3600/600), byte('0'+s/60%10), ':',
			byte('0'+s%60/10), byte('0'+s%10))
	case at >= d.today && at < d.tomorrow:
		return t.In(d.now.Location()).AppendFormat(b, "15:04:05")
	}
	// Where the clock was changed since, the place may be the neighbour's: then the bounds do not fit.
	place := &d.days[uint64(d.today-at)/(24*60*60)%uint64(len(d.days))]
	if at >= place.from && at < place.to {
		return append(b, place.word...)
	}
	t = t.In(d.now.Location())
	if age := d.now.Unix() - at; age >= -24*60*60 && age < 24*60*60 {
		return t.AppendFormat(b, "2 Jan 15:04")
	}
	layout := "2 Jan"
	if t.Year() != d.now.Year() {
		layout = "2 Jan 2006"
	}
	word := t.Format(layout)
	// The day that holds the edge of the last 24 hours is written in two ways, so it is not kept.
	if begin, end := dayOf(t); end <= d.now.Unix()-24*60*60 {
		*place = dayWord{begin, end, word}
	}
	return append(b, word...)
}

// until appends when something ends: 14:00, or 23 Nov 14:00 on another day.
func (d *dates) until(b []byte, t time.Time) []byte {
	layout := "2 Jan 15:04"
	if at := t.Unix(); at >= d.today && at < d.tomorrow {
		layout = "15:04"
	} else if t.In(d.now.Location()).Year() != d.now.Year() {
		layout = "2 Jan 2006 15:04"
	}
	return t.In(d.now.Location()).AppendFormat(b, layout)
}

// full appends day and clock: 2026-11-22 12:31:07.
func (d *dates) full(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, '-')
	}
	return t.In(d.now.Location()).AppendFormat(b, time.DateTime)
}
