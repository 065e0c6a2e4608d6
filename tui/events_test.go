package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func TestEventsScreens(t *testing.T) {
	goldenPage(t, "events", pagesSource, func() page { return newEvents() })
	goldenPage(t, "events-zoom", pagesSource, func() page { return newEvents() }, "tab", "z")
	f := pagesSource()
	for i := range f.events {
		e := &f.events[i]
		e.Monitor, e.Message, e.By, e.Note = hostile+e.Monitor, hostile, hostile, strings.Repeat(hostile, 5)
	}
	f.snap.Open[0].Monitor, f.snap.Open[0].Message = hostile, hostile
	everySize(t, f, func() page { return newEvents() })
	everySize(t, &pageSource{snap: &uptime.Snapshot{Time: at}}, func() page { return newEvents() })
}

// longLog is a source with n events and nothing else.
func longLog(n int) *pageSource {
	f := &pageSource{snap: &uptime.Snapshot{Seq: 1, Time: at, Events: uint64(n)}}
	for i := range n {
		f.events = append(f.events, uptime.Event{ID: uint64(i + 1), Time: at.Add(-time.Duration(n-i) * time.Second), Kind: uptime.EventConfig,
			Message: fmt.Sprintf("event number %d", i+1)})
	}
	return f
}

func eventsShell(t *testing.T, f *pageSource) (*shell, *events) {
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, false))
	e := newEvents()
	visit(t, s, e)
	s.render()
	return s, e
}

// more adds events to a log and takes the snapshot in.
func more(t *testing.T, s *shell, n int) {
	t.Helper()
	f := s.source.(*pageSource)
	grown := longLog(len(f.events) + n)
	f.events = grown.events
	snap := *f.snap
	snap.Events, snap.Seq = uint64(len(f.events)), snap.Seq+1
	f.snap, s.snap = &snap, &snap
	settle(t, s, s.top().refresh(s))
	s.render()
}

func firstLine(s *shell) string {
	for _, l := range strings.Split(plainText(s.render()), "\n") {
		if _, rest, ok := strings.Cut(l, "event number "); ok {
			return rest
		}
	}
	return ""
}

func selected(e *events) uint64 {
	if key := e.selected(); key.kind == 'e' {
		return key.number
	}
	return 0
}

func TestEventsFollow(t *testing.T) {
	s, e := eventsShell(t, longLog(2000))
	if got := firstLine(s); got != "2000" {
		t.Fatalf("the first line is event %s", got)
	}
	if len(e.log) != eventsAtOnce {
		t.Errorf("%d events were read at once", len(e.log))
	}
	more(t, s, 3)
	if got := firstLine(s); got != "2003" || selected(e) != 2003 {
		t.Errorf("following, the first line is event %s, selected %d", got, selected(e))
	}
	press(t, s, "j", "j")
	if e.follow {
		t.Error("it follows under whoever reads")
	}
	before := e.cur - e.top
	more(t, s, 1200) // more than are read at once
	if got := e.cur - e.top; got != before || selected(e) != 2001 {
		t.Errorf("not following, event %d is selected, and in line %d instead of %d", selected(e), got, before)
	}
	if e.newest() != 3203 {
		t.Errorf("the newest event here is %d", e.newest())
	}
	press(t, s, "f")
	if got := firstLine(s); got != "3203" {
		t.Errorf("following again, the first line is event %s", got)
	}
	for i := 1; i < len(e.log); i++ {
		if e.log[i-1].ID != e.log[i].ID+1 {
			t.Fatalf("event %d is followed by %d", e.log[i-1].ID, e.log[i].ID)
		}
	}
}

func TestEventsStaySelected(t *testing.T) {
	s, e := eventsShell(t, longLog(50))
	press(t, s, "j", "j")
	snap := *s.snap
	snap.Open = []*uptime.Incident{incident4711()} // a new outage on top of the list
	s.source.(*pageSource).snap, s.snap = &snap, &snap
	settle(t, s, e.refresh(s))
	if selected(e) != 48 {
		t.Errorf("then event %d is selected, want 48", selected(e))
	}
}

