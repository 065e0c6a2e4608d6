package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/report"
	"lookout/engine/uptime"
)

func (c *call) eventsCommand() *cobra.Command {
	var s span
	var follow bool
	var after uint64
	cmd := &cobra.Command{
		Use:   "events",
		Short: "verdicts, incidents, what people did, as it happens",
		Long: `Prints the event log: the newest thousand, or what the flags ask for, oldest
first. With --follow it goes on with what happens, from now on unless --after
or --since say where to begin, until it is interrupted. When the engine ends it
waits for the next one, and misses nothing.`,
		Example: "  lookout events --since 1d\n  lookout events --follow --format json | while read -r e; do …; done",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := c.reportFormat(report.Text, report.JSON)
			if err != nil {
				return err
			}
			if follow && s.until != "" {
				return failf(exitUsage, "--follow has no end, and --until is one: give one of them")
			}
			ctx := cmd.Context()
			m, e, done, err := c.remember(ctx)
			if err != nil {
				return err
			}
			defer done()
			if follow && e == nil {
				return failf(exitNoEngine, "there is nothing to follow: no engine runs")
			}
			q := uptime.EventQuery{After: after, Limit: mostRows}
			opt := c.reportOptions(format, m.zone(ctx))
			if q.Since, q.Until, err = s.times(c.now(), opt.Location); err != nil {
				return err
			}
			chosen := cmd.Flags().Changed("after") || s != span{}
			last, err := c.printPast(ctx, m, q, chosen, follow, opt)
			if err != nil || !follow {
				return err
			}
			return c.follow(ctx, e, last, func(ev uptime.Event) error { return report.Events(c.stdout, []uptime.Event{ev}, opt) })
		},
	}
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with what happens")
	cmd.Flags().Uint64Var(&after, "after", 0, "those with a larger number")
	s.flags(cmd)
	return cmd
}

// printPast prints the events that were asked for, and returns the number of
// the last one that there is. If nothing was chosen, they are the newest
// thousand, or none before what is followed.
func (c *call) printPast(ctx context.Context, m memories, q uptime.EventQuery, chosen, follow bool, opt report.Options) (uint64, error) {
	if !chosen {
		n := 1000
		if follow {
			n = 1
		}
		list, err := newest(ctx, m, n)
		if err != nil || len(list) == 0 {
			return 0, err
		}
		last := list[0].ID
		if follow {
			return last, nil
		}
		slices.Reverse(list)
		return last, report.Events(c.stdout, list, opt)
	}
	last := q.After
	if follow { // what was not chosen of them is not to come afterwards
		list, err := newest(ctx, m, 1)
		if err != nil {
			return 0, err
		}
		if len(list) > 0 {
			last = max(last, list[0].ID)
		}
	}
	for {
		list, err := m.Events(ctx, q)
		if err != nil {
			return last, err
		}
		if len(list) > 0 {
			if err := report.Events(c.stdout, list, opt); err != nil {
				return last, err
			}
			q.After = list[len(list)-1].ID
			last = max(last, q.After)
		}
		if len(list) < q.Limit {
			return last, nil
		}
	}
}

// newest are the last events, the newest first.
func newest(ctx context.Context, m memories, n int) ([]uptime.Event, error) {
	return m.Events(ctx, uptime.EventQuery{Before: math.MaxUint64, Limit: n})
}

// How long a follower waits for an engine to come back, before it looks again.
const (
	firstLook = 250 * time.Millisecond
	lastLook  = 4 * time.Second
)

// follow prints events after a number as they happen, until ctx ends. An engine
// that ends is waited for: its successor goes on with the same numbers.
func (c *call) follow(ctx context.Context, e *peer, last uint64, print func(uptime.Event) error) error {
	config, wait := e.hello.Config, firstLook
	for {
		err := e.FollowEvents(ctx, last, func(ev uptime.Event) error {
			last, wait = ev.ID, firstLook
			return print(ev)
		})
		e.Close()
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.Is(err, uptime.ErrNoEngine):
			return err
		}
		fmt.Fprintf(c.stderr, "lookout: %s; waiting for it to come back\n", c.sentence(err))
		f := e.folder
		if e, err = c.comeBack(ctx, f, &wait); err != nil || e == nil {
			return err
		}
		if e.hello.Config != config {
			e.Close()
			return e.taken(f, config)
		}
		said := "nothing was missed"
		if list, err := newest(ctx, e, 1); err == nil && len(list) > 0 && list[0].ID < last {
			last, said = 0, "its event log began anew"
		}
		fmt.Fprintf(c.stderr, "lookout: the engine answers again, pid %d; %s\n", e.hello.PID, said)
	}
}

// comeBack waits for an engine in a data folder; it returns nil when ctx ended first.
func (c *call) comeBack(ctx context.Context, f folder, wait *time.Duration) (*peer, error) {
	for {
		t := time.NewTimer(*wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, nil
		case <-t.C:
		}
		*wait = min(2**wait, lastLook)
		e, err := c.dial(ctx, f.socket(), false)
		if err == nil || !errors.Is(err, uptime.ErrNoEngine) && ctx.Err() == nil {
			return e, err
		}
	}
}
