package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

// explainRule is the word that asks for the rule in force.
const explainRule = "rule"

func (c *call) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [FAULT|rule]",
		Short: "what a fault class or the rule in force means, and what to do about it",
		Long: `Says what a fault class means, whose fault it is and what to do about it. A group
(dns, tcp, tls, http, …) has all of its classes, no argument every one.

"rule" says in sentences what makes a monitor down and up again: as configured,
or with every default where there is no configuration.`,
		Example: `  lookout explain tls.incomplete_chain
  lookout explain dns
  lookout explain rule
  lookout explain --format json`,
		Args: atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			switch {
			case err != nil:
				return err
			case len(args) == 0:
				return c.explainFaults(uptime.Faults(), format)
			case args[0] == explainRule:
				return c.explainRules(format)
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

// ruleJSON is the rule in force for some monitors, as it is printed.
type ruleJSON struct {
	Version    int      `json:"version"`
	Kind       string   `json:"kind"`
	Monitors   []string `json:"monitors"`
	IntervalMS int64    `json:"interval_ms"`
	Rule       []string `json:"rule"`
}

// inForce is a rule and the monitors that it holds for.
type inForce struct {
	rule     uptime.Rule
	interval time.Duration
	monitors []string
}

// rules gathers the rules of a configuration, that of the most monitors first.
func rules(jobs []uptime.Job) []inForce {
	var out []inForce
	for _, j := range jobs {
		i := slices.IndexFunc(out, func(r inForce) bool { return r.rule == j.Rule && r.interval == j.Interval })
		if i < 0 {
			i = len(out)
			out = append(out, inForce{rule: j.Rule, interval: j.Interval})
		}
		out[i].monitors = append(out[i].monitors, j.Name)
	}
	slices.SortStableFunc(out, func(a, b inForce) int { return len(b.monitors) - len(a.monitors) })
	return out
}

func (c *call) explainRules(format string) error {
	in, err := c.load()
	var none *noConfig
	if err != nil && !errors.As(err, &none) {
		return err
	}
	var all []inForce
	if err == nil {
		all = rules(in.config.Jobs)
	}
	if len(all) == 0 {
		all = []inForce{{interval: config.DefaultInterval}}
	}
	var text strings.Builder
	for i, r := range all {
		sentences := r.rule.Explain(r.interval)
		if format == "json" {
			if err := c.printJSON(ruleJSON{1, "rule", append([]string{}, r.monitors...), r.interval.Milliseconds(), sentences}); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintln(&text, r.title())
		for _, s := range sentences {
			c.indent(&text, s)
		}
	}
	_, err = fmt.Fprint(c.stdout, text.String())
	return err
}

// title says whom a rule holds for, with the first few names.
func (r inForce) title() string {
	const most = 5
	names := r.monitors
	if len(names) == 0 {
		return "rule  without a configuration, every " + uptime.Span(r.interval)
	}
	more := ""
	if n := len(names) - most; n > 0 {
		names, more = names[:most], fmt.Sprintf(" and %s more", thousands(n))
	}
	return fmt.Sprintf("rule  %s, every %s: %s%s", count(len(r.monitors), "monitor"), uptime.Span(r.interval), strings.Join(names, ", "), more)
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
