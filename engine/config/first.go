package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Entry is a monitor of a first configuration; without a name it gets one from
// its URL, which may be a bare name or host:port.
type Entry struct {
	Name, URL string
}

// First is the text of a first configuration: what is to be watched, and as
// comments what a person may want next. It loads cleanly if the URLs do.
func First(monitors []Entry, interval time.Duration) string {
	if interval <= 0 {
		interval = DefaultInterval
	}
	var b strings.Builder
	b.WriteString(`# The configuration of lookout. "lookout config check" says what is wrong with
# it, "lookout reload" makes a running engine take it.

`)
	fmt.Fprintf(&b, "[defaults]\ninterval = %s\n", tomlText(uptime.Span(interval)))
	urls := make([]*url.URL, len(monitors))
	for i, m := range monitors {
		u, err := url.Parse(complete(m.URL, nil))
		if err != nil {
			u = &url.URL{Opaque: "monitor"}
		}
		urls[i] = u
	}
	names := uniqueNames(urls)
	for i, m := range monitors {
		if m.Name != "" {
			names[i] = m.Name
		}
		fmt.Fprintf(&b, "\n[[monitor]]\nname = %s\nurl = %s\n", tomlText(names[i]), tomlText(complete(m.URL, nil)))
		if i > 0 {
			continue
		}
		b.WriteString(`# tags = ["prod"]            # for filters, pages and [defaults.tag.prod]
# degraded_above = "800ms"   # slower is worth a look
`)
		if s := scheme(complete(m.URL, nil)); s == "http" || s == "https" {
			b.WriteString(`# [monitor.expect]
# status = ["200-299"]
# body_contains = ["Welcome"]
`)
		}
	}
	return b.String()
}
