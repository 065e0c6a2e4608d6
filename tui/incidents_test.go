package tui

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

func TestIncidentsScreens(t *testing.T) {
	goldenPage(t, "incidents", pagesSource, func() page { return newIncidents("") })
	f := pagesSource()
	for i := range f.incidents {
		in := &f.incidents[i]
		in.Monitor, in.Message, in.Behind, in.ConfirmedBy = hostile+in.Monitor, hostile, hostile, []string{hostile}
	}
	f.snap.Open[0].Ack = &uptime.Ack{By: hostile}
	everySize(t, f, func() page { return newIncidents("") })
	everySize(t, &pageSource{snap: &uptime.Snapshot{Time: at}}, func() page { return newIncidents("") })
}

func incidentsShell(t *testing.T, only string) (*shell, *incidents) {
	s := pagesShell(pagesSource(), 120, 40, theme.New(theme.None, false, false))
	l := newIncidents(only)
	visit(t, s, l)
	s.render()
	return s, l
}

// listed is the numbers on the page, with the heads as words.
func listed(l *incidents) string {
	var out []string
	for _, r := range l.rows {
		if r.in == nil {
			out = append(out, strings.ToLower(strings.Fields(r.head)[0]))
		} else {
			out = append(out, strings.TrimPrefix(r.in.Monitor[:3], "#"))
		}
	}
	return strings.Join(out, " ")
}

func TestIncidentsList(t *testing.T) {
	for _, tt := range []struct {
		name, only string
		keys       []string
		want       string
	}{
		{"a day", "", nil, "open sho api mx2 closed vpn gw- db-"},
		{"a week", "", []string{"t"}, "open sho api mx2 closed vpn gw- db- git"},
		{"round the ranges", "", []string{"t", "t", "t", "t"}, "open sho api mx2 closed vpn gw- db-"},
		{"only unacked", "", []string{"F"}, "open sho"},
		{"and all again", "", []string{"F", "F"}, "open sho api mx2 closed vpn gw- db-"},
		{"by cause", "", []string{"o"}, "tcp.refused sho db- tcp.timeout mx2 vpn http.too_slow api icmp.timeout gw-"},
		{"by cause, unacked", "", []string{"o", "F"}, "tcp.refused sho"},
		{"and not by cause", "", []string{"o", "o"}, "open sho api mx2 closed vpn gw- db-"},
		{"of one monitor", "vpn.example.com:1194", nil, "closed vpn"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, l := incidentsShell(t, tt.only)
			press(t, s, tt.keys...)
			if got := listed(l); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestIncidentsFilter(t *testing.T) {
	s, l := incidentsShell(t, "")
	settle(t, s, l.narrow(s, parseWords("Timeout !mx2")))
	if got := listed(l); got != "closed vpn gw-" {
		t.Errorf("got %q", got)
	}
	if shown, all := l.counts(); shown != 2 || all != 6 {
		t.Errorf("%d of %d", shown, all)
	}
}

// TestAckAll: one question for all outages on the page that nobody acknowledged.
func TestAckAll(t *testing.T) {
	s, l := incidentsShell(t, "")
	f := s.source.(*pageSource)
	press(t, s, "A")
	a, ok := s.panel.(*ask)
	if !ok || a.verb != uptime.VerbAck || strings.Join(a.targets, " ") != shop || f.acted != nil {
		t.Fatalf("%+v, done %+v", s.panel, f.acted)
	}
	press(t, s, "y")
	if len(f.acted) != 1 || strings.Join(f.acted[0].Targets, " ") != shop {
		t.Errorf("done %+v", f.acted)
	}
	settle(t, s, l.narrow(s, parseWords("vpn")))
	press(t, s, "A")
	if s.panel != nil || !strings.Contains(s.message.text, "nothing to acknowledge") {
		t.Errorf("%v %q", s.panel, s.message.text)
	}
}

func TestIncidentsStats(t *testing.T) {
	s, l := incidentsShell(t, "")
	st := l.stats(s.now.Add(-30*day), s.now)
	if st.open != 3 || st.unacked != 1 || st.closed != 4 || st.mttr != (120+391+60)*time.Second/3 || st.mtbf != day {
		t.Errorf("%+v", st)
	}
	// One of the first day has not failed once in seven.
	l.all = []*uptime.Incident{{Start: s.now.Add(-2 * time.Hour), End: s.now.Add(-time.Hour)}}
	if st := l.stats(s.now.Add(-10*time.Hour), s.now); st.mtbf != 10*time.Hour {
		t.Errorf("one failure in ten hours: %v", st.mtbf)
	}
	if st := l.stats(s.now, s.now); st.mtbf != 2*time.Hour {
		t.Errorf("one failure, started again since: %v", st.mtbf)
	}
}

func TestIncidentsStaySelected(t *testing.T) {
	s, l := incidentsShell(t, "")
	press(t, s, "j", "j", "j") // the first closed one, over its head
	if got := l.current(); got != "vpn.example.com:1194" {
		t.Fatalf("selected %s", got)
	}
	f := s.source.(*pageSource)
	snap := *f.snap
	snap.Open = snap.Open[1:]
	snap.Seq++
	f.snap, s.snap = &snap, &snap
	settle(t, s, l.refresh(s))
	if got := l.current(); got != "vpn.example.com:1194" {
		t.Errorf("then selected %s", got)
	}
}

func TestIncidentsReadsAfterEvents(t *testing.T) {
	s, l := incidentsShell(t, "")
	f := s.source.(*pageSource)
	n := len(f.asked)
	settle(t, s, l.refresh(s))
	if len(f.asked) != n {
		t.Error("it asks though nothing happened")
	}
	snap := *f.snap
	snap.Events++
	f.snap, s.snap = &snap, &snap
	s.now = s.now.Add(3 * time.Second)
	settle(t, s, l.refresh(s))
	if len(f.asked) != n+1 {
		t.Error("it does not ask after an event")
	}
}

func TestIncidentsCopy(t *testing.T) {
	s, l := incidentsShell(t, "")
	if got := l.copy(s, copyCell); !strings.HasPrefix(got, "#4711  DOWN  "+shop) || strings.Contains(got, "\n") {
		t.Errorf("one is %q", got)
	}
	if got := l.copy(s, copyAll); strings.Count(got, "\n") != 6 {
		t.Errorf("all are %q", got)
	}
}

// TestSilencedIncident: of what came in a maintenance nobody was told.
func TestSilencedIncident(t *testing.T) {
	s, _ := incidentsShell(t, "")
	in := uptime.Incident{Number: 1, Start: s.now.Add(-time.Hour), Verdict: uptime.Down, Silenced: true}
	for range 2 {
		if got, _ := incidentStatus(&in, s); got != "maintenance" || in.Unacked() {
			t.Errorf("%q of one until %v", got, in.End)
		}
		in.End = s.now
	}
}
