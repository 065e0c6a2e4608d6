package storage

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// A batch given twice, as after an error of which nothing more is known, is stored once.
func TestAppendTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	b := uptime.Batch{Time: t0, Results: []uptime.Result{good("a", t0, time.Second), bad("a", t0.Add(time.Second)), good("b", t0, time.Second)},
		Events: []uptime.Event{verdictEvent(1, "a", t0)}, Incidents: []uptime.Incident{incident(1, "a", t0)}}
	for range 3 {
		mustAppend(t, s, b)
	}
	check := func() {
		t.Helper()
		wantResults(t, s, "a", b.Results[:2])
		wantResults(t, s, "b", b.Results[2:])
		if es, err := s.Events(uptime.EventQuery{}); err != nil || len(es) != 1 {
			t.Errorf("%d events, %v", len(es), err)
		}
		n := 0
		if err := s.Tail(t0.Add(-time.Hour), func(*uptime.Result) error { n++; return nil }); err != nil || n != 3 {
			t.Errorf("a tail of %d, %v", n, err)
		}
		wantSound(t, s)
	}
	check()
	_ = s.Close()
	s = openStore(t, path, Options{Now: t0})
	check()
	for i := range 3 {
		mustAppend(t, s, uptime.Batch{Time: t0.Add(time.Duration(i+2) * time.Hour)})
	}
	check()
}

// A transaction that failed in its last sync may be in the file: memory then
// says what the file says.
func TestRelearn(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	mustAppend(t, s, uptime.Batch{Time: t0, Results: []uptime.Result{good("a", t0, time.Second)}})
	b := uptime.Batch{Time: t0.Add(time.Second), Results: []uptime.Result{good("b", t0.Add(time.Second), time.Second)}, Events: []uptime.Event{verdictEvent(1, "c", t0)}}
	x, err := s.prepare(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.update(x.write); err != nil { // it is there, and we were told it is not
		t.Fatal(err)
	}
	s.relearn()
	for range 2 {
		wantResults(t, s, "b", b.Results)
		if r, _ := s.Resume(); r.LastEvent != 1 {
			t.Errorf("%+v", r)
		}
		wantSound(t, s)
		mustAppend(t, s, b)
	}
}

// Text of any length and kind comes back, cut where it is too long.
func TestTexts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	s := openStore(t, path, Options{Now: t0})
	long := strings.Repeat("é", 2000)
	var given []uptime.Result
	for i, text := range []string{"a", "b", "a", long, "日本", long[:maxText], "b"} {
		r := bad("m0", t0.Add(time.Duration(i)*time.Second))
		r.Message = text
		r.Address = "[2001:db8::1]:443"
		given = append(given, r)
		mustAppend(t, s, uptime.Batch{Time: r.Time, Results: []uptime.Result{r}})
	}
	given[3].Message = long[:maxText]
	wantResults(t, s, "m0", given)
	if s.at.texts != 5 {
		t.Errorf("%d texts are stored", s.at.texts)
	}
	_ = s.Close()
	s = openStore(t, path, Options{Now: t0})
	wantResults(t, s, "m0", given)
	mustAppend(t, s, uptime.Batch{Time: t0.Add(time.Minute), Results: []uptime.Result{given[4]}})
	if s.at.texts != 5 {
		t.Errorf("%d texts are stored", s.at.texts)
	}
	wantSound(t, s)
}

// What a result may be, beside http.
func TestMeasures(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	given := []uptime.Result{
		{Monitor: "m0", Type: "icmp", Location: "fra", Outcome: uptime.OutcomeDegraded, Fault: uptime.FaultICMPLoss,
			Measures: []uptime.Measure{{Name: "rtt_min", Value: 1200}, {Name: "loss", Value: 333_333}}},
		{Monitor: "m0", Type: "ntp", Location: "fra", Outcome: uptime.OutcomeUp, Measures: []uptime.Measure{{Name: "offset", Value: -48_211}}},
		{Monitor: "m0", Type: "ntp", Location: "fra", Outcome: uptime.OutcomeUnknown, Fault: uptime.FaultLocalFDLimit},
		{Monitor: "m0", Type: "http", Location: "fra", Outcome: uptime.OutcomeUp, Status: 70000, Total: 300 * time.Hour},
	}
	for i := range given {
		given[i].Time = t0.Add(time.Duration(i) * time.Second)
	}
	mustAppend(t, s, uptime.Batch{Time: t0.Add(time.Minute), Results: given})
	for i := range given {
		given[i].Type = "http" // a series has one type: its last
	}
	given[3].Status = 65535
	wantResults(t, s, "m0", given)
	if rs, err := s.Results(uptime.ResultQuery{Monitor: "m0"}); err != nil || rs[0].Measures[1].Value != 333_333 {
		t.Errorf("loss is not exact: %+v, %v", rs, err)
	}
	wantSound(t, s)
}

func TestCloseTwice(t *testing.T) {
	s := newStore(t, Options{Now: t0})
	mustAppend(t, s, uptime.Batch{Time: t0})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(&uptime.Batch{Time: t0}); err == nil {
		t.Error("a closed store stores")
	}
	if _, err := s.Events(uptime.EventQuery{}); err == nil {
		t.Error("a closed store answers")
	}
}
