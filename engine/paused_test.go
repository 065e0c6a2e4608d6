package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// TestOnPause: whoever checks elsewhere is told what is paused: as it happens,
// after a restart before anything is checked, and under another name.
func TestOnPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		o := Options{Instance: "web-1", Timezone: "UTC", Store: newMemory(), Runner: newTargets(),
			OnPause: func(monitor string, paused bool) {
				told = append(told, map[bool]string{true: "+", false: "-"}[paused]+monitor)
			}}
		want := func(what, want string) {
			t.Helper()
			if got := strings.Join(told, " "); got != want {
				t.Errorf("%s: told %q, not %q", what, got, want)
			}
			told = nil
		}
		e := startWith(t, o, job("a", time.Minute), job("b", time.Minute))
		want("at the start", "")
		e.act("pause", "a")
		want("paused", "+a")
		e.act("maintain", "b")
		want("maintained", "")
		e.stop()
		e = startWith(t, o, job("a", time.Minute), job("b", time.Minute))
		want("after a restart", "+a")
		renamed := job("c", time.Minute)
		renamed.Was = "a"
		if _, err := e.Reload(t.Context(), []uptime.Job{renamed, job("b", time.Minute)}, uptime.ConfigState{}); err != nil {
			t.Fatal(err)
		}
		want("renamed", "-a +c")
		e.act("resume", "c")
		want("resumed", "-c")
		e.stop()
	})
}
