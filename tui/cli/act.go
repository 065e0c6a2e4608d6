package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/uptime"
)

// act is a command that does something to monitors.
type act struct {
	verb    uptime.Verb
	use     string
	short   string
	done    string // "paused", of one and many
	ends    bool   // takes --for and --until
	note    bool
	example string
}

var acts = [...]act{
	{uptime.VerbPause, "pause", "stop checking, for a time or until resumed", "paused", true, true,
		"  lookout pause shop --for 2h --note \"moving racks\"\n  lookout pause group:eu --until 18:00"},
	{uptime.VerbResume, "resume", "check again what was paused", "resumed", false, false, "  lookout resume shop"},
	{uptime.VerbAck, "ack", "say that somebody is on it", "acknowledged", true, true,
		"  lookout ack '#4711' --note \"disk ordered\"\n  lookout ack shop --until 18:00"},
	{uptime.VerbUnack, "unack", "take an acknowledgement back", "no longer acknowledged", false, false, "  lookout unack '#4711'"},
	{uptime.VerbMaintain, "maintain", "maintenance: checks go on, nobody is told", "in maintenance", true, true,
		"  lookout maintain tag:db --for 30m --note \"upgrade to 18\""},
	{uptime.VerbUnmaintain, "unmaintain", "end a maintenance", "out of maintenance", false, false, "  lookout unmaintain tag:db"},
	{uptime.VerbCheck, "recheck", "have the engine check now, beside the regular checks", "being checked", false, false,
		"  lookout recheck tag:prod"},
}

func (c *call) actCommands() []*cobra.Command {
	var out []*cobra.Command
	for _, a := range acts {
		out = append(out, c.actCommand(a))
	}
	return out
}

func (c *call) actCommand(a act) *cobra.Command {
	var span, until, note, more string
	if a.verb == uptime.VerbAck || a.verb == uptime.VerbUnack {
		more = `

An alert that names a cause tells of many incidents at once: the #N of any of
them means all, a NAME that monitor alone.`
	}
	cmd := &cobra.Command{
		Use:   a.use + " NAME|tag:T|group:G|#N…",
		Short: a.short,
		Long: a.short + `.

A target is the name of a monitor, tag:T or group:G for all that carry it, or
#N for the monitor of that incident (quote it: a shell takes # for a comment).` + more,
		Example: a.example,
		Args:    atLeastOne("a name, tag:T, group:G or '#N'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			for _, t := range args {
				if _, err := uptime.ParseSelector(t); err != nil {
					return err
				}
			}
			e, err := c.reach(cmd.Context())
			if err != nil {
				return err
			}
			defer e.Close()
			loc := time.Local
			if until != "" || span != "" {
				loc = e.zone(cmd.Context())
			}
			todo := uptime.Action{Verb: a.verb, Targets: args, Note: note}
			if todo.Until, err = ending(span, until, c.now(), loc); err != nil {
				return err
			}
			names, err := e.Act(cmd.Context(), todo)
			if err != nil {
				return e.meant(cmd.Context(), err, args...)
			}
			if format == "json" {
				return c.printJSON(acted{1, "action", a.verb, names, stampOf(todo.Until)})
			}
			_, err = fmt.Fprintln(c.stdout, a.sentence(names, todo.Until, loc))
			return err
		},
	}
	if a.ends {
		cmd.Flags().StringVar(&span, "for", "", "for how long, as 2h or 1d12h; without it and --until: until somebody ends it")
		cmd.Flags().StringVar(&until, "until", "", "until when, as 18:00 or \"2026-11-22 18:00\"")
	}
	if a.note {
		cmd.Flags().StringVar(&note, "note", "", "why, for others to read")
	}
	return cmd
}

// acted is what an action changed, in JSON.
type acted struct {
	Version  int         `json:"version"`
	Kind     string      `json:"kind"`
	Verb     uptime.Verb `json:"verb"`
	Monitors []string    `json:"monitors"`
	Until    *string     `json:"until"`
}

// stampOf is a time as in every JSON of ours; nil for none.
func stampOf(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return &s
}

// sentence says what was done, and to whom.
func (a act) sentence(names []string, until time.Time, loc *time.Location) string {
	const most = 5
	what := names[0]
	if len(names) > 1 {
		shown, more := names, ""
		if len(names) > most {
			shown, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
			what = fmt.Sprintf("%d monitors: %s%s", len(names), strings.Join(shown, ", "), more)
		} else {
			what = fmt.Sprintf("%d monitors: %s", len(names), bullets(shown))
		}
	}
	s := a.done
	if !until.IsZero() {
		s += " until " + until.In(loc).Format("Mon 2006-01-02 15:04:05 MST")
	}
	return s + "  " + what
}

// ending is the moment that --for or --until names; zero for neither.
func ending(span, until string, now time.Time, loc *time.Location) (time.Time, error) {
	switch {
	case span != "" && until != "":
		return time.Time{}, failf(exitUsage, "--for and --until both say when it ends; give one of them")
	case span != "":
		d, err := uptime.ParseDuration(span)
		if err != nil {
			return time.Time{}, failf(exitUsage, "--for: %w", err)
		}
		if d <= 0 {
			return time.Time{}, failf(exitUsage, "--for: %s is no time at all", uptime.Clean(span, 40))
		}
		return now.Add(d).UTC().Truncate(time.Millisecond), nil
	case until != "":
		t, err := parseFuture(until, now, loc)
		if err != nil {
			return t, fmt.Errorf("--until: %w", err)
		}
		return t, nil
	}
	return time.Time{}, nil
}
