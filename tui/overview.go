package tui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// arrangeInline is how many monitors are put in order at once; more are
// sorted beside the screen, which goes on with the rows it has.
const arrangeInline = 20_000

// costlyEvery is how often so many are sorted by what changes with every result.
const costlyEvery = 2 * time.Second

// overview lists the monitors, the worst first.
type overview struct {
	r      *roster // what is listed; nil before the first snapshot
	want   arrangement
	busy   bool // rows are being made beside the screen
	again  bool // and they are no longer what is wanted
	table  []binding
	marks  map[string]bool
	wider  bool   // latency over the last hour in place of the bar
	cur    string // the selected monitor or group
	isRow  bool   // cur is a group
	held   bool   // somebody moved there: it stays selected; else the worst is
	pos    int    // its place in rows
	top    int    // the first row on the screen
	height int    // rows on the screen, as last drawn
	line   int    // the line of the first of them

	made time.Time     // when r was asked for
	took time.Duration // to make it
}

// arranged is a roster that was made beside the screen.
type arranged struct {
	r    *roster
	took time.Duration
}

func newOverview() *overview {
	o := &overview{marks: map[string]bool{}}
	o.table = o.bindings()
	return o
}

func (o *overview) title() string { return "monitors" }

// keys is the table, in which enter is named after what it does to this row.
func (o *overview) keys() []binding {
	for i := range o.table {
		if b := &o.table[i]; b.keys[0] == "enter" {
			b.hint = "why"
			if o.group() != nil {
				b.hint = "open/close"
			}
		}
	}
	return o.table
}

// refresh puts the newest snapshot in order.
func (o *overview) refresh(s *shell) tea.Cmd {
	if s.snap == nil || o.r != nil && o.r.snap == s.snap && o.same() {
		return nil
	}
	if o.busy {
		o.again = true
		return nil
	}
	many := len(s.snap.States) > arrangeInline
	costly := o.want.grouped || o.want.by > byName
	if many && costly && o.r != nil && o.same() && s.now.Sub(o.made) < costlyEvery {
		return nil
	}
	before, snap, want, now, clock := o.r, s.snap, o.want, s.now, s.clock
	o.made = now
	run := func() arranged {
		start := clock()
		return arranged{arrange(before, snap, want, now), clock().Sub(start)}
	}
	if !many {
		m := run()
		o.took = m.took
		o.take(m.r)
		return nil
	}
	o.busy, o.again = true, false
	return s.load(o, func(context.Context) tea.Msg { return run() })
}

// same reports whether the rows are arranged as wanted.
func (o *overview) same() bool {
	a, b := &o.r.arrangement, &o.want
	if a.by != b.by || a.reverse != b.reverse || a.grouped != b.grouped || a.query != b.query || len(a.folds) != len(b.folds) {
		return false
	}
	for k, v := range a.folds {
		if w, ok := b.folds[k]; !ok || v != w {
			return false
		}
	}
	return true
}

func (o *overview) receive(s *shell, m tea.Msg) tea.Cmd {
	if m, ok := m.(arranged); ok {
		o.busy, o.took = false, m.took
		o.take(m.r)
		if o.again {
			return o.refresh(s)
		}
	}
	return nil
}

// change asks for other rows.
func (o *overview) change(s *shell, f func(a *arrangement)) tea.Cmd {
	f(&o.want)
	return o.refresh(s)
}

// take lists other rows. The selected monitor stays selected, and where it
// was on the screen if it can; at the top of the list, the top stays.
func (o *overview) take(r *roster) {
	o.r = r
	for name := range o.marks {
		if _, ok := r.index(name); !ok {
			delete(o.marks, name)
		}
	}
	if o.cur == "" || !o.held {
		o.goTo(0)
		return
	}
	at := r.row(o.cur, o.isRow)
	if at < 0 { // it left the list: whoever is in its place now
		o.goTo(o.pos)
		return
	}
	if o.top > 0 {
		o.top += at - o.pos
	}
	o.pos = at
	o.scroll()
}

// goTo selects a row.
func (o *overview) goTo(at int) {
	if o.r == nil || len(o.r.rows) == 0 {
		o.pos, o.top = 0, 0
		return
	}
	o.pos = min(max(at, 0), len(o.r.rows)-1)
	if i := o.r.rows[o.pos]; i < 0 {
		o.cur, o.isRow = o.r.groups[^i].name, true
	} else {
		o.cur, o.isRow = o.r.snap.States[i].Name, false
	}
	o.scroll()
}

// scroll keeps the selected row on the screen, and the screen full.
func (o *overview) scroll() {
	if o.height <= 0 || o.r == nil {
		return
	}
	o.top = min(o.top, o.pos)
	o.top = max(o.top, o.pos-o.height+1)
	o.top = max(min(o.top, len(o.r.rows)-o.height), 0)
}

