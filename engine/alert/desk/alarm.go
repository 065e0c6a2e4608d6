package desk

import (
	"container/heap"
	"time"
)

// alarms say when something is to be looked at again: each thing, which is known
// by the key of its record, has one at most.
type alarms struct {
	now  time.Time // while they ring: what is set comes after it; zero: they do not
	at   map[string]time.Time
	heap alarmHeap // those in at, and some that no longer count
}

type alarm struct {
	at  time.Time
	key string
}

// set has a thing looked at at a time; zero: not again.
func (a *alarms) set(key string, at time.Time) {
	if !at.IsZero() && !a.now.IsZero() && !at.After(a.now) {
		at = a.now.Add(time.Millisecond)
	}
	switch was, ok := a.at[key]; {
	case at.IsZero():
		delete(a.at, key)
	case ok && was.Equal(at):
	default:
		if a.at == nil {
			a.at = make(map[string]time.Time)
		}
		a.at[key] = at
		heap.Push(&a.heap, alarm{at, key})
	}
}

// next is the earliest; zero: there is none.
func (a *alarms) next() time.Time {
	for len(a.heap) > 0 {
		if top := a.heap[0]; a.counts(top) {
			return top.at
		}
		heap.Pop(&a.heap)
	}
	return time.Time{}
}

// due takes all that have come, in their order.
func (a *alarms) due(now time.Time) []string {
	var keys []string
	for len(a.heap) > 0 && !a.heap[0].at.After(now) {
		top := heap.Pop(&a.heap).(alarm)
		if a.counts(top) {
			delete(a.at, top.key)
			keys = append(keys, top.key)
		}
	}
	return keys
}

func (a *alarms) counts(x alarm) bool {
	at, ok := a.at[x.key]
	return ok && at.Equal(x.at)
}

// alarmHeap orders by time, and at one time by key, so that a desk that was
// made anew goes through them as the one before would have.
type alarmHeap []alarm

func (h alarmHeap) Len() int { return len(h) }
func (h alarmHeap) Less(i, j int) bool {
	if c := h[i].at.Compare(h[j].at); c != 0 {
		return c < 0
	}
	return before(h[i].key, h[j].key)
}
func (h alarmHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *alarmHeap) Push(x any)   { *h = append(*h, x.(alarm)) }
func (h *alarmHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = alarm{}
	*h = old[:len(old)-1]
	return x
}

// before orders keys so that numbers in them grow.
func before(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
