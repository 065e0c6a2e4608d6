package engine

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestLags: each cell has the longest lag of its 2½ minutes, an hour is all that
// is kept, and who is no longer known is forgotten.
func TestLags(t *testing.T) {
	var l lags
	at := func(since time.Duration, local time.Duration, probes ...uptime.Probe) *uptime.Snapshot {
		s := &uptime.Snapshot{Health: uptime.Health{Lag: local}, Probes: probes}
		l.sample(s, since)
		return s
	}
	fra := func(state uptime.ProbeState, lag time.Duration) uptime.Probe {
		return uptime.Probe{Location: "fra", Name: "1", State: state, Lag: lag}
	}
	at(0, 0, fra(uptime.ProbeLive, 9*time.Second))
	at(time.Minute, 0, fra(uptime.ProbeLive, 24100*time.Millisecond))
	at(2*time.Minute, 3*time.Second, fra(uptime.ProbeLive, time.Second))
	at(3*time.Minute, 0, fra(uptime.ProbeGone, 0))
	s := at(8*time.Minute, 0, fra(uptime.ProbeGone, 0), uptime.Probe{Location: "syd", State: uptime.ProbeUnseen})
	last := func(h uptime.LagHour) [4]time.Duration { return [4]time.Duration(h[uptime.LagCells-4:]) }
	if got, want := last(s.Probes[0].Lags), [4]time.Duration{25 * time.Second, uptime.LagGone, 0, uptime.LagGone}; got != want {
		t.Errorf("fra: %v, want %v", got, want)
	}
	if got, want := last(s.Lags), [4]time.Duration{3 * time.Second, time.Second, 0, time.Second}; got != want {
		t.Errorf("local: %v, want %v", got, want)
	}
	if s.Probes[1].Lags != (uptime.LagHour{}) || len(l.of) != 2 {
		t.Errorf("%d are known, unseen %v", len(l.of), s.Probes[1].Lags)
	}
	at(9*time.Minute, 0)
	s = at(2*time.Hour, 0, fra(uptime.ProbeLagging, 48*time.Second))
	if want := (uptime.LagHour{uptime.LagCells - 1: 48 * time.Second}); s.Probes[0].Lags != want || len(l.of) != 2 {
		t.Errorf("later: %v, %d known", s.Probes[0].Lags, len(l.of))
	}
}
