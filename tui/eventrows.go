package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// eventRow is a line of the list. One of its fields says what it is.
type eventRow struct {
	head    string
	alert   *unacked             // not acknowledged
	channel *uptime.ChannelState // that is behind
	held    int                  // alerts that wait for others of their cause
	told    *uptime.Told         // a letter, that was given up unless letter is set
	letter  bool                 // of the list of all letters
	ev      *uptime.Event
}

// rowKey tells rows apart, whatever changed in them.
type rowKey struct {
	kind   byte
	number uint64
	name   string
}

func (r *eventRow) key() rowKey {
	switch {
	case r.ev != nil:
		return rowKey{kind: 'e', number: r.ev.ID}
	case r.alert != nil && r.alert.cause.Kind != "":
		return rowKey{kind: 'g', name: r.alert.cause.String()}
	case r.alert != nil:
		return rowKey{kind: 'a', number: r.alert.in.Number}
	case r.channel != nil:
		return rowKey{kind: 'c', name: r.channel.Name}
	case r.told != nil && r.letter:
		return rowKey{kind: 'l', number: r.told.Number, name: r.told.Channel}
	case r.told != nil:
		return rowKey{kind: 't', number: r.told.Number, name: r.told.Channel}
	case r.held > 0:
		return rowKey{kind: 'w'}
	}
	return rowKey{kind: 'h', name: r.head}
}

// zoomedList is the list that has all the lines. The zero value is none.
type zoomedList uint8

const (
	zoomedAlerts zoomedList = iota + 1
	zoomedLog
)

// arrange makes the rows anew where something changed: a log of thousands
// lies still under most snapshots.
func (e *events) arrange(s *shell) {
	if s.snap == nil {
		return
	}
	e.unacked = notAcked(s.snap)
	if e.zoomed == zoomedAlerts && e.noAlerts(s) {
		e.zoomed, e.changed = 0, true
	}
	var upper []eventRow
	if e.zoomed != zoomedLog {
		upper = e.alertRows(s, e.zoomed == zoomedAlerts)
	}
	same := func(a, b eventRow) bool { return a.key() == b.key() }
	if !e.changed && slices.EqualFunc(upper, e.rows[:min(e.upper, len(e.rows))], same) {
		copy(e.rows, upper) // the same, as they are now
		return
	}
	selected := e.selected()
	e.changed, e.upper = false, len(upper)
	e.rows, e.matched = append(e.rows[:0], upper...), 0
	if e.zoomed != zoomedAlerts {
		e.logRows(s)
	}
	e.setLen(len(e.rows), func(i int) bool { return i < len(e.rows) && e.rows[i].head == "" })
	if !e.follow {
		e.reselect(selected)
	}
}

// noAlerts reports whether there is nothing that the upper list could show.
func (e *events) noAlerts(s *shell) bool {
	return s.snap == nil || len(e.unacked) == 0 && len(s.snap.Outbox.Told) == 0 && len(e.alertRows(s, false)) == 0
}

// reselect keeps a line selected, and where it was on the screen.
func (e *events) reselect(key rowKey) {
	for i := range e.rows {
		if e.rows[i].head == "" && e.rows[i].key() == key {
			e.top = max(e.top+i-e.cur, 0)
			e.cur = i
			return
		}
	}
}

// logRows adds the log.
func (e *events) logRows(s *shell) {
	head := "EVENTS"
	if len(e.rows) > 0 {
		head = "EVENTS  newest first"
	}
	e.rows = append(e.rows, eventRow{head: head})
	for i := range e.log {
		if e.matches(s, &e.log[i]) {
			e.rows = append(e.rows, eventRow{ev: &e.log[i]})
			e.matched++
		}
	}
}

// selected is what tells the row under the cursor apart.
func (e *events) selected() rowKey {
	if e.cur >= len(e.rows) {
		return rowKey{}
	}
	return e.rows[e.cur].key()
}

// row is the one under the cursor; nil: there is none.
func (e *events) row() *eventRow {
	if e.cur >= len(e.rows) {
		return nil
	}
	return &e.rows[e.cur]
}

// onePane says that there is only the log.
func (e *events) onePane(s *shell) string {
	if e.noAlerts(s) {
		return "there is only one pane: nothing waits to be acknowledged or to be sent"
	}
	return ""
}

// nextPane moves the cursor to the other list, and zooms that where one is zoomed.
func (e *events) nextPane(s *shell, _ string) tea.Cmd {
	r := e.row()
	toLog := r != nil && r.ev == nil
	switch {
	case e.zoomed != 0:
		return e.show(s, zoomedAlerts+zoomedLog-e.zoomed)
	case !toLog && e.upper == 0: // there are only letters that were sent
		return e.show(s, zoomedAlerts)
	}
	for i := range e.rows {
		if r := &e.rows[i]; r.head == "" && (r.ev != nil) == toLog {
			e.cur = i
			break
		}
	}
	return nil
}

// zoom gives the list with the cursor all the lines, or takes them back. The
// upper one has all letters then.
func (e *events) zoom(s *shell, _ string) tea.Cmd {
	switch r := e.row(); {
	case e.zoomed != 0:
		return e.show(s, 0)
	case r != nil && r.ev == nil:
		return e.show(s, zoomedAlerts)
	}
	return e.show(s, zoomedLog)
}

// show lists what is zoomed.
func (e *events) show(s *shell, zoomed zoomedList) tea.Cmd {
	key := e.selected()
	e.zoomed, e.changed, e.top = zoomed, true, 0
	e.arrange(s)
	e.reselect(key)
	return nil
}
