package alert

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"lookout/engine/alert/letter"
	"lookout/engine/uptime"
)

// job is a letter to be written and sent; nothing in it changes meanwhile.
type job struct {
	channel   *channel
	item      *item
	config    uptime.ChannelConfig
	templates *letter.Templates
	parcel    uptime.Parcel
	to        []string
	failed    int
	first     time.Time
	targets   map[string]string
	hung      *atomic.Bool
}

// result is what came of one.
type result struct {
	job
	receipt uptime.Receipt
	err     error
	monitor string // that it is about, where it is one
	cut     bool   // there was no time left for it
}

// send starts what was chosen and is stored as being sent.
func (f *Office) send(ctx context.Context) {
	for _, c := range f.channels {
		it := c.flying
		if it == nil || it.underway {
			continue
		}
		it.underway = true
		j := job{c, it, c.ChannelConfig, c.templates, it.Parcel, it.left, it.tries, it.since, f.targets, c.hung}
		f.sending++
		go func() {
			select {
			case f.results <- f.attend(ctx, j):
			case <-f.done: // Run broke
			}
		}()
	}
}

// attend has a job performed, and goes on without it where the channel does not
// come back although its time is over: nobody can end a write to a mount that is
// gone. Its goroutine stays behind until the system lets go of it, and the channel
// gets no other letter before, so there is one for each channel at most. (One that
// was configured anew begins anew.)
func (f *Office) attend(ctx context.Context, j job) result {
	if !j.hung.CompareAndSwap(false, true) {
		return result{job: j, err: &uptime.Refusal{Reply: "it hangs in a letter that it was given before"}}
	}
	ctx, done := context.WithTimeout(ctx, longestSend)
	defer done()
	performed := make(chan result, 1) // performer → us; one slot: we may have left
	go func() {
		r := f.perform(ctx, j)
		j.hung.Store(false)
		performed <- r
	}()
	select {
	case r := <-performed:
		return r
	case <-ctx.Done():
	}
	patience := time.NewTimer(lastWord)
	defer patience.Stop()
	select {
	case r := <-performed:
		return r
	case <-patience.C:
		return result{job: j, err: &uptime.Refusal{Reply: "it hangs: it did not come back when its time was over", Uncertain: true}}
	}
}

// perform writes a letter and sends it.
func (f *Office) perform(ctx context.Context, j job) (r result) {
	r.job = j
	defer func() {
		if p := recover(); p != nil {
			f.log.Error("a channel failed in a way that it should not", "channel", j.config.Name, "panic", p, "stack", string(debug.Stack()))
			r.err = &uptime.Refusal{Reply: uptime.Clean(fmt.Sprintf("a mistake in lookout: %v", p), 200), Letter: true, Permanent: true, Uncertain: true}
		}
	}()
	facts := &letter.Facts{Instance: f.o.Instance, Zone: f.o.Zone, Now: f.now(), Snapshot: f.engine.Snapshot(),
		Targets: j.targets, Failed: j.failed, First: j.first}
	f.recollect(&j.parcel, facts)
	if len(facts.Incidents) == 1 && j.parcel.Count <= 1 {
		r.monitor = facts.Incidents[0].Monitor
	}
	l := letter.Write(&j.parcel, facts, j.templates)
	l.To = j.to
	r.receipt, r.err = j.config.Channel.Send(ctx, &l, nil)
	return r
}

// recollect adds what the store knows of a parcel. A letter with less in it is
// better than none.
func (f *Office) recollect(p *uptime.Parcel, facts *letter.Facts) {
	for _, n := range p.Incidents {
		found, err := f.o.Store.Incidents(uptime.IncidentQuery{Number: n, Limit: 1})
		if err != nil { // once more: what is over is nowhere else
			found, err = f.o.Store.Incidents(uptime.IncidentQuery{Number: n, Limit: 1})
		}
		if err != nil {
			f.log.Warn("a letter goes without all of an incident", "incident", n, "error", err)
			for _, i := range facts.Snapshot.Open {
				if i.Number == n {
					found = []uptime.Incident{*i}
				}
			}
		}
		facts.Incidents = append(facts.Incidents, found...)
	}
	if (p.Kind != uptime.AlertRecovered && p.Kind != uptime.AlertCollapsed) || p.Event < 2 {
		return
	}
	events, err := f.o.Store.Events(uptime.EventQuery{After: p.Event - 2, Limit: 2}) // the verdict comes right before
	if err != nil {
		f.log.Warn("a letter goes without evidence", "event", p.Event, "error", err)
	}
	for _, ev := range events {
		if ev.Kind == uptime.EventVerdict && ev.Incident != 0 && len(p.Incidents) > 0 && ev.Incident == p.Incidents[0] {
			facts.Evidence = ev.Evidence
		}
	}
}

