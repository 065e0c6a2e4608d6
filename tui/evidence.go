package tui

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// evidenceOf shows a result as evidence.
func evidenceOf(r *uptime.Result) uptime.Evidence {
	return uptime.Evidence{Time: r.Time, Location: r.Location, Step: "check", Outcome: r.Outcome, Fault: r.Fault,
		Message: r.Message, Address: r.Address, Status: r.Status, Total: r.Total, Measures: r.Measures,
		Vote: r.Outcome != uptime.OutcomeUnknown}
}

// evidenceTable is what a verdict rests on as rows, or the newest checks where it is about no outage.
type evidenceTable struct {
	title    string
	rows     []uptime.Evidence
	lastGood bool // the last row is the last success
	measures []string
	where    int // cells of the location
}

// maxRecent is how many of the newest checks are shown while nothing is wrong.
const maxRecent = 6

func (d *detail) table(s *shell, st *uptime.State) evidenceTable {
	t := evidenceTable{title: "EVIDENCE"}
	if in := d.told(s, st); in != nil {
		t.rows = append(t.rows, in.Evidence...)
	}
	if len(t.rows) == 0 && d.got != nil {
		t.title, t.rows = "CHECKS", checksOf(d.got)
	} else if d.got != nil && d.got.LastGood != nil && len(t.rows) > 0 {
		t.rows, t.lastGood = append(t.rows, evidenceOf(d.got.LastGood)), true
	}
	seen := map[string]bool{}
	for _, r := range t.rows {
		for _, m := range r.Measures {
			seen[m.Name] = true
		}
		t.where = max(t.where, cells(r.Location))
	}
	t.where = min(max(t.where, 5), 10)
	for _, m := range measureHeads {
		if seen[m.name] {
			t.measures = append(t.measures, m.name)
		}
	}
	return t
}

// checksOf are the newest checks, and the newest of each other place, the newest first.
func checksOf(d *uptime.Detail) (rows []uptime.Evidence) {
	for i := range d.Recent[:min(len(d.Recent), maxRecent)] {
		rows = append(rows, evidenceOf(&d.Recent[i]))
	}
	for i := range d.Places {
		rows = append(rows, evidenceOf(&d.Places[i]))
	}
	slices.SortStableFunc(rows, func(a, b uptime.Evidence) int { return b.Time.Compare(a.Time) })
	return rows
}

// measureHeads are the columns, in the order in which a check takes them.
var measureHeads = []struct{ name, head string }{{"dns", "DNS"}, {"connect", "TCP"}, {"tls", "TLS"}, {"ttfb", "TTFB"},
	{"body", "BODY"}, {"rtt_min", "MIN"}, {"rtt_avg", "AVG"}, {"rtt_max", "MAX"}, {"loss", "LOSS"}, {"offset", "OFFSET"}}

func measureHead(name string) string {
	for _, m := range measureHeads {
		if m.name == name {
			return m.head
		}
	}
	return name
}

func (d *detail) evidencePart(s *shell, st *uptime.State, w, h int) *part {
	t := d.table(s, st)
	p := &part{}
	if len(t.rows) == 0 {
		return p
	}
	t.drop(max(h-14, 6), h)
	form := t.form(w)
	if d.zoomed && w >= 64 && w < wide && t.weighed() { // room for the weights, at the cost of two measures
		form.weight, form.measures = true, form.measures[:min(len(form.measures), 2)]
	}
	p.add(func(p *pen) { form.head(p, t.title) })
	for i := range t.rows {
		e := &t.rows[i]
		if e.Time.IsZero() {
			p.add(func(p *pen) { p.text(theme.Faint, e.Message) })
			continue
		}
		note := ""
		if t.lastGood && i == len(t.rows)-1 {
			note = "last good"
		}
		p.add(func(p *pen) { form.row(p, s, e, note) })
	}
	if sum, ok := odds(d.told(s, st)); ok && (form.weight || h == 0) {
		p.add(func(p *pen) { drawOdds(p, sum) })
	}
	return p
}

// weighed reports whether a row has a weight.
func (t *evidenceTable) weighed() bool {
	return slices.ContainsFunc(t.rows, func(e uptime.Evidence) bool { return e.Weight != 0 })
}

// drawOdds ends the column of weights with what they come to.
func drawOdds(p *pen, sum float64) {
	text := fmt.Sprintf("%+.1f before, and all weights: %+.1f; the bar is %+d", float64(uptime.RuleOddsPrior), sum, uptime.RuleOdds)
	if n := cells(text); n < p.w-1 {
		p.to(p.w - 1 - n)
	}
	p.text(theme.Faint, text)
}

// drop leaves out rows from the middle where there are more than n.
func (t *evidenceTable) drop(n, h int) {
	if len(t.rows) <= n || h == 0 {
		return
	}
	first := (n - 1) / 2
	last := n - 1 - first
	gone := len(t.rows) - first - last
	rows := append([]uptime.Evidence{}, t.rows[:first]...)
	rows = append(rows, uptime.Evidence{Message: " … " + strconv.Itoa(gone) + " more between"})
	t.rows = append(rows, t.rows[len(t.rows)-last:]...)
}

