package watch

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// mailbox is a channel in memory.
type mailbox struct {
	mu      sync.Mutex
	begun   time.Time
	refuse  func(since time.Duration) *uptime.Refusal // nil: it takes all
	left    func(since time.Duration) []string        // … for all but these
	letters []uptime.Letter
	tries   []string // "3m0s ID" of each
}

func (m *mailbox) Target() string { return "a mailbox" }

func (m *mailbox) Send(_ context.Context, l *uptime.Letter, _ func(string)) (uptime.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	since := time.Since(m.begun)
	m.tries = append(m.tries, fmt.Sprintf("%s %s", since.Round(time.Second), l.ID))
	if m.refuse != nil {
		if r := m.refuse(since); r != nil {
			return uptime.Receipt{}, r
		}
	}
	m.letters = append(m.letters, *l)
	r := uptime.Receipt{Reply: "250 ok"}
	if m.left != nil {
		if r.Left = m.left(since); r.Left != nil {
			r.Why = "450 not now"
		}
	}
	return r, nil
}

// watching runs a watch for a span of virtual time. The engine is heard once a
// minute while alive says so, our own line is as online says.
func watching(t *testing.T, span time.Duration, m *mailbox, alive, online func(time.Duration) bool) {
	t.Helper()
	m.begun = time.Now()
	var mu sync.Mutex
	var heard time.Time
	w, err := New(Options{
		Probe: "fra/p1", Engine: "web-1", Zone: time.UTC, Log: slog.New(slog.DiscardHandler),
		Channels: []uptime.ChannelConfig{{Name: "ops", Channel: m}, {Name: "boss", Channel: &mailbox{begun: m.begun}}},
		Heard: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return heard
		},
		Broken: func() string { return "" },
		Online: func(context.Context) (bool, string) { return online(time.Since(m.begun)), "no anchor answers" },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	var signs sync.WaitGroup
	signs.Go(func() {
		for tick := time.NewTicker(time.Minute); ; {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				if alive(now.Sub(m.begun)) {
					mu.Lock()
					heard = now
					mu.Unlock()
				}
			}
		}
	})
	w.Run(ctx) //nolint:errcheck // it ends with ctx
	signs.Wait()
}

func always(time.Duration) bool { return true }

// from to, in minutes.
func within(from, to float64) func(time.Duration) bool {
	return func(at time.Duration) bool { return at.Minutes() >= from && at.Minutes() < to }
}

func not(f func(time.Duration) bool) func(time.Duration) bool {
	return func(at time.Duration) bool { return !f(at) }
}

