package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/charmbracelet/x/term"

	"lookout/engine/report"
)

// printJSON prints one object a line, as it is: no HTML escapes, no colour.
func (c *call) printJSON(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := c.stdout.Write(b.Bytes())
	return err
}

// reportFormat is the format of a report; the first is what it has without --format.
func (c *call) reportFormat(offered ...report.Format) (report.Format, error) {
	words := make([]string, len(offered))
	for i, f := range offered {
		words[i] = f.String()
	}
	word, err := c.formatOf(words...)
	if err != nil {
		return report.Text, err
	}
	return report.ParseFormat(word, offered...)
}

// reportOptions are those of a report that is printed now, for people in a time zone.
func (c *call) reportOptions(f report.Format, zone *time.Location) report.Options {
	return report.Options{Format: f, Now: c.now(), Location: zone, Width: c.width()}
}

// width is that of the terminal that is printed to; 0 for everything else.
func (c *call) width() int {
	f := terminal(c.stdout)
	if f == nil {
		return 0
	}
	w, _, err := term.GetSize(f.Fd())
	if err != nil {
		return 0
	}
	return w
}

// progress prints how far something got, on a terminal only; wipe takes it away.
func (c *call) progress() (say func(string), wipe func()) {
	if terminal(c.stderr) == nil || c.env["TERM"] == "dumb" {
		return func(string) {}, func() {}
	}
	var mu sync.Mutex // of a timer and whoever started it
	shown, over := false, false
	say = func(s string) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			shown = true
			fmt.Fprint(c.stderr, "\r\x1b[K"+s)
		}
	}
	wipe = func() {
		mu.Lock()
		defer mu.Unlock()
		if over = true; shown {
			fmt.Fprint(c.stderr, "\r\x1b[K")
		}
	}
	return say, wipe
}

// during says what takes so long once it has taken a second; done ends it.
func (c *call) during(what string) (done func()) {
	say, wipe := c.progress()
	t := time.AfterFunc(time.Second, func() { say(what + " …") })
	return func() {
		t.Stop()
		wipe()
	}
}
