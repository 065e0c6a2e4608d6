package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// ops is a channel that works.
func ops() uptime.ChannelState {
	return uptime.ChannelState{Name: "ops", Type: "email", Target: "ops@example.com by smtp.example.com:25", Sent: 12, Last: clock("12:31:29.000")}
}

func letterOf(number uint64, channel string, incident uint64, kind uptime.AlertKind, state uptime.ToldState, at string, took time.Duration) uptime.Told {
	t := uptime.Told{Number: number, Channel: channel, Target: "ops@example.com by smtp.example.com:25", Kind: kind, State: state, Incident: incident, Count: 1, At: clock(at)}
	if channel == "pager" {
		t.Target = "https://events.example.com/***"
	}
	if state == uptime.ToldSent || state == uptime.ToldLost {
		t.Done = t.At.Add(took)
	}
	if state == uptime.ToldSent {
		t.Reply = "250 2.0.0 queued as 4bT1x"
	}
	return t
}

// alertSent is the example with a letter that arrived.
func alertSent() *pageSource {
	f := pagesSource()
	f.snap.Outbox = uptime.Outbox{Channels: []uptime.ChannelState{ops()}, Told: []uptime.Told{
		letterOf(12, "ops", 4711, uptime.AlertOpened, uptime.ToldSent, "12:31:29.000", 400*time.Millisecond),
		letterOf(11, "ops", 4709, uptime.AlertOpened, uptime.ToldSent, "12:24:57.000", 900*time.Millisecond)}}
	mail := alertEvent(12, "ops", "mail to ops@example.com taken by smtp.example.com:25: 250 2.0.0 queued as 4bT1x", uptime.ToldSent)
	mail.Time, mail.Monitor, mail.Incident = clock("12:31:29.000"), shop, 4711
	failed := alertEvent(4, "ops", "mail to ops@example.com FAILED: 451 greylisted, next try in 60s", uptime.ToldFailing)
	failed.Time, failed.Monitor = clock("09:12:29.000"), "vpn.example.com:1194"
	var events []uptime.Event
	for _, ev := range f.events {
		switch ev.ID {
		case 5:
			events = append(events, failed)
		case 13:
			events = append(events, mail)
		}
		events = append(events, ev)
	}
	f.events = events
	return f
}

// alertFailing is the same with a mail server that takes nothing, a letter that
// was given up, and one that waits for others.
func alertFailing() *pageSource {
	f := alertSent()
	o := &f.snap.Outbox
	o.Channels[0].Pending, o.Channels[0].Oldest, o.Channels[0].Failing = 3, clock("12:31:29.000"), clock("12:31:30.000")
	o.Channels[0].Error, o.Channels[0].Tries, o.Channels[0].Next = "451 4.7.1 greylisted, come back later", 4, at.Add(40*time.Second)
	o.Channels = append(o.Channels, uptime.ChannelState{Name: "pager", Type: "webhook", Target: "https://events.example.com/***", Sent: 2})
	o.Told[0].State, o.Told[0].Done, o.Told[0].Tries, o.Told[0].Reply = uptime.ToldFailing, time.Time{}, 4, "451 4.7.1 greylisted, come back later"
	lost := letterOf(3, "pager", 4709, uptime.AlertOpened, uptime.ToldLost, "09:00:00.000", 3*time.Hour)
	lost.Reply = "410 Gone: the routing key was deleted"
	o.Told = append(o.Told, lost)
	o.Told = append([]uptime.Told{letterOf(13, "pager", 4711, uptime.AlertOpened, uptime.ToldSent, "12:31:29.000", 90*time.Millisecond)}, o.Told...)
	o.Held = 2
	return f
}

