package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"lookout/engine/uptime"
)

func (c *call) engineCommand() *cobra.Command {
	var printUnit bool
	cmd := &cobra.Command{
		Use:   "engine",
		Short: "the engine without a screen, for systemd",
		Long: `Checks without a screen until SIGTERM, SIGINT or lookout stop, which finish the
tick and store it. SIGHUP reads the configuration again. Its log goes to
standard error, or where [log] file says. Under systemd it reports when it is
ready, what it does, and that it lives.`,
		Example: `  lookout engine
  lookout engine --print-unit | sudo tee /etc/systemd/system/lookout.service`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if printUnit {
				exe, err := os.Executable()
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(c.stdout, unitFor(exe))
				return err
			}
			return c.runEngine(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&printUnit, "print-unit", false, "print a systemd unit, with its reasons, and end")
	return cmd
}

// runEngine is `lookout engine`.
func (c *call) runEngine(ctx context.Context) error {
	hup := make(chan os.Signal, 1) // signals → us; one slot: two that come together mean one reload
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	in, err := c.load()
	if err != nil {
		return err
	}
	log, err := c.engineLog(in)
	if err != nil {
		return err
	}
	defer log.file.Close()
	h, e, err := c.claim(ctx, in, log.Logger)
	if err != nil {
		return err
	}
	if e != nil {
		defer e.Close()
		return e.taken(in.folder, in.place.path)
	}
	log.file.hold()
	for _, w := range in.config.Warnings {
		log.Warn("configuration", "at", w.String())
	}

	n := newNotifier(c.getenv, os.Getpid())
	beside, end := context.WithCancel(ctx)
	watched := make(chan struct{}) // closed when the watch has ended
	go func() {
		n.watch(beside, h.pulse)
		close(watched)
	}()
	reloaded := make(chan struct{}) // closed when no more signals are taken
	go func() {
		defer close(reloaded)
		for {
			select {
			case <-beside.Done():
				return
			case <-hup:
				h.reloadBySignal(beside, n)
			}
		}
	}()
	stopped := whenDone(ctx, func() { n.stopping("finishing the tick") })
	err = h.serve(ctx, func() {
		status, _ := h.pulse()
		n.ready(status)
		log.Info("ready", "config", in.place.path, "data", string(in.folder), "pid", os.Getpid(), "version", release)
	})
	stopped()
	n.stopping("ended")
	end()
	<-watched
	<-reloaded
	return err
}

// reloadBySignal is what SIGHUP does: nobody waits for its answer, so it is logged.
func (h *host) reloadBySignal(ctx context.Context, n notifier) {
	n.reloading()
	said, err := h.reload(ctx)
	if err != nil {
		h.log.Error("not reloaded; the configuration in force stays", "error", err)
		said = "not reloaded: " + uptime.Clean(err.Error(), 200)
	}
	n.ready(said)
}

// pulse is a line about the engine, and whether its loop turns.
func (h *host) pulse() (status string, ok bool) {
	s := h.engine.Snapshot()
	c := s.Counts
	return fmt.Sprintf("%d down, %d degraded, %d unknown of %d watched, %.1f checks/s", c.Down, c.Degraded, c.Unknown, c.Total(), s.Health.Rate),
		h.c.now().Sub(s.Time) < stillAfter
}