// finished takes what came of a letter.
func (f *Office) finished(r result, now time.Time) {
	f.sending--
	c, it := r.channel, r.item
	c.flying, it.sending, it.underway, f.dirty = nil, false, false, true
	here := f.channel(r.config.Name) == c // else it was taken out of the configuration meanwhile
	if here && it.left != nil && c.Same != r.config.Same {
		it.left = nil
	}
	if r.err == nil {
		f.taken(r, here, now)
	} else if here {
		f.refused(r, now)
	}
}

func (f *Office) taken(r result, here bool, now time.Time) {
	c, it := r.channel, r.item
	ev := f.event(r, uptime.ToldSent)
	ev.Message = taken(r) + clause(": ", r.receipt.Reply)
	if !here {
		f.note(ev)
		return
	}
	c.took(now)
	f.post.put(c.record())
	for _, n := range append(it.stands, it.Number) {
		f.desk.Sent(n, now)
	}
	f.forget(c, c.outdated(it))
	if len(r.receipt.Left) > 0 && c.Same == r.config.Same {
		it.left, it.uncertain = r.receipt.Left, true
		f.again(it, &uptime.Refusal{Reply: uptime.Clean(r.receipt.Why, 300), Letter: true}, now)
		ev.Note = string(uptime.ToldFailing)
		ev.Message += "; REFUSED for " + left(r) + clause(": ", it.why) + ", next try in " + uptime.Ago(it.next.Sub(now))
		f.note(ev)
		if it.hopeless(now) {
			f.giveUp(c, now, it)
		}
		return
	}
	f.note(ev)
	f.post.drop(numbered(underPost, c.Name, it.Number))
	f.keep(it, uptime.ToldSent, r.receipt.Reply, now)
	c.drop(it.Number)
}

// again plans another try of a letter.
func (f *Office) again(it *item, why *uptime.Refusal, now time.Time) {
	it.fails(why, now)
	it.uncertain = it.uncertain || why.Uncertain
	if it.next = (time.Time{}); why.Letter {
		it.plan(why.Wait, now, f.rng)
	}
	f.post.put(it.record())
}

func (f *Office) refused(r result, now time.Time) {
	c, it := r.channel, r.item
	var why *uptime.Refusal
	if !errors.As(r.err, &why) { // nobody knows how far it came
		why = &uptime.Refusal{Reply: r.err.Error(), Uncertain: true}
	}
	w := *why
	w.Letter = w.Letter || it.left != nil // the channel has taken it for others
	w.Reply = uptime.Clean(w.Reply, 300)
	if r.cut {
		it.uncertain = it.uncertain || w.Uncertain
		f.post.put(it.record())
		return
	}
	if c.Same != r.config.Same {
		w.Letter = false // it was refused by what was configured before
		it.uncertain = it.uncertain || w.Uncertain
		f.post.put(it.record())
		f.settle(c, it)
		return
	}
	first := !w.Letter && c.tries == 0 || w.Letter && it.tries == 0
	f.again(it, &w, now)
	next := it.next
	if !w.Letter {
		c.fails(&w, now)
		c.plan(w.Wait, now, f.rng)
		next = c.next
		f.post.put(c.record())
	}
	if reason := withoutDigits(w.Reply); first || reason != c.reason {
		c.reason = reason
		f.failing(r, w.Reply, next, now)
	}
	switch {
	case w.Letter && it.hopeless(now):
		f.giveUp(c, now, it)
		return
	case !w.Letter && w.Permanent && c.hopeless(now):
		var old []*item
		for _, x := range c.queue {
			if now.Sub(x.At) >= giveUp {
				old = append(old, x)
			}
		}
		f.giveUp(c, now, old...)
	}
	f.settle(c, it)
}

