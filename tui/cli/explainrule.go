package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

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
	interval  time.Duration
	sentences []string
	monitors  []string
}

// rules gathers the rules of a configuration, that of the most monitors first:
// those that say the same are one.
func rules(cfg *config.Config, jobs []uptime.Job) []inForce {
	var out []inForce
	at := map[string]int{}
	for _, j := range jobs {
		said := j.Explain(cfg.Witnesses(j.Monitor))
		id := fmt.Sprint(j.Interval, said)
		i, known := at[id]
		if !known {
			i = len(out)
			at[id] = i
			out = append(out, inForce{interval: j.Interval, sentences: said})
		}
		out[i].monitors = append(out[i].monitors, j.Name)
	}
	slices.SortStableFunc(out, func(a, b inForce) int { return len(b.monitors) - len(a.monitors) })
	return out
}

// explainRules says the rules in force, or that of the monitor that is named.
func (c *call) explainRules(names []string, format string) error {
	in, err := c.load()
	var none *noConfig
	if err != nil && (!errors.As(err, &none) || len(names) > 0) {
		return err
	}
	var all []inForce
	if err == nil {
		jobs, err := named(in, names)
		if err != nil {
			return err
		}
		all = rules(in.config, jobs)
	}
	if len(all) == 0 {
		every := config.DefaultInterval
		all = []inForce{{interval: every, sentences: uptime.Rule{}.Explain(every, uptime.Witnesses{Any: true})}}
	}
	var text strings.Builder
	for i, r := range all {
		if format == "json" {
			if err := c.printJSON(ruleJSON{1, "rule", append([]string{}, r.monitors...), r.interval.Milliseconds(), r.sentences}); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			text.WriteByte('\n')
		}
		fmt.Fprintln(&text, r.title())
		for _, s := range r.sentences {
			c.indent(&text, s)
		}
	}
	_, err = fmt.Fprint(c.stdout, text.String())
	return err
}

// named are the monitors of these names, or all where none is given.
func named(in instance, names []string) ([]uptime.Job, error) {
	jobs := in.config.Jobs
	if len(names) == 0 {
		return jobs, nil
	}
	known := make([]string, len(jobs))
	for i, j := range jobs {
		if j.Name == names[0] {
			return jobs[i : i+1], nil
		}
		known[i] = j.Name
	}
	hint := "lookout status lists them"
	if near := config.Near(names[0], known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, failf(exitUsage, "%q is no monitor of %s; %s", uptime.Clean(names[0], 80), in.place.path, hint)
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
