package alert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/alert/desk"
	"lookout/engine/uptime"
)

// Another process goes on as this one would have: with what waits, in its order,
// no sooner, and under the same IDs.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops, ann := newWorld(t), &box{}, &box{}
		ops.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		o := Options{Channels: []uptime.ChannelConfig{to1("ops", ops), to1("ann", ann)}}
		_, stop := w.start(o)
		w.down(1)
		after(50 * time.Minute)
		tried := ops.tries()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		w.up(1) // the engine goes on
		w.down(2)
		f, stop := w.start(o)
		after(time.Second)
		if ops.tries() != tried {
			t.Error("tried at once")
		}
		if c := f.Outbox().Channels[0]; c.Tries != tried || c.Pending != 2 || c.Failing.IsZero() || c.Error != "connection refused" {
			t.Errorf("%+v", c)
		}
		want(t, "ann", ann.got(), "opened 1", "recovered 1", "opened 2")
		ops.set(nil)
		after(20 * time.Minute)
		want(t, "ops", ops.got(), "collapsed 1", "opened 2")
		if err := stop(); err != nil {
			t.Error(err)
		}
		f, _ = w.start(o)
		after(time.Minute)
		if o := f.Outbox(); len(o.Told) != 2 || o.Told[0].Incident != 2 || o.Told[0].State != uptime.ToldSent || o.Told[0].Target == "" {
			t.Errorf("who was told is forgotten: %+v", o.Told)
		}
		want(t, "ann", ann.got(), "opened 1", "recovered 1", "opened 2")
	})
}

// What is being sent at the end has five seconds, and counts as sent perhaps
// where they don't do.
func TestEnd(t *testing.T) {
	tests := []struct {
		name  string
		takes time.Duration
		lasts time.Duration
		want  []string
	}{
		{"in time", 3 * time.Second, 3 * time.Second, []string{"opened 1", "recovered 1"}},
		{"too slow", time.Minute, lastSend, []string{"opened 1", "recovered 1"}}, // not collapsed
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, ops := newWorld(t), &box{takes: tt.takes}
				o := Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}}
				_, stop := w.start(o)
				w.down(1, 2, 3)
				synctest.Wait()
				at := time.Now()
				if err := stop(); err != nil || time.Since(at) != tt.lasts {
					t.Errorf("ended after %s: %v", time.Since(at), err)
				}
				if ops.tries() != 1 {
					t.Errorf("%d tries", ops.tries())
				}
				w.up(1)
				ops.mu.Lock()
				ops.takes = 0
				ops.mu.Unlock()
				f, _ := w.start(o)
				after(time.Minute)
				if got := ops.got(); !slices.Equal(slices.DeleteFunc(got, func(s string) bool { return !strings.HasSuffix(s, " 1") }), tt.want) {
					t.Errorf("%q", got)
				}
				if c := f.Outbox().Channels[0]; c.Pending != 0 || c.Tries != 0 {
					t.Errorf("%+v", c)
				}
			})
		})
	}
}

// The office ends with the engine that it tells of.
func TestEngineEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		f, _ := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		after(time.Second)
		close(w.stopped)
		synctest.Wait()
		if err := f.Configure(t.Context(), nil, nil); !errors.Is(err, uptime.ErrNoEngine) {
			t.Errorf("%v", err)
		}
	})
}

func TestConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops, ann := newWorld(t), &box{}, &box{}
		ops.set(refuse(uptime.Refusal{Reply: "535 who are you?", Permanent: true}))
		ann.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		f, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops), to1("ann", ann)}})
		w.down(1, 2)
		after(30 * time.Minute)
		if ops.tries() != 1 {
			t.Errorf("%d tries of what takes a person", ops.tries())
		}
		w.forget()
		// The password is right now, and nobody is called ann any more.
		right := to1("ops", &box{})
		right.Same = "2"
		bob := to1("bob", &box{})
		if err := f.Configure(t.Context(), []uptime.ChannelConfig{bob, right}, nil); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		want(t, "at once", right.Channel.(*box).got(), "opened 1", "opened 2")
		want(t, "told", w.said()[:1], "2 letters to ann dropped: it is no channel any more")
		want(t, "to them", ann.got())
		if o := f.Outbox(); len(o.Channels) != 2 || o.Channels[0].Name != "bob" || o.Channels[1].Error != "" || o.Channels[1].Tries != 0 {
			t.Errorf("%+v", o.Channels)
		}
		w.up(1)
		after(time.Second)
		if got := bob.Channel.(*box).got(); len(got) != 1 {
			t.Errorf("bob got %q", got)
		}
		broken := to1("ops", ops)
		broken.Subject = "{{.Nothing}}"
		if err := f.Configure(t.Context(), []uptime.ChannelConfig{broken}, nil); err == nil || !strings.Contains(err.Error(), "channel ops") {
			t.Errorf("%v", err)
		}
		_ = stop()
		// At a start, too.
		ann.set(nil)
		w.forget()
		_, _ = w.start(Options{Channels: []uptime.ChannelConfig{to1("ann", ann)}})
		after(time.Minute)
		if len(ann.got()) > 0 || len(w.records("post/ops")) > 0 {
			t.Errorf("%q, %q", ann.got(), w.records("post/ops"))
		}
	})
}

// A name that was another channel's has nothing of how that one did.
func TestAnotherType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, mail, hook := newWorld(t), &box{}, &box{}
		mail.set(func(int, *uptime.Letter) (uptime.Receipt, error) {
			return uptime.Receipt{Reply: "250 ok", Left: []string{"bob@example.com"}, Why: "550 no such user"}, nil
		})
		o := Options{Channels: []uptime.ChannelConfig{to1("ops", mail)}}
		_, stop := w.start(o)
		w.down(1)
		after(time.Second)
		want(t, "told", w.said(), "mail to ops@example.com taken by smtp.example.com:25: 250 ok; REFUSED for bob@example.com: 550 no such user, next try in 5s")
		after(7 * time.Second)
		if l := mail.all()[1]; !slices.Equal(l.To, []string{"bob@example.com"}) || l.ID != mail.all()[0].ID {
			t.Errorf("%+v", l)
		}
		_ = stop()
		o.Channels[0] = uptime.ChannelConfig{Name: "ops", Type: "webhook", Channel: hook, Same: "1"}
		_, _ = w.start(o)
		after(time.Second)
		if len(hook.all()) != 1 || hook.all()[0].To != nil || hook.all()[0].ID != mail.all()[0].ID {
			t.Errorf("%+v", hook.all())
		}
	})
}

// A clock that leaps neither gives up what was refused once, nor puts off a try.
func TestClockLeaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(func(_ int, l *uptime.Letter) (uptime.Receipt, error) {
			return uptime.Receipt{}, &uptime.Refusal{Reply: "451 later", Letter: strings.Contains(l.Subject, "m1")}
		})
		o := Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}}
		f, stop := w.start(o)
		w.down(1, 2)
		after(time.Hour)
		w.skew.Store(int64(30 * 24 * time.Hour))
		w.publishNow()
		after(time.Second)
		if n := f.Outbox().Channels[0].Pending; n != 2 {
			t.Fatalf("%d letters wait", n)
		}
		w.skew.Store(-int64(30 * 24 * time.Hour))
		_ = stop()
		_, _ = w.start(o)
		ops.set(nil)
		after(18 * time.Minute)
		want(t, "ops", ops.got(), "opened 1", "opened 2")
	})
}

