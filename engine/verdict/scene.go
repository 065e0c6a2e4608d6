package verdict

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Self is what a node knows of its own line.
type Self uint8

// What it can know.
const (
	Unproven Self = iota // too little to compare with
	Online
	Offline
)

// Scene is what a node knows beside the results, at the moment of a step.
type Scene struct {
	Self    Self
	Home    string         // the location that regular checks are made from; "": this node's own
	Network string         // of home; a place in it is no witness
	Others  bool           // second opinions are configured
	Places  []uptime.Place // whose vote counts now, the preferred first
}

// home is the location that is asked first, whose own node's health is the gate.
func (s Scene) home() string {
	if s.Home == "" {
		return uptime.Local
	}
	return s.Home
}

func (s Scene) atHome(location string) bool { return location == "" || location == s.home() }

// place is one whose vote counts.
func (s Scene) place(location string) (uptime.Place, bool) {
	for _, p := range s.Places {
		if p.Location == location {
			return p, true
		}
	}
	return uptime.Place{}, false
}

// live reports whether a location can be heard: home, or a place whose vote counts.
func (s Scene) live(location string) bool {
	_, ok := s.place(location)
	return ok || s.atHome(location)
}

// Plan is what the rule wants next.
type Plan struct {
	At     time.Time
	Home   bool           // a check at home
	Ask    []uptime.Place // and at these places
	Step   string         // "wave 2", "dwell", "last": for the evidence
	Within time.Duration  // time-out of these checks; 0: the monitor's
}

// Looks reports whether the plan is to check, and not only to weigh again what
// was said, and not, by then.
func (p Plan) Looks() bool { return p.Home || len(p.Ask) > 0 }

// The figures of the rule with others (the package comment says where from).
const (
	oddsPrior   = uptime.RuleOddsPrior
	oddsDown    = uptime.RuleOdds
	oddsClear   = uptime.RuleOddsClear
	oddsSuccess = -3
	oddsRepeat  = 0.4   // home fails again
	maxRepeats  = 10    // … as often as that tells anything new
	oddsSame    = 0.5   // a second location of a network that has failed
	rounding    = 0.001 // sums of these may come out a little less than they are

	maxWaves   = uptime.RuleWaves
	waveEvery  = uptime.RuleWaveEvery
	wavePlaces = uptime.RuleWavePlaces
	lastPlaces = uptime.RuleLastPlaces
	needPlaces = uptime.RuleNetworks // that have to agree

	silentNeed = uptime.RuleSilent // of failure where nobody answered, whatever the class
	aloneFor   = uptime.RuleAlone  // of failure at one place only: undecided
	leastLook  = 5 * time.Second   // a confirming check may take that long
	transit    = 2 * time.Second   // a question and its answer, on their way
)

// vote is what a place said last in a doubt.
type vote struct {
	uptime.Place
	failing bool
	odds    float64 // what all that it said came to
}

// request is a second opinion that was asked for.
type request struct {
	uptime.Place
	step     string
	at       time.Time
	first    time.Time // when the first was asked, in whose stead it is; zero: in nobody's
	deadline time.Time
	answered bool
	abstains bool // … and says nothing
}

// lost reports whether nothing that counts comes of a request.
func (r *request) lost(now time.Time) bool { return r.abstains || !r.answered && now.After(r.deadline) }

// opinions are what others said in a doubt. They are not kept over a restart:
// a doubt starts over.
type opinions struct {
	raiser   string    // the place that raised it
	cleared  bool      // … and has succeeded since
	since    time.Time // … and fails since
	odds     float64
	weighed  bool    // a failing check of home is in the odds …
	home     float64 // … and what its newest would weigh alone
	repeats  int     // … and how many more
	votes    []vote  // one a location, the newest last
	asked    []request
	waves    int
	wave     time.Time // when the newest was asked
	turn     int       // of the rotation
	last     time.Time // when the last look began; zero: none is on
	lastHome bool      // … and home has failed in it
	watching bool      // five waves have not decided
	known    []string  // … and these fail, beside the raiser
}

// knows reports whether it is known that a place fails, while others do not.
func (o *opinions) knows(location string) bool {
	return location == o.raiser || slices.Contains(o.known, location)
}

// fails are the places that fail while others do not.
func (o *opinions) fails() []string {
	out := slices.DeleteFunc(slices.Clone(o.known), func(l string) bool { return l == o.raiser })
	return append([]string{o.raiser}, out...)
}

// raiserFailed notes that the place that raised the doubt fails, in a check that began at a time.
func (o *opinions) raiserFailed(at time.Time) {
	if o.cleared || o.since.IsZero() {
		o.since = at
	}
	o.cleared = false
}

// tier is how many others can be heard in a doubt.
type tier uint8

const (
	tierAlone   tier = iota // none is configured
	tierSilent              // none answers
	tierOne                 // one network
	tierSeveral             // two or more: evidence decides
)

func (o *opinions) tier(s Scene, now time.Time) tier {
	if !s.Others {
		return tierAlone
	}
	var networks []string
	add := func(n string) {
		if n != s.Network && !slices.Contains(networks, n) {
			networks = append(networks, n)
		}
	}
	for _, v := range o.votes {
		add(v.Network)
	}
	for _, p := range s.Places {
		if !o.deaf(p.Network, now) {
			add(p.Network)
		}
	}
	return min(tierSilent+tier(len(networks)), tierSeveral)
}

