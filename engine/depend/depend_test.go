package depend

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// web is monitors with what they name; a letter each, t for those with the tag.
func web(on map[string]string) (map[string]*Needs[string], map[string]*Node[string]) {
	w := New(func(to string) []string {
		switch {
		case to == "tag:t":
			return []string{"t1", "t2", "t3"}
		case to == "gone":
			return nil
		}
		return []string{to}
	})
	needs := map[string]*Needs[string]{}
	for _, m := range slices.Sorted(func(yield func(string) bool) {
		for m := range on {
			if !yield(m) {
				return
			}
		}
	}) {
		needs[m] = w.Add(m, strings.Fields(on[m]))
	}
	return needs, w.Join()
}

// TestCause plays how monitors stand, one step each, and asks after each what
// explains the fault of x: nothing (-), one that is down, or may be (with a ?).
// A step is a monitor and . well, ? in doubt, x down by a fault of the path,
// r down by one of its own, _ nothing known; at the second of its number.
func TestCause(t *testing.T) {
	for _, tc := range []struct {
		name, on, steps, want string
	}{
		{"a parent", "x:a", "a. ax a. ar a_", "- a - a -"},
		{"in doubt, and confirmed", "x:a", "a? ax", "a? a"},
		{"in doubt, and cleared", "x:a", "a? a.", "a? -"},
		{"the topmost", "x:a a:b b:c", "ax bx cx c. b. a.", "a b c b a -"},
		{"from above", "x:a a:b", "bx ax b. a.", "b b a -"},
		{"the middle is paused or unknown", "x:a a:b", "a_ bx b.", "- b -"},
		{"the middle was well before", "x:a a:b", "a. bx a. b.", "- b - -"},
		{"the middle fails by itself", "x:a a:b", "ar bx ax", "a a b"},
		{"the middle in doubt below one that is down", "x:a a:b", "a? bx", "a? b"},
		{"any one is enough", "x:a,b", "bx ax b. a.", "b a a -"},
		{"one that is down before one in doubt", "x:a,b", "a? bx a. b.", "a? b b -"},
		{"a tag: the first stays until it is up", "x:tag:t", "t2x t1x t3x t2. t1. t3.", "t2 t2 t2 t1 t3 -"},
		{"a tag: one in doubt yields", "x:tag:t", "t1? t3x t1. t3.", "t1? t3 t3 -"},
		{"nobody of that name", "x:gone", "gonex", "-"},
		{"two ways to one", "x:a,b a:c b:c", "cx ax bx c. a. b.", "c c c a b -"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			on := map[string]string{}
			for _, f := range strings.Fields(tc.on) {
				m, to, _ := strings.Cut(f, ":")
				on[m] = strings.ReplaceAll(to, ",", " ")
			}
			needs, nodes := web(on)
			var got []string
			for i, step := range strings.Fields(tc.steps) {
				m, how := step[:len(step)-1], step[len(step)-1]
				s := State{At: time.Unix(int64(i), 0)}
				switch how {
				case '.':
					s.Standing = Well
				case '?':
					s.Standing = Doubted
				case 'x':
					s.Standing, s.Path = Down, true
				case 'r':
					s.Standing = Down
				}
				before := needs["x"].Cause()
				changed := false
				if nodes[m] != nil {
					changed = slices.Contains(nodes[m].Set(s), needs["x"])
				}
				c := needs["x"].Cause()
				if changed == c.same(before) {
					t.Errorf("step %d: from %v to %v, and changed is %v", i+1, before, c, changed)
				}
				switch {
				case c.None():
					got = append(got, "-")
				case c.Sure:
					got = append(got, c.Of)
				default:
					got = append(got, c.Of+"?")
				}
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("%s gives %s, want %s", tc.steps, s, tc.want)
			}
		})
	}
}

