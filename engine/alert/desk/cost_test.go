package desk

import (
	"fmt"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestCost: of 180,000 monitors 10,000 go down at once, each for itself as far
// as one can see: the work is counted, not its time.
func TestCost(t *testing.T) {
	const all, dead = 180_000, 10_000
	s := &uptime.Snapshot{Time: noon}
	for i := range all {
		m := &uptime.Monitor{Name: fmt.Sprintf("m%06d", i), Type: "https", Dest: fmt.Sprintf("www.s%d.example:443", i/2)}
		s.States = append(s.States, &uptime.State{Monitor: m, Verdict: uptime.Up, Last: noon, Outcome: uptime.OutcomeUp,
			Address: fmt.Sprintf("10.%d.%d.%d:443", i>>16, i>>8&255, i&255)})
	}
	d, err := New(Options{Channels: []string{"ops"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Begin(0, s, noon)
	d.Out()
	records, recordBytes, parcels, looks, ticks := 0, 0, 0, 0, 0
	out := func() {
		step := d.Out()
		for _, r := range step.Records {
			records++
			recordBytes += len(r.Data)
		}
		parcels, looks = parcels+len(step.Parcels), looks+len(step.Look)
	}
	now := noon
	event := func(n int, note string, to uptime.Verdict) {
		s.Events++
		d.Take(&uptime.Event{ID: s.Events, Time: now, Kind: uptime.EventIncident, Monitor: s.States[n].Name, Since: now.Add(-time.Minute), To: to,
			Fault: uptime.FaultTCPTimeout, Incident: uint64(n + 1), Note: note}, s, now)
	}
	tick := func() {
		for next := d.Wake(); !next.IsZero() && !next.After(now); next = d.Wake() {
			ticks++
			d.Tick(s, now)
		}
	}
	for i := range dead {
		n := i * 17
		down := *s.States[n]
		down.Verdict, down.Since, down.Incident, down.Outcome = uptime.Down, now.Add(-time.Minute), uint64(n+1), uptime.OutcomeDown
		s.States[n] = &down
		s.Open = append([]*uptime.Incident{{Number: uint64(n + 1), Monitor: down.Name, ConfirmedBy: []string{"fra"}}}, s.Open...)
		event(n, uptime.IncidentOpened, uptime.Down)
		if i%100 == 99 { // a hundred in each second
			now = now.Add(time.Second)
			tick()
			out()
		}
	}
	for range 60 {
		now = now.Add(time.Second)
		tick()
		out()
	}
	for i := range dead {
		event(i*17, uptime.IncidentClosed, uptime.Up)
	}
	out()
	now = now.Add(time.Hour)
	tick()
	out()
	if parcels > 2*dead || parcels < 2 {
		t.Errorf("%d letters", parcels)
	}
	t.Logf("%d letters, %d looks, %d ticks, %d records of %d bytes, %d indexes", parcels, looks, ticks, records, recordBytes, d.index.built)
	if looks > 10*dead {
		t.Errorf("%d checks out of turn", looks)
	}
	if records > 12*dead || recordBytes > 6000*dead {
		t.Errorf("%d records of %d bytes in all", records, recordBytes)
	}
	if d.index.built > 5 {
		t.Errorf("the index of causes was made %d times in three minutes", d.index.built)
	}
	if len(d.matters)+len(d.groups)+len(d.letters) > 0 {
		t.Errorf("%d matters, %d groups, %d letters are left", len(d.matters), len(d.groups), len(d.letters))
	}
}
