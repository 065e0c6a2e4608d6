package alert

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

// A clock that is set back puts nothing off: neither what the desk holds nor what
// the office has to send, though no event says so, and not where it happens while
// no office runs.
func TestClockSetBack(t *testing.T) {
	for _, back := range []time.Duration{90 * time.Second, 2*time.Hour + 50*time.Minute, 24 * time.Hour, 30 * 365 * 24 * time.Hour} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", back, restart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, ops, boss := newWorld(t), &box{}, &box{}
					w.real = true
					o := Options{Channels: []uptime.ChannelConfig{to1("ops", ops), to1("boss", boss)}, Routes: []uptime.Route{{Channels: []string{"ops"},
						Delay: 5 * time.Minute, Remind: 4 * time.Hour, EscalateTo: []string{"boss"}, EscalateAfter: 4*time.Hour - 5*time.Minute}}}
					_, stop := w.start(o)
					set := func() {
						if restart {
							_ = stop()
						}
						w.skew.Add(-int64(back))
						if restart {
							_, stop = w.start(o)
						}
					}
					after(time.Second)
					w.down(1)
					after(2 * time.Minute)
					set()
					after(3*time.Minute + time.Second)
					late := time.Minute + time.Second // a turn
					if restart {
						late = 2 * time.Minute // how long the desk had nothing to do before
					}
					after(late)
					want(t, "after the delay", ops.got(), "opened 1")
					after(3*time.Hour - 5*time.Minute)
					set()
					after(time.Hour + 7*time.Minute) // two turns late
					if restart {                     // each span begins anew at most
						after(3 * time.Hour)
					}
					want(t, "a while later", ops.got(), "opened 1", "reminder 1")
					want(t, "boss", boss.got()[:min(len(boss.got()), 1)], "escalated 1")
				})
			})
		}
	}
}

// A machine that begins with a wrong clock, which is right later.
func TestClockWrongAtBoot(t *testing.T) {
	for _, wrong := range []time.Duration{10 * time.Minute, 36 * time.Hour, 12 * 365 * 24 * time.Hour} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", wrong, restart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, ops, ann := newWorld(t), &box{}, &box{}
					w.skew.Store(int64(wrong))
					ops.set(refuse(uptime.Refusal{Reply: "535 who are you?", Permanent: true}))
					ann.set(refuse(uptime.Refusal{Reply: "554 no", Letter: true, Permanent: true}))
					capped := to1("bob", &box{})
					capped.MaxPerHour = 4 // four at once, then one an hour
					o := Options{Channels: []uptime.ChannelConfig{to1("ops", ops), to1("ann", ann), capped}}
					f, stop := w.start(o)
					w.down(1, 2, 3, 4)
					after(time.Second)
					w.down(5)
					after(time.Minute)
					if restart {
						_ = stop()
					}
					w.skew.Store(0)
					if restart {
						f, _ = w.start(o)
					}
					after(time.Second)
					ops.set(nil)
					after(73 * time.Minute)
					want(t, "ops", ops.got(), "opened 1", "opened 2", "opened 3", "opened 4", "opened 5")
					if n := len(capped.Channel.(*box).got()); n != 5 {
						t.Errorf("%d letters where four may go at once, and one an hour", n)
					}
					after(74 * time.Hour)
					if c := f.Outbox().Channels[1]; c.Pending > 0 {
						t.Errorf("not given up after three days: %+v", c)
					}
					ann.set(nil)
					w.up(1, 2, 3, 4, 5)
					after(25 * time.Hour)
					w.publishNow()
					after(time.Minute)
					if o := f.Outbox(); len(o.Told) > 0 {
						t.Errorf("shown for ever: %+v", o.Told)
					}
				})
			})
		}
	}
}

// An event log that could not be read once is read again soon, whatever the clock says.
func TestClockSetBackUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		var broken atomic.Bool
		w.store = &faulty{Memory: storage.NewMemory(), fails: func(call string) (bool, bool) { return broken.Load() && call == "events", false }}
		_, _ = w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		after(time.Second)
		broken.Store(true)
		w.down(1)
		after(time.Second)
		broken.Store(false)
		w.skew.Store(-int64(24 * time.Hour))
		after(2 * time.Minute)
		want(t, "ops", ops.got(), "opened 1")
	})
}
