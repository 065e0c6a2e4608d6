package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/engine/report"
	"lookout/engine/uptime"
)

// watchEvery is how often status --watch looks, unless it is told.
const watchEvery = "5s"

// statusFlags are those of lookout status.
type statusFlags struct {
	page     string
	problems bool
	ascii    bool
	watch    string
	output   string
	format   report.Format
}

func (c *call) statusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status [PAGE]",
		Short: "how everything is, as plain text; the exit code tells, too",
		Long: `Prints how everything is, or a [[page]] of it: problems first with their reasons,
then every other monitor on a line. Without an engine it reads the file and
says how old the truth is.

The exit code is that of the worst: 0 up, 1 degraded, 2 down, 3 unknown, not
checked yet, or no engine. What is paused or in maintenance does not count.`,
		Example: `  lookout status --problems
  lookout status public --format json
  lookout status --watch=30s --output /var/www/status.txt`,
		Annotations: map[string]string{asPlugin: "yes"},
		Args:        atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if f.format, err = c.reportFormat(report.Text, report.JSON, report.CSV, report.Prometheus); err != nil {
				return err
			}
			if len(args) > 0 {
				f.page = args[0]
			}
			if f.watch == "" {
				code, err := c.printStatus(cmd.Context(), f)
				if err != nil {
					return err
				}
				return silent(code)
			}
			return c.watchStatus(cmd.Context(), f)
		},
	}
	cmd.Flags().BoolVar(&f.problems, "problems", false, "stop after the problems")
	cmd.Flags().BoolVar(&f.ascii, "ascii", false, "nothing but ASCII")
	cmd.Flags().StringVar(&f.watch, "watch", "", "print it again, as often as --watch=30s says")
	cmd.Flags().Lookup("watch").NoOptDefVal = watchEvery
	cmd.Flags().StringVar(&f.output, "output", "", "write to this file, in one step, instead of standard output")
	return cmd
}

// watchStatus prints the status again and again until ctx ends; what goes wrong
// in between is said, and tried again.
func (c *call) watchStatus(ctx context.Context, f statusFlags) error {
	every, err := uptime.ParseDuration(f.watch)
	if err != nil {
		return failf(exitUsage, "--watch: %w", err)
	}
	if every < time.Second {
		return failf(exitUsage, "--watch: once a second is the most")
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for code := report.ExitUnknown; ; {
		now, err := c.printStatus(ctx, f)
		switch {
		case ctx.Err() != nil:
			return silent(code)
		case err != nil:
			code = report.ExitUnknown
			fmt.Fprintln(c.stderr, "lookout: "+c.sentence(err))
		default:
			code = now
		}
		select {
		case <-ctx.Done():
			return silent(code)
		case <-t.C:
			if f.output == "" && f.format == report.Text {
				fmt.Fprintln(c.stdout)
			}
		}
	}
}

// printStatus prints the status once and returns its exit code.
func (c *call) printStatus(ctx context.Context, f statusFlags) (int, error) {
	s, err := c.status(ctx, f.page)
	if err != nil {
		return 0, err
	}
	opt := c.reportOptions(f.format, zoneOf(s.Snapshot))
	opt.Problems, opt.ASCII = f.problems, f.ascii
	code := report.StatusExit(s)
	if f.output == "" {
		return code, report.Status(c.stdout, s, opt)
	}
	opt.Width = 0
	var b bytes.Buffer
	if err := report.Status(&b, s, opt); err != nil {
		return code, err
	}
	if err := config.WriteFile(f.output, 0o644, b.Bytes()); err != nil {
		return code, &unwritten{fmt.Errorf("the status cannot be written to %s: %w", f.output, cause(err))}
	}
	return code, nil
}

// status asks the engine, or reads what the last one knew.
func (c *call) status(ctx context.Context, page string) (uptime.Status, error) {
	e, in, err := c.reachOrRead(ctx)
	if err != nil {
		return uptime.Status{}, err
	}
	if e != nil {
		defer e.Close()
		return e.Status(ctx, page, false)
	}
	a, err := c.openArchive(in)
	if err != nil {
		return uptime.Status{}, err
	}
	defer a.close()
	s, err := c.lastKnown(a)
	if err != nil {
		return uptime.Status{}, err
	}
	if page != "" {
		if s, err = onPage(s, in, page); err != nil {
			return uptime.Status{}, err
		}
	}
	return uptime.Status{Snapshot: s, Page: page, Stale: true}, nil
}

// onPage narrows a snapshot to a page of the configuration.
func onPage(s *uptime.Snapshot, in instance, page string) (*uptime.Snapshot, error) {
	names := make([]string, 0, len(in.config.Pages))
	for i := range in.config.Pages {
		p := &in.config.Pages[i]
		if p.Name == page {
			return s.Narrow(func(st *uptime.State) bool { return p.Includes(st.Monitor) }), nil
		}
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return nil, failf(exitUsage, "there is no page %q: %s has none", uptime.Clean(page, 80), in.place.path)
	}
	return nil, failf(exitUsage, "there is no page %q; there is %s", uptime.Clean(page, 80), bullets(names))
}
