package cli

import (
	"fmt"
	"time"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

// opening is a maintenance window with its running or next opening, in JSON.
type opening struct {
	Of       []string   `json:"of"`
	When     string     `json:"when"`
	Length   int64      `json:"length_ms"`
	Note     string     `json:"note,omitempty"`
	Monitors int        `json:"monitors"`
	From     *time.Time `json:"from"` // null: it opens no more
	To       *time.Time `json:"to"`
}

// openingsOf are the windows of a configuration in the order of its files.
func openingsOf(cfg *config.Config, now time.Time) []opening {
	var out []opening
	for _, w := range cfg.Maintenance {
		o := opening{Of: w.Of, When: w.Window.String(), Length: w.Window.Length().Milliseconds(), Note: w.Note, Monitors: meantBy(w.Of, cfg.Jobs)}
		if s, ok := w.Window.Opening(now); ok {
			from, to := s.From.UTC(), s.To.UTC()
			o.From, o.To = &from, &to
		}
		out = append(out, o)
	}
	return out
}

// meantBy counts the monitors that one of some selectors means.
func meantBy(of []string, jobs []uptime.Job) int {
	n := 0
	for _, j := range jobs {
		for _, to := range of {
			if sel, err := uptime.ParseSelector(to); err == nil && sel.Matches(j.Monitor, 0) {
				n++
				break
			}
		}
	}
	return n
}

// printOpenings says when the windows of a configuration open next, one a line.
func (c *call) printOpenings(cfg *config.Config) error {
	const layout = "Mon 2006-01-02 15:04 MST"
	for i, o := range openingsOf(cfg, c.now()) {
		next := "is over"
		if o.From != nil {
			now := c.now()
			next = "next " + o.From.In(cfg.Timezone).Format(layout)
			if !now.Before(*o.From) {
				next = "now, since " + o.From.In(cfg.Timezone).Format(layout)
			}
			next += " to " + o.To.In(cfg.Timezone).Format("15:04")
			if o.To.Sub(*o.From) >= 24*time.Hour {
				next += o.To.In(cfg.Timezone).Format(" 2006-01-02")
			}
		}
		if _, err := fmt.Fprintf(c.stdout, "maintenance %s (%s): %s\n", uptime.Clean(cfg.Maintenance[i].String(), 300), count(o.Monitors, "monitor"), next); err != nil {
			return err
		}
	}
	return nil
}
