package config

import (
	"fmt"
	"strings"

	"lookout/engine/uptime"
)

// maxLocation bounds a location's name, which is part of what probes are called.
const maxLocation = 40

// location reads a [[location]].
func (l *loader) location(b *block, m map[string]any) {
	var p uptime.Place
	known := keyMap(locationKeys)
	failed := false
	for _, key := range sorted(m) {
		path := []string{"location", key}
		k, ok := known[key]
		if !ok {
			l.fail(b, path, fmt.Sprintf("unknown key %q", shown(key)), didYouMean(key, names(locationKeys)))
			continue
		}
		v, w := l.convert(b, k, m[key])
		switch {
		case w != nil:
			l.fail(b, path, w.message, w.hint)
			failed = failed || key == "name"
		case key == "name":
			p.Location = v.(string)
		case uptime.Clean(v.(string), maxName) != v.(string) || v.(string) == "":
			l.fail(b, path, "location: "+key+" must be a printable word", example(k))
		case key == "place":
			p.Called = v.(string)
		default:
			p.Network = v.(string)
		}
	}
	_, set := m["name"]
	unread := true
	switch other := l.places[p.Location]; {
	case failed:
	case !set:
		l.fail(b, []string{"location"}, "a location needs a name", `Write it like name = "fra"`)
	case !locationName(p.Location):
		l.fail(b, []string{"location", "name"}, fmt.Sprintf("location: name %q must be made of a to z, 0 to 9 and -, at most %d", shown(p.Location), maxLocation), `Write it like name = "fra"`)
	case other != nil:
		l.fail(b, []string{"location", "name"}, fmt.Sprintf("location %q is there twice; the other is at %s:%d", p.Location, other.file.path, other.line("location", "name")), "")
		unread = false
	default:
		unread = false
		l.places[p.Location] = b
		l.placed(p)
	}
	l.unplaced = l.unplaced || unread
}

// Witnesses are who can be asked for a second opinion about a monitor: without
// a broker nobody, whatever [[location]] names.
func (c *Config) Witnesses(m *uptime.Monitor) uptime.Witnesses {
	w := uptime.Witnesses{Home: c.Network, Alone: m.Alone}
	if c.Broker == nil {
		return w
	}
	for _, p := range c.Locations {
		if m.Asks(p.Location) {
			w.Places = append(w.Places, p)
		}
	}
	return w
}

// placed takes a location into the Config.
func (l *loader) placed(p uptime.Place) {
	if p.Location == uptime.Local {
		l.cfg.Network, l.cfg.Place = p.Network, p.Called
		return
	}
	if p.Network == "" {
		p.Network = p.Location // of its own
	}
	l.cfg.Locations = append(l.cfg.Locations, p)
}

// locationName reports whether a text can be part of a probe's name, LOCATION/NAME.
func locationName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && s[0] != '-' && len(s) <= maxLocation
}

// checkPlaces refuses names of a confirm_from that are no locations to ask, and
// names of a locations that nothing can be checked from.
func (l *loader) checkPlaces(b *block, path []string, prefix string, named []string) (failed bool) {
	key := path[len(path)-1]
	prefix += key + ": "
	for _, name := range named {
		switch {
		case name == uptime.Local && key == locationsKey:
			continue
		case name == uptime.Local:
			l.fail(b, path, prefix+"local is where the check itself runs", "Name other places, or none: []")
		case l.places[name] != nil && key == locationsKey && l.brokerAt == nil && !l.unplaced:
			l.fail(b, path, fmt.Sprintf("%sthere is no [broker] to reach %q by", prefix, name), "lookout remote init makes what it needs")
		case l.places[name] != nil || l.unplaced:
			continue
		case len(l.places) == 0:
			l.fail(b, path, fmt.Sprintf("%s%q is no location: there is no [[location]]", prefix, shown(name)), "")
		case key == locationsKey && Near(name, []string{uptime.Local}) != "":
			l.fail(b, path, fmt.Sprintf("%s%q is no location", prefix, shown(name)), didYouMean(name, []string{uptime.Local}))
		default:
			l.fail(b, path, fmt.Sprintf("%s%q is no location", prefix, shown(name)), nearest(l, name, l.places))
		}
		failed = true
	}
	return failed
}

// checkLocations says of locations that cannot be reached what follows.
func (l *loader) checkLocations() {
	names := make([]string, len(l.cfg.Locations))
	for i, p := range l.cfg.Locations {
		names[i] = p.Location
	}
	switch {
	case l.broken:
	case l.brokerAt != nil && len(names) == 0 && !l.unplaced:
		l.warn(l.brokerAt, []string{"broker"}, "[broker] reaches nobody: there is no [[location]]", "Write one for each place that probes are at")
	case l.brokerAt == nil && len(names) > 0:
		l.warn(l.places[names[0]], []string{"location"},
			fmt.Sprintf("nobody is asked in %s: there is no [broker] to reach them by, so every monitor is judged from here alone", shown(strings.Join(names, ", "))),
			"lookout remote init makes what it needs")
	}
}
