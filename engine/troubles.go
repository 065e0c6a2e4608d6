package engine

import (
	"fmt"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/engine/verdict"
)

// troubles are what this machine lacks at the moment, by fault: one event when
// it begins and one when it is over, however many checks it touches.
type troubles map[uptime.Fault]*trouble

// trouble is one of them.
type trouble struct {
	since   time.Time
	first   string                // what the first check said
	touched map[*monitor]struct{} // whose last check it kept from telling anything
	most    int                   // of these at a time
	over    time.Time             // when the last of these was checked again; zero: some are left
	told    bool
	line    bool // the self-check has told it: we are offline
}

const (
	// calmAfter is how long nothing must be touched: what comes and goes by the second is one trouble.
	calmAfter = 30 * time.Second
	// routeAfter is how long a missing way waits for the self-check, which may know that all of them are.
	routeAfter = 3 * time.Second
)

// ofMachine reports whether a fault is one of the machine, whatever is checked.
func ofMachine(f uptime.Fault) bool {
	switch f {
	case uptime.FaultLocalFDLimit, uptime.FaultLocalPortExhausted, uptime.FaultLocalNoMemory, uptime.FaultLocalNoRoute,
		uptime.FaultLocalPermission, uptime.FaultLocalBlocked, uptime.FaultLocalOverload:
		return true
	}
	return false
}

// trouble takes what a result says of this machine.
func (e *Engine) trouble(m *monitor, r *uptime.Result, now time.Time) {
	for f, t := range e.troubles {
		if f != r.Fault {
			t.release(m, now)
		}
	}
	if !ofMachine(r.Fault) {
		return
	}
	t := e.troubles[r.Fault]
	if t == nil {
		t = &trouble{since: now, first: ofProcess(r.Message), touched: map[*monitor]struct{}{}}
		if e.troubles == nil {
			e.troubles = troubles{}
		}
		e.troubles[r.Fault] = t
	}
	t.touched[m] = struct{}{}
	t.most, t.over = max(t.most, len(t.touched)), time.Time{}
	e.tellTrouble(r.Fault, t, now)
}

// ofProcess leaves out of what a check said which target it was for, where the
// process as a whole lacks something.
func ofProcess(message string) string {
	if i := strings.Index(message, ": this process "); i >= 0 {
		return message[i+2:]
	}
	return message
}

func (t *trouble) release(m *monitor, now time.Time) {
	if _, ok := t.touched[m]; ok {
		delete(t.touched, m)
		if len(t.touched) == 0 {
			t.over = now
		}
	}
}

func (e *Engine) tellTrouble(f uptime.Fault, t *trouble, now time.Time) {
	if route := f == uptime.FaultLocalNoRoute && e.o.Outside != nil; route {
		t.line = t.line || e.self == verdict.Offline && !t.told
		if now.Sub(t.since) < routeAfter {
			return
		}
	}
	if t.told || t.line {
		return
	}
	t.told = true
	e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: t.since, Fault: f, By: byEngine,
		Message: uptime.Clean(t.says(f)+"; checks that meet this tell nothing", 300)})
}

// says is what this machine lacks. A way is missed by each check in its own
// words, and people want to know first that it is ours.
func (t *trouble) says(f uptime.Fault) string {
	if f != uptime.FaultLocalNoRoute {
		return t.first
	}
	return "this machine has no route to " + counted(len(t.touched)) + ": " + strings.Replace(t.first, ": this machine has no route to it", "", 1)
}

// lack names a fault of the machine in a sentence.
func lack(f uptime.Fault) string {
	what := "the trouble"
	switch f {
	case uptime.FaultLocalFDLimit:
		what = "the lack of file descriptors"
	case uptime.FaultLocalPortExhausted:
		what = "the lack of local ports"
	case uptime.FaultLocalNoMemory:
		what = "the lack of memory"
	case uptime.FaultLocalNoRoute:
		what = "the lack of a route"
	case uptime.FaultLocalPermission:
		what = "the lack of a permission"
	case uptime.FaultLocalBlocked:
		what = "what this machine forbade"
	case uptime.FaultLocalOverload:
		what = "the overload"
	}
	return what + " (" + f.String() + ")"
}

// calm tells, once a second, which troubles are over.
func (e *Engine) calm(now time.Time) {
	for f, t := range e.troubles {
		for m := range t.touched {
			if e.byName[m.job.Name] != m || m.mode == uptime.Paused {
				t.release(m, now)
			}
		}
		if t.over.IsZero() || now.Sub(t.over) < calmAfter {
			if len(t.touched) > 0 {
				e.tellTrouble(f, t, now)
			}
			continue
		}
		delete(e.troubles, f)
		if t.told {
			e.emit(uptime.Event{Time: now, Kind: uptime.EventNode, Since: t.since, By: byEngine,
				Message: fmt.Sprintf("%s is over after %s; it touched %s", lack(f), uptime.Ago(t.over.Sub(t.since)), counted(t.most))})
		}
	}
}

// cannot is what keeps this node from judging; "" when nothing does.
func (e *Engine) cannot() string {
	if why := e.nodeFault(); why != "" {
		return why
	}
	for _, f := range []uptime.Fault{uptime.FaultLocalFDLimit, uptime.FaultLocalNoMemory} {
		if t := e.troubles[f]; t != nil && t.over.IsZero() {
			return t.first
		}
	}
	return ""
}
