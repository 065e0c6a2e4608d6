package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/engine/report"
	"lookout/engine/uptime"
)

func (c *call) remoteListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "who checks at other locations, and how they do",
		Long: `Prints the broker and the probes behind it as the running engine knows them,
those whose vote does not count first, with the reason, and each [[location]] that
none has come from. The first line counts this node too, as lookout status does.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := c.reportFormat(report.Text, report.JSON)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			e, err := c.reach(ctx)
			if err != nil {
				return err
			}
			defer e.Close()
			r, err := e.Remotes(ctx)
			if err != nil {
				return err
			}
			return report.Probes(c.stdout, r, c.reportOptions(format, e.zone(ctx)))
		},
	}
}

func (c *call) remoteExcludeCommand() *cobra.Command {
	return c.voteCommand(vote{"exclude", "excluded", "take a probe's vote away: it checks nothing more", (*peer).Exclude})
}

func (c *call) remoteIncludeCommand() *cobra.Command {
	return c.voteCommand(vote{"include", "included", "give a probe its vote back", (*peer).Include})
}

// vote is what can be done to the vote of a probe.
type vote struct {
	verb, done, short string
	do                func(p *peer, ctx context.Context, probe, note string) error
}

func (c *call) voteCommand(v vote) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:     v.verb + " LOCATION/NAME…",
		Short:   v.short,
		Example: "  lookout remote " + v.verb + " fra/1 --note \"a bad line\"",
		Args:    atLeastOne("LOCATION/NAME of a probe; lookout remote list names them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			for _, id := range args {
				if location, name, ok := strings.Cut(id, "/"); !ok || location == "" || name == "" || strings.Contains(name, "/") {
					return failf(exitUsage, "%q is no probe: it is LOCATION/NAME; lookout remote list names them", uptime.Clean(id, 80))
				}
			}
			ctx := cmd.Context()
			e, err := c.reach(ctx)
			if err != nil {
				return err
			}
			defer e.Close()
			for _, id := range args {
				if err := v.do(e, ctx, id, note); err != nil {
					return e.probeMeant(ctx, err, id)
				}
			}
			if format == "json" {
				return c.printJSON(voted{1, "action", v.verb, args})
			}
			_, err = fmt.Fprintln(c.stdout, v.done+"  "+bullets(args))
			return err
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for others to read")
	return cmd
}

// voted is whose vote changed, in JSON.
type voted struct {
	Version int      `json:"version"`
	Kind    string   `json:"kind"`
	Verb    string   `json:"verb"`
	Probes  []string `json:"probes"`
}

// probeMeant says in place of an unknown probe which one may have been meant.
func (p *peer) probeMeant(ctx context.Context, err error, id string) error {
	if !errors.Is(err, uptime.ErrNoMonitor) { // what the API calls not found
		return err
	}
	r, failed := p.Remotes(ctx)
	if failed != nil {
		return err
	}
	var names []string
	for i := range r.Probes {
		if p := &r.Probes[i]; p.State != uptime.ProbeUnseen {
			names = append(names, p.ID())
		}
	}
	switch near := config.Near(id, names); {
	case near != "":
		return failf(exitUsage, "there is no probe %s; did you mean %s?", id, near)
	case len(names) == 0:
		return failf(exitUsage, "there is no probe %s: none has said hello yet", id)
	}
	return failf(exitUsage, "there is no probe %s; there is %s", id, bullets(names))
}
