package uptime

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestChannelSays(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 35, 19, 0, time.UTC)
	at := func(m time.Time) string { return m.Format("15:04:05") }
	old := now.Add(-230 * time.Second)
	for _, tt := range []struct {
		name string
		c    ChannelState
		want string
	}{
		{"never used", ChannelState{Name: "ops"}, ""},
		{"works", ChannelState{Name: "ops", Sent: 3, Last: now}, ""},
		{"its turn comes", ChannelState{Name: "ops", Pending: 1, Oldest: now.Add(-time.Second)}, ""},
		{"its turn does not come", ChannelState{Name: "ops", Pending: 1, Oldest: old}, "1 waits for ops since 12:31:29"},
		{"refused", ChannelState{Name: "ops", Pending: 3, Oldest: old, Failing: old, Error: "451 greylisted", Tries: 2, Next: now.Add(40 * time.Second)},
			"3 wait for ops since 12:31:29: 451 greylisted, next try in 40s"},
		{"under way again", ChannelState{Name: "ops", Pending: 1, Oldest: now, Failing: old, Error: "451 greylisted", Next: now},
			"1 waits for ops since 12:35:19: 451 greylisted, trying now"},
		{"nobody knows why", ChannelState{Name: "ops", Pending: 1, Failing: old}, "1 waits for ops: not taken"},
		{"nobody tries", ChannelState{Name: "ops", Pending: 1, Oldest: old, Failing: old, Error: "451 greylisted"}, "1 waits for ops since 12:31:29: 451 greylisted"},
		{"the last one was given up", ChannelState{Name: "ops", Failing: old, Error: "550 no"}, ""},
		{"too many", ChannelState{Name: "ops", Pending: 40, Oldest: now, Capped: 40}, "40 wait for ops since 12:35:19: max_per_hour is reached; they become one letter"},
		{"one too many", ChannelState{Name: "ops", Pending: 1, Oldest: now, Capped: 1, Next: now.Add(4 * time.Minute)}, "1 waits for ops since 12:35:19: max_per_hour is reached, in 4m00s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.Says(now, at); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	var o Outbox
	for i := range 9 {
		o.Channels = append(o.Channels, ChannelState{Name: fmt.Sprint(i), Pending: 1, Failing: old})
	}
	got := o.Troubles(now, at)
	if len(got) != maxSaid+1 || got[maxSaid] != "4 more channels are behind" || !slices.IsSorted(got[:maxSaid]) {
		t.Errorf("of nine channels it says %q", got)
	}
	o.Channels = o.Channels[:maxSaid+1]
	if got := o.Troubles(now, at); got[maxSaid] != "1 more channel is behind" {
		t.Errorf("of six channels it says %q", got)
	}
	if o.Channels = o.Channels[:9]; o.Waiting() != 9 || o.Failing() != 9 {
		t.Errorf("%d wait, %d fail", o.Waiting(), o.Failing())
	}
}

func TestWho(t *testing.T) {
	for target, want := range map[string]string{"": "", "terminal": "terminal", "ops@example.com by smtp.example.com:25": "ops@example.com", " by x": ""} {
		if got := Who(target); got != want {
			t.Errorf("%q tells %q", target, got)
		}
	}
}