// evidenceForm is the columns that fit a width.
type evidenceForm struct {
	clock                     string // layout of the time
	when, where, step, result int    // cells; 0: not shown
	measures                  []string
	measure, total            int
	detail, weight            bool
}

func (t *evidenceTable) form(w int) evidenceForm {
	f := evidenceForm{clock: "15:04:05", when: 8, where: t.where + 1, measures: t.measures, measure: 6}
	switch {
	case w < 30:
		return evidenceForm{clock: f.clock, when: 8, result: max(w-10, 0)}
	case w < 48:
		f.measures, f.result, f.total = nil, w-f.when-f.where-9, 7
		return f
	case w < 64:
		f.measures, f.step, f.result, f.total = nil, 7, w-f.when-f.where-16, 7
		return f
	case w < wide:
		f.step, f.result, f.total, f.detail = 7, 8, 6, true
		f.measures = f.measures[:min(len(f.measures), 4)]
	default:
		f.clock, f.when, f.where, f.step, f.result = "15:04:05.000", 12, f.where+2, 9, 13
		f.measure, f.total, f.detail, f.weight = 7, 8, true, true
	}
	return f
}

func (f *evidenceForm) head(p *pen, title string) {
	p.to(1)
	p.text(theme.Accent, title)
	if f.where == 0 {
		return
	}
	x := 1 + f.when + 1
	for _, c := range []struct {
		head  string
		width int
	}{{"FROM", f.where}, {"STEP", f.step}, {"RESULT", f.result}} {
		if c.width > 0 {
			p.to(x)
			p.text(theme.Faint, c.head)
			x += c.width + 1
		}
	}
	p.to(x - 1)
	for _, m := range f.measures {
		p.right(theme.Faint, measureHead(m), f.measure)
	}
	p.right(theme.Faint, "TOTAL", f.total)
	if f.detail {
		p.text(theme.Faint, "  DETAIL")
	}
}

func (f *evidenceForm) row(p *pen, s *shell, e *uptime.Evidence, note string) {
	p.to(1)
	p.cell(theme.Plain, f.time(s, e.Time), f.when)
	p.say(" ")
	style := theme.Plain
	if e.Outcome == uptime.OutcomeDown {
		style = theme.Strong
	}
	for _, c := range []struct {
		text  string
		width int
		style theme.Style
	}{{e.Location, f.where, theme.Plain}, {e.Step, f.step, theme.Plain}, {resultWord(e, f.result), f.result, style}} {
		if c.width > 0 {
			p.cell(c.style, c.text, c.width)
			p.say(" ")
		}
	}
	if f.total == 0 {
		return
	}
	p.x-- // the columns of figures have their gap at the left
	p.buf = p.buf[:len(p.buf)-1]
	for _, m := range f.measures {
		p.right(theme.Plain, measured(e, m), f.measure)
	}
	p.right(theme.Plain, uptime.Took(e.Total), f.total)
	if !f.detail {
		return
	}
	p.say("  ")
	weight := ""
	if f.weight && e.Weight != 0 {
		weight = fmt.Sprintf("%+.1f", e.Weight)
	}
	detail := evidenceDetail(e, note)
	if note != "" && p.w < wide {
		detail = note
	}
	p.cell(theme.Plain, detail, p.w-p.x-7*min(len(weight), 1))
	if weight != "" {
		p.to(p.w - 6)
		p.right(theme.Faint, weight, 5)
	}
}

// time is the time of day, or the date of what was on another day.
func (f *evidenceForm) time(s *shell, t time.Time) string {
	t = t.In(s.loc)
	if now := s.now.In(s.loc); t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		if f.when < 11 {
			return t.Format("01-02")
		}
		return t.Format("01-02 15:04")
	}
	return t.Format(f.clock)
}

// resultWord is what a piece of evidence says, in a word of at most width cells.
func resultWord(e *uptime.Evidence, width int) string {
	class := ""
	if !e.Vote && e.Fault.Side() == uptime.Ours && e.Fault != uptime.NoFault && e.Location != uptime.Local {
		return "no vote" // why not stands beside it
	}
	if e.Fault != uptime.NoFault {
		class = faultWord(e.Fault, max(width, 7))
	}
	switch {
	case e.Status != 0 && (class == "" || e.Fault == uptime.FaultHTTPStatus):
		return strconv.Itoa(e.Status)
	case class != "":
		return class
	case e.Outcome == uptime.OutcomeUnknown && !e.Vote:
		return "late"
	case e.Outcome == uptime.OutcomeUp:
		return "ok"
	}
	return e.Outcome.String()
}

func measured(e *uptime.Evidence, name string) string {
	for _, m := range e.Measures {
		if m.Name != name {
			continue
		}
		if name == "loss" {
			return strconv.FormatInt(m.Value/10000, 10) + "%"
		}
		if m.Value > 0 && m.Value < 1000 {
			return strconv.FormatFloat(max(float64(m.Value)/1000, 0.1), 'f', 1, 64)
		}
		return strconv.FormatInt((m.Value+500)/1000, 10)
	}
	return "-"
}

func evidenceDetail(e *uptime.Evidence, note string) string {
	switch {
	case note != "" && e.Address != "":
		return note + ", " + e.Address
	case note != "":
		return note
	case e.Address != "":
		return e.Address
	}
	return e.Message
}
