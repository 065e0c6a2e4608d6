package dispatch

import (
	"fmt"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

// brokenFor is how long there is no broker before the log says so.
const brokenFor = 10 * time.Second

// line is the connection to the broker, as the loop last saw it.
type line struct {
	state link.State
	from  time.Time // since when it is so usable, or unusable
	told  bool      // the log says that it is broken
	felt  time.Time // when something was last published to find out about an alarm
}

// usable reports whether orders can be sent, and whether what does not come may
// be held against a probe.
func (l *line) usable() bool {
	return l.state.Connected && l.state.Rival == "" && l.state.Blocked == ""
}

// since is for how long it has been usable.
func (l *line) since(now time.Time) time.Duration {
	if !l.usable() {
		return 0
	}
	return now.Sub(l.from)
}

// error says what is wrong with it; "" where nothing is.
func (l *line) error() string {
	switch s := l.state; {
	case s.Rival != "":
		return fmt.Sprintf("another engine takes what the probes send (%s): this one keeps out of its way and looks again every 30 s. Each engine needs a vhost of its own", s.Rival)
	case !s.Connected && s.Error != "":
		return s.Error
	case !s.Connected:
		return "not connected yet"
	case s.Blocked != "":
		return "the broker takes nothing: it is " + s.Blocked
	}
	return l.state.Error
}

// stalled is how long the loop may not look around until nothing that was missed
// meanwhile is held against a probe.
const stalled = 5 * time.Second

// waken notes that the loop could not look around for a while: the machine was
// busy or stopped, or whoever took an answer took long. What the probes sent
// meanwhile is still to be read.
func (d *Dispatcher) waken(now time.Time) {
	if !d.looked.IsZero() && now.Sub(d.looked) > stalled {
		d.line.from = now
		d.forgetCanaries()
	}
	d.looked = now
}

// forgetCanaries does so with those that are out: nobody can have answered, or
// been heard.
func (d *Dispatcher) forgetCanaries() {
	for _, l := range d.order {
		for _, p := range l.probes {
			p.canary.sent = time.Time{}
		}
	}
}

// watch looks at the connection.
func (d *Dispatcher) watch(now time.Time) {
	was := d.line.usable()
	d.line.state = d.o.Broker.State()
	is := d.line.usable()
	if d.line.from.IsZero() || was != is {
		d.line.from = now
	}
	switch {
	case !is && !d.line.told && now.Sub(d.line.from) >= brokenFor:
		d.line.told = true
		d.note("broker: "+d.line.error()+"; nobody elsewhere can be asked", "broken")
	case is && d.line.told:
		d.line.told = false
		d.note("broker: connected again", "connected")
	}
	if was != is {
		d.dirty = true
		d.openPlaces()
		d.forgetCanaries()
	}
}

// feelEvery is how often that is, the less than proofWithin so that the probes are not blamed first.
const feelEvery = 10 * time.Second

// feel publishes what no queue takes. A broker that is short of memory or disk
// reads nothing of who publishes, and says so to nobody else: without this all
// probes would be silent, and the broker seem well.
func (d *Dispatcher) feel(now time.Time) {
	if !d.line.usable() || len(d.order) == 0 || now.Sub(d.line.felt) < feelEvery {
		return
	}
	d.line.felt = now
	d.o.Broker.Publish(link.Message{Exchange: topology.Down, Key: "nobody", Type: topology.TypeCheck, Expires: time.Second}, func(error) {})
}

// openPlaces publishes the places that can be asked.
func (d *Dispatcher) openPlaces() {
	var places []uptime.Place
	if d.line.usable() {
		for _, l := range d.order {
			if l.voters > 0 {
				places = append(places, uptime.Place{Location: l.Location, Network: l.Network})
			}
		}
	}
	d.places.Store(&open{places, len(d.order) > 0})
}

// open are the places that can be asked.
type open struct {
	places     []uptime.Place
	configured bool
}

// Places are the locations that have a live probe whose vote counts, in the
// order of the configuration. It may be called at any time, and does not wait.
func (d *Dispatcher) Places(*uptime.Monitor) (places []uptime.Place, configured bool) {
	o := d.places.Load()
	return o.places, o.configured
}
