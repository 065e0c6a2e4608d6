package letter

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// What was degraded for an hour before it was down was not down for an hour.
func TestSince(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state uptime.State
		want  string
	}{
		{"from the first failing check", uptime.State{Verdict: uptime.Down, Incident: 4711, Since: noon}, "shop is down, since 12:31:07 UTC (1h00m)."},
		{"degraded before", uptime.State{Verdict: uptime.Down, Incident: 4711, Since: noon.Add(59 * time.Minute)}, "shop is down, since 13:30:07 UTC (1m00s)."},
		{"on its way up", uptime.State{Verdict: uptime.Suspect, Incident: 4711, Since: noon.Add(59 * time.Minute)}, "shop is down, since 12:31:07 UTC (1h00m)."},
		{"another incident by now", uptime.State{Verdict: uptime.Down, Incident: 4712, Since: noon.Add(59 * time.Minute)}, "shop is down, since 12:31:07 UTC (1h00m)."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.state.Monitor = &uptime.Monitor{Name: "shop"}
			l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertOpened, Count: 1, Incidents: []uint64{4711}},
				&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{incident(4711, "shop")},
					Snapshot: &uptime.Snapshot{States: []*uptime.State{&tt.state}}}, nil)
			if got, _, _ := strings.Cut(l.Text, "\n"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Of a cause that comes and goes those are named that are down.
func TestFlaps(t *testing.T) {
	a, b, c := incident(1, "a"), ended(incident(2, "b"), time.Minute), incident(3, "c")
	host := uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}
	for _, tt := range []struct {
		name    string
		in      []uptime.Incident
		over    int
		subject string
		text    string
	}{
		{"one", []uptime.Incident{a}, 0, "DOWN again: a is flapping, nothing more until it is steady [web-1]", "a comes and goes: it is down again within 10 minutes."},
		{"one of two", []uptime.Incident{a, b}, 1, "DOWN again: host 192.0.2.7: 1 of 2 monitors (a) is flapping, nothing more until it is steady [web-1]",
			"host 192.0.2.7: 1 of 2 monitors (a) comes and goes: it is down again within 10 minutes."},
		{"two", []uptime.Incident{a, c}, 0, "DOWN again: host 192.0.2.7: 2 monitors (a, c) are flapping, nothing more until they are steady [web-1]",
			"host 192.0.2.7: 2 monitors (a, c) come and go: they are down again within 10 minutes."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertFlapping, Count: len(tt.in), Over: tt.over, Cause: host},
				&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: tt.in}, nil)
			if got, _, _ := strings.Cut(l.Text, "\n"); l.Subject != tt.subject || got != tt.text {
				t.Errorf("got %s\n%s", l.Subject, got)
			}
		})
	}
}

// Whoever is told of what somebody takes care of hears who does.
func TestAcked(t *testing.T) {
	in := incident(4711, "shop")
	in.Ack = &uptime.Ack{By: "jo", Note: "ISP ticket 8830", Until: noon.Add(2 * time.Hour)}
	l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertOpened, Count: 1}, &Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{in}}, nil)
	if !strings.Contains(l.Text, "\nAcked     by jo until 14:31:07 UTC: ISP ticket 8830\n") || strings.Contains(l.Text, "To acknowledge") {
		t.Errorf("got %s", l.Text)
	}
}

// Whom it could not be told is not said to have been told.
func TestToldAlso(t *testing.T) {
	s := &uptime.Snapshot{Outbox: uptime.Outbox{Channels: []uptime.ChannelState{
		{Name: "ops", Pending: 1}, {Name: "pager", Pending: 2, Failing: noon}, {Name: "boss", Pending: 1, Failing: noon}, {Name: "sms", Failing: noon}}}}
	l := Write(&uptime.Parcel{Number: 1, Channel: "chief", Kind: uptime.AlertEscalated, Count: 1, Also: []string{"ops", "pager", "boss", "sms"}},
		&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{incident(4711, "shop")}, Snapshot: s, Targets: map[string]string{"pager": "/bin/page"}}, nil)
	if !strings.Contains(l.Text, "\nTold also ops, pager (/bin/page; letters wait), boss (letters wait), sms\n") {
		t.Errorf("got %s", l.Text)
	}
}

// The first of many that only this machine sees stands for those to come.
func TestSeenFromHere(t *testing.T) {
	l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertOpened, Count: 1, Cause: uptime.Cause{Kind: uptime.CauseNode}},
		&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{incident(4711, "shop")}}, nil)
	if want := "DOWN seen from here alone: 1 monitor (shop) [web-1]"; l.Subject != want || !strings.Contains(l.Text, "so this is told once.") {
		t.Errorf("got %s\n%s", l.Subject, l.Text)
	}
}

