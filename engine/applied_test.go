package engine

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"lookout/engine/uptime"
)

func runs(pairs ...uint64) (out []uptime.Interval) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, uptime.Interval{From: pairs[i], To: pairs[i+1]})
	}
	return out
}

func TestEpochAdds(t *testing.T) {
	for _, tc := range []struct {
		name string
		add  []uptime.Interval
		want []uptime.Interval
	}{
		{"nothing", runs(5, 5), nil},
		{"in order", runs(0, 3, 3, 7, 7, 8), runs(0, 8)},
		{"the newest first, then the gap", runs(10, 20, 0, 4, 4, 10), runs(0, 20)},
		{"twice", runs(2, 5, 2, 5), runs(2, 5)},
		{"overlaps", runs(2, 5, 8, 12, 4, 9), runs(2, 12)},
		{"over all", runs(2, 5, 8, 12, 20, 22, 0, 30), runs(0, 30)},
		{"beside", runs(5, 9, 1, 3), runs(1, 3, 5, 9)},
	} {
		var e epoch
		given := uint64(0)
		for _, iv := range tc.add {
			given += e.add(iv)
		}
		if fmt.Sprint(e.runs) != fmt.Sprint(tc.want) || given > 0 {
			t.Errorf("%s: %v, %d given up; want %v", tc.name, e.runs, given, tc.want)
		}
	}
}

// Whatever comes in whatever order, has says what came; of too many gaps the oldest go.
func TestEpochIsASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		var e epoch
		came, given := map[uint64]bool{}, uint64(0)
		for range rng.IntN(60) {
			from := rng.Uint64N(400)
			iv := uptime.Interval{From: from, To: from + rng.Uint64N(6)}
			for n := iv.From; n < iv.To; n++ {
				came[n] = true
			}
			given += e.add(iv)
		}
		gaps := uint64(0)
		for n := range uint64(420) {
			if came[n] && !e.has(n) {
				t.Fatalf("round %d: %d came and is not in %v", round, n, e.runs)
			}
			if !came[n] && e.has(n) {
				gaps++
			}
		}
		if len(e.runs) > maxIntervals || gaps > given {
			t.Fatalf("round %d: %v, %d too much of %d given up", round, e.runs, gaps, given)
		}
		if gaps > 0 && len(e.runs) < maxIntervals/2 {
			t.Fatalf("round %d: given up without need: %v", round, e.runs)
		}
	}
}

func TestAppliedRecord(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	longest := 0
	for range 500 {
		a := &applied{givenUp: rng.Uint64(), refused: rng.Uint64N(9)}
		if rng.IntN(2) == 0 {
			a.exclude = "jo"
		}
		if rng.IntN(9) == 0 {
			for range 2 * maxForgotten {
				a.forget(rng.Uint64())
			}
			a.again = rng.Uint64()
		}
		for range rng.IntN(2 * maxEpochs) {
			e := a.epoch(rng.Uint64())
			at := rng.Uint64N(maxNumber / 2)
			for range rng.IntN(2 * maxIntervals) {
				at += 1 + rng.Uint64N(maxNumber>>7)
				from := at
				at += 1 + rng.Uint64N(maxNumber>>7)
				if at > maxNumber {
					break
				}
				a.add(e, uptime.Interval{From: from, To: at})
			}
		}
		b := a.encode()
		longest = max(longest, len(b))
		back, err := decodeApplied(b)
		if err != nil {
			t.Fatal(err)
		}
		if c := a.clone(); !reflect.DeepEqual(back.encode(), b) || !reflect.DeepEqual(c.encode(), b) {
			t.Fatalf("%+v was %+v", back, a)
		}
	}
	if longest > 1500+2070 {
		t.Errorf("%d bytes", longest)
	}
	if _, err := decodeApplied([]byte{3}); err == nil {
		t.Error("another version is read")
	}
}

// TestRunsAreFew: epochs that are not the newest give up their gaps first.
func TestRunsAreFew(t *testing.T) {
	a := &applied{}
	for id := range uint64(maxEpochs) {
		e := a.epoch(id)
		for i := range uint64(maxIntervals) {
			a.add(e, uptime.Interval{From: 10 * i, To: 10*i + 5})
		}
	}
	runs := 0
	for i := range a.epochs {
		n := len(a.epochs[i].runs)
		if runs += n; n == 0 || i == maxEpochs-1 && n != maxIntervals || i == 0 && n != 1 || !a.epochs[i].has(3) || !a.epochs[i].has(154) || a.epochs[i].has(155) {
			t.Errorf("epoch %d has %v", i, a.epochs[i].runs)
		}
	}
	if runs != maxRuns || a.givenUp != 5*(maxEpochs*maxIntervals-maxRuns) {
		t.Errorf("%d intervals, %d given up", runs, a.givenUp)
	}
}

// TestEpochsAreFew: the one that brought nothing for longest is forgotten.
func TestEpochsAreFew(t *testing.T) {
	a := &applied{}
	for id := range uint64(maxEpochs) {
		a.epoch(id).add(uptime.Interval{From: 0, To: 10})
	}
	a.epoch(0)
	a.epoch(99).add(uptime.Interval{From: 3, To: 4})
	for id, want := range map[uint64]bool{0: true, 1: false, 2: true, 3: true, 99: true} {
		known := false
		for i := range a.epochs {
			known = known || a.epochs[i].id == id && a.epochs[i].has(3)
		}
		if known != want {
			t.Errorf("epoch %d: known %v", id, known)
		}
	}
}

func FuzzApplied(f *testing.F) {
	a := &applied{exclude: "jo", epochs: []epoch{{id: 7, runs: runs(0, 5, 9, 12)}}}
	f.Add(a.encode())
	a.forget(5)
	f.Add(a.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeApplied(b)
		if err != nil {
			return
		}
		if c, err := decodeApplied(a.encode()); err != nil || !reflect.DeepEqual(a, c) {
			t.Fatalf("%+v, %v; was %+v", c, err, a)
		}
		for _, e := range a.epochs {
			for _, r := range e.runs {
				if !e.has(r.From) || !e.has(r.To-1) || e.has(r.To) {
					t.Fatalf("%v", e.runs)
				}
			}
		}
	})
}