// alertGrouped is the same with 300 sites on a host that is dead.
func alertGrouped() *pageSource {
	f := alertSent()
	for i := range 300 {
		name := fmt.Sprintf("site-%03d.example.org", i)
		m := &uptime.Monitor{Name: name, Type: "http", Target: "https://" + name + "/", Dest: name + ":443", Interval: time.Minute, Timeout: 10 * time.Second}
		n := uint64(5000 + i)
		st := &uptime.State{Monitor: m, Verdict: uptime.Down, Since: clock("12:33:02.000"), Fault: uptime.FaultTCPTimeout, Incident: n,
			Address: "192.0.2.7:443", Message: "TCP connect 192.0.2.7:443: no answer in 10 s", Last: at.Add(-9 * time.Second), Next: at.Add(6 * time.Second)}
		f.snap.States = append(f.snap.States, st)
		f.snap.Open = append([]*uptime.Incident{{Number: n, Monitor: name, Start: clock("12:33:02.000"), Verdict: uptime.Down, Fault: st.Fault, Message: st.Message}}, f.snap.Open...)
	}
	sortStates(f.snap)
	letter := letterOf(14, "ops", 5000, uptime.AlertOpened, uptime.ToldSent, "12:33:40.000", 300*time.Millisecond)
	letter.Count, letter.Cause = 300, uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}
	f.snap.Outbox.Told = append([]uptime.Told{letter}, f.snap.Outbox.Told...)
	f.snap.Unacked = 301
	return f
}

// alertAcked is the same after somebody took note of all.
func alertAcked() *pageSource {
	f := alertSent()
	in := *f.snap.Open[0]
	in.Ack = &uptime.Ack{By: "ann", Note: "looking into it", Until: clock("13:35:00.000")}
	f.snap.Open[0] = &in
	for i, st := range f.snap.States {
		if st.Name == shop {
			c := *st
			c.Ack = in.Ack
			f.snap.States[i] = &c
		}
	}
	f.snap.Unacked = 0
	return f
}

func TestAlertPages(t *testing.T) {
	open := func() page { return newEvents() }
	goldenPage(t, "alerts-sent", alertSent, open)
	goldenPage(t, "alerts-failing", alertFailing, open)
	goldenPage(t, "alerts-grouped", alertGrouped, open)
	goldenPage(t, "alerts-acked", alertAcked, open)
	goldenPage(t, "alerts-zoom", alertFailing, open, "z")
	goldenPage(t, "alerts-ack", alertSent, open, "a", "n", "l", "o", "o", "k", "i", "n", "g")
	everySize(t, alertFailing(), open)
	everySize(t, alertGrouped(), open)
}

// TestAlertsHostile: whatever an other side answers or a channel is called, the
// screen holds.
func TestAlertsHostile(t *testing.T) {
	f := alertFailing()
	o := &f.snap.Outbox
	for i := range o.Channels {
		o.Channels[i].Name, o.Channels[i].Target, o.Channels[i].Error = hostile, hostile, hostile+strings.Repeat("x", 400)
	}
	for i := range o.Told {
		o.Told[i].Reply, o.Told[i].Channel, o.Told[i].Target = hostile, hostile, hostile
		o.Told[i].Cause, o.Told[i].Count = uptime.Cause{Kind: uptime.CauseName, Key: hostile}, 3
	}
	everySize(t, f, func() page { return newEvents() })
}

// TestAlertsAck: a acknowledges what is selected, all of a group, with a note and
// an end; u takes it back.
func TestAlertsAck(t *testing.T) {
	f := alertGrouped()
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, false))
	visit(t, s, newEvents())
	press(t, s, "a", "4", "n")
	typeText(t, s, "rack 7")
	press(t, s, "enter", "y")
	if len(f.acted) != 1 {
		t.Fatalf("%+v", f.acted)
	}
	a := f.acted[0]
	if a.Verb != uptime.VerbAck || len(a.Targets) != 300 || a.Note != "rack 7" || !a.Until.Equal(at.Add(4*time.Hour)) {
		t.Errorf("%s of %d monitors, note %q, until %s", a.Verb, len(a.Targets), a.Note, a.Until)
	}
	press(t, s, "u")
	if len(f.acted) != 2 || f.acted[1].Verb != uptime.VerbUnack || len(f.acted[1].Targets) != 300 {
		t.Errorf("%d actions", len(f.acted))
	}
	press(t, s, "j", "a", "y")
	if last := f.acted[len(f.acted)-1]; len(last.Targets) != 1 || last.Targets[0] != shop {
		t.Errorf("of the second row %v are acknowledged", last.Targets)
	}
}

