package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/report"
	"lookout/engine/uptime"
)

// span is a stretch of the past that flags name.
type span struct{ since, until string }

func (s *span) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.since, "since", "", `not before: "24h" ago, "15:04", "2026-11-22 15:04"`)
	cmd.Flags().StringVar(&s.until, "until", "", "before this moment, written alike")
}

// times reads the flags, as they are meant in a time zone.
func (s *span) times(now time.Time, zone *time.Location) (since, until time.Time, err error) {
	if s.since != "" {
		if since, err = parsePast(s.since, now, zone); err != nil {
			return since, until, fmt.Errorf("--since: %w", err)
		}
	}
	if s.until != "" {
		if until, err = parsePast(s.until, now, zone); err != nil {
			return since, until, fmt.Errorf("--until: %w", err)
		}
		if !until.After(since) {
			return since, until, failf(exitUsage, "--until is before --since: nothing lies between")
		}
	}
	return since, until, nil
}

func (c *call) historyCommand() *cobra.Command {
	var s span
	var results bool
	cmd := &cobra.Command{
		Use:   "history [NAME|#N]",
		Short: "incidents, newest first; or the results of one monitor",
		Long: `Prints the incidents of everything or of one monitor, newest first, or the one
with a number, with its story and its evidence; with --results the results of one monitor, oldest first. Without
an engine it reads the file.`,
		Example: "  lookout history --since 7d\n  lookout history '#4711'\n  lookout history shop --results --since 2h --format csv",
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.reportFormat(report.Text, report.JSON, report.CSV)
			if err != nil {
				return err
			}
			about, err := historyOf(args)
			if err != nil {
				return err
			}
			if results && about.Name == "" {
				return failf(exitUsage, "--results are of one monitor: name it")
			}
			ctx := cmd.Context()
			m, _, done, err := c.remember(ctx)
			if err != nil {
				return err
			}
			defer done()
			opt := c.reportOptions(format, m.zone(ctx))
			since, until, err := s.times(c.now(), opt.Location)
			if err != nil {
				return err
			}
			if results {
				list, err := m.Results(ctx, uptime.ResultQuery{Monitor: about.Name, Since: since, Until: until, Limit: mostRows})
				if err != nil {
					return unheardOf(err, about)
				}
				c.notAll(len(list), "results")
				return report.Results(c.stdout, list, opt)
			}
			list, err := m.Incidents(ctx, uptime.IncidentQuery{Number: about.Incident, Monitor: about.Name, Since: since, Until: until, Limit: mostRows})
			if err == nil && about.Incident != 0 && len(list) == 0 {
				err = uptime.ErrNoMonitor
			}
			if err != nil {
				return unheardOf(err, about)
			}
			if about.Incident != 0 {
				told, err := c.toldOf(ctx, m, &list[0], format)
				if err != nil {
					return err
				}
				return report.Incident(c.stdout, &list[0], told, opt)
			}
			c.notAll(len(list), "incidents")
			return report.Incidents(c.stdout, list, opt)
		},
	}
	cmd.Flags().BoolVar(&results, "results", false, "the results of the checks, instead of the incidents")
	s.flags(cmd)
	return cmd
}

// toldOf are the alert events of an incident and of the day after it, as far as
// they are worth a look.
func (c *call) toldOf(ctx context.Context, m memories, in *uptime.Incident, format report.Format) ([]uptime.Event, error) {
	if format != report.Text {
		return nil, nil
	}
	q := uptime.EventQuery{Kinds: []uptime.EventKind{uptime.EventAlert}, Since: in.Start, Limit: 1000}
	if !in.Open() {
		q.Until = in.End.Add(24 * time.Hour)
	}
	return m.Events(ctx, q)
}

// historyOf is the monitor or the incident that history is asked for; neither means all.
func historyOf(args []string) (uptime.Selector, error) {
	if len(args) == 0 {
		return uptime.Selector{}, nil
	}
	about, err := uptime.ParseSelector(args[0])
	if err == nil && about.Name == "" && about.Incident == 0 {
		err = failf(exitUsage, "history is of one monitor, of one incident, or of all; %s is a choice of several", uptime.Clean(args[0], 80))
	}
	return about, err
}

// unheardOf says that there is no such thing, where that is the error.
func unheardOf(err error, about uptime.Selector) error {
	switch {
	case !errors.Is(err, uptime.ErrNoMonitor):
		return err
	case about.Incident != 0:
		return failf(exitUsage, "there is no incident #%d; lookout history lists them", about.Incident)
	}
	return failf(exitUsage, "%w: %s; lookout status lists them, and lookout history those that have gone", uptime.ErrNoMonitor, uptime.Clean(about.Name, 80))
}

// notAll says so where there may be more than is printed.
func (c *call) notAll(n int, what string) {
	if n >= mostRows {
		fmt.Fprintf(c.stderr, "lookout: these are the newest %s %s; --since and --until choose others\n", thousands(n), what)
	}
}

// mostRows is how many incidents or results are printed at most: as many as the API gives.
const mostRows = 10_000
