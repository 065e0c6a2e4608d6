package engine

import "time"

// names says what monitors are called that bore another name since the start:
// what waits under that at a probe, or at a broker, is theirs. Another monitor
// may bear the name since; what was found before is not its.
type names map[string]called

// called is where a name went.
type called struct {
	name string
	at   time.Time // when; what was found later is of who bears the name then
}

// rename notes that a monitor has another name, whatever it was called before.
func (n names) rename(from, to string, now time.Time) {
	for was, c := range n {
		if c.name == from {
			n[was] = called{to, c.at}
		}
	}
	n[from] = called{to, now}
	if n[to].name == to { // it is back at what it was
		delete(n, to)
	}
}

// of is the name of the monitor that bore one when something was found;
// borne says whether another bears it now, or bore it last.
func (n names) of(name string, found time.Time, borne bool) string {
	if c, ok := n[name]; ok && (!borne || found.Before(c.at)) {
		return c.name
	}
	return name
}

// step follows a step of the wall clock.
func (n names) step(by time.Duration) {
	for was, c := range n {
		n[was] = called{c.name, moved(c.at, by)}
	}
}