func TestEventsOlder(t *testing.T) {
	s, e := eventsShell(t, longLog(1234))
	for range 4 {
		press(t, s, "G")
		s.render()
	}
	if !e.oldest || len(e.log) != 1234 || selected(e) != 1 {
		t.Errorf("at the end: %d events, selected %d, oldest %v", len(e.log), selected(e), e.oldest)
	}
	if !strings.Contains(plainText(s.render()), "event number 1\n") {
		t.Error("the first event is not on the screen")
	}
	press(t, s, "g")
	if selected(e) != 1234 {
		t.Errorf("g selects %d", selected(e))
	}
}

func TestEventsFilter(t *testing.T) {
	s, e := eventsShell(t, longLog(3000))
	press(t, s, "/")
	typeText(t, s, "number 77 !771")
	press(t, s, "enter")
	for _, r := range e.rows {
		if r.ev != nil && (!strings.Contains(r.ev.Message, "77") || strings.Contains(r.ev.Message, "771")) {
			t.Errorf("%q passes the filter", r.ev.Message)
		}
	}
	shown, all := e.counts()
	if shown != e.matched || all != len(e.log) || shown == 0 {
		t.Errorf("%d of %d", shown, all)
	}
	press(t, s, "esc")
	if s.top() != page(e) {
		t.Fatal("esc left the page, and not the filter")
	}
	if shown, all := e.counts(); shown != all {
		t.Errorf("without a filter %d of %d", shown, all)
	}
}

func TestEventsRareFilterReadsOn(t *testing.T) {
	f := longLog(3000)
	f.events[10].Message = "the needle"
	s, e := eventsShell(t, f)
	settle(t, s, e.narrow(s, parseWords("Needle")))
	if shown, _ := e.counts(); shown != 1 {
		t.Errorf("the only match is in an old event; %d found in %d", shown, len(e.log))
	}
}

func TestEventsErrors(t *testing.T) {
	f := longLog(10)
	f.err = errSource
	s, e := eventsShell(t, f)
	if !strings.Contains(plainText(s.render()), errSource.Error()) {
		t.Error("nobody is told why there is nothing")
	}
	n := len(f.asked)
	settle(t, s, e.refresh(s))
	if len(f.asked) != n {
		t.Error("it asks again at once")
	}
	f.err, s.now = nil, s.now.Add(retryDetail)
	settle(t, s, e.refresh(s))
	if len(e.log) != 10 || e.err != nil {
		t.Errorf("after a while %d events, %v", len(e.log), e.err)
	}
}

// BenchmarkEventsSnapshot is what a snapshot costs while a long log is open.
func BenchmarkEventsSnapshot(b *testing.B) {
	s := pagesShell(longLog(eventsKept), 120, 40, theme.New(theme.None, false, false))
	e := newEvents()
	s.open(e)
	got, _ := s.source.Events(s.ctx, uptime.EventQuery{Before: eventsKept + 1, Limit: eventsKept})
	e.receive(s, eventsMsg{got: got, older: true, last: true})
	b.ReportAllocs()
	for b.Loop() {
		e.refresh(s)
	}
}

