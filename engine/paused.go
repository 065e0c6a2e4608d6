package engine

import "lookout/engine/uptime"

// tellPause tells whoever checks elsewhere whether a monitor is to be checked at
// all: nobody checks one that is paused, by whatever name it was paused.
func (e *Engine) tellPause(m *monitor) {
	name := ""
	if m.mode == uptime.Paused {
		name = m.job.Name
	}
	was := e.pausedAs[m]
	if e.o.OnPause == nil || name == was {
		return
	}
	if was != "" {
		delete(e.pausedAs, m)
		e.o.OnPause(was, false)
	}
	if name != "" {
		e.pausedAs[m] = name
		e.o.OnPause(name, true)
	}
}

// tellPauses does so for all.
func (e *Engine) tellPauses() {
	for _, m := range e.monitors {
		e.tellPause(m)
	}
}