func TestNotAcked(t *testing.T) {
	snap := alertGrouped().snap
	got := notAcked(snap)
	if len(got) != 2 || len(got[0].members) != 300 || got[0].title() != "host 192.0.2.7: 300 down" || got[1].title() != shop {
		t.Fatalf("%d: %s", len(got), got[0].title())
	}
	if got[0].why() != "site-299.example.org, site-298.example.org, site-297.example.org, site-296.example.org, site-295.example.org, …" {
		t.Errorf("%q", got[0].why())
	}
	s := pagesShell(alertFailing(), 120, 40, theme.New(theme.None, false, false))
	for _, tt := range []struct {
		name  string
		told  []*uptime.Told
		width int
		want  string
	}{
		{"nobody", nil, 40, "nobody told"},
		{"one", []*uptime.Told{ptr(letterOf(1, "ops", 1, uptime.AlertOpened, uptime.ToldSent, "12:31:29.000", 400*time.Millisecond))}, 40, "mail ops@example.com sent in 400ms"},
		{"one, in short", []*uptime.Told{ptr(letterOf(1, "ops", 1, uptime.AlertOpened, uptime.ToldSent, "12:31:29.000", 90*time.Second))}, 30, "ops sent in 1m30s"},
		{"what fails first", []*uptime.Told{ptr(letterOf(1, "pager", 1, uptime.AlertOpened, uptime.ToldSent, "12:31:29.000", 0)), ptr(letterOf(2, "ops", 1, uptime.AlertOpened, uptime.ToldFailing, "12:31:29.000", 0))}, 30,
			"ops FAILS, pager sent in 1.0ms"},
		{"both sent", []*uptime.Told{ptr(letterOf(1, "pager", 1, uptime.AlertOpened, uptime.ToldSent, "12:31:29.000", time.Second)), ptr(letterOf(2, "ops", 1, uptime.AlertOpened, uptime.ToldSent, "12:31:29.000", 0))}, 30,
			"pager, ops sent in 1.00s"},
		{"no room", []*uptime.Told{ptr(letterOf(1, "pager", 1, uptime.AlertOpened, uptime.ToldWaiting, "12:31:29.000", 0)), ptr(letterOf(2, "ops", 1, uptime.AlertOpened, uptime.ToldSending, "12:31:29.000", 0))}, 17, "pager waits, +1"},
		{"the newest of a channel", []*uptime.Told{ptr(letterOf(2, "ops", 1, uptime.AlertRecovered, uptime.ToldWaiting, "12:33:29.000", 0)), ptr(letterOf(1, "ops", 1, uptime.AlertOpened, uptime.ToldLost, "12:31:29.000", 0))}, 20, "ops GIVEN UP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := toldText(s, incident4711(), tt.told, tt.width); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func sortStates(snap *uptime.Snapshot) {
	slices.SortFunc(snap.States, func(a, b *uptime.State) int { return strings.Compare(a.Name, b.Name) })
}

// TestAlertsElsewhere: the other screens say who was told, and what is not sent.
func TestAlertsElsewhere(t *testing.T) {
	goldenPage(t, "detail-told", alertFailing, func() page { return newDetail(shop) })
	goldenPage(t, "incidents-told", alertFailing, func() page { return newIncidents("") })
	for _, tt := range []struct {
		name   string
		source func() *pageSource
		w      int
		want   string
		none   string
	}{
		{"sent", alertSent, 80, "chk/s", "alert"},
		{"failing", alertFailing, 80, "3 alerts NOT SENT", ""},
		{"failing, wide", alertFailing, 120, "3 alerts NOT SENT to ops", ""},
		{"a full hour", func() *pageSource {
			f := alertSent()
			f.snap.Outbox.Channels[0].Pending, f.snap.Outbox.Channels[0].Capped, f.snap.Outbox.Channels[0].Oldest = 1, 1, at
			return f
		}, 80, "1 alert waits", "NOT SENT"},
		{"no heartbeat", func() *pageSource {
			f := alertSent()
			f.snap.Outbox.Heartbeat = uptime.HeartbeatState{Error: "404", Failing: at}
			return f
		}, 80, "heartbeat LOST", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := pagesShell(tt.source(), tt.w, 24, theme.New(theme.None, false, false))
			got := plainText(s.render())
			if !strings.Contains(got, tt.want) || tt.none != "" && strings.Contains(got, tt.none) {
				t.Errorf("want %q and not %q:\n%s", tt.want, tt.none, got)
			}
			withinScreen(t, tt.name, s.render(), tt.w, 24)
		})
	}
}
