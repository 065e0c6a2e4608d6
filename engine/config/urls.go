package config

import (
	"fmt"
	"net/url"

	"lookout/engine/uptime"
)

// FromURLs makes a configuration of nothing but URLs, with every default and no
// file: what "lookout URL…" watches. A bare name is https, host:port is tcp.
// Names are host and path; where two would be the same, they show their scheme,
// and then a number. A URL that is there twice counts once.
func FromURLs(urls []string, opt Options) (*Config, error) {
	l := newLoader("", opt)
	f := &file{}
	used := map[string]bool{}
	var parsed []*url.URL
	for _, raw := range urls {
		full := complete(raw, nil)
		if raw == "" || used[full] {
			if raw == "" {
				l.note(uptime.Mistake{Message: "an empty URL"})
			}
			continue
		}
		used[full] = true
		u := l.argument(full)
		if u != nil {
			parsed = append(parsed, u)
		}
	}
	l.settle()
	l.compile()
	for i, name := range uniqueNames(parsed) {
		l.build(&block{file: f, name: "monitor", array: true}, map[string]any{"name": name, "url": parsed[i].String()})
	}
	return l.finish()
}

// argument checks one URL of a command line; nil when it cannot be used.
func (l *loader) argument(full string) *url.URL {
	s := scheme(full)
	if _, w := l.reg.kindOf(full); w != nil {
		l.note(uptime.Mistake{Key: "url", Message: w.message, Hint: w.hint})
		return nil
	}
	u, err := url.Parse(full)
	if err != nil {
		l.note(uptime.Mistake{Key: "url", Message: fmt.Sprintf("a %s URL %s", s, urlFault(err))})
		return nil
	}
	return u
}

// uniqueNames derives a name from each URL.
func uniqueNames(urls []*url.URL) []string {
	count := map[string]int{}
	for _, u := range urls {
		count[nameOf(u)]++
	}
	used := map[string]bool{}
	out := make([]string, len(urls))
	for i, u := range urls {
		name := nameOf(u)
		switch {
		case count[name] > 1 && u.Opaque != "":
			name = u.Scheme + ":" + name
		case count[name] > 1:
			name = u.Scheme + "://" + name
		}
		if badName(name) != "" {
			name = "url " + name
		}
		base := name
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s %d", base, n)
		}
		used[name] = true
		out[i] = name
	}
	return out
}
