package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// unacked is what nobody acknowledged: an outage, or several of one cause that
// people were told of in one letter.
type unacked struct {
	in      *uptime.Incident   // the newest of them
	cause   uptime.Cause       // zero: it is alone
	members []*uptime.Incident // all of them, the newest first
	told    []*uptime.Told     // the letters about them, the newest first
}

// title is what it is about: a monitor, or a cause and how many share it.
func (u *unacked) title() string {
	if len(u.members) < 2 {
		return u.in.Monitor
	}
	return fmt.Sprintf("%s: %s down", u.cause, group3(len(u.members)))
}

// why is what is wrong, or who shares the cause.
func (u *unacked) why() string {
	if len(u.members) < 2 {
		return u.in.Message
	}
	var names []string
	for _, in := range u.members[:min(len(u.members), 5)] {
		names = append(names, in.Monitor)
	}
	if len(u.members) > len(names) {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// targets are whose incidents are acknowledged with it; nil: only that of in.
func (u *unacked) targets() []string {
	if len(u.members) < 2 {
		return nil
	}
	names := make([]string, len(u.members))
	for i, in := range u.members {
		names[i] = in.Monitor
	}
	return names
}

// since is when somebody was told first; else when it began.
func (u *unacked) since() time.Time {
	if n := len(u.told); n > 0 {
		return u.told[n-1].At
	}
	return u.in.Start
}

// notAcked gathers what nobody acknowledged, the newest first.
func notAcked(snap *uptime.Snapshot) (out []*unacked) {
	letters := map[uint64][]*uptime.Told{} // by the first incident of each
	about := map[uptime.Cause][]*uptime.Told{}
	for i := range snap.Outbox.Told {
		t := &snap.Outbox.Told[i]
		if t.Incident != 0 {
			letters[t.Incident] = append(letters[t.Incident], t)
		}
		if t.Cause.Kind != "" {
			about[t.Cause] = append(about[t.Cause], t)
		}
	}
	common := snap.Common()
	groups := map[uptime.Cause]*unacked{}
	for _, in := range snap.Open {
		if !in.Unacked() {
			continue
		}
		c := common.Of(in)
		if g := groups[c]; g != nil && c.Kind != "" {
			g.members = append(g.members, in)
			continue
		}
		u := &unacked{in: in, members: []*uptime.Incident{in}, told: letters[in.Number]}
		if c.Kind != "" {
			u.cause, u.told = c, about[c]
			groups[c] = u
		}
		out = append(out, u)
	}
	return out
}

// channelOf finds a channel, nil where there is none of that name any more.
func channelOf(snap *uptime.Snapshot, name string) *uptime.ChannelState {
	i := slices.IndexFunc(snap.Outbox.Channels, func(c uptime.ChannelState) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &snap.Outbox.Channels[i]
}

// wayOf is how and whom a letter tells: "mail ops@example.com", and in short
// the channel's name.
func wayOf(snap *uptime.Snapshot, t *uptime.Told, long bool) string {
	c := channelOf(snap, t.Channel)
	if !long || c == nil {
		return t.Channel
	}
	kind := c.Type
	if kind == "email" {
		kind = "mail"
	}
	return kind + " " + uptime.Who(t.Target)
}

// fate is what became of a letter, in a few words.
func fate(t *uptime.Told) string {
	switch t.State {
	case uptime.ToldSent:
		if d, ok := t.Took(); ok {
			return "sent in " + tookWords(d)
		}
		return "sent"
	case uptime.ToldFailing:
		return "FAILS"
	case uptime.ToldLost:
		return "GIVEN UP"
	case uptime.ToldSending:
		return "sending"
	case uptime.ToldWaiting:
		return "waits"
	}
	return string(t.State)
}

// tookWords writes how long a letter took: fine below a minute.
func tookWords(d time.Duration) string {
	if d < time.Minute {
		return uptime.Took(max(d, time.Millisecond))
	}
	return uptime.Ago(d)
}

// mayBeHeld is how old an outage may be whose alert waits for others of its
// cause: it takes a while to be sure, and then up to 30 s.
const mayBeHeld = 90 * time.Second

// newestOf are the newest letter to each channel that tells of an outage, in the order of told.
func newestOf(told []*uptime.Told) (out []*uptime.Told) {
	for _, t := range told {
		switch t.Kind {
		case uptime.AlertRecovered, uptime.AlertCollapsed:
			continue
		}
		if !slices.ContainsFunc(out, func(o *uptime.Told) bool { return o.Channel == t.Channel }) {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b *uptime.Told) int { return rank(a) - rank(b) })
	return out
}

// rank orders letters by what a person has to know first.
func rank(t *uptime.Told) int {
	switch t.State {
	case uptime.ToldLost:
		return 0
	case uptime.ToldFailing:
		return 1
	}
	return 2
}

// toldText says in at most width cells who was told of an outage; "" where
// nobody can be.
func toldText(s *shell, in *uptime.Incident, told []*uptime.Told, width int) string {
	o := &s.snap.Outbox
	if len(o.Channels) == 0 {
		return ""
	}
	list := newestOf(told)
	if len(list) == 0 {
		if len(o.Told) >= uptime.MaxTold { // it may have been left out
			return ""
		}
		if o.Held > 0 && in.Lasted(s.now) < mayBeHeld {
			return "held"
		}
		return "nobody told"
	}
	for n := min(len(list), 3); n > 0; n-- {
		for _, long := range []bool{true, false} {
			text := fates(s.snap, list[:n], long)
			if more := len(list) - n; more > 0 {
				text += fmt.Sprintf(", +%d", more)
			}
			if cells(text) <= width {
				return text
			}
		}
	}
	return list[0].Channel + " " + fate(list[0])
}

// fates says what became of letters; those that were taken are one: "ops, desk
// sent in 0.4 s", which is what the slowest took.
func fates(snap *uptime.Snapshot, list []*uptime.Told, long bool) string {
	var parts, sent []string
	var slowest *uptime.Told
	for _, t := range list {
		d, ok := t.Took()
		if !ok {
			parts = append(parts, wayOf(snap, t, long)+" "+fate(t))
			continue
		}
		sent = append(sent, wayOf(snap, t, long))
		if slowest == nil || d > slowest.Done.Sub(slowest.At) {
			slowest = t
		}
	}
	if slowest != nil {
		parts = append(parts, strings.Join(sent, ", ")+" "+fate(slowest))
	}
	return strings.Join(parts, ", ")
}

// toldAtLength says who was told when of one outage, a sentence a channel.
func toldAtLength(s *shell, told []*uptime.Told) (out []string) {
	for _, t := range newestOf(told) {
		text := wayOf(s.snap, t, true) + " " + fate(t)
		switch t.State {
		case uptime.ToldSent:
			text += " at " + stamp(t.Done, s.now, s.loc)
			if t.Kind != uptime.AlertOpened {
				text += " (" + string(t.Kind) + ")"
			}
		case uptime.ToldFailing:
			text += ": " + t.Reply
			next := t.Next
			if c := channelOf(s.snap, t.Channel); next.IsZero() && c != nil { // of the whole channel
				next = c.Next
			}
			if next.After(s.now) {
				text += ", next try in " + uptime.Ago(next.Sub(s.now))
			}
		case uptime.ToldLost:
			text += " at " + stamp(t.Done, s.now, s.loc) + ": " + t.Reply
		default:
			if c := channelOf(s.snap, t.Channel); c != nil && c.Error != "" {
				text += ": " + c.Error
			}
		}
		out = append(out, text)
	}
	return out
}

// lettersAbout are those about an incident, alone or as one of a cause.
func lettersAbout(snap *uptime.Snapshot, in *uptime.Incident) (out []*uptime.Told) {
	st, alone := stateOf(snap, in.Monitor), false
	for i := range slices.Backward(snap.Outbox.Told) { // the oldest first
		t := &snap.Outbox.Told[i]
		one := t.About(in.Number)
		alone = alone || one && t.Cause.Kind == ""
		if !one && !alone && t.Cause.Kind != "" && in.Open() && !t.At.Before(in.Start) {
			one = t.Cause.Covers(in, st)
		}
		if one {
			out = append(out, t)
		}
	}
	slices.Reverse(out)
	return out
}

// alertsHealth is what the screens say where letters wait, in short; "": none
// has to. The second value: a channel does not take what it should.
func alertsHealth(snap *uptime.Snapshot, now time.Time, wide bool) (text string, failing bool) {
	n, names := 0, []string(nil)
	for i := range snap.Outbox.Channels {
		c := &snap.Outbox.Channels[i]
		if !c.Stuck(now) {
			continue
		}
		n += c.Pending
		names = append(names, c.Name)
		failing = failing || c.Fails()
	}
	if n == 0 {
		return "", false
	}
	word := "wait"
	if n == 1 {
		word = "waits"
	}
	if failing {
		word = "NOT SENT"
	}
	text = fmt.Sprintf("%s alerts %s", group3(n), word)
	if n == 1 {
		text = "1 alert " + word
	}
	if wide && len(names) == 1 {
		text += " to " + uptime.Clean(names[0], 20)
	} else if wide {
		text += fmt.Sprintf(" to %d channels", len(names))
	}
	return text, failing
}
