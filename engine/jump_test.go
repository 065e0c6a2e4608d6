package engine

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/clocktest"
	"lookout/engine/uptime"
)

// dated answers with a certificate, and judges it by the clock, as a check does.
type dated struct {
	clock *clocktest.Clock
	mu    sync.Mutex
	cert  uptime.Certificate
}

func (d *dated) Run(context.Context, uptime.Job) uptime.Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, _ := d.clock.Read()
	cert, f := d.cert, uptime.NoFault
	cert.Chain = "ok"
	switch {
	case now.After(cert.NotAfter):
		f, cert.Chain = uptime.FaultTLSExpired, "expired"
	case now.Before(cert.NotBefore):
		f, cert.Chain = uptime.FaultTLSNotYetValid, "not yet valid"
	case cert.NotAfter.Sub(now) < 2*time.Hour:
		f = uptime.FaultTLSExpiresSoon
	}
	return uptime.Result{Time: now.UTC(), Location: uptime.Local, Outcome: f.Outcome(), Fault: f, Message: f.String(), Cert: &cert, Total: time.Millisecond}
}

// A certificate that only a step of the clock makes invalid, or valid again, is
// judged when the step is confirmed; what is so by both clocks is judged at once.
func TestDatesAfterAStep(t *testing.T) {
	withoutRace(t)
	const hour, day = time.Hour, 24 * time.Hour
	for _, tc := range []struct {
		name       string
		left       time.Duration // of the certificate, when the clock is set
		age        time.Duration
		by         time.Duration
		before     uptime.Verdict
		then       uptime.Verdict
		synced     uptime.Verdict // when a time service confirms it
		afterwards uptime.Verdict // when as much time has gone by as it was set by
	}{
		{"long valid", 90 * day, 90 * day, hour, uptime.Up, uptime.Up, uptime.Up, uptime.Up},
		{"expired by the new clock", 3 * hour, 90 * day, 4 * hour, uptime.Up, uptime.Unknown, uptime.Down, uptime.Down},
		{"expired by both", -hour, 90 * day, 4 * hour, uptime.Down, uptime.Down, uptime.Down, uptime.Down},
		{"expired, and valid by the new clock", -hour, 90 * day, -4 * hour, uptime.Down, uptime.Unknown, uptime.Up, uptime.Down},
		{"not valid yet by the new clock", 90 * day, hour, -4 * hour, uptime.Up, uptime.Unknown, uptime.Down, uptime.Up},
		{"expires soon by the new clock", 5 * hour, 90 * day, 4 * hour, uptime.Up, uptime.Unknown, uptime.Degraded, uptime.Down},
		{"expires soon by both", hour, 90 * day, hour / 2, uptime.Degraded, uptime.Degraded, uptime.Degraded, uptime.Down},
		{"no longer soon by the new clock", hour, 90 * day, -4 * hour, uptime.Degraded, uptime.Unknown, uptime.Up, uptime.Degraded},
	} {
		for _, service := range []bool{true, false} {
			t.Run(tc.name+map[bool]string{true: ", confirmed", false: ", not confirmed"}[service], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					clock, s, synced := clocktest.New(), newMemory(), new(atomic.Bool)
					at := time.Now().Add(10 * time.Minute)
					d := &dated{clock: clock, cert: uptime.Certificate{Serial: "1", Issuer: "x", NotBefore: at.Add(-tc.age), NotAfter: at.Add(tc.left)}}
					o := Options{Instance: "web-1", Timezone: "UTC", Store: s, Runner: d, Synced: synced.Load}
					o.Clock = func() Reading { now, boot := clock.Read(); return Reading{now, boot} }
					e := startWith(t, o, job("a", time.Minute))
					want := func(when string, v uptime.Verdict) {
						t.Helper()
						st := e.state("a")
						if st.Verdict != v {
							t.Errorf("%s: %v, %s; want %v", when, st.Verdict, st.Message, v)
						}
						if v == uptime.Unknown && (st.Fault != uptime.FaultLocalClockJump || !strings.Contains(st.Message, "which nothing confirms yet: ")) {
							t.Errorf("%s: %v, %s", when, st.Fault, st.Message)
						}
					}
					time.Sleep(10 * time.Minute)
					want("before", tc.before)
					pages := s.pages()
					clock.Set(tc.by)
					time.Sleep(5 * time.Minute)
					want("just after", tc.then)
					if n := s.pages(); n != pages {
						t.Errorf("%d pages for the clock", n-pages)
					}
					if service {
						synced.Store(true)
						time.Sleep(5 * time.Minute)
						want("confirmed", tc.synced)
					} else {
						time.Sleep(tc.by.Abs() + 5*time.Minute)
						want("as much time later", tc.afterwards)
					}
					e.stop()
				})
			})
		}
	}
}

// A clock that is set back to where it was leaves no doubt.
func TestJumpThatIsUndone(t *testing.T) {
	var j jump
	now := time.Now()
	j.doubt(time.Hour, now)
	j.doubt(-time.Hour+time.Second, now)
	if j != (jump{}) {
		t.Errorf("%+v", j)
	}
}
