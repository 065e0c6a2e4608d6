package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

func (c *call) configCommand() *cobra.Command {
	return parent("config", "validate a configuration, show what it would change, write a first one",
		c.configCheckCommand(), c.configDiffCommand(), c.configInitCommand())
}

// configNamed is the configuration that an argument names, or the one of this call.
func (c *call) configNamed(args []string) (string, error) {
	if len(args) > 0 {
		return absolute(args[0])
	}
	p, err := c.place()
	return p.path, err
}

// readConfig reads a configuration and says what is wrong with it; the
// Config is nil only where nothing could be read.
func (c *call) readConfig(path string) (*config.Config, error) {
	cfg, err := config.Load(path, c.options())
	switch {
	case cfg == nil:
		return nil, unreadable(path, err)
	case err != nil:
		return cfg, mistaken(path, err)
	}
	return cfg, nil
}

// readSlowly is readConfig for a command, which has the terminal to itself: it
// says what takes so long.
func (c *call) readSlowly(path string) (*config.Config, error) {
	defer c.during("reading " + path)()
	return c.readConfig(path)
}

// checked is a configuration that was checked, in JSON.
type checked struct {
	Version  int       `json:"version"`
	Kind     string    `json:"kind"`
	Path     string    `json:"path"`
	Files    []string  `json:"files"`
	Monitors int       `json:"monitors"`
	Disabled int       `json:"disabled"`
	Windows  []opening `json:"maintenance,omitempty"`
	Mistakes []mistake `json:"mistakes"`
}

type mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Key     string `json:"key"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

func (c *call) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "read a configuration and list every mistake with its line",
		Long: `Reads a configuration with all that it includes and lists every mistake, with
its file, its line, the key and what to do; without one, also when each
[[maintenance]] opens next. Nothing is checked or changed.`,
		Example: "  lookout config check\n  lookout config check new.toml && mv new.toml lookout.toml && lookout reload",
		Args:    atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			path, err := c.configNamed(args)
			if err != nil {
				return err
			}
			cfg, wrong := c.readSlowly(path)
			if cfg == nil {
				return wrong
			}
			if format == "json" {
				if err := c.printJSON(checkedJSON(path, cfg, wrong, c.now())); err != nil {
					return err
				}
				return silent(codeOf(wrong))
			}
			if wrong != nil {
				return wrong
			}
			for _, w := range cfg.Warnings {
				fmt.Fprintln(c.stdout, uptime.Clean(w.String(), 1024))
			}
			fmt.Fprintf(c.stdout, "%s: %s", path, count(len(cfg.Jobs), "monitor"))
			if n := len(cfg.Disabled); n > 0 {
				fmt.Fprintf(c.stdout, " and %s more disabled", thousands(n))
			}
			if n := len(cfg.Warnings); n > 0 {
				fmt.Fprintf(c.stdout, ", %s", count(n, "warning"))
			}
			fmt.Fprintln(c.stdout, ", no mistake")
			fmt.Fprint(c.stdout, elsewhere(cfg))
			fmt.Fprint(c.stdout, whoIsTold(cfg))
			return c.printOpenings(cfg)
		},
	}
}

// elsewhere says what happens at other locations; "" where nothing does.
func elsewhere(cfg *config.Config) string {
	if cfg.Broker == nil || len(cfg.Locations) == 0 {
		return ""
	}
	asked, regular := 0, 0
	for _, j := range cfg.Jobs {
		if j.Portable == nil {
			continue
		}
		if j.Locations != nil {
			regular++
		}
		if !j.Rule.Consecutive && !j.Rule.Plain && j.Alone == "" {
			asked++
		}
	}
	return fmt.Sprintf("%s over %s: second opinions of %s, regular checks of %s\n", bullets(placeNames(cfg.Locations)), cfg.Broker.URL, count(asked, "monitor"), count(regular, "monitor"))
}

// whoIsTold says by what channels people are told; "" where there is none.
func whoIsTold(cfg *config.Config) string {
	if len(cfg.Channels) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s", count(len(cfg.Channels), "channel"), count(len(cfg.Routes), "route"))
	if len(cfg.Routes) == 0 {
		b.WriteString(": each is told of every outage")
	}
	b.WriteByte('\n')
	for _, ch := range cfg.Channels {
		fmt.Fprintf(&b, "  %s  %s  %s\n", ch.Name, ch.Type, ch.Channel.Target())
	}
	return b.String()
}

func checkedJSON(path string, cfg *config.Config, wrong error, now time.Time) checked {
	out := checked{1, "config", path, cfg.Files, len(cfg.Jobs), len(cfg.Disabled), openingsOf(cfg, now), []mistake{}}
	var all config.Mistakes
	if !errors.As(wrong, &all) {
		all = cfg.Warnings
	}
	for _, m := range all {
		out.Mistakes = append(out.Mistakes, mistake{m.File, m.Line, m.Key, m.Message, m.Hint, m.Warning})
	}
	return out
}

// differs is what a configuration changes, in JSON.
type differs struct {
	Version  int          `json:"version"`
	Kind     string       `json:"kind"`
	Settings []changedKey `json:"settings"` // of the instance
	Added    []string     `json:"added"`
	Removed  []string     `json:"removed"`
	Changed  []changed    `json:"changed"`
}

type changed struct {
	Monitor string       `json:"monitor"`
	Keys    []changedKey `json:"keys"`
}

type changedKey struct {
	Key string `json:"key"`
	Old string `json:"old"`
	New string `json:"new"`
}

func (c *call) configDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff [FILE]",
		Short: "show what a file would change; nothing is changed",
		Long: `With a FILE: what it would change in the configuration that is found, key by
