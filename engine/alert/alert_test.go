package alert

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

func TestTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops, ann := newWorld(t), &box{}, &box{takes: 400 * time.Millisecond}
		f, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops), to1("ann", ann)}})
		w.down(1)
		after(100 * time.Millisecond)
		want(t, "ops", ops.got(), "opened 1")
		want(t, "ann", ann.got())
		o := f.Outbox()
		if len(o.Channels) != 2 || o.Channels[0].Sent != 1 || o.Channels[1].Pending != 1 || len(o.Told) != 2 {
			t.Fatalf("%+v", o)
		}
		for _, x := range o.Told {
			if x.Channel == "ops" && (x.State != uptime.ToldSent || x.Incident != 1 || x.Reply != "250 2.0.0 queued as 4bT1x") ||
				x.Channel == "ann" && x.State != uptime.ToldSending {
				t.Errorf("%+v", x)
			}
		}
		after(time.Second)
		w.up(1)
		after(time.Minute)
		w.publishNow() // somebody looks at what is open
		after(time.Minute)
		want(t, "ops", ops.got(), "opened 1", "recovered 1")
		want(t, "ann", ann.got(), "opened 1", "recovered 1")
		if o := f.Outbox(); o.Channels[0].Sent != 2 || o.Channels[1].Pending != 0 || len(o.Told) != 0 {
			t.Errorf("%+v", o)
		}
		const said = "mail to ops@example.com taken by smtp.example.com:25: 250 2.0.0 queued as 4bT1x"
		over := strings.Replace(said, "mail", "recovery", 1)
		want(t, "events", w.said(), said, said, over, over)
		if ev := w.firstNote(); ev.Kind != uptime.EventAlert || ev.Channel != "ops" || ev.Incident != 1 || ev.Note != "sent" || ev.Monitor != "m1" {
			t.Errorf("%+v", ev)
		}
		if len(w.records("post/")) > 0 || len(w.records("told/")) > 0 {
			t.Errorf("left: %q %q", w.records("post/"), w.records("told/"))
		}
		if ops.all()[0].ID == ops.all()[1].ID || ops.all()[0].Thread != ops.all()[1].Thread || ops.all()[0].ID == ann.all()[0].ID {
			t.Errorf("ids %q %q %q", ops.all()[0].ID, ops.all()[1].ID, ann.all()[0].ID)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A letter that is refused holds up no other, but those about the same.
func TestRefusedLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(func(_ int, l *uptime.Letter) (uptime.Receipt, error) {
			if strings.Contains(l.Subject, "m1") {
				return uptime.Receipt{}, &uptime.Refusal{Reply: "451 greylisted", Letter: true}
			}
			return uptime.Receipt{Reply: "250 ok"}, nil
		})
		f, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1, 2)
		after(time.Second)
		w.up(2)
		after(time.Second)
		want(t, "others", ops.got(), "opened 2", "recovered 2")
		if o := f.Outbox(); o.Channels[0].Error != "451 greylisted" || o.Channels[0].Tries != 1 || o.Channels[0].Pending != 1 {
			t.Errorf("%+v", o.Channels[0])
		}
		said := w.said()
		if !strings.HasPrefix(said[0], "mail to ops@example.com FAILED: 451 greylisted, next try in ") {
			t.Errorf("%q", said)
		}
		after(time.Minute) // tries at 5, 15, 35 s and so on, a fifth more or less
		if n := ops.tries() - 2; n < 3 || n > 5 {
			t.Errorf("%d tries in a minute", n)
		}
		ops.set(nil)
		after(time.Minute)
		w.up(1)
		after(time.Second)
		want(t, "all", ops.got(), "opened 2", "recovered 2", "opened 1", "recovered 1")
		if n := len(w.said()); n != 5 {
			t.Errorf("%d events: %q", n, w.said())
		}
		_ = stop()
	})
}

// A channel that takes none backs off as a whole, and what is over meanwhile is
// told in one letter.
func TestCollapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		f, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1)
		after(time.Second)
		w.down(2, 3)
		after(20 * time.Minute)
		w.up(1, 3)
		after(40 * time.Minute)
		if ops.tries() < 9 || ops.tries() > 13 { // 5 10 20 40 80 160 320 640 and then every 15 min
			t.Errorf("%d tries in an hour", ops.tries())
		}
		c := f.Outbox().Channels[0]
		if c.Pending != 3 || c.Tries != ops.tries() || c.Error != "connection refused" || c.Failing.IsZero() || c.Next.Before(w.now()) {
			t.Errorf("%+v", c)
		}
		if n := len(w.said()); n != 1 {
			t.Errorf("%q", w.said())
		}
		ops.set(nil)
		after(20 * time.Minute)
		want(t, "ops", ops.got(), "opened 2", "collapsed 1", "collapsed 3")
		_ = stop()
	})
}

// What may have been taken is sent again as it was, with the same ID.
func TestUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(refuse(uptime.Refusal{Reply: "the line was cut", Uncertain: true}))
		_, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1)
		after(time.Second)
		w.up(1)
		ops.set(nil)
		after(time.Minute)
		want(t, "ops", ops.got(), "opened 1", "opened 1", "recovered 1")
		if ops.all()[0].ID != ops.all()[1].ID || ops.all()[2].ID == ops.all()[0].ID {
			t.Errorf("%q %q %q", ops.all()[0].ID, ops.all()[1].ID, ops.all()[2].ID)
		}
		_ = stop()
	})
}

// A letter that stands for others waits since the first of them was refused, and
// one that max_per_hour holds back says when it goes.
func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		capped := to1("ops", ops)
		capped.MaxPerHour = 1
		f, stop := w.start(Options{Channels: []uptime.ChannelConfig{capped}})
		w.down(1)
		began := w.now()
		after(20 * time.Minute)
		w.up(1)
		after(time.Minute)
		if c := f.Outbox().Channels[0]; c.Pending != 1 || c.Oldest.Sub(began) > time.Second {
			t.Errorf("%d wait since %s after the first", c.Pending, c.Oldest.Sub(began))
		}
		ops.set(nil)
		after(20 * time.Minute)
		w.down(2)
		after(time.Second)
		if c := f.Outbox().Channels[0]; c.Capped != 1 || c.Next.Sub(w.now()) < 30*time.Minute {
			t.Errorf("%d are held back until %s from now", c.Capped, c.Next.Sub(w.now()))
		}
		_ = stop()
	})
}
