package cli

import "github.com/spf13/cobra"

// remoteCommand is what there is about probes at other locations.
func (c *call) remoteCommand() *cobra.Command {
	return parent("remote", "probes at other locations: their keys, who is there, whose vote counts",
		c.remoteInitCommand(), c.remoteCheckCommand(),
		c.remoteListCommand(), c.remoteExcludeCommand(), c.remoteIncludeCommand())
}