// A certificate that took the place of another is told as what it is now.
func TestAnotherCertificate(t *testing.T) {
	l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertCertificate, Count: 1, Says: "the certificate was changed"},
		&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{incident(4711, "shop")}}, nil)
	if l.Subject != "shop: the certificate was changed [web-1]" || strings.Count(l.Text, "the certificate was changed") != 1 {
		t.Errorf("got %s\n%s", l.Subject, l.Text)
	}
}

// What is down itself is named before what is behind it.
func TestParentNamed(t *testing.T) {
	many := []uptime.Incident{incident(1, "kid1"), incident(2, "kid2"), incident(3, "uplink"), incident(4, "kid3")}
	for _, tt := range []struct {
		name   string
		kind   uptime.AlertKind
		parent string
		count  int
		want   string
	}{
		{"it is one of them", uptime.AlertOpened, "uplink", 4, "DOWN uplink and 3 monitors behind it (kid1, kid2, kid3) [web-1]"},
		{"of many", uptime.AlertRecovered, "uplink", 40, "up again: uplink and 39 monitors behind it (kid1, kid2, kid3 and 36 more), after 1h00m [web-1]"},
		{"it is not", uptime.AlertOpened, "switch", 4, "DOWN behind switch: 4 monitors (kid1, kid2, uplink and 1 more) [web-1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: tt.kind, Count: tt.count, Cause: uptime.Cause{Kind: uptime.CauseParent, Key: tt.parent}},
				&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: many}, nil)
			if l.Subject != tt.want {
				t.Errorf("got %s, want %s", l.Subject, tt.want)
			}
		})
	}
}

// Of those that are up again, the ones that nobody watches any more are not.
func TestSomeGone(t *testing.T) {
	gone := ended(incident(2, "b"), time.Minute)
	gone.Ended = uptime.EndedUnwatched
	l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertRecovered, Count: 2, Cause: uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}},
		&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{ended(incident(1, "a"), time.Minute), gone}}, nil)
	for _, want := range []string{"\nBut 1 of them was taken out of the configuration: nobody looks whether it is up.\n", "  #1      up    a  ", "  #2      gone  b  "} {
		if !strings.Contains(l.Text, want) {
			t.Errorf("lacks %q:\n%s", want, l.Text)
		}
	}
}

// Of what is up again a letter says what it was, not what it is.
func TestListOver(t *testing.T) {
	a, b := ended(incident(1, "a"), time.Minute), incident(2, "b")
	l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertJoined, Count: 2, Over: 1, Cause: uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}},
		&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{a, b}}, nil)
	if !strings.Contains(l.Text, "\n  #1      up    a  was: "+refuse+"\n  #2      DOWN  b  "+refuse+"\n") {
		t.Errorf("%s", l.Text)
	}
}

// Several that were down while nothing could be sent are told of in the plural.
func TestCollapsedMany(t *testing.T) {
	in := []uptime.Incident{ended(incident(1, "a"), time.Minute), ended(incident(2, "b"), time.Minute)}
	l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertCollapsed, Count: 2, Over: 2, Cause: uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}},
		&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: in}, nil)
	if want := "host 192.0.2.7: 2 monitors (a, b) were down for 1m00s, from 12:31:07 UTC to 12:32:07 UTC, and are up again.\n"; !strings.HasPrefix(l.Text, want) {
		t.Errorf("%s", l.Text)
	}
}

// A digest does not say that what nobody watches any more is up again.
func TestJoinedGone(t *testing.T) {
	a, b, c := ended(incident(1, "a"), time.Minute), ended(incident(2, "b"), time.Minute), incident(3, "c")
	a.Ended = uptime.EndedUnwatched
	for _, tt := range []struct {
		in            []uptime.Incident
		subject, text string
	}{
		{[]uptime.Incident{a, b, c}, "DOWN host 192.0.2.7: 3 monitors (a, b, c), 1 of them up again, 1 no longer watched [web-1]",
			"\n1 of these 3 is up again.\n1 of these 3 was taken out of the configuration.\n"},
		{[]uptime.Incident{a, c}, "DOWN host 192.0.2.7: 2 monitors (a, c), 1 no longer watched [web-1]", "\n1 of these 2 was taken out of the configuration.\n"},
	} {
		l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertJoined, Count: len(tt.in), Over: len(tt.in) - 1, Cause: uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}},
			&Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: tt.in}, nil)
		if l.Subject != tt.subject || !strings.Contains(l.Text, tt.text) {
			t.Errorf("%s\n%s", l.Subject, l.Text)
		}
	}
}
