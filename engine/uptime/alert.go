package uptime

import (
	"context"
	"fmt"
	"time"
)

// AlertKind is what a letter tells.
type AlertKind string

// The kinds of letters.
const (
	AlertOpened      AlertKind = "opened"      // it is down, or degraded where somebody asked to be told
	AlertJoined      AlertKind = "joined"      // a digest: what else the cause of an earlier one has taken down
	AlertReminder    AlertKind = "reminder"    // it still is, and nobody acknowledged it
	AlertEscalated   AlertKind = "escalated"   // nobody acknowledged it, or nobody else could be told
	AlertFlapping    AlertKind = "flapping"    // it comes and goes: nothing more is told until it is steady
	AlertRecovered   AlertKind = "recovered"   // it is over
	AlertCollapsed   AlertKind = "collapsed"   // it came and went while nothing could be sent
	AlertMore        AlertKind = "more"        // a digest of what max_per_hour held back
	AlertCertificate AlertKind = "certificate" // one is near its end, or its renewal is overdue
	AlertNode        AlertKind = "node"        // our own machine could not judge, or can again
	AlertProbe       AlertKind = "probe"       // a remote probe is gone, or is back
	AlertBlind       AlertKind = "blind"       // of a probe: the engine is not heard of
	AlertTest        AlertKind = "test"        // lookout alert test
)

// Parcel is a decision to tell one channel something. It names what it is about
// and holds no text: that is written when it is sent, as things are then.
type Parcel struct {
	Number    uint64 // from 1, growing over all channels; never used twice
	Channel   string
	Kind      AlertKind
	At        time.Time // when it was decided
	Event     uint64    // the event that it is about, of the log; 0: none
	Incidents []uint64  // the newest last, at most MaxNamed of them; none: about the node, a probe, a test
	Count     int       // incidents in all
	Thread    uint64    // the incident that the first letter about this was about; 0: it is on its own
	Ends      uint64    // the parcel to this channel that told what this one says is over; 0: it says no such thing
	Over      int       // of Count, incidents that are over
	Failing   int       // monitors with this Cause that fail too, and are not confirmed yet
	Cause     Cause     // that they share; the zero value: nothing
	Why       string    // by which rule it goes there: `route 2 (tags prod)`
	Also      []string  // other channels that are told the same
	Says      string    // of kinds without an incident: one sentence
}

// MaxNamed bounds the incidents that a parcel names.
const MaxNamed = 20

// CauseKind is what monitors that fail together share.
type CauseKind string

// The kinds of causes, the widest first.
const (
	CauseNode    CauseKind = "node"    // judged from this machine alone
	CauseNetwork CauseKind = "network" // addresses of one /24 or /48
	CauseName    CauseKind = "name"    // names of one domain, or one name
	CauseParent  CauseKind = "parent"  // what they are reached through
	CauseHost    CauseKind = "host"    // one address
)

// Cause is something that monitors share. The zero value is nothing.
type Cause struct {
	Kind CauseKind
	Key  string // 192.0.2.7, 192.0.2.0/24, example.com, the name of a parent; "" for the node
}

// String is "host 192.0.2.7".
func (c Cause) String() string {
	switch {
	case c.Kind == "":
		return ""
	case c.Key == "":
		return "this node"
	}
	return fmt.Sprintf("%s %s", c.Kind, c.Key)
}

// Letter is what a channel sends. Its texts are clean: one line each for what
// has one line, LF between others, valid UTF-8 without controls and without
// characters that change the direction of text.
type Letter struct {
	ID      string // the same whenever this letter is sent again, and of no other: printable ASCII without spaces, "90210-ops@web-1"
	Thread  string // … of all letters to this channel about one incident or cause
	Kind    AlertKind
	Time    time.Time // when what it tells happened
	Subject string    // reads on a lock screen: at most 120 characters
	Text    string    // the whole of it, as plain text, at most 16 kB
	Custom  bool      // Text was made by the channel's own body template
	Urgent  bool      // somebody should get up
	Over    bool      // the incident or cause is over
	To      []string  // of a Receipt's Left: who has not had it yet; nil: everybody
	JSON    []byte    // the alert object: for programs
}

// Channel tells people. It is a value: nothing in it is written by Send, and what
// Send opens it closes before it returns. A process that runs out of time or is
// killed sends the letter again: with the same ID, so that it can be told.
type Channel interface {
	// Target is whom it tells, for people and without secrets:
	// "ops@example.com by smtp.example.com:25".
	Target() string
	// Send returns once the other side has taken the letter, or why it did not:
	// as a *Refusal wherever that can be told. It obeys ctx. It gives every line of
	// the conversation to say, without secrets; say may be nil.
	Send(ctx context.Context, l *Letter, say func(line string)) (Receipt, error)
}

