package uptime

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Monitor describes what is watched. It is immutable once made, holds no
// secret and can be shown, stored and sent as it is.
type Monitor struct {
	Name     string        // unique in an instance
	Was      string        // the name whose history it carries on; "" for none
	Type     string        // the check type: http, tcp, …
	Target   string        // the URL with its secrets starred
	Dest     string        // what checks share a destination cap on: host:port, or the host
	Group    string        // one place on the screen; the first tag where not set; may be ""
	Tags     []string      // in the order of the configuration
	Interval time.Duration // between regular checks, from 1 s
	Timeout  time.Duration // of one check, at most
	Note     string

	DegradedAbove time.Duration // a check that takes longer is too_slow; 0: never
	Rule          Rule
	Locations     []string // where its regular checks run; without Local the first that is there is home; nil: here alone
	ConfirmFrom   []string // the locations that are asked for a second opinion; nil: all that can be
	Alone         string   // why nobody else is asked, for sentences: "confirm_from names nobody"; "": others are
	Parent        string   // the monitor that it is reached through; "" for none
	DependsOn     []string // others that it needs: NAME or tag:T, any one of which explains its outage
	Expect        string   // what is expected beyond an answer, for people: "200-299, body has …"
	Caution       string   // what has to be seen wherever the monitor is shown: "certificate not verified"; else ""
	Fingerprint   uint64   // changes when anything configured changes
	Subject       uint64   // changes when what is checked does: type, URL and the check's own keys
}

// Rule holds the parameters of the rule that turns results into a verdict.
type Rule struct {
	Consecutive   bool          // rule = "consecutive"; else "evidence"
	Failures      int           // consecutive: failing checks in a row that make it down
	Recoveries    int           // consecutive: good ones in a row that bring it back
	RetryInterval time.Duration // consecutive: between the checks of a doubt
	Sensitivity   string        // evidence: Fast, Balanced or Quiet; "" is Balanced
	DwellSet      bool          // evidence: Dwell was configured, and overrides Sensitivity
	Dwell         time.Duration // … the least time that a failure must last
	Plain         bool          // nobody else can witness this type: Failures in a row, without a window
}

// Asks reports whether a location may be asked for a second opinion about the monitor.
func (m *Monitor) Asks(location string) bool {
	return m.Alone == "" && (m.ConfirmFrom == nil || slices.Contains(m.ConfirmFrom, location))
}

// Place is a location that can be asked for a second opinion, and its network:
// locations of one network are one witness.
type Place struct {
	Location string
	Network  string
	Called   string // by people, "Frankfurt"; "": nothing else
}

// Checker is a configured check, ready to run. It is a value: a check never
// writes to it, and any number may run at once.
type Checker interface {
	// Check runs once, within ctx's deadline, and reports what it found. It
	// leaves Time, Monitor, Type, Target and Location to its caller, and Total too unless
	// it went on with something else when it was done with its target; never panics on
	// what a target sends, and has ended all that it started when it returns.
	Check(ctx context.Context) Result
}

// Sparing is a Checker that can leave out what tells nothing of whether its
// target does what is expected: an engine that cannot keep up asks for that.
type Sparing interface {
	Checker
	// Spare is the check without it.
	Spare() Checker
}

// Job is a monitor with what checks it: what a configuration yields and an engine runs.
type Job struct {
	*Monitor
	Checker   Checker
	Resolvers []netip.AddrPort // that the check asks for names; nil: the system's
	Portable  *Portable        // as it travels; nil: it is checked from here alone
}

// CheckType is a check type's entry in the registry: what the configuration
// has to know of it, and how a configured check is made.
type CheckType struct {
	Name     string        // http, tcp, …
	Schemes  []string      // of the URLs it takes; the first is the plain one
	Summary  string        // one line for the README's table and --help
	Interval time.Duration // the type's own default; 0: that of [defaults]
	Keys     []Key         // of [[monitor]], beside those of every monitor
	Expect   []Key         // of [monitor.expect]
	Measures []string      // names of up to MaxMeasures measures, in the order they are stored
	Plain    bool          // nobody else can witness it (Rule.Plain)
	Failures int           // of a Plain type: its own default; 0: 1
	Retry    time.Duration // of a Plain type: its own default of retry_interval; 0: 20 s, at most the interval
	Filed    bool          // another location runs what its own file says in [[Name]], and never what it is sent
	Bare     bool          // its URL is a scheme and nothing else: "beat:"

	// New makes the check, or says all that is wrong with its settings.
	New func(Settings) (Check, []Mistake)
}

