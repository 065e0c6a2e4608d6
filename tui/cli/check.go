package cli

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/engine/report"
	"lookout/engine/uptime"
	"lookout/probes"
)

// checkAtOnce is how many checks of one command run at the same time.
const checkAtOnce = 128

func (c *call) checkCommand() *cobra.Command {
	var all bool
	var from string
	var resolvers []string
	cmd := &cobra.Command{
		Use:   "check NAME|URL…",
		Short: "one check now, in this command; nothing is stored",
		Long: `Makes one check of each NAME or URL in this very command, without the engine,
prints all that it saw, and stores nothing. A NAME is checked as configured, a
URL with every default. To have the engine check, use recheck. With --from a probe
of that location makes the check instead, asked by the running engine; here too
nothing is stored, and no verdict rests on it.

The exit code is that of the worst: 0 up, 1 degraded, 2 down, 3 unknown.`,
		Example: `  lookout check shop
  lookout check https://example.com tcp://host:22 'dns:example.com?type=MX'
  lookout check --all --format json
  lookout check shop --from fra
  lookout check --resolver 192.0.2.53 shop`,
		Annotations: map[string]string{asPlugin: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.reportFormat(report.Text, report.JSON)
			if err != nil {
				return err
			}
			if all == (len(args) > 0) {
				return failf(exitUsage, "%s needs a NAME, a URL or --all; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			if from != "" {
				if all || len(resolvers) > 0 {
					return failf(exitUsage, "--from goes with neither --all nor --resolver: the check is made elsewhere, with what is configured")
				}
				return c.checkFrom(cmd.Context(), args, from, format)
			}
			for _, r := range resolvers {
				server, err := uptime.ParseServer(r)
				if err != nil {
					return failf(exitUsage, "--resolver: %w; write it like 192.0.2.53 or [2001:db8::1]:53", err)
				}
				c.resolvers = append(c.resolvers, server)
			}
			jobs, zone, err := c.jobsFor(args)
			if err != nil {
				return err
			}
			results := c.checkNow(cmd.Context(), jobs)
			if err := report.Checks(c.stdout, results, c.reportOptions(format, zone)); err != nil {
				return err
			}
			return silent(report.CheckExit(results))
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every enabled monitor of the configuration")
	cmd.Flags().StringVar(&from, "from", "", "a location whose probes make the check; it needs a running engine")
	cmd.Flags().StringSliceVar(&resolvers, "resolver", nil, "address of a name server to ask instead of those of the system and the monitor, and of the hosts file")
	return cmd
}

// checkFrom has the engine ask a location for a check of each target.
func (c *call) checkFrom(ctx context.Context, targets []string, from string, format report.Format) error {
	e, err := c.reach(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	results := make([]uptime.Result, 0, len(targets))
	for _, t := range targets {
		res, err := e.CheckFrom(ctx, t, from)
		if err != nil {
			return refused(err, exitUsage)
		}
		results = append(results, res)
	}
	if err := report.Checks(c.stdout, results, c.reportOptions(format, e.zone(ctx))); err != nil {
		return err
	}
	return silent(report.CheckExit(results))
}

// jobsFor makes what is to be checked: the named monitors and the URLs in the
// order of the arguments, or every monitor for none; and the time zone to tell
// of it in, which is ours where no configuration is needed.
func (c *call) jobsFor(args []string) ([]uptime.Job, *time.Location, error) {
	opt := c.options()
	var cfg *config.Config
	if !slices.ContainsFunc(args, func(a string) bool { return !isURL(a) }) && len(args) > 0 {
		cfg = &config.Config{Timezone: time.Local} // no name is asked for, so no file is read
	} else {
		in, err := c.load()
		var none *noConfig
		if errors.As(err, &none) && len(args) > 0 {
			return nil, nil, failf(exitUsage, "%w; a URL needs none, and looks like %s", err, uptime.Clean(asURL(args[0]), 100))
		}
		if err != nil {
			return nil, nil, err
		}
		cfg = in.config
		if len(args) == 0 {
			return cfg.Jobs, cfg.Timezone, nil
		}
	}
	jobs := make([]uptime.Job, 0, len(args))
	for _, a := range args {
		if i, ok := slices.BinarySearchFunc(cfg.Jobs, a, func(j uptime.Job, name string) int { return strings.Compare(j.Name, name) }); ok {
			jobs = append(jobs, cfg.Jobs[i])
			continue
		}
		if a == "" {
			return nil, nil, failf(exitUsage, "an empty name is no monitor's")
		}
		if slices.Contains(cfg.Disabled, a) {
			return nil, nil, failf(exitUsage, "%s is disabled in %s (enabled = false); to check it all the same, give its URL", uptime.Clean(a, 120), cfg.Path)
		}
		if !isURL(a) {
			return nil, nil, failf(exitUsage, "%w: %s is not in %s%s", uptime.ErrNoMonitor, uptime.Clean(a, 120), cfg.Path, nearest(a, cfg.Jobs))
		}
		one, err := config.FromURLs([]string{a}, opt)
		if err != nil {
			return nil, nil, failf(exitUsage, "%w", err) // it names what is wrong, and no secret of a URL
		}
		jobs = append(jobs, one.Jobs...)
	}
	return jobs, cfg.Timezone, nil
}

// asURL is how an argument would be written as a URL: as in the configuration
// host:port is tcp, and a name is of the web.
func asURL(s string) string {
	if _, port, err := net.SplitHostPort(s); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err == nil {
			return "tcp://" + s
		}
	}
	if strings.ContainsAny(s, " :") {
		return "https://example.com"
	}
	return "https://" + s
}

// isURL reports whether an argument is a URL rather than a name: it begins with a scheme.
func isURL(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" {
		return false
	}
	for i, r := range scheme {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return strings.HasPrefix(rest, "//") || scheme == "dns" || scheme == "domain"
}

// nearest suggests the monitor whose name holds what was typed, or begins like it.
func nearest(typed string, jobs []uptime.Job) string {
	typed = strings.ToLower(typed)
	var found []string
	for _, j := range jobs {
		if strings.Contains(strings.ToLower(j.Name), typed) {
			if found = append(found, j.Name); len(found) == 3 {
				break
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(found, " or ") + "?"
}

// checkNow runs the checks, some at a time, and returns what they found in the
// order of the jobs. It ends early with ctx: the rest is cancelled.
func (c *call) checkNow(ctx context.Context, jobs []uptime.Job) []uptime.Result {
	raiseFiles()
	runner := &probes.Runner{}
	results := make([]uptime.Result, len(jobs))
	say, wipe := c.progress()
	next := make(chan int)                 // us → workers; unbuffered: a free worker takes one
	done := make(chan struct{}, len(jobs)) // workers → progress; a slot each: no worker waits
	var workers sync.WaitGroup
	for range min(checkAtOnce, len(jobs)) {
		workers.Go(func() {
			for i := range next {
				results[i] = runner.Run(ctx, jobs[i])
				done <- struct{}{}
			}
		})
	}
	workers.Go(func() {
		for i := range jobs {
			next <- i
		}
		close(next)
	})
	tick := time.NewTicker(time.Second) // what takes less shows no progress
	defer tick.Stop()
	for n := 0; n < len(jobs); {
		select {
		case <-done:
			n++
		case <-tick.C:
			say(thousands(n) + " of " + count(len(jobs), "check") + " done")
		}
	}
	workers.Wait()
	wipe()
	return results
}
