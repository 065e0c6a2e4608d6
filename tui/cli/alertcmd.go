package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/alert/letter"
	"lookout/engine/config"
	"lookout/engine/uptime"
)

func (c *call) alertCommand() *cobra.Command {
	return parent("alert", "send a test, or see what an incident would send", c.alertTestCommand(), c.alertPreviewCommand())
}

func (c *call) alertTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test CHANNEL",
		Short: "send one letter by a channel, and print the conversation",
		Long: `Sends one letter by a [[channel]] of the configuration, from this command and
not from the engine, which need not run: so a channel can be tried before a
reload puts it in force. It prints whom the channel tells, every line that was
said, and what the other side answered in the end. Secrets are starred.

Exit codes: 0 the letter was taken; 74 it was not, or not for everybody it is
to; 64 there is no such channel; 78 the configuration has a mistake. The letter
is no alert: it is not in the event log, and max_per_hour does not count it.`,
		Example: "  lookout alert test ops\n  lookout --config new.toml alert test ops && mv new.toml lookout.toml && lookout reload",
		Args:    between(1, 1, "the name of a channel"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			in, err := c.load()
			if err != nil {
				return err
			}
			ch, err := channelNamed(in.config.Channels, args[0])
			if err != nil {
				return err
			}
			return c.testChannel(cmd.Context(), in.config, ch, format)
		},
	}
}

// channelNamed finds a channel, or says which there are.
func channelNamed(channels []uptime.ChannelConfig, name string) (*uptime.ChannelConfig, error) {
	names := make([]string, len(channels))
	for i := range channels {
		if names[i] = channels[i].Name; names[i] == name {
			return &channels[i], nil
		}
	}
	name = uptime.Clean(name, 60)
	switch near := config.Near(name, names); {
	case len(names) == 0:
		return nil, failf(exitUsage, "there is no channel %q: the configuration has no [[channel]]", name)
	case near != "":
		return nil, failf(exitUsage, "there is no channel %q; did you mean %s?", name, near)
	}
	return nil, failf(exitUsage, "there is no channel %q; there is %s", name, bullets(names))
}

// testedChannel is what came of a test, in JSON.
type testedChannel struct {
	Version      int      `json:"version"`
	Kind         string   `json:"kind"`
	Channel      string   `json:"channel"`
	Type         string   `json:"type"`
	Target       string   `json:"target"`
	Subject      string   `json:"subject"`
	Conversation []string `json:"conversation"`
	Taken        bool     `json:"taken"`
	Reply        string   `json:"reply"`
	Left         []string `json:"left"` // who was refused while others were not
	Why          string   `json:"why,omitempty"`
	Permanent    bool     `json:"permanent"` // trying again as it is does not help
	TotalMS      float64  `json:"total_ms"`
}

// testChannel sends one letter and says what became of it.
func (c *call) testChannel(ctx context.Context, cfg *config.Config, ch *uptime.ChannelConfig, format string) error {
	templates, err := letter.Compile(ch.Subject, ch.Body)
	if err != nil {
		return failf(exitConfig, "channel %s: %w", ch.Name, err)
	}
	begun := c.now()
	l := letter.Write(&uptime.Parcel{Channel: ch.Name, Kind: uptime.AlertTest, At: begun, Why: "lookout alert test"},
		&letter.Facts{Instance: cfg.Instance, Zone: cfg.Timezone, Now: begun}, templates)
	out := testedChannel{Version: 1, Kind: "alert_test", Channel: ch.Name, Type: ch.Type, Target: ch.Channel.Target(), Subject: l.Subject, Conversation: []string{}, Left: []string{}}
	text := format == "text"
	if text {
		fmt.Fprintf(c.stdout, "%s  %s  %s\nsubject  %s\n", ch.Name, ch.Type, out.Target, l.Subject)
	}
	receipt, err := try(ctx, ch.Channel, &l, func(line string) {
		out.Conversation = append(out.Conversation, line)
		if text {
			fmt.Fprintf(c.stdout, "  %s\n", line)
		}
	})
	took := c.now().Sub(begun)
	out.TotalMS = float64(took.Microseconds()) / 1000
	out.Taken, out.Reply, out.Left, out.Why = err == nil, receipt.Reply, append(out.Left, receipt.Left...), receipt.Why
	if err != nil {
		out.Reply = err.Error()
		if r := (*uptime.Refusal)(nil); errors.As(err, &r) {
			out.Permanent = r.Permanent
		}
	}
	if !text {
		if err := c.printJSON(out); err != nil || out.Taken && len(out.Left) == 0 {
			return err
		}
		return silent(exitIO)
	}
	return c.tested(&out, took)
}

// tested prints the end of a test.
func (c *call) tested(t *testedChannel, took time.Duration) error {
	switch {
	case !t.Taken && t.Permanent:
		return failf(exitIO, "channel %s did not take it, and would not if it were tried again: %s", t.Channel, t.Reply)
	case !t.Taken:
		return failf(exitIO, "channel %s did not take it; an alert would be tried again: %s", t.Channel, t.Reply)
	}
	if _, err := fmt.Fprintf(c.stdout, "taken after %s: %s\n", uptime.Took(took), t.Reply); err != nil {
		return err
	}
	if len(t.Left) > 0 {
		return failf(exitIO, "%s did not get it: %s", strings.Join(t.Left, ", "), t.Why)
	}
	return nil
}
