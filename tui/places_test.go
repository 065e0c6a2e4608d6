package tui

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

// saidBy is a piece of evidence of another place.
func saidBy(when, from, step string, o uptime.Outcome, total int, weight float64) uptime.Evidence {
	e := uptime.Evidence{Time: clock(when), Location: from, Step: step, Outcome: o, Total: ms(total), Weight: weight, Vote: o != uptime.OutcomeUnknown}
	switch o {
	case uptime.OutcomeDown:
		e.Fault, e.Message = uptime.FaultTCPTimeout, "TCP connect 203.0.113.9:443: no answer in 5 s"
	case uptime.OutcomeUp:
		e.Status, e.Address, e.Measures = 200, "203.0.113.9:443", taken("dns", 8, "connect", 11, "tls", 30, "ttfb", 90)
	default:
		e.Fault, e.Message = uptime.FaultLocalOverload, "no probe of "+from+" could begin it"
	}
	return e
}

func asked(places ...any) (out []uptime.LocationState) {
	for i := 0; i < len(places); i += 2 {
		out = append(out, uptime.LocationState{Location: places[i].(string), Outcome: places[i+1].(uptime.Outcome), Asked: true})
	}
	return out
}

// elsewhere is the example world with one incident of the shop, as other places made it.
func elsewhere(change func(st *uptime.State, in *uptime.Incident, d *uptime.Detail)) func() *pageSource {
	return func() *pageSource {
		f := probed()
		d := checkoutDetail(day)
		st, in := d.State, d.Incident
		change(st, in, d)
		if st.Incident == 0 {
			d.Incident, f.snap.Open = nil, f.snap.Open[1:]
		} else {
			f.snap.Open[0] = in
		}
		for i := range f.snap.States {
			if f.snap.States[i].Name == shop {
				f.snap.States[i] = st
			}
		}
		f.details[shop] = func(span time.Duration) *uptime.Detail { c := *d; c.Span = span; return &c }
		return f
	}
}

func onlyFromLocal(st *uptime.State, in *uptime.Incident, _ *uptime.Detail) {
	text := "unreachable only from local: TCP connect 203.0.113.9:443: no answer in 5 s"
	st.Verdict, st.Fault, st.Message, st.Witness, in.Witness, in.ConfirmedBy = uptime.Degraded, uptime.FaultTCPTimeout, text, "", "", nil
	st.Locations = asked("sgp", uptime.OutcomeUnknown, "local", uptime.OutcomeDown, "fra", uptime.OutcomeUp, "nyc", uptime.OutcomeUp)
	in.Verdict, in.Fault, in.Message = uptime.Degraded, st.Fault, text
	in.Evidence = []uptime.Evidence{saidBy("12:31:07.114", "local", "check", uptime.OutcomeDown, 5000, 2.5), saidBy("12:31:12.402", "fra", "wave 1", uptime.OutcomeUp, 180, -3),
		saidBy("12:31:12.577", "nyc", "wave 1", uptime.OutcomeUp, 240, -3), saidBy("12:31:12.600", "sgp", "wave 1", uptime.OutcomeUnknown, 0, 0), saidBy("12:31:22.114", "local", "wave 2", uptime.OutcomeDown, 5000, 0.4)}
}

func allSilent(st *uptime.State, in *uptime.Incident, _ *uptime.Detail) {
	text := "unreachable from web-1; asked fra, nyc, sgp: no answer"
	st.Fault, st.Message, st.Witness, in.Witness, in.ConfirmedBy = uptime.FaultTCPTimeout, "TCP connect 203.0.113.9:443: no answer in 5 s", text, text, nil
	st.Locations = asked("local", uptime.OutcomeDown)
	in.Fault, in.Message = st.Fault, st.Message
	in.Evidence = []uptime.Evidence{saidBy("12:31:07.114", "local", "check", uptime.OutcomeDown, 5000, 2.5), saidBy("12:31:22.114", "local", "dwell", uptime.OutcomeDown, 5000, 0.4),
		saidBy("12:32:08.114", "local", "last", uptime.OutcomeDown, 5000, 0.4)}
}

func doubted(st *uptime.State, in *uptime.Incident, d *uptime.Detail) {
	onlyFromLocal(st, in, nil)
	for _, e := range in.Evidence {
		r := uptime.Result{Time: e.Time, Location: e.Location, Outcome: e.Outcome, Fault: e.Fault, Message: e.Message, Address: e.Address, Status: e.Status, Total: e.Total, Measures: e.Measures}
		if r.Location == uptime.Local {
			d.Recent = append([]uptime.Result{r}, d.Recent...)
		} else {
			d.Places = append(d.Places, r)
		}
	}
	st.Verdict, st.Before, st.Incident, st.Message = uptime.Suspect, uptime.Up, 0, "TCP connect 203.0.113.9:443: no answer in 5 s"
}

func watchedFromThree(st *uptime.State, _ *uptime.Incident, d *uptime.Detail) {
	m := *st.Monitor
	m.Locations = []string{"local", "fra", "nyc"}
	st.Monitor, st.Verdict, st.Fault, st.Message, st.Witness, st.Incident, st.Status = &m, uptime.Up, uptime.NoFault, "", "", 0, 200
	st.Outcome, st.Since = uptime.OutcomeUp, at.Add(-2*day)
	st.Locations = asked("local", uptime.OutcomeUp, "fra", uptime.OutcomeUp, "nyc", uptime.OutcomeDegraded)
	st.Locations = append(st.Locations, uptime.LocationState{Location: "sgp"})
	fra, nyc := good(clock("12:35:09.300")), good(clock("12:34:29.700"))
	fra.Location, nyc.Location, nyc.Outcome, nyc.Fault, nyc.Total = "fra", "nyc", uptime.OutcomeDegraded, uptime.FaultHTTPTooSlow, ms(2410)
	d.Places = []uptime.Result{fra, nyc}
	d.Recent = []uptime.Result{good(clock("12:35:07.100")), good(clock("12:34:07.100")), good(clock("12:33:07.100"))}
}

func TestPlacesScreens(t *testing.T) {
	open := func() page { return newDetail(shop) }
	goldenPage(t, "places-only", elsewhere(onlyFromLocal), open)
	goldenPage(t, "places-silent", elsewhere(allSilent), open)
	goldenPage(t, "places-doubt", elsewhere(doubted), open)
	goldenPage(t, "places-three", elsewhere(watchedFromThree), open)
}

// TestPlacesInOneOrder: the column of places is the same whoever was heard first.
func TestPlacesInOneOrder(t *testing.T) {
	st := func(name string, places ...string) *uptime.State {
		s := &uptime.State{Monitor: &uptime.Monitor{Name: name}}
		for _, p := range places {
			s.Locations = append(s.Locations, uptime.LocationState{Location: p, Asked: true})
		}
		return s
	}
	snap := &uptime.Snapshot{States: []*uptime.State{st("a", "sgp", "fra"), st("b", "local", "nyc")}}
	if got := arrange(nil, snap, arrangement{}, at).locations; len(got) != 4 || got[0] != "local" || got[1] != "fra" || got[2] != "nyc" || got[3] != "sgp" {
		t.Errorf("%q", got)
	}
}