// deaf reports whether a network was asked in this doubt, and an answer is lost
// and none is in. That it is asked again does not make it heard.
func (o *opinions) deaf(network string, now time.Time) bool {
	lost := false
	for i := range o.asked {
		if r := &o.asked[i]; r.Network == network {
			if r.answered && !r.abstains {
				return false
			}
			lost = lost || r.lost(now)
		}
	}
	return lost
}

// deserted reports whether somebody saw it up who is gone and cannot say so any
// more, and those that are left are too few to decide.
func (o *opinions) deserted(s Scene) bool {
	if !slices.ContainsFunc(o.votes, func(v vote) bool { return !v.failing && !s.live(v.Location) }) {
		return false
	}
	var left []string
	for _, p := range s.Places {
		if p.Network != s.Network && !slices.Contains(left, p.Network) {
			left = append(left, p.Network)
		}
	}
	return len(left) < needPlaces
}

// disputed reports whether anybody can be asked whose newest word is not that it fails.
func (o *opinions) disputed(s Scene) bool {
	fails := func(x uptime.Place) bool {
		return slices.ContainsFunc(o.votes, func(v vote) bool { return v.failing && v.Location == x.Location })
	}
	return slices.ContainsFunc(s.Places, func(x uptime.Place) bool { return x.Network != s.Network && !fails(x) })
}

// unheard reports whether others were asked, and nothing came of it.
func (o *opinions) unheard(now time.Time) bool {
	for i := range o.asked {
		if !o.asked[i].lost(now) {
			return false
		}
	}
	return len(o.asked) > 0
}

// failing are the networks, other than home's, whose newest word is that it
// fails, and the locations that say so.
func (o *opinions) failing(s Scene) (networks, locations []string) {
	for i, v := range o.votes {
		if !v.failing {
			continue
		}
		locations = append(locations, v.Location)
		newer := slices.ContainsFunc(o.votes[i+1:], func(w vote) bool { return w.Network == v.Network })
		if v.Network != s.Network && !newer {
			networks = append(networks, v.Network)
		}
	}
	slices.Sort(locations)
	return networks, locations
}

// unanswered are the locations that were asked and never said a word that counts.
func (o *opinions) unanswered() []string {
	var out []string
	for _, r := range o.asked {
		heard := slices.ContainsFunc(o.asked, func(x request) bool { return x.Location == r.Location && x.answered && !x.abstains })
		if !heard && !slices.Contains(out, r.Location) {
			out = append(out, r.Location)
		}
	}
	return out
}

// pending is the first deadline of an answer that is still out.
func (o *opinions) pending(now time.Time) (time.Time, bool) {
	var first time.Time
	for i := range o.asked {
		if r := &o.asked[i]; !r.answered && !r.lost(now) && (first.IsZero() || r.deadline.Before(first)) {
			first = r.deadline
		}
	}
	return first, !first.IsZero()
}

// lastIsIn reports whether the last look has all the answers that it will get.
func (o *opinions) lastIsIn(now time.Time) bool {
	if o.last.IsZero() || !o.lastHome {
		return false
	}
	for i := range o.asked {
		if r := &o.asked[i]; !r.at.Before(o.last) && !r.answered && !r.lost(now) {
			return false
		}
	}
	return true
}

// choose picks so many places, one of each network as far as that goes, and
// others each time.
func (o *opinions) choose(s Scene, most int, except string) []uptime.Place {
	var out []uptime.Place
	for _, fresh := range []bool{true, false} { // first of networks that are not in yet
		for i := range s.Places {
			p := s.Places[(o.turn+i)%len(s.Places)]
			if len(out) == most {
				return out
			}
			if p.Network == s.Network || p.Location == except || slices.Contains(out, p) {
				continue
			}
			if fresh && slices.ContainsFunc(out, func(x uptime.Place) bool { return x.Network == p.Network }) {
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// hear weighs what a place says. It reports the weight, and whether it counts.
func (o opinions) hear(s Scene, p uptime.Place, r *uptime.Result) (opinions, float64) {
	failing := r.Outcome == uptime.OutcomeDown
	w := float64(oddsSuccess)
	if failing {
		w = 0
		switch of := func(v vote) bool { return v.failing && v.Network == p.Network }; {
		case slices.ContainsFunc(o.votes, func(v vote) bool { return v.failing && v.Location == p.Location }):
		case p.Network == s.Network || slices.ContainsFunc(o.votes, of):
			w = oddsSame
		default:
			w = abroad(r)
		}
	}
	o.odds += w
	said := w
	for _, v := range o.votes {
		if v.Location == p.Location {
			said += v.odds
		}
	}
	o.votes = slices.DeleteFunc(slices.Clone(o.votes), func(v vote) bool { return v.Location == p.Location })
	o.votes = append(o.votes, vote{p, failing, said})
	if !failing {
		o.last, o.lastHome = time.Time{}, false
	}
	return o, w
}

// answer marks the request that a result answers, and returns it; nil where
// there is none, or the answer comes too late.
func (o opinions) answer(answer *uptime.Result, now time.Time) (opinions, *request) {
	for i := range o.asked {
		if r := &o.asked[i]; r.Location == answer.Location && r.at.Equal(answer.Time) && !r.answered {
			if r.lost(now) {
				return o, nil
			}
			o.asked = slices.Clone(o.asked)
			o.asked[i].answered, o.asked[i].abstains = true, abstains(answer)
			return o, &o.asked[i]
		}
	}
	return o, nil
}
