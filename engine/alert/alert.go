// Package alert tells people. It reads the event log by a cursor, has the desk
// decide what is told to whom, keeps what is to be sent on disk until it was
// taken, and sends it.
//
//	event log ──cursor──► desk ──parcels──► queues, a channel each ──► letter.Write ──► Channel.Send
//	                        └──────────────── one transaction ──────┘
//
// What the desk decides is stored together with how far it has read, and only
// then sent: a crash neither loses an alert nor invents one. A letter is stored
// as being sent before it is, and as taken before the next one to its channel
// goes. What was cut off in between is sent again, as it was and with the same
// ID: every letter arrives at least once, and can be told where it arrives twice.
//
// One goroutine, Run's, owns the desk and the queues; it alone writes to the
// store. A letter is written and sent in a goroutine of its own, one for each
// channel at a time, so that no channel waits for another, and no check for any.
package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lookout/engine/alert/desk"
	"lookout/engine/alert/letter"
	"lookout/engine/uptime"
)

// Store keeps what must survive. Everything may be called at any time.
type Store interface {
	// Outbox calls fn with every record of the outbox.
	Outbox(fn func(uptime.OutboxRecord) error) error
	// Post stores records in one transaction, and may be given the same ones again after an error.
	Post(records []uptime.OutboxRecord) error
	Events(q uptime.EventQuery) ([]uptime.Event, error)
	Incidents(q uptime.IncidentQuery) ([]uptime.Incident, error)
}

// Engine is what the office asks of the engine that it tells of.
type Engine interface {
	// Snapshot is the newest state.
	Snapshot() *uptime.Snapshot
	// Wait returns the first snapshot with a larger number than seq.
	Wait(ctx context.Context, seq uint64) (*uptime.Snapshot, error)
	// Note writes an event into the log.
	Note(ctx context.Context, ev uptime.Event) error
	// Look has monitors checked now.
	Look(ctx context.Context, names []string) error
}

// Options are what an office needs to start.
type Options struct {
	Instance string
	Zone     *time.Location // of what people read, and of hours and days in routes; nil: that of the machine
	Store    Store
	Channels []uptime.ChannelConfig
	Routes   []uptime.Route
	Clock    func() time.Time // nil: time.Now
	Seed     uint64           // of the jitter between tries; 0: at random
	Log      *slog.Logger
}

// decider is the desk.
type decider interface {
	Begin(newest uint64, s *uptime.Snapshot, now time.Time)
	Configure(o desk.Options, s *uptime.Snapshot, now time.Time)
	Cursor() uint64
	Take(ev *uptime.Event, s *uptime.Snapshot, now time.Time)
	Tick(s *uptime.Snapshot, now time.Time)
	Wake() time.Time
	Sent(number uint64, at time.Time)
	Held() int
	Out() desk.Step
}

// Office is the outbox of an engine. Make it with New, then call Run.
type Office struct {
	o      Options
	log    *slog.Logger
	rng    *rand.Rand
	engine Engine // of Run

	// What the loop owns.
	desk     decider
	channels []*channel // as configured
	targets  map[string]string
	gone     []removed // with letters, of no channel that is configured
	told     []told    // by time
	post     post
	looks    []string       // monitors to be checked, once what is decided is stored
	notes    []uptime.Event // for the log, once what they tell is stored
	snapshot *uptime.Snapshot
	read     uint64    // the newest event that was asked for, in vain or not
	readAt   time.Time // when to ask again after an error
	pruned   time.Time // when told letters were looked through
	looked   uint64    // … and with which snapshot
	damaged  error     // what of the outbox could not be read; until begin
	turned   time.Time
	dirty    bool // something that Outbox shows has changed
	sending  int  // goroutines

	commands chan func(time.Time)
	results  chan result
	done     chan struct{} // closed when Run has returned
	outbox   atomic.Pointer[uptime.Outbox]
}

// removed counts the letters of a channel that is not configured any more.
type removed struct {
	name    string
	letters int
	keys    []string
}

