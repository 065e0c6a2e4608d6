package alert

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

// A letter about a cause is remembered while others of it may last, though its
// first incident is over, and goes with its end.
func TestPruneCause(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	host := uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}
	letter := func(number uint64, kind uptime.AlertKind, cause uptime.Cause) told {
		return told{uptime.Told{Number: number, Channel: "ops", Kind: kind, State: uptime.ToldSent, Incident: 1, Cause: cause, At: now.Add(-time.Minute), Done: now}, 1}
	}
	since := func(ago time.Duration) []*uptime.Incident {
		return []*uptime.Incident{{Number: 2, Start: now.Add(-ago)}}
	}
	for _, tt := range []struct {
		name string
		told []told
		open []*uptime.Incident
		want int
	}{
		{"another lasts", []told{letter(1, uptime.AlertOpened, host)}, since(time.Hour), 1},
		{"its end was told", []told{letter(1, uptime.AlertOpened, host), letter(2, uptime.AlertRecovered, host)}, since(time.Hour), 0},
		{"it is back", []told{letter(2, uptime.AlertRecovered, host), letter(3, uptime.AlertFlapping, host)}, since(time.Hour), 1},
		{"what lasts began later", []told{letter(1, uptime.AlertOpened, host)}, since(time.Second), 0},
		{"of no cause", []told{letter(1, uptime.AlertOpened, uptime.Cause{})}, since(time.Hour), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &Office{told: tt.told, snapshot: &uptime.Snapshot{Seq: 1, Open: tt.open}}
			if f.prune(now); len(f.told) != tt.want {
				t.Errorf("%d are remembered, want %d: %+v", len(f.told), tt.want, f.told)
			}
		})
	}
}
