package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

// explainRule is the word that asks for the rule in force.
const explainRule = "rule"

func (c *call) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [FAULT|rule [NAME]]",
		Short: "what a fault class or the rule in force means, and what to do about it",
		Long: `Says what a fault class means, whose fault it is and what to do about it. A group
(dns, tcp, tls, http, …) has all of its classes, no argument every one.

"rule" says in sentences what makes a monitor down and up again: those of all
monitors as they are configured, or of one. Without a configuration it says what
holds with every default, whoever there is to ask.`,
		Example: `  lookout explain tls.incomplete_chain
  lookout explain dns
  lookout explain rule
  lookout explain rule shop
  lookout explain --format json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] == explainRule {
				return between(1, 2, "one monitor at most after "+explainRule)(cmd, args)
			}
			return atMost(1)(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			switch {
			case err != nil:
				return err
			case len(args) == 0:
				return c.explainFaults(uptime.Faults(), format)
			case args[0] == explainRule:
				return c.explainRules(args[1:], format)
			}
			faults, err := explained(args[0])
			if err != nil {
				return err
			}
			return c.explainFaults(faults, format)
		},
	}
}

// explained finds the classes that a word means: a class or a group of them.
func explained(word string) ([]uptime.Fault, error) {
	low := strings.ToLower(word)
	var found, alike []uptime.Fault
	known := []string{explainRule}
	for _, f := range uptime.Faults() {
		group, class, _ := strings.Cut(f.String(), ".")
		switch low {
		case f.String(), group:
			found = append(found, f)
		case class:
			alike = append(alike, f)
		}
		known = append(known, f.String())
		if !slices.Contains(known, group) {
			known = append(known, group)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	hint := "lookout explain lists them all"
	if near := config.Near(word, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	if len(alike) > 0 {
		words := make([]string, len(alike))
		for i, f := range alike {
			words[i] = f.String()
		}
		hint = "did you mean " + strings.Join(words, " or ") + "?"
	}
	return nil, failf(exitUsage, "%q is no fault class; %s", uptime.Clean(word, 80), hint)
}

// faultJSON is a fault class as it is printed.
type faultJSON struct {
	Version int            `json:"version"`
	Kind    string         `json:"kind"`
	Fault   uptime.Fault   `json:"fault"`
	Code    uint16         `json:"code"`
	Side    string         `json:"side"`
	Outcome uptime.Outcome `json:"outcome"`
	Meaning string         `json:"meaning"`
	Advice  string         `json:"advice"`
}

// sides say for people whose fault it is.
var sides = map[uptime.Side]string{
	uptime.Target: "the target's: it answered",
	uptime.Path:   "the way's, as far as one place can tell",
	uptime.Ours:   "ours: it says nothing about the target",
}

func (c *call) explainFaults(faults []uptime.Fault, format string) error {
	var text strings.Builder
	for i, f := range faults {
		e := f.Explain()
		if format == "json" {
			if err := c.printJSON(faultJSON{1, "fault", f, uint16(f), f.Side().String(), f.Outcome(), e.Meaning, e.Advice}); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintf(&text, "%s  %d  %s  %s\n", f, uint16(f), f.Outcome(), sides[f.Side()])
		c.indent(&text, e.Meaning)
		c.indent(&text, e.Advice)
	}
	_, err := fmt.Fprint(c.stdout, text.String())
	return err
}

// indent writes a sentence below a title, folded to the terminal's width.
func (c *call) indent(to *strings.Builder, sentence string) {
	const margin = "      "
	width := c.width() - len(margin)
	if width >= 20 {
		sentence = ansi.Wordwrap(sentence, width, "")
	}
	fmt.Fprintln(to, margin+strings.ReplaceAll(sentence, "\n", "\n"+margin))
}