// What is refused for three days is given up, and that is told.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(func(_ int, l *uptime.Letter) (uptime.Receipt, error) {
			if strings.Contains(l.Subject, "m1") {
				return uptime.Receipt{}, &uptime.Refusal{Reply: "554 no", Letter: true, Permanent: true}
			}
			return uptime.Receipt{}, nil
		})
		f, _ := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1, 2)
		after(71 * time.Hour)
		if n := f.Outbox().Channels[0].Pending; n != 1 || ops.tries() < 60 || ops.tries() > 90 {
			t.Fatalf("%d letters wait after %d tries", n, ops.tries())
		}
		after(3 * time.Hour)
		o := f.Outbox()
		if o.Channels[0].Pending != 0 || len(o.Told) != 2 || o.Told[0].State != uptime.ToldLost && o.Told[1].State != uptime.ToldLost {
			t.Errorf("%+v", o)
		}
		said := w.said()
		if last := said[len(said)-1]; !strings.HasPrefix(last, "1 letter to ops@example.com given up after 3d00h: 554 no") {
			t.Errorf("%q", said)
		}
		w.up(1) // of which nobody knew
		after(time.Second)
		want(t, "ops", ops.got(), "opened 2")
	})
}

func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(func(_ int, l *uptime.Letter) (uptime.Receipt, error) {
			if strings.Contains(l.Subject, "m1") {
				panic("nil map")
			}
			return uptime.Receipt{}, nil
		})
		_, _ = w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1, 2)
		after(time.Second)
		want(t, "ops", ops.got(), "opened 2")
		if said := w.said(); !strings.Contains(said[0], "a mistake in lookout: nil map") {
			t.Errorf("%q", said)
		}
	})
}

// What a newer lookout wrote is not gone over.
func TestUnknownRecords(t *testing.T) {
	for _, r := range []uptime.OutboxRecord{
		{Key: "post/ops/00000000000000000001", Data: []byte(`{"v":2}`)},
		{Key: "post/ops/00000000000000000001", Data: []byte(`{"v":1,"n":2,"channel":"ops"}`)},
		{Key: "told/ops/1", Data: []byte(`x`)},
		{Key: "channel/ops", Data: []byte(`{"v":2}`)},
		{Key: "office/step", Data: []byte(`{}`)},
		{Key: "letters/1", Data: []byte(`{"v":1}`)},
	} {
		w := newWorld(t)
		if err := w.store.Post([]uptime.OutboxRecord{r}); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Store: w.store}); err == nil || !strings.Contains(err.Error(), r.Key) {
			t.Errorf("%s %s: %v", r.Key, r.Data, err)
		}
	}
}

// Names of channels that are no keys are told apart all the same.
func TestTokens(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"ops", "Ops", "", "a b", "a/b", "~", "ü", "ops ", strings.Repeat("x", 100), strings.Repeat("x", 101), fmt.Sprintf("%0200d", 1), "\x00"} {
		key := numbered(underPost, name, 1<<63)
		if was, ok := seen[key]; ok || len(key) > 150 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q is %q, as %q", name, key, was)
		}
		seen[key] = name
	}
}

// A mistake in the desk ends the telling, and not in silence.
func TestBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{takes: time.Second}
		f, err := open(Options{Instance: "web-1", Store: w.store, Channels: []uptime.ChannelConfig{to1("ops", ops)}},
			func(d desk.Options, _ []uptime.OutboxRecord) (decider, error) { return &fragileDesk{}, nil })
		if err != nil {
			t.Fatal(err)
		}
		broke := make(chan any, 1) // Run → us; one slot
		go func() {
			defer func() { broke <- recover() }()
			_ = f.Run(t.Context(), w)
		}()
		w.down(1)
		synctest.Wait()
		w.down(2) // while the first is being sent
		if p := <-broke; p != "desk" {
			t.Errorf("%v", p)
		}
		want(t, "events", w.said(), "nobody is told any more: a mistake in lookout; restart it")
		if c := f.Outbox().Channels[0]; !strings.Contains(c.Error, "nobody is told any more") || c.Failing.IsZero() {
			t.Errorf("%+v", c)
		}
		after(time.Minute) // what is on its way ends, too
	})
}