key. Without: what a reload would change in the running engine. Secrets are
starred, before and after.`,
		Example: "  lookout config diff\n  lookout config diff new.toml",
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			p, err := c.place()
			if err != nil {
				return err
			}
			path := p.path
			if len(args) > 0 {
				if path, err = absolute(args[0]); err != nil {
					return err
				}
			}
			next, err := c.readSlowly(path)
			if err != nil {
				return err
			}
			var d config.Difference
			title := ""
			if len(args) > 0 {
				now, err := c.readSlowly(p.path)
				if err != nil {
					return err
				}
				d, title = config.Diff(now, next), fmt.Sprintf("%s against %s", path, p.path)
			} else if d, title, err = c.againstEngine(cmd.Context(), next); err != nil {
				return err
			}
			if format == "json" {
				return c.printJSON(differsJSON(d))
			}
			_, err = fmt.Fprintf(c.stdout, "%s# %s: %s\n", d, title, d.Summary())
			return err
		},
	}
}

// againstEngine asks the engine what a reload would change: it alone knows the
// settings that it runs with.
func (c *call) againstEngine(ctx context.Context, next *config.Config) (config.Difference, string, error) {
	e, err := c.reach(ctx)
	if codeOf(err) == exitNoEngine {
		return config.Diff(nil, next), "no engine runs with it", nil
	}
	if err != nil {
		return config.Difference{}, "", err
	}
	defer e.Close()
	var d differs
	if err := e.Diff(ctx, &d); err != nil {
		return config.Difference{}, "", refused(err, exitConfig)
	}
	return d.difference(), fmt.Sprintf("what a reload of pid %d would change", e.hello.PID), nil
}

func (c *call) configInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [URL…]",
		Short: "write a first configuration, and never over another one",
		Long: `Writes a first configuration with these URLs, or an example: to --config or
$LOOKOUT_CONFIG, else ./lookout.toml. A file that is there is left as it is.`,
		Example: "  lookout config init\n  lookout config init https://example.com mail.example.com:25",
		RunE: func(_ *cobra.Command, args []string) error {
			path := c.config
			if path == "" {
				path = c.getenv("LOOKOUT_CONFIG")
			}
			if path == "" {
				path = "lookout.toml"
			}
			if len(args) == 0 {
				args = []string{"https://www.example.com/"}
			}
			if _, err := config.FromURLs(args, c.options()); err != nil {
				return failf(exitUsage, "%w", err)
			}
			abs, err := absolute(path)
			if err != nil {
				return err
			}
			if err := c.saveFirst(abs, args, time.Minute); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "wrote %s: %s; lookout shows them, lookout engine checks without a screen\n", path, count(len(args), "monitor"))
			return err
		},
	}
}

func differsJSON(d config.Difference) differs {
	out := differs{1, "difference", keysJSON(d.Settings), append([]string{}, d.Added...), append([]string{}, d.Removed...), []changed{}}
	for _, ch := range d.Changed {
		out.Changed = append(out.Changed, changed{ch.Monitor, keysJSON(ch.Keys)})
	}
	return out
}

func keysJSON(keys []config.KeyChange) []changedKey {
	out := make([]changedKey, len(keys))
	for i, k := range keys {
		out[i] = changedKey(k)
	}
	return out
}

// difference is what differsJSON was made of.
func (x differs) difference() config.Difference {
	keys := func(of []changedKey) []config.KeyChange {
		out := make([]config.KeyChange, len(of))
		for i, k := range of {
			out[i] = config.KeyChange(k)
		}
		return out
	}
	d := config.Difference{Settings: keys(x.Settings), Added: x.Added, Removed: x.Removed}
	for _, ch := range x.Changed {
		d.Changed = append(d.Changed, config.Change{Monitor: ch.Monitor, Keys: keys(ch.Keys)})
	}
	return d
}
