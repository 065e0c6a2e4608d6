package desk

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestBackElsewhere: an outage that is back is told to the channels of the route
// that takes it now, where none of them knows of it.
func TestBackElsewhere(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t, Options{Channels: []string{"ops", "pager"}}, plain("a", "b")...).begin()
		w.restart = restart
		w.play("a down\n +1m\n a up\n +1m")
		w.o.Routes = []uptime.Route{{Channels: []string{"web"}}}
		w.play("channels pager web\n a down\n +1m\n a up\n +11m")
		want := lines(`0s ops opened #1
			0s pager opened #1
			1m0s ops recovered #1
			1m0s pager recovered #1
			2m0s pager flapping #1
			2m0s web opened #1
			3m0s web recovered #1
			13m0s pager recovered #1`)
		if got := w.told(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestDroppedOnPurpose: what is down and told to nobody is not being confirmed.
func TestDroppedOnPurpose(t *testing.T) {
	all := farm(3, func(i int, m *uptime.Monitor) { m.Dest = "192.0.2.7:443" })
	all[0].Group = "silent"
	w := newWorld(t, Options{Channels: []string{"ops"}, Routes: []uptime.Route{{Groups: []string{"silent"}}}}, all...).begin()
	w.dies(all[0].Name, all[1].Name, all[2].Name)
	w.pass(time.Hour)
	if len(w.parcels) != 1 || w.parcels[0].Count+w.parcels[0].Failing != 2 {
		t.Errorf("%+v", w.parcels)
	}
}

// TestWhyEscalated: whoever is called in the end hears why.
func TestWhyEscalated(t *testing.T) {
	routes := []uptime.Route{{Channels: []string{"ops"}, EscalateTo: []string{"pager"}}}
	for script, want := range map[string]string{
		"a down\n sent 1\n +20m":        "route 1: nobody acknowledged it for 15m00s",
		"a down\n +20m":                 "route 1: nobody could be told for 15m00s",
		"a down\n +1m\n a acked\n +20m": "route 1: nobody could be told for 15m00s",
	} {
		w := newWorld(t, Options{Channels: []string{"ops", "pager"}, Routes: routes}, plain("a", "b")...).begin()
		w.play(script)
		if n := len(w.parcels); n != 2 || w.parcels[1].Kind != uptime.AlertEscalated || w.parcels[1].Why != want {
			t.Errorf("%q: %+v", script, w.parcels)
		}
	}
}
