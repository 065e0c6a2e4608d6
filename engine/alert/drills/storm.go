package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/figure"
	"lookout/engine/uptime"
)

// calm is how a site does over some time.
type calm struct {
	lag           time.Duration // of a check behind its time, at the worst
	detail, store time.Duration // p99
	late, skipped uint64
	mails         int
	took          time.Duration // until they had come
}

// storm has so many monitors go down that share nothing, first of which nobody is
// told, then with a mail server that takes none and, a while later, all: what
// telling adds to what the outage does.
func (d *drill) storm(ctx context.Context) error {
	untold, err := d.outage(ctx, uptime.Route{}) // to no channel
	if err != nil {
		return err
	}
	told, err := d.outage(ctx, uptime.Route{Channels: []string{"ops"}})
	if err != nil {
		return err
	}
	if told.waited < d.letters*9/10 {
		return fmt.Errorf("%d of %d letters waited", told.waited, d.letters)
	}
	figure.Least(d.figures, "storm_mails", float64(told.sending.mails)/told.sending.took.Seconds(), "mails/s", 50, fmt.Sprintf("%d over one channel", told.sending.mails))
	for _, x := range []struct {
		name         string
		told, untold calm
	}{{"queueing", told.queueing, untold.queueing}, {"sending", told.sending, untold.sending}} {
		most := func(what string, told, untold, least float64, unit string) {
			figure.Most(d.figures, "storm_"+x.name+"_"+what, told, unit, max(1.5*untold, least), "nobody told: "+figure.Number(untold)+" "+unit)
		}
		most("late", float64(x.told.late), float64(x.untold.late), 0, "checks")
		most("skipped", float64(x.told.skipped), float64(x.untold.skipped), 0, "checks")
		most("lag", ms(x.told.lag), ms(x.untold.lag), 250, "ms")
		most("console_p99", ms(x.told.detail), ms(x.untold.detail), 100, "ms")
		most("store_p99", ms(x.told.store), ms(x.untold.store), 250, "ms")
	}
	return nil
}

// stormy is how a site does while monitors go down, and after.
type stormy struct {
	queueing, sending calm
	waited            int // letters
}

func (d *drill) outage(ctx context.Context, route uptime.Route) (o stormy, err error) {
	var back atomic.Bool // the mail server
	server, err := smtptest.Start(smtptest.Options{Behave: func(c smtptest.Command) smtptest.Answer {
		if c.Stage == smtptest.Greeting && !back.Load() {
			return smtptest.Answer{Reply: "421 4.3.2 not now", Hangup: true}
		}
		return smtptest.Answer{}
	}})
	if err != nil {
		return o, err
	}
	defer server.Close()
	err = withSite(ctx, d.letters, 10*time.Second, server.Address(), func(ctx context.Context, s *site) (err error) {
		d.say("storm: %d monitors, every 10 s, go down; told: %v", d.letters, route.Channels)
		if err := pause(ctx, lagSpan+2*time.Second); err != nil { // what the start did is out of sight by then
			return err
		}
		for i := range d.letters {
			s.set(fmt.Sprintf("m%d", i), true)
		}
		if o.queueing, err = s.watch(ctx, server, 0, 30*time.Second, 0); err != nil {
			return err
		}
		o.waited = s.office.Outbox().Channels[0].Pending
		d.say("storm: %d letters wait; the mail server is back", o.waited)
		back.Store(true)
		o.sending, err = s.watch(ctx, server, lagSpan, lagSpan+30*time.Second, o.waited)
		return err
	}, route)
	return o, err
}

// lagSpan is how far back an engine's lag looks.
const lagSpan = time.Minute

// watch looks at a site for a while, and until the server has taken so many
// mails; at its lag from some time on.
func (s *site) watch(ctx context.Context, server *smtptest.Server, from, span time.Duration, mails int) (calm, error) {
	var c calm
	var details, stores []time.Duration
	begun, had := time.Now(), len(server.Mails())
	first := s.engine.Snapshot()
	for seq := first.Seq; time.Since(begun) < span || len(server.Mails())-had < mails; {
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return c, err
		}
		asked := time.Now()
		if _, err := s.engine.Detail(ctx, "m7", time.Hour); err != nil {
			return c, err
		}
		details = append(details, time.Since(asked))
		if now := s.engine.Snapshot(); now.Seq != seq {
			seq = now.Seq
			stores = append(stores, now.Health.StoreLatency)
			if time.Since(begun) > from {
				c.lag = max(c.lag, now.Health.Lag)
			}
		}
		if n := len(server.Mails()) - had; n >= mails && c.took == 0 {
			c.took, c.mails = time.Since(begun), n
		}
		if time.Since(begun) > 10*time.Minute {
			return c, fmt.Errorf("%d of %d mails came in 10 minutes", len(server.Mails())-had, mails)
		}
	}
	last := s.engine.Snapshot()
	c.detail, c.store = quantile(details, 0.99), quantile(stores, 0.99)
	c.late, c.skipped = last.Health.Late-first.Health.Late, last.Health.Skipped-first.Health.Skipped
	return c, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
