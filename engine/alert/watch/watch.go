// Package watch is for a remote probe: it tells by channels of its own when
// nothing is heard of the engine, which then can tell nobody.
//
// Silence is the engine's, or our own. So it counts only while this machine's
// anchors answer, and from the beginning after each time that they did not, or
// that this machine slept. All of it is in memory: a probe that starts anew counts anew.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lookout/engine/uptime"
)

const (
	blindAfter = 3 * time.Minute  // a live probe hears of the engine once a minute; from half of it on its own line is looked at …
	blindAgain = 6 * time.Hour    // between two letters while it lasts
	watchEvery = 5 * time.Second  // it looks
	doubtEvery = 30 * time.Second // … so often
	watchStall = 20 * time.Second // between two looks, this machine was not awake
)

// Watch watches an engine.
type Watch struct {
	o       Options
	heralds []*herald
	last    uint64 // number of the newest parcel
}

// Options is what a Watch needs.
type Options struct {
	Probe    string // who watches: LOCATION/NAME
	Engine   string // what is watched, for people: "web-1 at broker.example.com:5671"
	Channels []uptime.ChannelConfig
	After    time.Duration // of silence people are told; 0: 3 minutes
	Zone     *time.Location
	Heard    func() time.Time                                    // when there was a sign of life last; zero: none since the start
	Broken   func() string                                       // why none could come: "the broker is not reached: connection refused"; "": it could
	Online   func(ctx context.Context) (online bool, why string) // asks whether this machine itself is
	Log      *slog.Logger
}

// New makes one that does nothing before Run; an error is about a template.
func New(o Options) (*Watch, error) {
	if o.After <= 0 {
		o.After = blindAfter
	}
	w := &Watch{o: o}
	for _, c := range o.Channels {
		p, err := newHerald(c, &w.o)
		if err != nil {
			return nil, err
		}
		w.heralds = append(w.heralds, p)
	}
	return w, nil
}

// Run watches until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	var senders sync.WaitGroup
	defer senders.Wait()
	for _, p := range w.heralds {
		senders.Go(func() { p.run(ctx) })
	}
	s := silence{after: w.o.After, began: time.Now()}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		s.look(time.Now(), w.o.Heard())
		if s.doubts() {
			online, why := w.o.Online(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if s.answered(time.Now(), online); !online {
				w.o.Log.Warn("the engine is not heard of, and this machine itself is not online", "why", why)
			}
		}
		p := uptime.Parcel{At: s.now}
		switch s.judge() {
		case nothingNew:
			continue
		case nowBlind, stillBlind:
			p.Says = w.blind(&s)
		case heardAgain:
			p.Says, p.Ends = w.again(&s), s.number
		}
		w.last++
		p.Number = w.last
		s.said(p)
		w.tell(ctx, p)
	}
}

// silence is what is known of it.
type silence struct {
	after  time.Duration // Options.After
	began  time.Time     // of the watch
	looked time.Time     // the look before this one
	now    time.Time     // this one
	heard  time.Time     // the newest sign of life; zero: none
	ours   time.Time     // when we ourselves last were not online, or not awake
	asked  time.Time     // when our own line was last looked at
	online bool          // … and how it was
	told   time.Time     // when people were told last; zero: that it is over, or nothing yet
	last   time.Time     // … the newest sign of life then
	number uint64        // … the parcel that told it first
}

func (s *silence) look(now, heard time.Time) {
	s.looked, s.now, s.heard = s.now, now, heard
	if !s.looked.IsZero() && now.Sub(s.looked) > watchStall {
		s.ours = now
	}
}

func (s *silence) answered(now time.Time, online bool) {
	if s.now, s.asked, s.online = now, now, online; !online {
		s.ours = now
	}
}

// from is when it began, as far as it is not ours.
func (s *silence) from() time.Time { return later(later(s.began, s.heard), s.ours) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// doubts says whether our own line has to be looked at.
func (s *silence) doubts() bool {
	if !s.told.IsZero() && s.now.Sub(s.told) < blindAgain {
		return false
	}
	since := s.from()
	if !s.online {
		since = later(s.began, s.heard) // when will it be back?
	}
	return s.now.Sub(since) >= s.after/2 && s.now.Sub(s.asked) >= doubtEvery
}

type news uint8

const (
	nothingNew news = iota
	nowBlind
	stillBlind
	heardAgain
)

// judge says what there is to tell.
func (s *silence) judge() news {
	well := s.online && s.asked.Equal(s.now) // just now
	switch {
	case !s.told.IsZero() && s.heard.After(s.last):
		return heardAgain
	case !s.told.IsZero() && well && s.now.Sub(s.told) >= blindAgain:
		return stillBlind
	case s.told.IsZero() && well && s.now.Sub(s.from()) >= s.after:
		return nowBlind
	}
	return nothingNew
}

// said keeps what people were told.
func (s *silence) said(p uptime.Parcel) {
	switch {
	case p.Ends > 0:
		s.told = time.Time{}
	case s.told.IsZero():
		s.told, s.last, s.number = s.now, s.heard, p.Number
	default:
		s.told = s.now
	}
}

// blind is the sentence of a letter.
func (w *Watch) blind(s *silence) string {
	since := later(s.began, s.heard)
	heard := fmt.Sprintf("nothing has been heard of it since %s (%s)", w.at(since), uptime.Ago(s.now.Sub(since)))
	if s.heard.IsZero() {
		heard = fmt.Sprintf("nothing was ever heard of it since this probe started at %s (%s ago)", w.at(since), uptime.Ago(s.now.Sub(since)))
	}
	why := "the broker between us answers, so it is the engine itself or its line"
	if b := w.o.Broken(); b != "" {
		why = b
	}
	return fmt.Sprintf("the monitor %s is blind: %s; probe %s is online, and %s", w.o.Engine, heard, w.o.Probe, why)
}

// again is the sentence of the letter that says it is over.
func (w *Watch) again(s *silence) string {
	return fmt.Sprintf("the monitor %s is heard of again, after %s without a sign", w.o.Engine, uptime.Ago(s.heard.Sub(later(s.began, s.last))))
}

func (w *Watch) at(t time.Time) string { return t.In(w.o.Zone).Format("Mon 15:04:05 MST") }

// tell gives every channel a parcel of its own.
func (w *Watch) tell(ctx context.Context, p uptime.Parcel) {
	w.o.Log.Warn("people are told of the engine", "says", p.Says)
	p.Kind, p.Why = uptime.AlertBlind, "every [[channel]] of a probe is told"
	for _, to := range w.heralds {
		select {
		case to.in <- parcelTo(p, to.c.Name, w.o.Channels):
		case <-ctx.Done():
			return
		}
	}
}

// parcelTo is a parcel for one of several channels.
func parcelTo(p uptime.Parcel, name string, all []uptime.ChannelConfig) uptime.Parcel {
	p.Channel = name
	for _, c := range all {
		if c.Name != name {
			p.Also = append(p.Also, c.Name)
		}
	}
	return p
}
