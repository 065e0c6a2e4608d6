package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lookout/engine/figure"
	"lookout/engine/uptime"
)

// single has monitors of the real binary go down one after the other, alone among
// 1,000: some that share a network and this machine with others, and are held
// until these have answered, and some that share nothing.
func (d *drill) single(ctx context.Context) (err error) {
	const monitored, held, lone = 1000, 14, 28
	binary, clean, err := build()
	if err != nil {
		return err
	}
	defer clean()
	dir, err := os.MkdirTemp("", "lookout-drill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	told := filepath.Join(dir, "alerts.jsonl")
	config := anchored + fmt.Sprintf("[[channel]]\nname = \"log\"\ntype = \"file\"\npath = %q\nmax_per_hour = 1000\n", told) +
		monitors(monitored, func(i int) (string, string, string) { return fmt.Sprintf("m%d", i), spread(i), "" })
	for i := range lone {
		config += fmt.Sprintf("[[monitor]]\nname = \"lone%d\"\nurl = \"exec:lone%d\"\ncommand = \"sh\"\nargs = [\"-c\", %q]\ninterval = \"1s\"\nfailures = 1\n", i, i,
			"test ! -e "+filepath.Join(dir, fmt.Sprint("lone", i))+" || exit 2")
	}
	s, err := newScene(binary, []string{"192.0.2.0/24", "203.0.113.0/24", "203.0.114.0/24", "10.64.0.0/10"}, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	d.say("single: %d monitors", monitored+lone)
	if err := s.start(ctx, monitored+lone); err != nil {
		return err
	}
	d.say("single: %d go down, and another %d that share nothing", held, lone)
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 4))
	for i := range lone {
		if i%2 == 0 { // eight a minute: ten would be a crowd
			if err := s.Swallow(spread(i / 2 * (monitored / held))); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("lone", i)), nil, 0o600); err != nil {
			return err
		}
		if err := pause(ctx, 3*time.Second+time.Duration(rng.IntN(1500))*time.Millisecond); err != nil {
			return err
		}
	}
	if _, err := s.until(ctx, "that they are down", 2*time.Minute, func(st status) bool { return st.Counts["down"] == held+lone }); err != nil {
		return err
	}
	if err := pause(ctx, 5*time.Second); err != nil {
		return err
	}
	released, err := releases(told)
	if err != nil {
		return err
	}
	events, err := s.home.Events()
	if err != nil {
		return err
	}
	var alone, first, then []time.Duration // of those that share nothing; of the others, until they are released, and from then on
	for _, m := range s.post.since(0) {
		name, _, _ := strings.Cut(strings.TrimPrefix(m.subject, "DOWN "), ":")
		ev, ok := became(events, name)
		at, known := released[name]
		switch {
		case !ok || !known || m.kind != string(uptime.AlertOpened):
			return fmt.Errorf("a letter that is not of one monitor: %v", m)
		case strings.HasPrefix(name, "lone"):
			alone = append(alone, m.at.Sub(ev.Time))
		default:
			first, then = append(first, at.Sub(ev.Time)), append(then, m.at.Sub(at))
		}
	}
	figure.Least(d.figures, "single_letters", float64(len(alone)+len(first)), "letters", held+lone, fmt.Sprintf("%d and %d went down, each alone", held, lone))
	for _, x := range []struct {
		name string
		took []time.Duration
		most float64
		note string
	}{{"single_alone", alone, 1, "shares nothing: from the event to the mail that was taken"},
		{"single_held", first, 30, "shares its network: from the event until others have answered"},
		{"single_released", then, 1, "… and from then to the mail that was taken"}} {
		figure.Most(d.figures, x.name+"_p50", seconds(quantile(x.took, 0.5)), "s", x.most, x.note)
		figure.Most(d.figures, x.name+"_p99", seconds(quantile(x.took, 0.99)), "s", x.most, fmt.Sprintf("of %d", len(x.took)))
	}
	return nil
}

// became is the event in which a monitor came to be down.
func became(all []uptime.Event, monitor string) (uptime.Event, bool) {
	for _, ev := range all {
		if ev.Kind == uptime.EventVerdict && ev.Monitor == monitor && ev.To == uptime.Down {
			return ev, true
		}
	}
	return uptime.Event{}, false
}

// releases are when it was decided to tell of monitors, of a file of alerts.
func releases(path string) (map[string]time.Time, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]time.Time{}
	for line := range strings.Lines(string(text)) {
		var a struct {
			Time     time.Time
			Monitors []string
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, m := range a.Monitors {
			out[m] = a.Time
		}
	}
	return out, nil
}
