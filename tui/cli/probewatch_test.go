package cli

import (
	"testing"

	"lookout/probes/remote/link"
)

// TestUnheard: what keeps a probe from hearing of the engine is not blamed on that.
func TestUnheard(t *testing.T) {
	for _, tt := range []struct {
		state link.State
		want  string
	}{
		{link.State{Connected: true}, ""},
		{link.State{Connected: true, Error: "queue loc.fra is missing"}, ""},
		{link.State{Connected: true, Blocked: "low on memory"}, "the broker between us takes nothing: it is low on memory"},
		{link.State{Error: "the broker was shut down"}, "the broker between us is not reached: the broker was shut down"},
		{link.State{}, "the broker between us is not reached"},
	} {
		if got := unheard(tt.state); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.state, got, tt.want)
		}
	}
}