// Receipt is what the other side said when it took a letter.
type Receipt struct {
	Reply string   // "250 2.0.0 queued as 4bT1x"; one line, clean
	Left  []string // who was refused while others were not, to be tried again by Letter.To; nil: nobody
	Why   string   // … and why
}

// Refusal is why a letter was not taken.
type Refusal struct {
	Reply     string // what the other side said, or what went wrong; one line, clean, without secrets
	Permanent bool   // trying again as it is does not help: a person has to change something
	Letter    bool   // it is about this letter, and others may be taken; else the channel takes none
	Uncertain bool   // it may have been taken all the same: it is sent again as it was

	Wait time.Duration // how long the other side asked to be left alone, at most an hour; 0: it did not say
}

func (r *Refusal) Error() string { return r.Reply }

// ChannelType is a way to tell people: an entry of a registry.
type ChannelType struct {
	Name    string // email, webhook …
	Summary string // one line for the README's table and --help
	Keys    []Key  // of [[channel]], beside those of every channel
	// New makes the channel, or says all that is wrong with its settings.
	New func(ChannelSettings) (Channel, []Mistake)
}

// ChannelSettings is what was configured for one channel. Values hold only the
// keys that were set, with the Go types of their Kind.
type ChannelSettings struct {
	Name     string
	Instance string
	Host     string // of this machine
	Values   map[string]any
}

// ChannelConfig is a [[channel]].
type ChannelConfig struct {
	Name       string
	Type       string
	Channel    Channel
	Subject    string // templates; "": the usual ones
	Body       string
	MaxPerHour int    // 0: 60
	Same       string // tells two configurations of it apart, and reveals nothing
}

// Route is a [[route]]: who is told of what.
type Route struct {
	Where    string         // FILE:LINE
	Tags     []string       // any of these tags, …
	Names    []string       // … names …
	Groups   []string       // … and groups; each nil: whatever
	Verdicts []Verdict      // nil: Down
	Faults   []string       // "tcp.refused", or a group: "tls"; nil: whatever
	Days     []time.Weekday // nil: all
	Hours    []Hours        // nil: all; in the time zone of the instance
	Channels []string       // none: nobody is told
	Delay    time.Duration  // how long it has to last
	Remind   time.Duration  // between reminders; 0: none
	// EscalateTo is told after EscalateAfter when nobody acknowledged it, and when
	// the others could not be told.
	EscalateTo    []string
	EscalateAfter time.Duration
}

// Hours is a stretch of a day: since midnight; To before From is over midnight.
type Hours struct{ From, To time.Duration }

// Outbox is how telling people stands.
type Outbox struct {
	Channels []ChannelState // as configured
	Told     []Told         // of open incidents, and what is not sent: the newest first, at most MaxTold
	Held     int            // alerts that wait for others of the same cause

	Heartbeat HeartbeatState
}

// MaxTold bounds Outbox.Told.
const MaxTold = 200

// ChannelState is how a channel does.
type ChannelState struct {
	Name    string
	Type    string
	Target  string    // Channel.Target
	Pending int       // letters that were not taken yet
	Oldest  time.Time // when the oldest of them was decided; zero: there is none
	Tries   int       // that failed since one was taken
	Error   string    // why the last one did; "": it did not
	Failing time.Time // since when; zero: it works, or was never used
	Next    time.Time // when the next try is due; zero: none
	Sent    uint64    // since the start
	Last    time.Time // when one was taken; zero: none since the start
	Capped  int       // letters that max_per_hour holds back
}

// ToldState is how far a letter is.
type ToldState string

// The states of a letter.
const (
	ToldWaiting ToldState = "waiting" // for its turn
	ToldSending ToldState = "sending"
	ToldSent    ToldState = "sent"
	ToldFailing ToldState = "failing" // and will be tried again
	ToldLost    ToldState = "lost"    // given up
)

// Told is one letter to one channel.
type Told struct {
	Number   uint64 // of the parcel
	Channel  string
	Target   string
	Kind     AlertKind
	State    ToldState
	Incident uint64 // the first that it names; 0: none
	Count    int    // incidents in all
	Cause    Cause
	At       time.Time // when it was decided
	Done     time.Time // when it was taken, or given up; zero: neither
	Tries    int       // that failed
	Next     time.Time // when the next is due
	Reply    string    // what the other side said last
}

// OutboxRecord is a value of the outbox bucket, in package alert's own coding.
type OutboxRecord struct {
	Key  string // printable ASCII, at most 200 bytes
	Data []byte // nil deletes it
}

// Heartbeat is [heartbeat]: a request by which a dead-man service knows that the
// engine lives.
type Heartbeat struct {
	URL   Secret
	Every time.Duration
}

// HeartbeatState is how [heartbeat] goes. The zero value: there is none, or nothing is known yet.
type HeartbeatState struct {
	Error   string    // why the last one was not heard, without anything of its URL; "": it was
	Failing time.Time // since when
	Last    time.Time // when one was heard; zero: none since the start
}