// clicked selects the row on a line of the screen.
func (o *overview) clicked(_ *shell, y int) tea.Cmd {
	if y >= o.line && y < o.line+o.height && o.r != nil && o.top+y-o.line < len(o.r.rows) {
		o.goTo(o.top + y - o.line)
	}
	return nil
}

// state is the selected monitor; nil: a group, or nothing.
func (o *overview) state() *uptime.State {
	if o.r == nil || o.pos >= len(o.r.rows) || o.r.rows[o.pos] < 0 {
		return nil
	}
	return o.r.snap.States[o.r.rows[o.pos]]
}

func (o *overview) group() *groupRow {
	if o.r == nil || o.pos >= len(o.r.rows) || o.r.rows[o.pos] >= 0 {
		return nil
	}
	return &o.r.groups[^o.r.rows[o.pos]]
}

func (o *overview) current() string {
	if st := o.state(); st != nil {
		return st.Name
	}
	if g := o.group(); g != nil && g.name != "" {
		return "group:" + g.name
	}
	return ""
}

// marked lists the marked monitors in the order of the rows.
func (o *overview) marked() []string {
	if len(o.marks) == 0 || o.r == nil {
		return nil
	}
	var out []string
	for _, st := range o.r.snap.States {
		if o.marks[st.Name] {
			out = append(out, st.Name)
		}
	}
	return out
}

func (o *overview) unmark() { clear(o.marks) }

// step goes to the next row that needs a human, into a folded group if need be.
func (o *overview) step(s *shell, dir int) tea.Cmd {
	if o.r == nil {
		return nil
	}
	at := o.r.problem(o.place(dir), dir)
	if at < 0 {
		s.say("nothing needs you here")
		return nil
	}
	return o.show(s, o.r.snap.States[o.r.flat[at]].Name)
}

// place is where the cursor is in flat; on a head of a group, beside its
// first member, so that a step in dir finds the right one.
func (o *overview) place(dir int) int {
	i := o.r.rowState(o.pos)
	for at, j := range o.r.flat {
		if i == j {
			if o.isRow && dir > 0 {
				return at - 1
			}
			return at
		}
	}
	return -1
}

// rowState is the index of the state in a row, of a group its first in flat; -1: none.
func (r *roster) rowState(row int) int32 {
	if row >= len(r.rows) {
		return -1
	}
	i := r.rows[row]
	if i >= 0 {
		return i
	}
	name := r.groups[^i].name
	for _, j := range r.flat {
		if r.snap.States[j].Group == name {
			return j
		}
	}
	return -1
}

// show selects a monitor, opening its group.
func (o *overview) show(s *shell, name string) tea.Cmd {
	var cmd tea.Cmd
	if o.r.row(name, false) < 0 {
		if i, ok := o.r.index(name); ok && o.want.grouped {
			o.cur, o.isRow = name, false
			cmd = o.fold(s, o.r.snap.States[i].Group, true)
		}
	}
	if at := o.r.row(name, false); at >= 0 {
		o.goTo(at)
	}
	return cmd
}

// fold opens or closes a group.
func (o *overview) fold(s *shell, group string, open bool) tea.Cmd {
	return o.change(s, func(a *arrangement) {
		folds := make(map[string]bool, len(a.folds)+1)
		for k, v := range a.folds {
			folds[k] = v
		}
		folds[group] = open
		a.folds = folds
	})
}

// problem is the name of the next monitor that needs a human, from a name on.
func (o *overview) problem(from string, dir int) string {
	if o.r == nil {
		return ""
	}
	at := -1
	if i, ok := o.r.index(from); ok {
		for n, j := range o.r.flat {
			if i == j {
				at = n
			}
		}
	}
	if at = o.r.problem(at, dir); at < 0 {
		return ""
	}
	return o.r.snap.States[o.r.flat[at]].Name
}

func (o *overview) filter(s *shell, q *query) tea.Cmd {
	if q != nil && len(q.terms) == 0 {
		q = nil
	}
	return o.change(s, func(a *arrangement) { a.query = q })
}

func (o *overview) counts() (shown, all int) {
	if o.r == nil {
		return 0, 0
	}
	return len(o.r.flat), len(o.r.snap.States)
}

func (o *overview) copy(s *shell, what copyWhat) string {
	if what == copyAll {
		return o.text(s)
	}
	if g := o.group(); g != nil {
		return g.name
	}
	st := o.state()
	if st == nil {
		return ""
	}
	if what == copyCell {
		return st.Name
	}
	return strings.TrimSpace(strings.Join([]string{st.Label(), st.Name, st.Target, latency(st, 30), st.Message}, "  "))
}

// text is the list as plain text, a row a line.
func (o *overview) text(s *shell) string {
	if o.r == nil {
		return ""
	}
	var b strings.Builder
	for _, i := range o.r.flat {
		st := o.r.snap.States[i]
		b.WriteString(strings.TrimRight(strings.Join([]string{st.Label(), st.Name, latency(st, 30), st.Message}, "  "), " "))
		b.WriteByte('\n')
	}
	return b.String()
}
