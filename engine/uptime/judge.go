package uptime

import (
	"strconv"
	"time"
)

// Judge is a Checker that calls nobody up: the engine gives it what it knows,
// in its own loop, and again whenever that changes.
type Judge interface {
	Checker
	// Judge says what follows from what is known at now. It leaves to the engine
	// what Check leaves to its caller, and must be quick.
	Judge(k Known, now time.Time) Judgement
	// Members are the monitors that it wants to know of: NAME, tag:T or group:G.
	Members() []string
}

// Known is what an engine tells a Judge.
type Known struct {
	Beat    Beat     // of the monitor itself
	Members []Member // by name
}

// Member is another monitor as it is now.
type Member struct {
	Name    string
	Verdict Verdict // a suspect one counts as what it was before
	Mode    Mode
	Fault   Fault
}

// Judgement is what a Judge says.
type Judgement struct {
	Result Result
	Known  bool      // false: there is nothing to say yet, and Result is void
	Again  time.Time // when it may be different without news; zero: never
}

// Signal is what a job says of itself when it calls in.
type Signal struct {
	Start bool // it begins
	Exit  int  // otherwise: how it ended, 0 is well; -1 for a failure without a number
}

// ParseSignal reads "start", "fail", an exit code from 0 to 255, or "" for a job that ended well.
func ParseSignal(s string) (Signal, error) {
	switch s {
	case "start":
		return Signal{Start: true}, nil
	case "fail":
		return Signal{Exit: -1}, nil
	case "":
		return Signal{}, nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return Signal{}, Invalid("%q is no beat; it is start, fail, or an exit code from 0 to 255", Clean(s, 40))
	}
	return Signal{Exit: int(n)}, nil
}

// String is what ParseSignal reads.
func (s Signal) String() string {
	switch {
	case s.Start:
		return "start"
	case s.Exit < 0:
		return "fail"
	}
	return strconv.Itoa(s.Exit)
}

// Beat is when a job called in. The zero value is a job that never did.
type Beat struct {
	Ended   time.Time // when it last said that it had ended; zero: never
	Exit    int       // … and how, as of a Signal
	Started time.Time // when it last said that it begins; zero: never, or before Ended
	Ran     time.Duration
	Note    string // what it said beside
	Gaps    []Gap  `json:",omitempty"` // since then, in order: when we did not run, or the clock was set
}

// Take is the beat after a signal at now.
func (b Beat) Take(s Signal, note string, now time.Time) Beat {
	if s.Start {
		b.Started, b.Note, b.Gaps = now, note, nil
		return b
	}
	ran := time.Duration(0)
	if !b.Started.IsZero() {
		ran = max(now.Sub(b.Started)-b.SetBy(), 0)
	}
	return Beat{Ended: now, Exit: s.Exit, Ran: ran, Note: note}
}
