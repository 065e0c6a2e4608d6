// Package cli is the command line of lookout: arguments, wiring and exit
// codes. It is the only package that imports all the others; what they need of
// each other is joined here.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/report"
	"lookout/engine/uptime"
)

// maxUser is how long the name of a user may be, in bytes.
const maxUser = 80

// call is one call of the program: its streams, its environment and the flags
// that every command has.
type call struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    map[string]string
	now    func() time.Time
	etc    string // "/etc", but for tests

	config string // --config
	format string // --format
	as     string // --as

	resolvers []netip.AddrPort // --resolver of check; nil: those of the configuration

	command *cobra.Command // that runs; nil before it does
}

// Main runs the program with these arguments (without its name) and returns
// its exit code. It needs nothing of the process but the signals, so that
// tests can call it.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	log.SetOutput(io.Discard) // net/http tells there what a target does wrong, which would go over the screen; a result says it
	c := &call{stdin: stdin, stdout: stdout, stderr: stderr, env: make(map[string]string), now: time.Now, etc: "/etc"}
	for _, e := range environ {
		k, v, _ := strings.Cut(e, "=")
		c.env[k] = v
	}
	return c.run(ctx, args)
}

func (c *call) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			code = c.bug(p, debug.Stack())
		}
	}()
	root := c.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if s := c.sentence(err); s != "" {
		fmt.Fprintln(c.stderr, "lookout: "+s)
	}
	code = codeOf(err)
	if plugin(cmd) && code > report.ExitUnknown && code != exitUsage && !errors.As(err, new(*unwritten)) {
		return report.ExitUnknown // a mistake of ours is no news about the target
	}
	return code
}

// bug says that a panic came up to here. A check's panic never does.
func (c *call) bug(p any, stack []byte) int {
	fmt.Fprintf(c.stderr, "lookout: this is a bug in lookout %s, please report it with what follows: %v\n%s", release, p, stack)
	if plugin(c.command) {
		return report.ExitUnknown
	}
	return exitBug
}

// sentence is an error as it is printed, harmless for a terminal.
func (c *call) sentence(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, l := range lines {
		lines[i] = uptime.Clean(l, 1024)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// asPlugin marks the commands whose exit codes are the monitoring plugins'.
const asPlugin = "plugin"

func plugin(cmd *cobra.Command) bool { return cmd != nil && cmd.Annotations[asPlugin] != "" }

// getenv is a variable of the environment, "" where it is not set.
func (c *call) getenv(key string) string { return c.env[key] }

// formatOf is the format of a command's output; the first is what it has without --format.
func (c *call) formatOf(known ...string) (string, error) {
	if c.format == "" {
		return known[0], nil
	}
	if !slices.Contains(known, c.format) {
		return "", failf(exitUsage, "--format %s is not one of %s here", uptime.Clean(c.format, 40), bullets(known))
	}
	return c.format, nil
}

func (c *call) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lookout [URL…]",
		Short: "watch websites and services from a terminal",
		Long: `lookout watches websites and services from a terminal.

Without a word it shows the dashboard, with the engine inside: or joins the
engine that already runs. With URLs it watches these at once, in memory, and
needs no configuration.`,
		Example: `  lookout                                     the dashboard
  lookout https://example.com tcp://host:22   watch these now
  lookout engine                              the same without a screen, for systemd
  lookout config init                         write a first configuration
  lookout status --problems                   what is wrong, as plain text
  lookout check shop                          one check now, with all its steps
  lookout ack '#4711' --note "disk ordered"   acknowledge an incident`,
		Args:          cobra.ArbitraryArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			c.command = cmd
			if name := uptime.Clean(c.as, maxUser); name != c.as {
				return failf(exitUsage, "--as %q is no name of a user", name)
			}
			return nil
		},
		RunE: c.dashboard,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetIn(c.stdin)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return failf(exitUsage, "%s; see %s --help", flagMistake(err), cmd.CommandPath())
	})
	root.SetHelpCommand(helpCommand())
	flags := root.PersistentFlags()
	flags.StringVar(&c.config, "config", "", "the configuration; default: $LOOKOUT_CONFIG, ./lookout.toml, $XDG_CONFIG_HOME/lookout/lookout.toml, /etc/lookout/lookout.toml")
	flags.StringVar(&c.format, "format", "", "of what is printed: text or json, and csv where it fits")
	flags.StringVar(&c.as, "as", "", "who acts, for root; default: who runs this")
	groups := []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Watch:", []*cobra.Command{c.engineCommand(), c.probeCommand(), c.attachCommand()}},
		{"Ask:", []*cobra.Command{c.statusCommand(), c.checkCommand(), c.historyCommand(), c.eventsCommand(), c.explainCommand()}},
		{"Act:", append(c.actCommands(), c.addCommand(), c.beatCommand())},
		{"Care:", []*cobra.Command{c.reloadCommand(), c.stopCommand(), c.configCommand(), c.alertCommand(), c.dataCommand(), c.remoteCommand(), c.versionCommand()}},
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, cmd := range g.commands {
			cmd.GroupID = g.title
			root.AddCommand(cmd)
		}
	}
	root.SetHelpCommandGroupID("Care:")
	return root
}

func (c *call) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "what this program is",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			if format == "json" {
				return c.printJSON(thisVersion())
			}
			_, err = fmt.Fprintln(c.stdout, thisVersion())
			return err
		},
	}
}