const (
	batchEvents = 500              // that are taken at once
	lastSend    = 5 * time.Second  // what a letter on its way has at the end
	longestSend = 11 * time.Minute // … and at any time: more than any channel may be given by its configuration
	lastWord    = time.Second      // until a channel whose time is over has said so
	pruneEvery  = 10 * time.Second // told letters are looked through
	maxTold     = 1000             // that are remembered
	keepLost    = 24 * time.Hour   // letters that were given up are shown so long
	noteWait    = 5 * time.Second  // for an engine that takes no note
)

// New makes an office that goes on where the store says the last one ended. It
// fails where a newer lookout has written what it would have to read.
func New(o Options) (*Office, error) {
	return open(o, func(d desk.Options, saved []uptime.OutboxRecord) (decider, error) { return desk.New(d, saved) })
}

func open(o Options, newDesk func(desk.Options, []uptime.OutboxRecord) (decider, error)) (*Office, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	f := &Office{o: o, log: o.Log, rng: rand.New(rand.NewPCG(o.Seed, 0)),
		commands: make(chan func(time.Time)), // callers → loop; unbuffered: who is taken is being served
		results:  make(chan result),          // senders → loop; unbuffered: it takes them until all have ended
		done:     make(chan struct{}),
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if err := f.configure(o.Channels); err != nil {
		return nil, err
	}
	saved, err := f.recall()
	if err != nil {
		return nil, fmt.Errorf("resume telling people: %w", err)
	}
	if f.desk, err = newDesk(f.deskOptions(), saved); err != nil {
		return nil, fmt.Errorf("resume telling people: %w", err)
	}
	f.publish()
	return f, nil
}

func (f *Office) deskOptions() desk.Options {
	d := desk.Options{Instance: f.o.Instance, Zone: f.o.Zone, Routes: f.o.Routes}
	for _, c := range f.channels {
		d.Channels = append(d.Channels, c.Name)
	}
	return d
}

// configure takes the channels of a configuration. One whose settings changed is
// tried at once.
func (f *Office) configure(configs []uptime.ChannelConfig) error {
	templates := make([]*letter.Templates, len(configs))
	for i := range configs {
		var err error
		if templates[i], err = letter.Compile(configs[i].Subject, configs[i].Body); err != nil {
			return fmt.Errorf("channel %s: %w", uptime.Clean(configs[i].Name, 80), err)
		}
	}
	made := make([]*channel, 0, len(configs))
	targets := make(map[string]string, len(configs)) // read by senders, and never changed
	for i, config := range configs {
		c := &channel{said: newLimit(saidHourly), hung: new(atomic.Bool)}
		if known := f.channel(config.Name); known != nil {
			c = known
			if c.Type != config.Type || c.Same != config.Same {
				f.renew(c)
			}
		}
		c.ChannelConfig, c.templates, c.limit = config, templates[i], c.limit.anew(config.MaxPerHour, f.now())
		made = append(made, c)
		c.target = uptime.Clean(config.Channel.Target(), 200)
		targets[config.Name] = c.target
	}
	for _, c := range f.channels {
		if !slices.Contains(made, c) {
			f.remove(c)
		}
	}
	f.channels, f.targets, f.dirty = made, targets, true
	return nil
}

// renew has a channel begin anew whose settings were others. Who has had a
// letter that was left for the rest is not known by the new ones.
func (f *Office) renew(c *channel) {
	c.trouble, c.reason, c.hung = trouble{}, "", new(atomic.Bool)
	for _, it := range c.queue {
		if it.next = (time.Time{}); it.left != nil {
			it.left = nil
		}
		if it != c.flying {
			f.post.put(it.record())
		}
	}
}

// remove drops the letters of a channel.
func (f *Office) remove(c *channel) {
	gone := removed{name: c.Name, letters: len(c.queue), keys: []string{channelKey(c.Name)}}
	for _, it := range c.queue {
		gone.keys = append(gone.keys, numbered(underPost, c.Name, it.Number))
	}
	f.gone = append(f.gone, gone)
}

func (f *Office) index(name string) int {
	return slices.IndexFunc(f.channels, func(c *channel) bool { return c.Name == name })
}

// channel is one by its name; nil: it is not configured.
func (f *Office) channel(name string) *channel {
	if i := f.index(name); i >= 0 {
		return f.channels[i]
	}
	return nil
}

// recall reads the outbox, and returns what is the desk's.
func (f *Office) recall() (saved []uptime.OutboxRecord, err error) {
	var letters []*letterRecord
	var channels []channelRecord
	newest, known := uint64(0), false // none: the first step was not stored to its end
	err = f.o.Store.Outbox(func(r uptime.OutboxRecord) error {
		switch {
		case !ours(r.Key):
			saved = append(saved, r)
		case r.Key == keyStep:
			var s stepRecord
			if err := decode(r, &s); err != nil {
				return err
			}
			newest, known = s.Newest, true
		case strings.HasPrefix(r.Key, underOffice):
			var s channelRecord
			if err := decode(r, &s); err != nil {
				return err
			}
			channels = append(channels, s)
		case strings.HasPrefix(r.Key, underPost):
			l, err := decodeLetter(r, underPost)
			if err != nil {
				return err
			}
			letters = append(letters, l)
		case strings.HasPrefix(r.Key, underTold):
			l, err := decodeLetter(r, underTold)
			if err != nil {
				return err
			}
			f.told = append(f.told, told{l.told(), l.Thread})
		default:
			return fmt.Errorf("outbox record %s is not known; install the newer lookout that wrote it", uptime.Clean(r.Key, 200))
		}
		return nil
	})
	if errors.Is(err, uptime.ErrDamaged) {
		f.damaged, err = err, nil
		if !known { // it may be what is damaged: rather told twice than lost
			newest = math.MaxUint64
		}
	}
	slices.SortStableFunc(f.told, func(a, b told) int { return a.At.Compare(b.At) })
	lost := map[string]int{}
	for _, l := range letters {
		key := numbered(underPost, l.Channel, l.Number)
		if l.Number > newest { // of a step that was not stored to its end: the desk decides it again
			f.post.stale.put(uptime.OutboxRecord{Key: key})
			continue
		}
		c := f.channel(l.Channel)
		if c == nil {
			if _, ok := lost[l.Channel]; !ok {
				lost[l.Channel] = len(f.gone)
				f.gone = append(f.gone, removed{name: l.Channel, keys: []string{channelKey(l.Channel)}})
			}
			g := &f.gone[lost[l.Channel]]
			g.letters++
			g.keys = append(g.keys, key)
			continue
		}
		c.add(l.item())
	}
	for i := range channels {
		f.recallChannel(&channels[i])
	}
	return saved, err
}

func (f *Office) recallChannel(r *channelRecord) {
	c := f.channel(r.Name)
	if c == nil {
		f.post.drop(channelKey(r.Name))
		return
	}
	c.trouble = trouble{r.Tries, r.Failing.time(), r.Next.time(), r.Error, r.Hard, r.Asked}
	c.limit.full = r.Full.time()
	if r.Type != c.Type || r.Target != c.target {
		f.renew(c)
	}
	if c.hard { // somebody may have done something about it meanwhile
		c.next = time.Time{}
	}
}

// Outbox is how telling people stands; it never waits.
func (f *Office) Outbox() uptime.Outbox { return *f.outbox.Load() }

// Configure puts other channels and routes in force. Letters of channels that
// are gone are dropped, and that is told. It waits for Run.
func (f *Office) Configure(ctx context.Context, channels []uptime.ChannelConfig, routes []uptime.Route) error {
	var failed error
	ran := make(chan struct{})
	command := func(now time.Time) {
		defer close(ran)
		if failed = f.configure(channels); failed == nil {
			f.o.Channels, f.o.Routes = channels, routes
			f.desk.Configure(f.deskOptions(), f.snapshot, now)
		}
	}
	select {
	case f.commands <- command:
	case <-ctx.Done():
		return ctx.Err()
	case <-f.done:
		return fmt.Errorf("%w: it has stopped", uptime.ErrNoEngine)
	}
	<-ran
	return failed
}
