package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
)

// tried is what remote check found about one user of the broker, in JSON.
type tried struct {
	Who      string   `json:"who"` // engine, LOCATION/NAME, or the shovel of LOCATION
	User     string   `json:"user"`
	Broker   string   `json:"broker"`
	Tried    bool     `json:"tried"`
	Why      string   `json:"why,omitempty"` // it was not
	Rules    int      `json:"rules"`         // that were tried
	Problems []string `json:"problems"`
}

type remoteReport struct {
	Version int      `json:"version"`
	Kind    string   `json:"kind"`
	OK      bool     `json:"ok"`
	Users   []*tried `json:"users"`
}

func (c *call) remoteCheckCommand() *cobra.Command {
	dir := ""
	cmd := &cobra.Command{
		Use:   "check [--out DIR] [LOCATION/NAME…]",
		Short: "try on the broker what must be allowed, and what must not",
		Long: `Logs in at the broker as the engine and as each probe whose keys lie in DIR,
and tries everything that they must be able to do, and what they must not. Those
whose keys are elsewhere are listed as not tried. Without --out it is the engine
of the configuration alone.

It may run while everything works: nothing is taken from a queue, and attempts
have a mistake in them which the broker finds after it looked at the permission.
What is published, to see whether it arrives, are empty messages that expire
within a second and that lookout knows.

It exits with 0 where all is right, and 78 where something is not.`,
		Example: "  lookout remote check --out keys\n  lookout remote check --out keys fra/1",
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			users, err := c.brokerUsers(dir, args)
			if err != nil {
				return err
			}
			done := c.during(fmt.Sprintf("trying %s", count(len(users), "user")))
			out := tryAll(cmd.Context(), users)
			done()
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			ok := !slices.ContainsFunc(out, func(t *tried) bool { return len(t.Problems) > 0 })
			if format == "json" {
				err = c.printJSON(remoteReport{1, "remote-check", ok, out})
			} else {
				err = c.printTried(out)
			}
			if err != nil || ok {
				return err
			}
			return silent(exitConfig)
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "the folder that remote init filled")
	return cmd
}

// brokerUsers are those to try: of a folder, or the engine of the configuration.
func (c *call) brokerUsers(dir string, named []string) ([]brokerUser, error) {
	if dir == "" {
		if len(named) > 0 {
			return nil, failf(exitUsage, "the keys of probes lie in the folder that remote init filled: say --out DIR")
		}
		return c.engineOfConfig()
	}
	dir, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	plan, err := topology.ReadPlan(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, failf(exitIO, "%s was not made by remote init: there is no remote.json in it", dir)
	case err != nil:
		return nil, failf(exitConfig, "%w", err)
	}
	for _, id := range named {
		if !slices.ContainsFunc(plan.Probes, func(p topology.Probe) bool { return p.ID() == id }) {
			return nil, failf(exitUsage, "%s has no probe %s; lookout remote init --out %s %s adds it", dir, uptime.Clean(id, 80), dir, uptime.Clean(id, 80))
		}
	}
	return c.usersOf(dir, plan, named), nil
}

// trials is how many users are tried at the same time: a refused login takes the broker 3 s.
const trials = 8

// tryAll tries users, and returns what was found in their order.
func tryAll(ctx context.Context, users []brokerUser) []*tried {
	out := make([]*tried, len(users))
	free := make(chan struct{}, trials) // a place for each that is being tried
	var all sync.WaitGroup
	for i, u := range users {
		all.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			out[i] = u.try(ctx)
		})
	}
	all.Wait()
	return out
}

// printTried lists the users, problems under each, and what to do in the end.
func (c *call) printTried(out []*tried) error {
	const most = 12 // of the problems of a user: one cause has many
	wide := 0
	for _, t := range out {
		wide = max(wide, len(t.Who))
	}
	wrong, untried := 0, 0
	for _, t := range out {
		word, said := "ok  ", "all of "+count(t.Rules, "rule")+" hold for "+t.User
		switch {
		case len(t.Problems) > 0:
			wrong++
			word, said = "BAD ", count(len(t.Problems), "problem")+" with "+t.User
		case !t.Tried:
			untried++
			word, said = "-   ", "not tried: "+t.Why
		}
		fmt.Fprintf(c.stdout, "%s  %-*s  %s\n", word, wide, t.Who, uptime.Clean(said, 300))
		for i, p := range t.Problems {
			if i == most {
				fmt.Fprintf(c.stdout, "      and %s more\n", thousands(len(t.Problems)-most))
				break
			}
			fmt.Fprintf(c.stdout, "      %s\n", uptime.Clean(p, 500))
		}
	}
	end := []string{fmt.Sprintf("%s right", thousands(len(out)-wrong-untried))}
	if wrong > 0 {
		end = append(end, fmt.Sprintf("%s wrong", thousands(wrong)))
	}
	if untried > 0 {
		end = append(end, fmt.Sprintf("%s not tried", thousands(untried)))
	}
	_, err := fmt.Fprintln(c.stdout, strings.Join(end, ", "))
	return err
}
