package cli

import (
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

// TestAssignments: a monitor that no probe checks any more keeps its number, by
// which what was found before is still known for its own.
func TestAssignments(t *testing.T) {
	job := func(name string, p *uptime.Portable) uptime.Job {
		return uptime.Job{Monitor: &uptime.Monitor{Name: name, Interval: time.Minute}, Portable: p}
	}
	store, here, there := storage.NewMemory(), job("b", nil), job("b", &uptime.Portable{})
	beside := job("a", &uptime.Portable{})
	numbers := map[string]uint32{}
	for i, jobs := range [][]uptime.Job{{there}, {here, beside}, {beside, there}} {
		as, err := assignments(jobs, store)
		if err != nil || len(as) != len(jobs) {
			t.Fatal(as, err)
		}
		for _, a := range as {
			if n, known := numbers[a.Job.Name]; a.Number == 0 || known && n != a.Number {
				t.Errorf("configuration %d: %s is %d, and was %d", i, a.Job.Name, a.Number, n)
			}
			numbers[a.Job.Name] = a.Number
		}
	}
	if numbers["a"] != numbers["b"]+1 {
		t.Error(numbers)
	}
}
