package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"lookout/engine/api"
	"lookout/engine/config"
	"lookout/engine/uptime"
)

func (c *call) addCommand() *cobra.Command {
	var name, group, note, interval, timeout string
	var tags []string
	cmd := &cobra.Command{
		Use:   "add URL",
		Short: "a monitor more, in the managed file beside the configuration",
		Long: `Appends a monitor to managed.toml beside the configuration; a running engine
takes it at once. A bare name is https, host:port is tcp. Everything else is
for the configuration itself.`,
		Example: `  lookout add https://example.com/health --name shop --tag prod --interval 30s
  lookout add mail.example.com:25`,
		Args: between(1, 1, "one URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			fields := map[string]any{"url": args[0]}
			for key, value := range map[string]string{"name": name, "group": group, "note": note, "interval": interval, "timeout": timeout} {
				if value != "" {
					fields[key] = value
				}
			}
			if len(tags) > 0 {
				fields["tags"] = tags
			}
			return c.add(cmd.Context(), fields)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "its name; default: host and path")
	cmd.Flags().StringVar(&group, "group", "", "its place on the screen")
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "a tag; any number of times")
	cmd.Flags().StringVar(&interval, "interval", "", `between checks, as "30s"`)
	cmd.Flags().StringVar(&timeout, "timeout", "", `of a check, as "5s"`)
	cmd.Flags().StringVar(&note, "note", "", "for others to read")
	return cmd
}

// add writes a monitor down, through the engine where one runs.
func (c *call) add(ctx context.Context, fields map[string]any) error {
	e, err := c.reach(ctx)
	if err == nil {
		defer e.Close()
		name, err := e.Add(ctx, fields)
		var no *api.Error
		if errors.As(err, &no) { // the hint is for whoever writes requests
			return &exitError{notAdded(no.Status), fmt.Errorf("not added: %s", no.Message)}
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.stdout, "added, and being checked: %s\n", name)
		return err
	}
	if codeOf(err) != exitNoEngine {
		return err
	}
	p, err := c.place()
	if err != nil {
		return err
	}
	name, err := config.AddManaged(p.path, fields, c.options())
	if err != nil {
		return &exitError{notAdded(managedStatus(err)), fmt.Errorf("not added: %w", err)}
	}
	_, err = fmt.Fprintf(c.stdout, "added: %s; no engine runs, the next one checks it\n", name)
	return err
}

// notAdded is the exit code of an add that failed with a status.
func notAdded(status int) int {
	switch status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return exitUsage
	case http.StatusForbidden:
		return exitDenied
	}
	return exitIO
}

// managedStatus is the status of an error of the managed file.
func managedStatus(err error) int {
	var wrong config.Mistakes
	switch {
	case errors.As(err, &wrong):
		return http.StatusUnprocessableEntity
	case errors.Is(err, config.ErrExists), errors.Is(err, config.ErrByHand):
		return http.StatusConflict
	case errors.Is(err, uptime.ErrNoMonitor):
		return http.StatusNotFound
	case errors.Is(err, uptime.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	case full(err):
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// addMonitor is what the API's POST /v1/monitors does.
func (h *host) addMonitor(ctx context.Context, fields map[string]any) (name string, err error) {
	err = h.manage(ctx, func(path string) error {
		name, err = config.AddManaged(path, fields, h.options())
		return err
	})
	return name, err
}

// putMonitor is what the API's PUT /v1/monitors/NAME does.
func (h *host) putMonitor(ctx context.Context, name string, fields map[string]any) error {
	return h.manage(ctx, func(path string) error { return config.PutManaged(path, name, fields, h.options()) })
}

// deleteMonitor is what the API's DELETE /v1/monitors/NAME does.
func (h *host) deleteMonitor(ctx context.Context, name string) error {
	return h.manage(ctx, func(path string) error { return config.DeleteManaged(path, name, h.options()) })
}

// options are those of a change that the engine itself writes.
func (h *host) options() config.Options {
	opt := h.c.options()
	opt.Engine = true
	return opt
}

// manage changes the managed file and puts it in force.
func (h *host) manage(ctx context.Context, change func(configPath string) error) error {
	if h.in.place.path == "" {
		return &api.Error{Status: http.StatusConflict, Message: "there is no configuration to change"}
	}
	if err := change(h.in.place.path); err != nil {
		said := strings.ReplaceAll(err.Error(), "\n", "; ") // one line, however many mistakes
		return &api.Error{Status: managedStatus(err), Message: said}
	}
	if _, err := h.reload(ctx); err != nil {
		return &api.Error{Status: http.StatusInternalServerError, Message: "written, and not in force: " + err.Error(), Hint: "POST /v1/reload"}
	}
	return nil
}