// settle collapses what may be now that a letter is not on its way any more.
func (f *Office) settle(c *channel, it *item) {
	if it.Ends != 0 {
		f.collapse(c, it)
		return
	}
	for _, end := range c.queue {
		if end.Ends == it.Number {
			f.collapse(c, end)
			return
		}
	}
}

// giveUp drops letters that nobody takes.
func (f *Office) giveUp(c *channel, now time.Time, items ...*item) {
	if len(items) == 0 {
		return
	}
	for _, it := range items {
		f.post.drop(numbered(underPost, c.Name, it.Number))
		f.keep(it, uptime.ToldLost, it.why, now)
		c.drop(it.Number)
	}
	why := items[0].why
	if why == "" {
		why = c.why
	}
	ev := uptime.Event{Kind: uptime.EventAlert, Channel: c.Name, Note: string(uptime.ToldLost)}
	if len(items) == 1 && len(items[0].Incidents) > 0 {
		ev.Incident = items[0].Incidents[0]
	}
	ev.Message = fmt.Sprintf("%s to %s given up after %s: %s", letters(len(items)), whom(c.Channel.Target()), uptime.Ago(now.Sub(items[0].At)), why)
	f.note(ev)
}

// failing writes down that a letter was not taken, but not without end.
func (f *Office) failing(r result, reply string, next, now time.Time) {
	c := r.channel
	if c.said.at(now).After(now) {
		return
	}
	c.said.take(now)
	ev := f.event(r, uptime.ToldFailing)
	ev.Message = fmt.Sprintf("%s FAILED: %s, next try in %s", to(r), reply, uptime.Ago(next.Sub(now)))
	f.note(ev)
}

func (f *Office) event(r result, state uptime.ToldState) uptime.Event {
	ev := uptime.Event{Kind: uptime.EventAlert, Channel: r.config.Name, Note: string(state), Monitor: r.monitor}
	if len(r.parcel.Incidents) > 0 {
		ev.Incident = r.parcel.Incidents[0]
	}
	return ev
}

// to is "mail to ops@example.com", or "reminder to ops@example.com".
func to(r result) string {
	what := r.config.Type
	switch r.parcel.Kind {
	case uptime.AlertReminder:
		what = "reminder"
	case uptime.AlertEscalated:
		what = "escalation"
	case uptime.AlertRecovered, uptime.AlertCollapsed:
		what = "recovery"
	case uptime.AlertJoined, uptime.AlertMore:
		what = "digest"
	case uptime.AlertTest:
		what = "test"
	default:
		if what == "email" {
			what = "mail"
		}
	}
	who := whom(r.config.Channel.Target())
	if len(r.to) > 0 && r.config.Type == "email" { // the others have it
		who = uptime.Clean(strings.Join(firstFew(r.to), ", "), 120)
	}
	return what + " to " + who
}

// whom is a target without the way that leads there.
func whom(target string) string {
	who, _, _ := strings.Cut(uptime.Clean(target, 120), " by ")
	return who
}

// taken is "mail to ops@example.com taken by smtp.example.com:25".
func taken(r result) string {
	said := to(r) + " taken"
	if _, by, ok := strings.Cut(uptime.Clean(r.config.Channel.Target(), 120), " by "); ok {
		said += " by " + by
	}
	return said
}

func clause(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// left says who was refused: addresses of mail are no secret, but a chat may be.
func left(r result) string {
	if r.config.Type != "email" {
		return fmt.Sprintf("%d of them", len(r.receipt.Left))
	}
	return strings.Join(firstFew(r.receipt.Left), ", ")
}

// firstFew are the first of a list.
func firstFew(list []string) []string {
	if len(list) > 3 {
		return append(list[:3:3], fmt.Sprintf("%d more", len(list)-3))
	}
	return list
}

// withoutDigits tells reasons apart that differ in more than a count or a time.
func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}
