package worker

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// monitor is one that the location was assigned.
type monitor struct {
	wire.Monitor

	mine  bool      // its regular checks and its baseline fall to this probe
	own   bool      // … since it was last looked at
	over  bool      // over Limits.MaxMonitors
	next  time.Time // on the wheel for its regular check; zero: it is not
	lined bool      // on the wheel for its baseline
	fresh bool      // no baseline was taken since it was assigned
	busy  bool      // a check of its schedule waits or runs

	built   time.Time // when job and refusal were made: when they are first needed; zero: not yet
	job     uptime.Job
	refusal string // why it cannot be checked here, one sentence; "": it can

	last    wire.Row       // the newest result
	began   time.Time      // … when its check did; zero: none
	outcome uptime.Outcome // the newest of its schedule that tells something
	told    told           // what was last sent of its certificate
}

// same reports whether two are checked alike, so that what is known of one holds for the other.
func (m *monitor) same(n *monitor) bool { return m == n || reflect.DeepEqual(m.Monitor, n.Monitor) }

// inherit takes over what is known of the same check, where it only serves
// another purpose now: when its locations or its confirm_from change.
func (m *monitor) inherit(old *monitor) {
	was := old.Monitor
	was.Regular, was.Asked = m.Regular, m.Asked
	if !reflect.DeepEqual(was, m.Monitor) {
		return
	}
	m.fresh = old.fresh || m.Asked && !old.Asked
	m.built, m.job, m.refusal = old.built, old.job, old.refusal
	m.last, m.began, m.outcome, m.told = old.last, old.began, old.outcome, old.told
}

// portable is a monitor's check as Build takes it.
func portable(m *wire.Monitor) uptime.Portable {
	return uptime.Portable{URL: m.URL, IP: m.IP, Zone: m.Zone, Source: m.Source, Resolvers: m.Resolvers, Values: m.Values, Expect: m.Expect}
}

// rebuildAfter is when a check that could not be made is tried again: a secret
// may have been put where it belongs.
const rebuildAfter = time.Minute

// ready makes the check of a monitor, once, and says why it cannot be run here; "" where it can.
func (w *Worker) ready(m *monitor, now time.Time) string {
	if m.built.IsZero() || m.refusal != "" && now.Sub(m.built) >= rebuildAfter {
		m.built = now
		m.job, m.refusal = w.build(&m.Monitor)
		if m.refusal != "" {
			w.quiet.say("build", now, func(more int) {
				w.log.Warn("a monitor cannot be checked here", "monitor", m.Name, "why", m.refusal, "others", more)
			})
		}
	}
	return m.refusal
}

// build makes the check of what was ordered, within what this probe allows.
func (w *Worker) build(m *wire.Monitor) (uptime.Job, string) {
	if key := unsupported(m); key != "" {
		return uptime.Job{}, fmt.Sprintf("a newer lookout is needed at this probe: it does not know the value of %s", clean(key))
	}
	if most := w.o.Limits.MaxTimeout; most > 0 && m.Timeout > most {
		return uptime.Job{}, fmt.Sprintf("its time-out of %s is over the %s that this probe allows (max_timeout)", m.Timeout, most)
	}
	job, mistakes := w.o.Build(m.Name, m.Type, portable(m), m.Interval, m.Timeout, m.DegradedAbove)
	var said []string
	for _, x := range mistakes {
		if !x.Warning {
			said = append(said, x.String())
		}
	}
	switch {
	case len(said) > 0:
		return uptime.Job{}, uptime.Clean(strings.Join(said, "; "), maxRefusal)
	case job.Monitor == nil || job.Checker == nil:
		return uptime.Job{}, fmt.Sprintf("this probe makes no checks of type %s", clean(m.Type))
	}
	return job, ""
}

// maxRefusal bounds a sentence that a probe sends, in bytes.
const maxRefusal = 200

// unsupported is a key whose value a newer engine knows; "" where there is none.
func unsupported(m *wire.Monitor) string {
	for _, values := range []map[string]any{m.Values, m.Expect} {
		for key, v := range values {
			if _, ok := v.(wire.Unsupported); ok {
				return key
			}
		}
	}
	return ""
}
