package cli

import (
	"github.com/spf13/cobra"

	"lookout/engine/uptime"
)

// beatCommand lets a job call in.
func (c *call) beatCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "beat NAME [start|fail|EXITCODE]",
		Short: "tell the engine that a job has run",
		Long: `tell the engine that a job has run.

NAME is a monitor of the type beat (url = "beat:"). Without more the job has
ended well; start says that it begins, fail or an exit code other than 0 that it
went wrong. The engine has stored it when this command ends with 0.`,
		Example: "  30 3 * * *  backup.sh; lookout beat backup $?\n  lookout beat backup fail --note \"no tape\"",
		Args:    between(1, 2, "a NAME, and how it went"),
		RunE: func(cmd *cobra.Command, args []string) error {
			todo := uptime.Action{Verb: uptime.VerbBeat, Targets: args[:1], Note: note}
			if len(args) == 2 {
				var err error
				if todo.Signal, err = uptime.ParseSignal(args[1]); err != nil {
					return err
				}
			}
			if sel, err := uptime.ParseSelector(args[0]); err != nil || sel.Name == "" {
				return failf(exitUsage, "%q is no name; a beat is of one monitor", uptime.Clean(args[0], 80))
			}
			e, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer e.Close()
			_, err = e.Act(cmd.Context(), todo)
			if err != nil {
				return e.meant(cmd.Context(), err, args[0])
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "what to show beside, e.g. the last line of a log")
	return cmd
}
