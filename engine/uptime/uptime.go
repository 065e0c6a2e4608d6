// Package uptime holds the words of lookout: what a monitor is, what a check
// found, what we say about it, and what is written down of it.
//
// It imports the standard library only, reads no clock and starts no
// goroutine, so that every other package can build on it. Times are UTC;
// durations in JSON are milliseconds (names end in _ms), shares run from 0 to 1.
package uptime

import (
	"errors"
	"fmt"
)

// Local is the location of the engine itself.
const Local = "local"

// Outcome is what one check found. The zero value is OutcomeUnknown: a check
// that tells nothing never counts for or against its target.
type Outcome uint8

// The outcomes of a check.
const (
	OutcomeUnknown  Outcome = iota // a fault of ours: no evidence about the target
	OutcomeUp                      // the target did what was expected
	OutcomeDegraded                // it did, but slow, near a limit or in part
	OutcomeDown                    // it did not
)

var outcomeWords = [...]string{"unknown", "up", "degraded", "down"}

// String returns the word used in JSON.
func (o Outcome) String() string { return word(outcomeWords[:], uint8(o)) }

// MarshalText writes the word of String.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the word of String.
func (o *Outcome) UnmarshalText(b []byte) error {
	i, err := unword("outcome", outcomeWords[:], b)
	*o = Outcome(i)
	return err
}

// Verdict is what we say about a monitor. The zero value is Pending.
type Verdict uint8

// The verdicts; each second of a monitor's life has exactly one.
const (
	Pending  Verdict = iota // not checked yet
	Up                      // the last checks say so
	Suspect                 // something failed and is being confirmed; counts as what it was before
	Degraded                // answers, with a complaint; counts as up
	Down                    // confirmed, with evidence
	Unknown                 // no fresh result, or our own node cannot judge
)

var (
	verdictWords  = [...]string{"pending", "up", "suspect", "degraded", "down", "unknown"}
	verdictLabels = [...]string{"new", "up", "chk?", "WARN", "DOWN", "UNKN"}
)

// String returns the word used in JSON.
func (v Verdict) String() string { return word(verdictWords[:], uint8(v)) }

// Label returns the short form that people read: new, up, chk?, WARN, DOWN, UNKN.
func (v Verdict) Label() string { return word(verdictLabels[:], uint8(v)) }

// MarshalText writes the word of String.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word of String.
func (v *Verdict) UnmarshalText(b []byte) error {
	i, err := unword("verdict", verdictWords[:], b)
	*v = Verdict(i)
	return err
}

// Mode hides the verdict where it is not Active. The zero value is Active.
type Mode uint8

// The modes of a monitor.
const (
	Active      Mode = iota
	Maintenance      // checks go on, nobody is told, the time counts for nothing
	Paused           // no checks
)

var (
	modeWords  = [...]string{"active", "maintenance", "paused"}
	modeLabels = [...]string{"", "mnt", "off"}
)

// String returns the word used in JSON.
func (m Mode) String() string { return word(modeWords[:], uint8(m)) }

// MarshalText writes the word of String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the word of String.
func (m *Mode) UnmarshalText(b []byte) error {
	i, err := unword("mode", modeWords[:], b)
	*m = Mode(i)
	return err
}

func word(words []string, i uint8) string {
	if int(i) < len(words) {
		return words[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

func unword(what string, words []string, b []byte) (uint8, error) {
	for i, w := range words {
		if w == string(b) {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no %s", b, what)
}

// The decisions that callers make on errors of an engine, wherever it runs.
var (
	// ErrNoMonitor reports that a name, tag, group or incident number matches nothing.
	ErrNoMonitor = errors.New("no such monitor")
	// ErrNotAllowed reports that the caller may look but not act.
	ErrNotAllowed = errors.New("not allowed")
	// ErrInvalid reports an action or query that makes no sense as given; see Invalid.
	ErrInvalid = errors.New("invalid")
	// ErrNoEngine reports that no engine answers.
	ErrNoEngine = errors.New("no engine answers")
	// ErrDamaged reports stored bytes that lookout did not write, or that are missing.
	ErrDamaged = errors.New("data file is damaged")
	// ErrFull reports that there is no space left for what had to be stored.
	ErrFull = errors.New("no space left on device")
	// ErrTaken reports a name that cannot be given to a history, as it has one of its own.
	ErrTaken = errors.New("both have a history")
	// ErrReplaced reports that the data file is no longer the one that was opened: nothing can be stored any more.
	ErrReplaced = errors.New("data file was replaced or removed while the engine ran, which therefore ended; start it anew")
)

// Invalid makes an ErrInvalid that says no more than what is wrong.
func Invalid(format string, args ...any) error { return &invalid{fmt.Errorf(format, args...)} }

type invalid struct{ why error }

func (i *invalid) Error() string   { return i.why.Error() }
func (i *invalid) Unwrap() []error { return []error{ErrInvalid, i.why} }
