package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/tui"
)

// dashboard is `lookout` and `lookout URL…`.
func (c *call) dashboard(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	if len(args) > 0 {
		return c.watch(ctx, cmd, args)
	}
	e, in, err := c.reachOrRead(ctx)
	var none *noConfig
	switch {
	case errors.As(err, &none):
		return c.welcome(ctx, none.looked)
	case err != nil:
		return err
	case e != nil:
		return c.join(ctx, e, false)
	}
	return c.embed(ctx, in)
}

// watch is `lookout URL…`: an engine in memory, which ends with its screen.
func (c *call) watch(ctx context.Context, cmd *cobra.Command, args []string) error {
	for _, a := range args {
		if !isURL(a) {
			return unknownCommand(cmd, a)
		}
	}
	cfg, err := config.FromURLs(args, c.options())
	if err != nil {
		return failf(exitUsage, "%w", err)
	}
	if err := c.needTerminal(); err != nil {
		return err
	}
	h, err := c.newMemoryHost(cfg, discardLog())
	if err != nil {
		return err
	}
	s := session{host: h, options: tui.Options{Source: h.source(), Version: release, Embedded: true, Ephemeral: true}}
	return s.run(ctx)
}

// embed shows the dashboard over an engine in this process, or joins the one
// that runs already, until it is left.
func (c *call) embed(ctx context.Context, in instance) error {
	if err := c.needTerminal(); err != nil {
		return err
	}
	if err := in.folder.prepare(in.config.SocketGroup); err != nil {
		return err
	}
	log, err := c.consoleLog(in)
	if err != nil {
		return err
	}
	defer log.file.Close()
	for {
		h, e, err := c.claim(ctx, in, log.Logger)
		switch {
		case err != nil:
			return err
		case e != nil && e.hello.Config == in.place.path:
			return c.join(ctx, e, false)
		case e != nil:
			e.Close()
			return e.taken(in.folder, in.place.path)
		}
		log.file.hold()
		s := session{host: h, options: tui.Options{Source: h.source(), Version: release, Embedded: true, Log: c.logOf(in.logPath())}}
		err = s.run(ctx)
		log.file.yield()
		if err != nil || !s.background {
			return err
		}
		pid, err := c.handOver(ctx, in)
		if err == nil {
			fmt.Fprintf(c.stdout, "lookout goes on checking in the background, pid %d: lookout shows it again, lookout stop ends it\n", pid)
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
		log.Error("not handed over to the background; this process goes on", "error", err)
		fmt.Fprintf(c.stderr, "lookout: it could not go on in the background: %s\nlookout: the checks go on in here\n", c.sentence(err))
	}
}

// handOver starts an engine that goes on where the one in this process ended.
func (c *call) handOver(ctx context.Context, in instance) (int, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	return launch(ctx, exe, []string{"engine", "--config", in.place.path}, c.environ(), in.folder.log(), func(ctx context.Context, pid int) bool {
		e, err := c.dial(ctx, in.folder.socket(), false)
		if err != nil {
			return false
		}
		defer e.Close()
		return e.hello.PID == pid
	})
}

func (c *call) attachCommand() *cobra.Command {
	var readOnly bool
	cmd := &cobra.Command{
		Use:   "attach [WHERE]",
		Short: "the dashboard on a running engine: a socket, or a data folder",
		Long: `Shows the dashboard of an engine that runs: of the configuration that is found,
or of the socket or data folder that is named. Leaving it changes nothing.`,
		Example: "  lookout attach\n  lookout attach /var/lib/lookout --read-only",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return failf(exitUsage, "%s shows one engine so far, and got %d; name one socket or data folder", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			socket := ""
			if len(args) > 0 {
				socket = socketAt(args[0])
			} else {
				// What engine runs there does not matter: that is what attach is for.
				e, _, err := c.search(ctx)
				if err != nil {
					return err
				}
				e.Close()
				socket = e.folder.socket()
			}
			e, err := c.dial(ctx, socket, readOnly)
			if err != nil {
				return err
			}
			return c.join(ctx, e, readOnly)
		},
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "look, don't act")
	return cmd
}