// TestCauseFor: what was down when a monitor was reached is not in its way, what
// went down since is, and so it is with those in the middle.
func TestCauseFor(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	down := func(s int64) State { return State{Standing: Down, At: at(s), Path: true} }
	needs, nodes := web(map[string]string{"x": "a b", "y": "tag:t", "z": "m", "m": "a"})
	nodes["a"].Set(down(10))
	nodes["b"].Set(down(20))
	nodes["t1"].Set(down(10))
	nodes["t3"].Set(down(30))
	m := down(40)
	m.Reached = at(35)
	nodes["m"].Set(m)
	for _, tc := range []struct {
		of      string
		reached time.Time
		want    string
	}{
		{"x", time.Time{}, "a"}, {"x", at(5), "a"}, {"x", at(10), "a"}, {"x", at(15), "b"}, {"x", at(25), ""},
		{"y", at(5), "t1"}, {"y", at(15), "t3"}, {"y", at(35), ""},
		{"z", at(5), "m"}, {"z", at(45), ""},
	} {
		if got := needs[tc.of].CauseFor(tc.reached); got.Of != tc.want || got.Of != "" && !got.Sure {
			t.Errorf("%s, reached at %v: %v, want %q", tc.of, tc.reached.Unix(), got, tc.want)
		}
	}
	if got := (*Needs[string])(nil).CauseFor(at(1)); !got.None() {
		t.Errorf("nothing gives %v", got)
	}
}

// TestAsk has the parents of one that fails looked at, and theirs, once.
func TestAsk(t *testing.T) {
	needs, _ := web(map[string]string{"x": "a tag:t", "y": "a", "a": "b"})
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	for _, tc := range []struct {
		name       string
		who        string
		since, now int
		most       int
		want       string
	}{
		{"all above", "x", 10, 12, 2, "b a t1 t2"},
		{"asked already, for a fault as new", "y", 11, 13, 2, ""},
		{"a newer fault, too soon", "y", 14, 15, 2, ""},
		{"a newer fault", "y", 17, 18, 2, "b a"},
		{"nobody's", "z", 17, 18, 2, ""},
	} {
		if got := strings.Join(needs[tc.who].Ask(at(tc.since), at(tc.now), 5*time.Second, tc.most), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestShared counts what many children of many parents are: one Needs for each
// different wish, and not children times parents.
func TestShared(t *testing.T) {
	var core []string
	for i := range 1000 {
		core = append(core, fmt.Sprint("core", i))
	}
	w := New(func(to string) []string {
		if to == "tag:core" {
			return core
		}
		return []string{to}
	})
	for i := range 100_000 {
		w.Add(fmt.Sprint(i), []string{"uplink", "tag:core"})
	}
	nodes := w.Join()
	edges := 0
	for _, n := range w.needs {
		edges += len(n.sources) + len(n.nodes)
	}
	for _, s := range w.sources {
		edges += len(s.nodes) + len(s.usedBy)
	}
	if len(w.needs) != 1 || edges > 2000 {
		t.Errorf("%d needs, %d edges", len(w.needs), edges)
	}
	down := State{Standing: Down, At: time.Unix(1, 0), Path: true}
	if changed := nodes["core7"].Set(down); len(changed) != 1 || len(changed[0].Heirs) != 100_000 {
		t.Errorf("%d changed", len(changed))
	}
	for _, c := range core { // the others change nothing for anybody
		if changed := nodes[c].Set(down); len(changed) != 0 {
			t.Fatalf("%s changes it again", c)
		}
	}
	if changed := nodes["uplink"].Set(down); len(changed) != 1 || changed[0].Cause().Of != "uplink" {
		t.Error("the parent comes first")
	}
}

// TestCircle: a configuration refuses circles; here they end.
func TestCircle(t *testing.T) {
	_, nodes := web(map[string]string{"a": "b", "b": "a"})
	for range 3 {
		nodes["a"].Set(State{Standing: Down, Path: true})
		nodes["b"].Set(State{Standing: Down, Path: true})
		nodes["a"].Set(State{})
		nodes["b"].Set(State{})
	}
}
