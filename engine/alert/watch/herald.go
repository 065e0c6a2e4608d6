package watch

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"lookout/engine/alert/letter"
	"lookout/engine/uptime"
)

const (
	heraldRetry = 5 * time.Second // after the first refusal, twice as long after each
	heraldMost  = 15 * time.Minute
)

// herald is one channel of a Watch: what it has not taken yet, in order.
type herald struct {
	c         uptime.ChannelConfig
	o         *Options
	templates *letter.Templates
	in        chan uptime.Parcel // Watch → run; unbuffered: run takes at once, but while it sends

	pending   []uptime.Parcel
	uncertain bool     // the first of them may have been taken
	left      []string // of the first: who was refused while others took it; nil: nobody has had it
	failed    int      // tries of the first
	first     time.Time
}

func newHerald(c uptime.ChannelConfig, o *Options) (*herald, error) {
	t, err := letter.Compile(c.Subject, c.Body)
	return &herald{c: c, o: o, templates: t, in: make(chan uptime.Parcel, 8)}, err // 8: what comes in a day while one letter is being sent for minutes
}

// run sends until ctx ends.
func (p *herald) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due := timer.C
		if len(p.pending) == 0 {
			due = nil
		}
		select {
		case <-ctx.Done():
			return
		case parcel := <-p.in:
			if p.add(parcel) {
				timer.Reset(0)
			}
		case <-due:
			timer.Reset(p.send(ctx))
		}
	}
}

// heraldHolds bounds what waits for a channel that takes nothing.
const heraldHolds = 20

// add takes a parcel, and reports whether nothing else waits. What ends something
// that was never told takes its place; what repeats it is left out.
func (p *herald) add(parcel uptime.Parcel) (first bool) {
	if p.left != nil { // what follows is for all of them again
		p.pending, p.left = p.pending[1:], nil
	}
	n := len(p.pending)
	switch {
	case n == 0:
		p.failed, p.uncertain = 0, false
	case p.pending[n-1].Ends > 0:
	case parcel.Ends == 0:
		return false // the one that waits says it
	case n > 1 || !p.uncertain:
		parcel.Says += "; that it was not could not be told"
		p.pending = p.pending[:n-1]
	}
	if len(p.pending) < heraldHolds {
		p.pending = append(p.pending, parcel)
	}
	return n == 0
}

// send sends the first that waits, and returns when to look again.
func (p *herald) send(ctx context.Context) time.Duration {
	parcel, now := &p.pending[0], time.Now()
	l := letter.Write(parcel, &letter.Facts{Instance: p.o.Probe, Zone: p.o.Zone, Now: now, Failed: p.failed, First: p.first}, p.templates)
	l.To = p.left
	receipt, err := p.c.Channel.Send(ctx, &l, nil)
	if err == nil && len(receipt.Left) > 0 {
		p.left = receipt.Left
		err = &uptime.Refusal{Reply: "taken, but not for all: " + receipt.Why}
	}
	if err == nil {
		p.o.Log.Info("a letter was taken", "channel", p.c.Name, "subject", l.Subject, "reply", receipt.Reply)
		p.pending, p.failed, p.uncertain, p.left = p.pending[1:], 0, false, nil
		return 0
	}
	if ctx.Err() != nil {
		return 0
	}
	if p.failed++; p.failed == 1 {
		p.first = now
	}
	wait := min(heraldMost, heraldRetry<<min(p.failed-1, 10))
	if r := (*uptime.Refusal)(nil); errors.As(err, &r) {
		p.uncertain = p.uncertain || r.Uncertain
		if r.Permanent {
			wait = heraldMost
		}
	}
	wait -= time.Duration(0.2 * rand.Float64() * float64(wait))
	p.o.Log.Warn("a letter was not taken", "channel", p.c.Name, "tries", p.failed, "reply", err.Error(), "next", uptime.Span(wait.Round(time.Second)))
	return wait
}
