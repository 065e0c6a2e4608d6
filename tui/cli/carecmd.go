package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/api"
	"lookout/engine/uptime"
	"lookout/storage"
)

func (c *call) reloadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "have the running engine read its configuration again",
		Long: `Has the running engine read its configuration again. A bad one changes nothing
and says why; a good one keeps the state of every monitor that it does not change.`,
		Example: "  lookout config check && lookout config diff && lookout reload",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer e.Close()
			said, err := e.Reload(cmd.Context())
			if err != nil {
				return refused(err, exitConfig)
			}
			_, err = fmt.Fprintln(c.stdout, "reloaded: "+said)
			return err
		},
	}
}

// refused gives what an engine would not do for a reason of its own an exit code.
func refused(err error, code int) error {
	var e *api.Error
	if errors.As(err, &e) && e.Status == http.StatusUnprocessableEntity {
		return &exitError{code, err}
	}
	return err
}

// stopWithin is how long an engine may take for its last tick.
const stopWithin = 90 * time.Second

func (c *call) stopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "end the running engine, which stores what it knows first",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			e, err := c.reach(ctx)
			if err != nil {
				return err
			}
			defer e.Close()
			if err := e.Stop(ctx); err != nil {
				return err
			}
			if err := c.waitForEnd(ctx, e.folder, e.hello.PID); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "stopped: pid %d\n", e.hello.PID)
			return err
		},
	}
}

// waitForEnd waits until an engine has let go of its folder.
func (c *call) waitForEnd(ctx context.Context, f folder, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for f.holder().pid == pid && alive(pid) {
		select {
		case <-ctx.Done():
			return failf(exitIO, "engine pid %d was asked to end and has not done so yet", pid)
		case <-poll.C:
		}
	}
	return nil
}

func (c *call) dataCommand() *cobra.Command {
	return parent("data", "care of the data folder", c.dataCheckCommand())
}

// dataReport is what data check found, in JSON.
type dataReport struct {
	Version   int      `json:"version"`
	Kind      string   `json:"kind"`
	Path      string   `json:"path"`
	OK        bool     `json:"ok"`
	Values    int64    `json:"values"`
	Results   int64    `json:"results"`
	Events    int64    `json:"events"`
	Incidents int64    `json:"incidents"`
	Damaged   int64    `json:"damaged"`
	Problems  []string `json:"problems"`
}

func (c *call) dataCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "read the whole data file and hold every value against its checksum",
		Long: `Reads the whole data file, holds every value against its checksum and every
index against what it points to. It changes nothing. The engine must not run.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			in, err := c.load()
			if err != nil {
				return err
			}
			return c.checkData(in, format)
		},
	}
}

func (c *call) checkData(in instance, format string) error {
	path := in.folder.db()
	store, err := storage.Open(path, storage.Options{Now: c.now(), ReadOnly: true})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failf(exitIO, "there is no data file %s yet", path)
	case errors.Is(err, storage.ErrLocked):
		return failf(exitInUse, "the engine %s has %s open; lookout stop first", in.folder.holder(), path)
	case errors.Is(err, storage.ErrDamaged):
		return failf(exitIO, "%w; nothing was changed: restore a backup, or move the file away to begin anew", err)
	case err != nil:
		return in.folder.explainStore(err)
	}
	defer store.Close() //nolint:errcheck // it was only read
	say, wipe := c.progress()
	begin := c.now()
	found, err := store.Check(func(done, total int64) {
		if total > 0 && c.now().Sub(begin) > time.Second {
			say(fmt.Sprintf("%d %% of %s", 100*done/total, path))
		}
	})
	wipe()
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	if format == "json" {
		err = c.printJSON(dataReport{1, "data", path, found.OK(), found.Values, found.Results, found.Events, found.Incidents,
			found.Damaged, append([]string{}, found.Problems...)})
	} else {
		err = c.printData(path, &found)
	}
	if err != nil || found.OK() {
		return err
	}
	return silent(exitIO)
}

func (c *call) printData(path string, r *storage.Report) error {
	for _, p := range r.Problems {
		fmt.Fprintln(c.stdout, uptime.Clean(p, 300))
	}
	word := "no damage"
	if !r.OK() {
		word = count(int(r.Damaged), "problem") + "; what is damaged is not served, the rest is: restore a backup if there is one"
	}
	_, err := fmt.Fprintf(c.stdout, "%s: %s, %s, %s: %s\n", path, count(int(r.Results), "result"), count(int(r.Events), "event"),
		count(int(r.Incidents), "incident"), word)
	return err
}
