package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"lookout/engine/uptime"
)

// What is shown is always a copy of what is open, newest first, whatever
// happened since it was last shown; and what was shown stays as it was.
func TestOpenList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	open := map[uint64]*uptime.Incident{}
	var s openList
	for round := range 300 {
		for range rng.IntN(5) {
			n := 1 + rng.Uint64N(20)
			switch i := open[n]; {
			case i == nil:
				open[n] = &uptime.Incident{Number: n, Verdict: uptime.Down}
			case rng.IntN(2) == 0:
				delete(open, n)
			case i.Ack == nil:
				i.Ack = &uptime.Ack{By: "anna"}
			default:
				i.Ack = nil
			}
			s.change(n)
		}
		before, was := s.list, shownAs(s.list)
		s.update(open)
		if !slices.Equal(shownAs(before), was) {
			t.Fatalf("round %d: what was shown has changed", round)
		}
		unacked := 0
		for k, i := range s.list {
			now := open[i.Number]
			if now == nil || i == now || i.Ack != now.Ack || k > 0 && s.list[k-1].Number <= i.Number {
				t.Fatalf("round %d: %d is shown in place %d as %+v, and is %+v", round, i.Number, k, i, now)
			}
			if now.Unacked() {
				unacked++
			}
		}
		if len(s.list) != len(open) || s.unacked != unacked {
			t.Fatalf("round %d: %d shown, %d unacked; there are %d, %d", round, len(s.list), s.unacked, len(open), unacked)
		}
	}
}

// Nothing is copied where nothing has changed.
func TestOpenListShares(t *testing.T) {
	open := map[uint64]*uptime.Incident{1: {Number: 1}, 2: {Number: 2}, 3: {Number: 3}}
	var s openList
	for n := range open {
		s.change(n)
	}
	s.update(open)
	first := s.list
	if s.update(open); &s.list[0] != &first[0] {
		t.Error("another list, and nothing changed")
	}
	open[2].Message = "worse"
	s.change(2)
	if s.update(open); s.list[0] != first[0] || s.list[1] == first[1] || s.list[1].Message != "worse" || s.list[2] != first[2] {
		t.Errorf("after one change: %v, was %v", s.list, first)
	}
}

func shownAs(list []*uptime.Incident) (out []uint64) {
	for _, i := range list {
		out = append(out, i.Number)
		if i.Ack != nil {
			out = append(out, 0)
		}
	}
	return out
}
