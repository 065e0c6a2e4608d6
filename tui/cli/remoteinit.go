package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
)

// initiated is what remote init made, in JSON.
type initiated struct {
	Version   int        `json:"version"`
	Kind      string     `json:"kind"`
	Dir       string     `json:"dir"`
	Vhost     string     `json:"vhost"`
	Probes    []string   `json:"probes"`    // that have new keys
	Locations []string   `json:"locations"` // that the engine's part of the configuration did not have
	Files     []madeFile `json:"files"`
	Commands  []string   `json:"commands"` // that remove what probes left on brokers
}

type madeFile struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

func (c *call) remoteInitCommand() *cobra.Command {
	var o topology.Options
	cmd := &cobra.Command{
		Use:   "init --out DIR [LOCATION/NAME…]",
		Short: "write keys, certificates and configurations for probes and their broker",
		Long: `Writes everything that the engine, its probes and the RabbitMQ broker between
them need into one folder, a part for each of them, to copy to where it is used.

A second run adds the probes that it names: keys, passwords and configurations
that are there stay as they are. A probe whose folder is gone gets new ones.
Import definitions.json again after each run: that adds and removes nothing else.

With --server-name the broker gets a certificate of the folder's own CA; without,
it has one already. With --shovel the probes of this run dial a broker of their
own, which carries everything to the engine's and back.`,
		Example: `  lookout remote init --out keys --url amqps://broker.example.com/lookout --server-name broker.example.com fra/1 nyc/1
  lookout remote init --out keys sgp/1
  lookout remote init --out keys --shovel amqp://127.0.0.1/lookout syd/1
  lookout remote init --out keys --remove fra/1`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(o.Remove) > 0 {
				return nil
			}
			return atLeastOne("the probes to make files for: LOCATION/NAME")(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			if o.Dir == "" {
				return failf(exitUsage, "say where to write: --out DIR")
			}
			if o.Dir, err = absolute(o.Dir); err != nil {
				return err
			}
			if o.Anchors, err = c.engineAnchors(); err != nil {
				return err
			}
			o.Probes, o.Now = args, c.now()
			r, err := topology.Init(o)
			if err != nil {
				return initFailure(err)
			}
			if format == "json" {
				return c.printJSON(initiatedJSON(o.Dir, r))
			}
			return c.printInitiated(o.Dir, r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "out", "", "the folder to write into, or to add to")
	f.StringVar(&o.URL, "url", "", "of the broker, with the engine's vhost: amqps://HOST/VHOST; the first time")
	f.StringArrayVar(&o.ServerNames, "server-name", nil, "make a certificate for the broker, of this name or address; may be repeated")
	f.StringVar(&o.Shovel, "shovel", "", "URL of a broker of their own that these probes dial")
	f.StringArrayVar(&o.Remove, "remove", nil, "a probe that is to be no more; may be repeated")
	f.BoolVar(&o.Quorum, "quorum", false, "the broker is a cluster: keep results on several nodes; to be said the first time")
	return cmd
}

// initFailure gives a mistake of what was asked for its exit code.
func initFailure(err error) error {
	var system *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &exitError{exitDenied, err}
	case errors.As(err, &system):
		return &exitError{exitIO, err}
	}
	return &exitError{exitUsage, err}
}

// engineAnchors are those of the configuration, if there is one: a probe's own are
// likely to be the same.
func (c *call) engineAnchors() ([]netip.AddrPort, error) {
	p, err := findConfig(c.config, c.getenv, c.etc)
	if err != nil || p.path == "" {
		return nil, err
	}
	cfg, err := config.Load(p.path, c.options())
	if cfg == nil {
		return nil, unreadable(p.path, err)
	}
	return cfg.Anchors, nil // whatever else is wrong in it: it may lack what is being made
}

func initiatedJSON(dir string, r *topology.Result) initiated {
	out := initiated{1, "remote-init", dir, r.Plan.Vhost, append([]string{}, r.Added...), append([]string{}, r.Places...), []madeFile{}, []string{}}
	for _, f := range r.Changes {
		out.Files = append(out.Files, madeFile{f.Path, f.Why})
	}
	for _, l := range r.Left {
		out.Commands = append(out.Commands, removing(r.Plan, l))
	}
	return out
}

// printInitiated says what was made, folder by folder, and what to do with it.
func (c *call) printInitiated(dir string, r *topology.Result) error {
	dir = uptime.Clean(dir, 300)
	if len(r.Changes) == 0 {
		_, err := fmt.Fprintf(c.stdout, "%s: everything is there already\n", dir)
		return err
	}
	fmt.Fprintf(c.stdout, "%s: %s written\n", dir, count(len(r.Changes), "file"))
	changed := map[string]bool{}
	for _, f := range r.Changes {
		changed[filepath.Dir(f.Path)] = true
	}
	line := func(folder, what string) {
		if changed[strings.TrimSuffix(folder, "/")] {
			fmt.Fprintf(c.stdout, "\n%s  %s\n", folder, what)
		}
	}
	line("engine/", `to the engine, beside lookout.toml, which then says: include = ["engine/broker.toml"]`)
	if len(r.Places) > 0 {
		fmt.Fprintf(c.stdout, "         new [[location]]s in it: %s\n", strings.Join(r.Places, ", "))
	}
	line("broker/", "to the broker: its files to "+topology.SecretsAt+", then rabbitmqctl import_definitions <definitions.json")
	for _, far := range r.Plan.Far {
		line(topology.FarFolder(far.Location)+"/", "to the broker of "+far.Location+" likewise, which needs: rabbitmq-plugins enable rabbitmq_shovel")
	}
	for _, p := range r.Plan.Probes {
		line(topology.Folder(p)+"/", "to the machine of "+p.ID()+", as /etc/lookout-probe: lookout probe --config /etc/lookout-probe/probe.toml")
	}
	for i, l := range r.Left {
		if i == 0 || r.Left[i-1].Far != l.Far {
			fmt.Fprintf(c.stdout, "\nat %s:\n", brokerOf(l.Far))
		}
		fmt.Fprintf(c.stdout, "  %s\n", removing(r.Plan, l))
	}
	_, err := fmt.Fprintf(c.stdout, "\nThen: lookout remote check --out %s\n", dir)
	return err
}

// brokerOf says which broker is meant.
func brokerOf(far string) string {
	if far == "" {
		return "the engine's broker"
	}
	return "the broker of " + far
}

// removing is the command that removes what a probe left on a broker.
func removing(p *topology.Plan, l topology.Left) string {
	switch l.What {
	case "queue":
		return "rabbitmqctl delete_queue --vhost " + p.Vhost + " " + l.Name
	case "shovel":
		return "rabbitmqctl clear_parameter --vhost " + p.Vhost + " shovel '" + l.Name + "'"
	}
	return "rabbitmqctl delete_" + l.What + " " + l.Name
}