// Check is what a CheckType makes of its settings.
type Check struct {
	Checker Checker
	Target  string // for people, secrets starred; "": RedactURL of the URL
	Dest    string // Monitor.Dest
	Expect  string // Monitor.Expect
	Caution string // Monitor.Caution
}

// Kind is the kind of value that a key takes.
type Kind uint8

// The kinds, with the Go type that Settings holds.
const (
	String      Kind = iota // string
	Strings                 // []string; a single string is taken as a list of one
	Int                     // int64
	Bool                    // bool
	Duration                // time.Duration; written as a string with a unit
	Size                    // int64 bytes; written as "64KB" or a number of bytes
	Table                   // map[string]string, as headers are
	Tables                  // []map[string]string: an array of inline tables
	SecretText              // Secret
	SecretTable             // map[string]Secret
	File                    // []byte: the file that is named, read with the configuration; relative to it
	Limit                   // Percentage: a share ("25%") or a time.Duration ("14d")
	Scalar                  // string; written as one or as a whole number
	Monitors                // []string of NAME, tag:T or group:G, each of which the configuration has
	Servers                 // []netip.AddrPort: addresses of name servers, port 53 where none is written
	Source                  // string: an address of this machine, or the name of an interface
	PathName                // string: the whole path of a file or folder; it is written relative to the file that names it, or whole
)

// Percentage is a limit given as a share of something or as a duration.
type Percentage struct {
	Share    float64       // 0 to 1, where it was written with a percent sign
	Duration time.Duration // otherwise
}

// Key describes one key of a configuration.
type Key struct {
	Name    string
	Kind    Kind
	Doc     string   // one line: what it does, its default
	Example string   // a TOML value for config.example.toml
	OneOf   []string // the only values a String takes; nil: any
	Min     int64    // of an Int, Size (bytes) or Duration (ns), Max 0 means no bounds; of a Strings how many at least
	Max     int64
}

// Settings is what was configured for one check. Values and Expect hold only
// the keys that were set, with the Go types of their Kind.
type Settings struct {
	URL      *url.URL // as configured, secrets included
	Interval time.Duration
	Timeout  time.Duration
	IP       string         // "any", "4", "6" or "each"
	Zone     *time.Location // of the times that people write; nil: UTC

	Resolvers []netip.AddrPort // asked for names; nil: those of the system
	Source    string           // address or interface that checks leave from; "": the system chooses
	Values    map[string]any
	Expect    map[string]any
}

// Value returns a key's value, or def where it was not set.
func Value[T any](from map[string]any, key string, def T) T {
	if v, ok := from[key].(T); ok {
		return v
	}
	return def
}

// Mistake is one thing wrong with a configuration, at a place that a person can find.
type Mistake struct {
	File    string // "" where there is none
	Line    int    // from 1; 0 where there is none
	Key     string // as written, expect.status for the key of a table; "" for the whole block
	Message string // lower case: what is wrong, with the value unless it is secret
	Hint    string // what to do; may be ""
	Warning bool   // the configuration can be used all the same
}

// String is FILE:LINE: message. hint
func (m Mistake) String() string {
	s := m.Message
	if m.Warning {
		s = "warning: " + s
	}
	if m.Hint != "" {
		s += ". " + m.Hint
	}
	switch {
	case m.File != "" && m.Line > 0:
		return fmt.Sprintf("%s:%d: %s", m.File, m.Line, s)
	case m.File != "":
		return m.File + ": " + s
	}
	return s
}

// Secret is a string that shows itself nowhere.
type Secret string

const starred = "***"

// String returns three stars.
func (Secret) String() string { return starred }

// GoString returns three stars.
func (Secret) GoString() string { return starred }

// MarshalText writes three stars.
func (Secret) MarshalText() ([]byte, error) { return []byte(starred), nil }

// Reveal returns the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// RedactURL shows a URL without its secrets: userinfo, query and fragment starred.
func RedactURL(u *url.URL) string {
	c := *u
	if c.User != nil {
		c.User = url.User("REDACTED") // String would escape the stars
	}
	if c.RawQuery != "" {
		c.RawQuery = starred
	}
	if c.Fragment != "" {
		c.Fragment, c.RawFragment = starred, ""
	}
	s := c.String()
	if c.User != nil {
		s = strings.Replace(s, "//REDACTED@", "//"+starred+"@", 1)
	}
	return Clean(s, 512)
}