func TestWatch(t *testing.T) {
	for _, tt := range []struct {
		name          string
		span          time.Duration
		alive, online func(time.Duration) bool
		want          []string // minute, and what
	}{
		{"all is well", 24 * time.Hour, always, always, nil},
		{"a lost sign", time.Hour, not(within(10.5, 11.5)), always, nil},
		{"it dies and comes back", time.Hour, not(within(10.5, 30.5)), always, []string{"13 BLIND", "31 no longer blind"}},
		{"it never was there", 10 * time.Minute, not(always), always, []string{"3 BLIND"}},
		{"for long", 13 * time.Hour, within(0, 10.5), always, []string{"13 BLIND", "373 BLIND", "733 BLIND"}},
		{"twice", time.Hour, not(func(at time.Duration) bool { return within(10.5, 20.5)(at) || within(30.5, 40.5)(at) }), always,
			[]string{"13 BLIND", "21 no longer blind", "33 BLIND", "41 no longer blind"}},
		{"we are offline", time.Hour, not(within(10.5, 40.5)), not(within(10.5, 40.2)), nil},
		{"we are offline at first", time.Hour, not(within(10.5, 40.5)), not(within(10.5, 20.5)), []string{"23 BLIND", "41 no longer blind"}},
		{"we go offline when it is told", time.Hour, not(within(10.5, 40.5)), not(within(14, 30)), []string{"13 BLIND", "41 no longer blind"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mailbox{}
				watching(t, tt.span, m, tt.alive, tt.online)
				var got []string
				for _, l := range m.letters {
					word, _, _ := strings.Cut(l.Subject, ":")
					got = append(got, fmt.Sprintf("%.0f %s", l.Time.Sub(m.begun).Truncate(time.Minute).Minutes(), word))
					if l.Over != strings.HasPrefix(word, "no longer") || l.Urgent == l.Over {
						t.Errorf("%s: over %v, urgent %v", l.Subject, l.Over, l.Urgent)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// A channel that takes nothing for a while gets what is left to say, with the
// same ID where a letter may have been taken.
func TestWatchRefused(t *testing.T) {
	away := func(uncertain bool, from, to float64) func(time.Duration) *uptime.Refusal {
		return func(at time.Duration) *uptime.Refusal {
			if within(from, to)(at) {
				return &uptime.Refusal{Reply: "450 not now", Uncertain: uncertain}
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name   string
		refuse func(time.Duration) *uptime.Refusal
		want   []string // subjects that were taken
	}{
		{"until it was told", away(false, 0, 20), []string{"BLIND", "no longer blind"}},
		{"until it was over", away(false, 0, 45), []string{"no longer blind"}},
		{"and may have been taken", away(true, 0, 45), []string{"BLIND", "no longer blind"}},
		{"the end", away(false, 25, 60), []string{"BLIND", "no longer blind"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mailbox{refuse: tt.refuse}
				watching(t, 2*time.Hour, m, not(within(10.5, 30.5)), always)
				var got []string
				for _, l := range m.letters {
					word, _, _ := strings.Cut(l.Subject, ":")
					got = append(got, word)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q; tries %q", got, tt.want, m.tries)
				}
				if tt.name == "until it was over" && !strings.Contains(m.letters[0].Text, "that it was not could not be told") {
					t.Errorf("it says %s", m.letters[0].Text)
				}
				ids := map[string]bool{}
				for _, try := range m.tries {
					_, id, _ := strings.Cut(try, " ")
					ids[id] = true
				}
				if len(ids) != 2 || len(m.tries) > 20 {
					t.Errorf("%d letters in %d tries: %q", len(ids), len(m.tries), m.tries)
				}
			})
		})
	}
}

// Who was refused while others were not is told later, until there is other news.
func TestWatchLeft(t *testing.T) {
	for _, tt := range []struct {
		name  string
		until float64 // the minute to which one is refused
		want  []string
	}{
		{"for a while", 14, []string{"BLIND []", "BLIND [jo]", "no longer blind []"}},
		{"until it is over", 30.9, []string{"BLIND []", "no longer blind []"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mailbox{left: func(at time.Duration) []string {
					if within(0, tt.until)(at) {
						return []string{"jo"}
					}
					return nil
				}}
				watching(t, 2*time.Hour, m, not(within(10.5, 30.5)), always)
				var got []string
				for _, l := range m.letters {
					word, _, _ := strings.Cut(l.Subject, ":")
					if said := fmt.Sprint(word, " ", l.To); len(got) == 0 || said != got[len(got)-1] { // tries for one look alike
						got = append(got, said)
					}
				}
				if tt.until > 30 && len(got) == 3 && got[1] == "BLIND [jo]" { // in vain
					got = slices.Delete(got, 1, 2)
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// A machine that slept has heard nothing, which says nothing of the engine.
func TestWatchSlept(t *testing.T) {
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := silence{after: blindAfter, began: began, online: true}
	s.look(began.Add(5*time.Second), began)
	s.look(began.Add(time.Hour), began)
	if s.doubts() || s.judge() != nothingNew {
		t.Error("it judges by the time that it slept")
	}
	for at := time.Hour; at < time.Hour+blindAfter; at += watchEvery {
		s.look(began.Add(at), began)
		if s.doubts() {
			s.answered(s.now, true)
		}
		if s.judge() != nothingNew {
			t.Fatalf("told after %s", at)
		}
	}
}

// The sentences say who, since when, and whose fault it may be.
func TestWatchSays(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 31, 7, 0, time.UTC)
	broken := ""
	w, err := New(Options{Probe: "fra/p1", Engine: "web-1 at broker.example.com:5671", Zone: time.UTC, Broken: func() string { return broken }})
	if err != nil {
		t.Fatal(err)
	}
	s := silence{after: blindAfter, began: at.Add(-time.Hour), now: at.Add(3 * time.Minute)}
	for _, tt := range []struct {
		heard        time.Time
		broken, want string
	}{
		{at, "", "the monitor web-1 at broker.example.com:5671 is blind: nothing has been heard of it since Sun 12:31:07 UTC (3m00s); probe fra/p1 is online, and the broker between us answers, so it is the engine itself or its line"},
		{at, "the broker is not reached: connection refused", "the monitor web-1 at broker.example.com:5671 is blind: nothing has been heard of it since Sun 12:31:07 UTC (3m00s); probe fra/p1 is online, and the broker is not reached: connection refused"},
		{time.Time{}, "", "the monitor web-1 at broker.example.com:5671 is blind: nothing was ever heard of it since this probe started at Sun 11:31:07 UTC (1h03m ago); probe fra/p1 is online, and the broker between us answers, so it is the engine itself or its line"},
	} {
		s.heard, broken = tt.heard, tt.broken
		if got := w.blind(&s); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	s.last, s.heard = at, at.Add(14*time.Minute)
	if got := w.again(&s); got != "the monitor web-1 at broker.example.com:5671 is heard of again, after 14m00s without a sign" {
		t.Error(got)
	}
}
