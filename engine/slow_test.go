package engine

import "testing"

// withoutRace skips what the race detector makes ten times as long, and has
// little to look at in: one goroutine in virtual time. `.ci/test` runs it without.
func withoutRace(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("runs without the race detector, in a step of its own")
	}
}