// fragileDesk takes one event.
type fragileDesk struct{ plainDesk }

func (d *fragileDesk) Take(ev *uptime.Event, s *uptime.Snapshot, now time.Time) {
	if ev.ID > 1 {
		panic("desk")
	}
	d.channels, d.kept.Told = []string{"ops"}, map[string]uint64{}
	d.plainDesk.Take(ev, s, now)
}

// One address that is refused for good silences neither the others nor the channel.
func TestDeadRecipient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(func(_ int, l *uptime.Letter) (uptime.Receipt, error) {
			if l.To != nil {
				return uptime.Receipt{}, &uptime.Refusal{Reply: "550 no such user", Permanent: true}
			}
			return uptime.Receipt{Reply: "250 ok", Left: []string{"jo@example.com"}, Why: "550 no such user"}, nil
		})
		f, _ := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1)
		after(10 * time.Minute)
		w.up(1)
		w.down(2)
		after(time.Minute)
		want(t, "those who are there", ops.got(), "opened 1", "recovered 1", "opened 2")
		after(8 * time.Hour)
		if c := f.Outbox().Channels[0]; c.Pending != 0 || c.Tries != 0 {
			t.Errorf("%+v", c)
		}
		said := w.said()
		if last := said[len(said)-1]; !strings.Contains(last, "given up") {
			t.Errorf("%q", said)
		}
	})
}

// What is over is no reminder any more, and one reminder that waits is enough.
func TestOldReminders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		w.real = true
		_, _ = w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}, Routes: []uptime.Route{{Channels: []string{"ops"}, Remind: 30 * time.Minute}}})
		after(time.Second)
		w.down(1, 2)
		after(time.Minute)
		ops.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		after(8 * time.Hour)
		w.up(1)
		after(time.Hour)
		ops.set(nil)
		after(20 * time.Minute)
		got := ops.got()
		slices.Sort(got)
		want(t, "ops", got, "opened 1", "opened 2", "recovered 1", "reminder 2")
	})
}

// A cap leaves the ends of what was told as they are.
func TestEndsAreNotMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		c := to1("ops", ops)
		c.MaxPerHour = 8 // seven at once, and two an hour
		_, _ = w.start(Options{Channels: []uptime.ChannelConfig{c}})
		w.down(1, 2, 3)
		after(time.Second)
		w.down(4, 5, 6, 7, 8, 9)
		after(time.Second)
		w.up(1, 2)
		w.down(10, 11)
		after(12 * time.Hour)
		got := ops.got()
		slices.Sort(got)
		want(t, "ops", got, "more 0", "opened 1", "opened 2", "opened 3", "opened 4", "opened 5", "opened 6", "opened 7", "recovered 1", "recovered 2")
	})
}

// TestNewsBeforeEnds: an outage does not wait for the limit behind recoveries.
func TestNewsBeforeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		c := to1("ops", ops)
		c.MaxPerHour = 60
		w.start(Options{Channels: []uptime.ChannelConfig{c}})
		for i := range 46 {
			w.down(uint64(i + 1))
		}
		after(time.Minute)
		for i := range 46 {
			w.up(uint64(i + 1))
		}
		after(time.Minute)
		w.down(100)
		at := time.Now()
		told := func() bool {
			return slices.ContainsFunc(ops.all(), func(l uptime.Letter) bool {
				return !l.Over && strings.HasPrefix(l.Thread, "i100")
			})
		}
		for !told() && time.Since(at) < time.Hour {
			after(time.Minute)
		}
		if !told() || time.Since(at) > 10*time.Minute {
			t.Errorf("told %v, after %s and %d letters", told(), time.Since(at), len(ops.all()))
		}
		after(12 * time.Hour)
		ends := 0
		for _, l := range ops.all() {
			if l.Kind == uptime.AlertRecovered {
				ends++
			}
		}
		if ends != 46 {
			t.Errorf("%d of 46 recoveries arrived", ends)
		}
	})
}