func TestEventText(t *testing.T) {
	for _, tt := range []struct {
		name string
		ev   uptime.Event
		want string
	}{
		{"a verdict", uptime.Event{Kind: uptime.EventVerdict, Monitor: "a", From: uptime.Up, To: uptime.Suspect, Message: "refused", Fault: uptime.FaultTCPRefused},
			"a up → chk?, refused (tcp.refused)"},
		{"a verdict with witnesses", uptime.Event{Kind: uptime.EventVerdict, Monitor: "a", From: uptime.Suspect, To: uptime.Down,
			Evidence: []uptime.Evidence{{Location: "local", Outcome: uptime.OutcomeDown, Vote: true}, {Location: "sgp"}, {Location: "fra", Outcome: uptime.OutcomeDown, Vote: true}}},
			"a chk? → DOWN (local fra)"},
		{"a verdict of one place", uptime.Event{Kind: uptime.EventVerdict, Monitor: "a", From: uptime.Suspect, To: uptime.Down, Message: "refused; nobody else was asked",
			Evidence: []uptime.Evidence{{Location: "local", Outcome: uptime.OutcomeDown, Vote: true}}}, "a chk? → DOWN, refused; nobody else was asked"},
		{"a recovery", uptime.Event{Kind: uptime.EventVerdict, Monitor: "a", From: uptime.Down, To: uptime.Up, Message: "up again after 2m00s", Fault: uptime.FaultTCPRefused},
			"a DOWN → up, up again after 2m00s"},
		{"a message that says all", uptime.Event{Kind: uptime.EventConfig, Message: "reload ok"}, "reload ok"},
		{"a name that is there already", uptime.Event{Kind: uptime.EventPause, Monitor: "a", Message: "a paused by jo", By: "jo"}, "a paused by jo"},
		{"a person and a note", uptime.Event{Kind: uptime.EventAck, Monitor: "a", Message: "#7 acknowledged", By: "jo", Note: "8830", Until: clock("14:00:00.000"),
			Fault: uptime.FaultTCPRefused}, `a #7 acknowledged until 14:00:00 by jo "8830"`},
		{"an ack that was taken back", uptime.Event{Kind: uptime.EventAck, Monitor: "a", Message: "#7 no longer acknowledged", By: "jo", TakenBack: true}, "a #7 no longer acknowledged by jo"},
		{"a note that is a verb", uptime.Event{Kind: uptime.EventAck, Monitor: "a", Message: "#7 acknowledged", By: "jo", Note: "unack"}, `a #7 acknowledged by jo "unack"`},
		{"an incident", uptime.Event{Kind: uptime.EventIncident, Monitor: "a", Incident: 7, Note: "opened", Message: "refused"}, "a #7 opened: refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := eventText(&tt.ev, at, time.UTC); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestEventsUnackedAgree: the head and the list count the same incidents, and
// none that nobody has to take note of.
func TestEventsUnackedAgree(t *testing.T) {
	f := pagesSource()
	behind := *incident4711()
	behind.Number, behind.Monitor, behind.Behind = 4712, "vpn.example.com:1194", shop
	f.snap.Open = append([]*uptime.Incident{&behind}, f.snap.Open...)
	f.snap.Unacked = 9
	s := pagesShell(f, 80, 24, theme.New(theme.None, false, false))
	e := newEvents()
	visit(t, s, e)
	got := plainText(s.render())
	if !strings.Contains(got, " 1 alert not acked") || strings.Count(got, "NOT ACKED 4m") != 1 {
		t.Errorf("one outage is to be acknowledged:\n%s", got)
	}
}

// TestEventsPanes: tab goes from list to list, z shows one of them alone, and
// the same line stays selected.
func TestEventsPanes(t *testing.T) {
	s, e := eventsShell(t, pagesSource())
	if e.current() != shop || e.rows[e.cur].alert == nil {
		t.Fatalf("it begins at %+v", e.rows[e.cur])
	}
	press(t, s, "z")
	if got := plainText(s.render()); !strings.Contains(got, "NOT ACKED") || strings.Contains(got, "newest first") {
		t.Errorf("the first list alone:\n%s", got)
	}
	press(t, s, "tab")
	if got := plainText(s.render()); strings.Contains(got, "NOT ACKED") || e.rows[e.cur].ev == nil {
		t.Errorf("the log alone:\n%s", got)
	}
	press(t, s, "j")
	id := e.rows[e.cur].ev.ID
	press(t, s, "esc")
	if got := plainText(s.render()); !strings.Contains(got, "NOT ACKED") || e.rows[e.cur].ev == nil || e.rows[e.cur].ev.ID != id {
		t.Errorf("both again, with event %d selected:\n%s", id, got)
	}
	press(t, s, "tab", "tab")
	if e.rows[e.cur].ev == nil {
		t.Error("tab twice does not lead back to the log")
	}
}
