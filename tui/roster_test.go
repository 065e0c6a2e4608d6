package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func names(r *roster, n int) string {
	var out []string
	for _, i := range r.rows[:min(n, len(r.rows))] {
		if i < 0 {
			out = append(out, "["+r.groups[^i].name+"]")
			continue
		}
		name, _, _ := strings.Cut(r.snap.States[i].Name, ".")
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestArrange(t *testing.T) {
	for _, c := range []struct {
		name string
		a    arrangement
		want string
	}{
		{"the worst first, the newest of them on top", arrangement{}, "shop mx2 cdn api nas db-backup old new-site api git"},
		{"by name", arrangement{by: byName}, "api api cdn db-backup git imap ldap login mx2 nas"},
		{"by name, reversed", arrangement{by: byName, reverse: true}, "zone-1002 zone-1001 zone-1000 zone-0999 zone-0998 zone-0997 zone-0996 zone-0995 zone-0994 zone-0993"},
		{"the slowest first", arrangement{by: byLatency}, "mx2 api vpn imap status ldap smtp zone-0089 zone-0179 zone-0269"},
		{"the oldest answer first", arrangement{by: byAge}, "old nas zone-0059 zone-0119 zone-0179 zone-0239 zone-0299 zone-0359 zone-0419 zone-0479"},
		{"the least up first", arrangement{by: byUptime}, "nas mx2 shop cdn api api db-backup git imap ldap"},
		{"the newest change first", arrangement{by: byChange}, "cdn shop api nas mx2 api db-backup git imap ldap"},
		{"groups, the worst first and open", arrangement{grouped: true}, "[mail] mx2 imap smtp [shop] shop pay shop [web] [api]"},
		{"groups as somebody left them", arrangement{grouped: true, folds: map[string]bool{"mail": false, "api": true}}, "[mail] [shop] shop pay shop [web] [api] api api [branch]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(arrange(nil, newWorld().snap, c.a, noon), 10); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestBehindAnother: what another explains is shown below what it is behind,
// with a letter, and is not among what somebody has to acknowledge.
func TestBehindAnother(t *testing.T) {
	w := newWorld()
	i := slices.IndexFunc(w.snap.States, func(st *uptime.State) bool { return st.Name == "shop.example.com/checkout" })
	st := *w.snap.States[i]
	st.Behind = "mx2.example.net:25"
	w.snap.States[i] = &st
	if got := names(arrange(nil, w.snap, arrangement{}, noon), 3); got != "mx2 shop cdn" {
		t.Errorf("the order is %s", got)
	}
	if flag, _ := flagOf(&st); flag != 'b' {
		t.Errorf("flag %q", flag)
	}
	for words, want := range map[string]string{"is:behind": "shop", "is:unacked": "", "is:down": "mx2 shop"} {
		q, err := parseQuery(words)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(arrange(nil, w.snap, arrangement{query: q}, noon), 3); got != want {
			t.Errorf("%s: %q, want %q", words, got, want)
		}
	}
}

// TestArrangeReverses: what has nothing to be sorted by stays at the end.
func TestArrangeReverses(t *testing.T) {
	r := arrange(nil, newWorld().snap, arrangement{by: byLatency, reverse: true}, noon)
	if got := names(r, 2); got != "shop api" {
		t.Errorf("the fastest are %s", got)
	}
	if st := r.snap.States[r.rows[len(r.rows)-1]]; st.Total != 0 {
		t.Errorf("the last one took %s", st.Total)
	}
}

// TestArrangeAgain: rows made from the ones before are the same as from nothing.
func TestArrangeAgain(t *testing.T) {
	w := newWorld()
	before := arrange(nil, w.snap, arrangement{}, noon)
	if _, err := w.Act(t.Context(), uptime.Action{Verb: uptime.VerbPause, Targets: []string{"group:shop"}}); err != nil {
		t.Fatal(err)
	}
	again, fresh := arrange(before, w.snap, arrangement{}, noon), arrange(nil, w.snap, arrangement{}, noon)
	if !slices.Equal(again.rows, fresh.rows) || !slices.Equal(again.severity, fresh.severity) || !slices.Equal(again.folded, fresh.folded) {
		t.Error("rows made anew and rows made from the ones before differ")
	}
	next := *w.snap
	next.States = next.States[1:]
	again, fresh = arrange(again, &next, arrangement{}, noon), arrange(nil, &next, arrangement{}, noon)
	if !slices.Equal(again.rows, fresh.rows) || !slices.Equal(again.locations, fresh.locations) {
		t.Error("after a monitor is gone they differ")
	}
}

// many is a snapshot of n monitors.
func many(n int) *uptime.Snapshot {
	snap := &uptime.Snapshot{Seq: 1, Time: noon, Instance: "web-1", Started: noon}
	for i := range n {
		st := example(fmt.Sprintf("site-%06d.example.com", i), fmt.Sprintf("group%d", i%97), "", 10+i%300, 40+i%300, "o----", i%60, i%60)
		if i%1000 == 7 {
			st.Verdict, st.Since = uptime.Down, noon.Add(-time.Duration(i)*time.Second)
		}
		snap.States = append(snap.States, st)
	}
	recount(snap)
	return snap
}

func BenchmarkArrange(b *testing.B) {
	for _, n := range []int{100, 10_000, 180_000} {
		snap := many(n)
		next := *snap
		next.States = slices.Clone(snap.States)
		for i := 0; i < n; i += 60 {
			st := *next.States[i]
			next.States[i] = &st
		}
		q, _ := parseQuery("4242")
		before := arrange(nil, snap, arrangement{}, noon)
		for _, c := range []struct {
			name string
			a    arrangement
		}{{"severity", arrangement{}}, {"latency", arrangement{by: byLatency}}, {"filter", arrangement{query: q}}, {"groups", arrangement{grouped: true}}} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				for b.Loop() {
					arrange(before, &next, c.a, noon)
				}
			})
		}
	}
}

func BenchmarkView(b *testing.B) {
	for _, n := range []int{100, 10_000, 180_000} {
		snap := many(n)
		for _, size := range []struct{ w, h int }{{80, 24}, {200, 60}} {
			b.Run(fmt.Sprintf("%d/%dx%d", n, size.w, size.h), func(b *testing.B) {
				w := newWorld()
				w.snap = snap
				s := shellOf(w, Options{}, size.w, size.h, glyphs)
				s.home.take(arrange(nil, snap, arrangement{}, noon))
				b.ReportAllocs()
				for b.Loop() {
					s.dirty = true
					s.View()
				}
			})
		}
	}
}

// TestOnlyVisibleRows: a screen costs the same whatever it leaves out.
func TestOnlyVisibleRows(t *testing.T) {
	cost := func(n int) float64 {
		w := newWorld()
		w.snap = many(n)
		s := shellOf(w, Options{}, 80, 24, glyphs)
		s.render()
		return testing.AllocsPerRun(20, func() { s.render() })
	}
	if few, lots := cost(100), cost(10_000); lots > few+20 {
		t.Errorf("a screen of 10,000 monitors takes %.0f allocations, one of 100 takes %.0f", lots, few)
	}
}
