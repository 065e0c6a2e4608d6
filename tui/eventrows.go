package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// eventRow is a line of the list.
type eventRow struct {
	head string
	in   *uptime.Incident // not acknowledged
	ev   *uptime.Event
}

// zoomedList is the list that has all the lines. The zero value is none.
type zoomedList uint8

const (
	zoomedUnacked zoomedList = iota + 1
	zoomedLog
)

// arrange makes the rows anew where something changed: a log of thousands
// lies still under most snapshots.
func (e *events) arrange(s *shell) {
	if s.snap == nil {
		return
	}
	var unacked []*uptime.Incident
	for _, in := range s.snap.Open {
		if in.Unacked() {
			unacked = append(unacked, in)
		}
	}
	same := func(a, b *uptime.Incident) bool { return a.Number == b.Number }
	if !e.changed && slices.EqualFunc(unacked, e.unacked, same) {
		e.renew(unacked)
		return
	}
	incident, id := e.selected()
	e.changed, e.unacked = false, unacked
	if len(unacked) == 0 {
		e.zoomed = 0
	}
	e.makeRows(s)
	e.setLen(len(e.rows), func(i int) bool { return i < len(e.rows) && e.rows[i].head == "" })
	if !e.follow {
		e.reselect(incident, id)
	}
}

// renew puts the same outages, as they are now, into the rows.
func (e *events) renew(unacked []*uptime.Incident) {
	e.unacked = unacked
	for i := range e.rows {
		if i > 0 && i <= len(unacked) && e.rows[i].in != nil {
			e.rows[i].in = unacked[i-1]
		}
	}
}

// reselect keeps a line selected, and where it was on the screen.
func (e *events) reselect(incident, id uint64) {
	for i, r := range e.rows {
		if r.in != nil && r.in.Number == incident || r.ev != nil && r.ev.ID == id {
			e.top = max(e.top+i-e.cur, 0)
			e.cur = i
			return
		}
	}
}

// makeRows lists what nobody acknowledged, and the log below it.
func (e *events) makeRows(s *shell) {
	e.rows, e.matched = e.rows[:0], 0
	head := "EVENTS"
	if len(e.unacked) > 0 && e.zoomed != zoomedLog {
		head = "EVENTS  newest first"
		e.rows = append(e.rows, eventRow{head: "NOT ACKNOWLEDGED"})
		for _, in := range e.unacked {
			e.rows = append(e.rows, eventRow{in: in})
		}
	}
	if e.zoomed == zoomedUnacked {
		return
	}
	e.rows = append(e.rows, eventRow{head: head})
	for i := range e.log {
		if e.matches(s, &e.log[i]) {
			e.rows = append(e.rows, eventRow{ev: &e.log[i]})
			e.matched++
		}
	}
}

// selected is the number of the incident or of the event under the cursor; 0: it is the other, or none.
func (e *events) selected() (incident, event uint64) {
	if e.cur >= len(e.rows) {
		return 0, 0
	}
	switch r := e.rows[e.cur]; {
	case r.in != nil:
		return r.in.Number, 0
	case r.ev != nil:
		return 0, r.ev.ID
	}
	return 0, 0
}

// onePane says that there is only the log.
func (e *events) onePane(*shell) string {
	if len(e.unacked) == 0 {
		return "there is only one pane: nothing waits to be acknowledged"
	}
	return ""
}

// nextPane moves the cursor to the other list, and zooms that where one is zoomed.
func (e *events) nextPane(s *shell, _ string) tea.Cmd {
	toLog := e.cur < len(e.rows) && e.rows[e.cur].in != nil
	if e.zoomed != 0 {
		return e.show(s, zoomedUnacked+zoomedLog-e.zoomed)
	}
	for i := range e.rows {
		if r := &e.rows[i]; toLog && r.ev != nil || !toLog && r.in != nil {
			e.cur = i
			break
		}
	}
	return nil
}

// zoom gives the list with the cursor all the lines, or takes them back.
func (e *events) zoom(s *shell, _ string) tea.Cmd {
	switch {
	case e.zoomed != 0:
		return e.show(s, 0)
	case e.cur < len(e.rows) && e.rows[e.cur].in != nil:
		return e.show(s, zoomedUnacked)
	}
	return e.show(s, zoomedLog)
}

// show lists what is zoomed.
func (e *events) show(s *shell, zoomed zoomedList) tea.Cmd {
	incident, id := e.selected()
	e.zoomed, e.changed, e.top = zoomed, true, 0
	e.arrange(s)
	e.reselect(incident, id)
	return nil
}
