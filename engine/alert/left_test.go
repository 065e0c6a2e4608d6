package alert

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// greylist takes a letter for ops at once and for jo from a time on, who is sent what
// was left for him.
type greylist struct {
	until time.Time
	jo    []uptime.AlertKind // that he has had
}

func (g *greylist) answer(_ int, l *uptime.Letter) (uptime.Receipt, error) {
	switch {
	case !time.Now().Before(g.until):
		g.jo = append(g.jo, l.Kind)
	case l.To != nil:
		return uptime.Receipt{}, &uptime.Refusal{Reply: "450 greylisted"}
	default:
		return uptime.Receipt{Reply: "250 ok", Left: []string{"jo@example.com"}, Why: "450 greylisted"}, nil
	}
	return uptime.Receipt{Reply: "250 ok"}, nil
}

// Who has heard of the end is not told of the beginning after it.
func TestLeftEnds(t *testing.T) {
	tests := []struct {
		name string
		over time.Duration // the greylisting
		jo   []uptime.AlertKind
	}{
		{"before the next try", time.Minute, []uptime.AlertKind{uptime.AlertOpened, uptime.AlertRecovered}},
		{"before the end", 90 * time.Second, []uptime.AlertKind{uptime.AlertRecovered}},
		{"after it", 10 * time.Minute, []uptime.AlertKind{uptime.AlertRecovered}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, ops, g := newWorld(t), &box{}, &greylist{until: time.Now().Add(tt.over)}
				ops.set(g.answer)
				f, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
				w.down(1)
				after(100 * time.Second) // tried after 5, 15, 35 and 75 s, and the next time after 155 s, or so
				w.up(1)
				after(time.Hour)
				if c := f.Outbox().Channels[0]; c.Pending != 0 {
					t.Errorf("%+v", c)
				}
				_ = stop()
				if !slices.Equal(g.jo, tt.jo) {
					t.Errorf("jo reads %q", g.jo)
				}
			})
		})
	}
}

// A letter that one of two has had tells of all that it stands for.
func TestLeftStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		f, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1)
		after(time.Second)
		w.up(1)
		after(time.Second)
		ops.set((&greylist{until: time.Now().Add(time.Hour)}).answer)
		after(time.Minute)
		want(t, "ops", ops.got(), "collapsed 1")
		_ = stop() // the desk is ours again
		if sent := f.desk.(*plainDesk).sent; !slices.Contains(sent, 1) || !slices.Contains(sent, 2) {
			t.Errorf("the desk heard of %d", sent)
		}
	})
}

// What is over by the time that other settings come into force is one letter, too.
func TestCollapseAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		old := &box{takes: time.Minute}
		old.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		f, _ := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", old)}})
		w.down(1)
		after(time.Second)
		w.up(1)
		after(time.Second)
		right := to1("ops", ops)
		right.Same = "2"
		if err := f.Configure(t.Context(), []uptime.ChannelConfig{right}, nil); err != nil {
			t.Fatal(err)
		}
		after(2 * time.Minute)
		want(t, "ops", ops.got(), "collapsed 1")
	})
}

// What is said of a letter that is left for one of two names whom it is left for.
func TestLeftSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(func(_ int, l *uptime.Letter) (uptime.Receipt, error) {
			if l.To != nil {
				return uptime.Receipt{}, &uptime.Refusal{Reply: "550 no such user", Permanent: true}
			}
			if l.Over {
				return uptime.Receipt{Reply: "250 ok"}, nil
			}
			return uptime.Receipt{Reply: "250 ok", Left: []string{"jo@example.com"}, Why: "450 greylisted"}, nil
		})
		var lines bytes.Buffer
		_, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}, Log: slog.New(slog.NewTextHandler(&lines, nil))})
		w.down(1)
		after(30 * time.Second)
		w.up(1)
		after(30 * time.Second)
		_ = stop()
		for line := range strings.Lines(lines.String()) { // the engine logs each event as well
			if !strings.Contains(line, "level=WARN") || !strings.Contains(line, "FAILED") && !strings.Contains(line, "REFUSED") {
				t.Errorf("the log has %s", line)
			}
		}
		said := strings.Join(w.said(), "\n")
		if !strings.Contains(said, "REFUSED for jo@example.com: 450 greylisted, next try in ") || !strings.Contains(said, "\nmail to jo@example.com FAILED: 550 no such user, next try in ") {
			t.Errorf("%s", said)
		}
	})
}
