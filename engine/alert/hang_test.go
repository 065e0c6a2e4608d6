package alert

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	channels "lookout/engine/alert/channel"
	"lookout/engine/uptime"
)

// deaf is a channel that hangs until it is let go, whatever its context says.
type deaf struct {
	box
	free chan struct{}
}

func (d *deaf) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	d.mu.Lock()
	d.tried++
	d.mu.Unlock()
	<-d.free
	d.mu.Lock()
	d.took = append(d.took, *l)
	d.mu.Unlock()
	return uptime.Receipt{}, nil
}

// A channel that hangs keeps nobody from ending; its letter is sent again.
func TestHangsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, hung := newWorld(t), &deaf{free: make(chan struct{})}
		c := uptime.ChannelConfig{Name: "ops", Type: "file", Channel: hung, Same: "1"}
		_, stop := w.start(Options{Channels: []uptime.ChannelConfig{c}})
		w.down(1)
		after(time.Second)
		at := time.Now()
		if err := stop(); err != nil || time.Since(at) > lastSend+lastWord {
			t.Errorf("ended after %s: %v", time.Since(at), err)
		}
		if n := len(w.records("post/")); n != 1 {
			t.Errorf("%d letters are kept", n)
		}
		w.up(1)
		ops := &box{}
		_, _ = w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		after(time.Minute)
		want(t, "it may have arrived, so both go", ops.got(), "opened 1", "recovered 1")
		close(hung.free) // nobody waits for it any more
		synctest.Wait()
		if hung.all()[0].ID != ops.all()[0].ID {
			t.Errorf("%q and %q", hung.all()[0].ID, ops.all()[0].ID)
		}
	})
}

// One that hangs for hours is said to, holds up no other and gets no second
// letter before it comes back, or before it was configured anew.
func TestHangs(t *testing.T) {
	for _, anew := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w, hung, ann := newWorld(t), &deaf{free: make(chan struct{})}, &box{}
			o := Options{Channels: []uptime.ChannelConfig{{Name: "ops", Type: "file", Channel: hung, Same: "1"}, to1("ann", ann)}}
			f, stop := w.start(o)
			w.down(1, 2)
			after(8 * time.Hour)
			want(t, "ann", ann.got(), "opened 1", "opened 2")
			if c := f.Outbox().Channels[0]; c.Pending != 2 || c.Tries < 20 || !strings.Contains(c.Error, "hangs") || c.Failing.IsZero() {
				t.Errorf("%+v", c)
			}
			if n := hung.tries(); n != 1 {
				t.Errorf("%d letters hang", n)
			}
			if anew {
				ops := &box{}
				if err := f.Configure(t.Context(), []uptime.ChannelConfig{{Name: "ops", Type: "file", Channel: ops, Same: "2"}, o.Channels[1]}, nil); err != nil {
					t.Fatal(err)
				}
				after(time.Second)
				want(t, "what is configured now", ops.got(), "opened 1", "opened 2")
			}
			close(hung.free)
			after(20 * time.Minute)
			if !anew {
				want(t, "when it is back", hung.got(), "opened 1", "opened 1", "opened 2")
			}
			at := time.Now()
			if err := stop(); err != nil || time.Since(at) > 0 {
				t.Errorf("ended after %s: %v", time.Since(at), err)
			}
		})
	}
}

// No channel may be given more time than the office lets it have.
func TestLongestSend(t *testing.T) {
	found := 0
	for _, ct := range channels.Types() {
		for _, k := range ct.Keys {
			if k.Name == "timeout" {
				found++
				if most := time.Duration(k.Max); most == 0 || most >= longestSend {
					t.Errorf("%s may take %s, and is cut off after %s", ct.Name, most, longestSend)
				}
			}
		}
	}
	if found == 0 {
		t.Error("there is no key timeout")
	}
}
