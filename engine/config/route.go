package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// defaultEscalate is how long somebody has to acknowledge an outage where only
// is said who is told then.
const defaultEscalate = 15 * time.Minute

// routeKeys are the keys of [[route]].
var routeKeys = []uptime.Key{
	{Name: "tags", Kind: uptime.Strings, Doc: "monitors with one of these tags; default: any", Example: `["prod"]`, Min: 1},
	{Name: "names", Kind: uptime.Strings, Doc: "these monitors; default: any", Example: `["shop"]`, Min: 1},
	{Name: "groups", Kind: uptime.Strings, Doc: "monitors of these groups; default: any", Example: `["shop"]`, Min: 1},
	{Name: "verdicts", Kind: uptime.Strings, Doc: `what is told: down, degraded; default: down. Its end is told to whoever was told of it`, Example: `["down", "degraded"]`, Min: 1},
	{Name: "faults", Kind: uptime.Strings, Doc: "these fault classes, or all of a group; default: any", Example: `["http.status", "tls"]`, Min: 1},
	{Name: "days", Kind: uptime.Strings, Doc: "of the week; default: every day", Example: `["Mon-Fri"]`, Min: 1},
	{Name: "hours", Kind: uptime.Strings, Doc: "of the day, in the timezone of the instance; default: all", Example: `["08:00-18:00"]`, Min: 1},
	{Name: "channels", Kind: uptime.Strings, Doc: "who is told; []: nobody", Example: `["ops"]`},
	{Name: "delay", Kind: uptime.Duration, Doc: "how long it has to last; default: 0s", Example: `"5m"`, Max: int64(7 * 24 * time.Hour)},
	{Name: "remind", Kind: uptime.Duration, Doc: "again while it lasts and nobody acknowledged it; default: never", Example: `"1h"`, Min: int64(time.Minute), Max: year},
	{Name: "escalate_to", Kind: uptime.Strings, Doc: "who else is told when nobody acknowledged it in time, or no channel could tell", Example: `["boss"]`, Min: 1},
	{Name: "escalate_after", Kind: uptime.Duration, Doc: "default: 15m", Example: `"15m"`, Min: int64(time.Minute), Max: year},
}

// readRoutes reads every [[route]], in their order: the first that matches is it.
func (l *loader) readRoutes() {
	var blocks []*block
	for _, w := range l.routes {
		d := routeDraft{l: l, blk: w.blk, raw: w.raw, set: map[string]any{}}
		d.Where = w.blk.file.path
		if n := w.blk.firstLine(); n > 0 {
			d.Where = fmt.Sprintf("%s:%d", d.Where, n)
		}
		if d.read(); d.failed {
			l.unheard = true // which channels it names is not known
			continue
		}
		l.cfg.Routes = append(l.cfg.Routes, d.Route)
		blocks = append(blocks, w.blk)
	}
	if !l.broken && !l.unheard {
		l.judgeRoutes(blocks)
	}
}

// routeDraft is a [[route]] while it is being read.
type routeDraft struct {
	uptime.Route
	l      *loader
	blk    *block
	raw    map[string]any
	set    map[string]any // converted
	failed bool
}

func (d *routeDraft) fail(key, message, hint string) {
	d.failed = true
	d.l.fail(d.blk, under([]string{"route"}, key), message, hint)
}

func (d *routeDraft) read() {
	known := keyMap(routeKeys)
	for _, key := range sorted(d.raw) {
		k, ok := known[key]
		if !ok {
			hint := didYouMean(key, names(routeKeys))
			switch {
			case keyMap(channelKeys)[key].Name != "" || len(newChannels(d.l.opt.Channels).owners[key]) > 0:
				hint = "It belongs in a [[channel]]"
			case keyMap(globalKeys)[key].Name != "":
				hint = atTheTop
			}
			d.fail(key, fmt.Sprintf("unknown key %q", shown(key)), hint)
			continue
		}
		v, w := d.l.convert(d.blk, k, d.raw[key])
		if w != nil {
			d.fail(key, "route: "+w.message, w.hint)
			continue
		}
		d.set[key] = v
	}
	d.which()
	d.what()
	d.when()
	d.who()
}

func (d *routeDraft) texts(key string) []string { return uptime.Value[[]string](d.set, key, nil) }

// which are the monitors.
func (d *routeDraft) which() {
	d.Tags, d.Names, d.Groups = d.texts("tags"), d.texts("names"), d.texts("groups")
	if d.l.broken {
		return
	}
	for _, key := range []string{"tags", "names", "groups"} {
		for _, word := range d.texts(key) {
			if message, hint := d.l.unmet(key, word); message != "" {
				d.fail(key, "route: "+message, hint)
			}
		}
	}
}

// what is told of them.
func (d *routeDraft) what() {
	for _, word := range d.texts("verdicts") {
		var v uptime.Verdict
		err := v.UnmarshalText([]byte(word))
		switch {
		case err == nil && v == uptime.Up:
			d.fail("verdicts", `route: verdicts: "up" is told to whoever was told of the outage`, `Leave it out`)
		case v != uptime.Down && v != uptime.Degraded:
			hint := didYouMean(word, []string{"down", "degraded"})
			if err == nil {
				hint = `Only "down" and "degraded" are told`
			}
			d.fail("verdicts", fmt.Sprintf("route: verdicts: %q must be \"down\" or \"degraded\"", shown(word)), hint)
		case !slices.Contains(d.Verdicts, v):
			d.Verdicts = append(d.Verdicts, v)
		}
	}
	known := faultWords()
	for _, word := range d.texts("faults") {
		if !slices.Contains(known, word) {
			d.fail("faults", fmt.Sprintf("route: faults: %q is no fault class, nor a group of them", shown(word)), didYouMean(word, known))
			continue
		}
		d.Faults = append(d.Faults, word)
	}
}

// faultWords are all fault classes and their groups.
func faultWords() []string {
	var out []string
	for _, f := range uptime.Faults() {
		if out = append(out, f.String()); !slices.Contains(out, f.Group()) {
			out = append(out, f.Group())
		}
	}
	return out
}

// when it is told.
func (d *routeDraft) when() {
	if list := d.texts("days"); list != nil {
		var err error
		if d.Days, err = parseDays(list); err != nil {
			d.fail("days", "route: days: "+err.Error(), `Write it like days = ["Mon-Fri"] or ["Sat", "Sun"]`)
		}
	}
	for _, s := range d.texts("hours") {
		h, err := parseHours(s)
		if err != nil {
			hint := `Write it like hours = ["08:00-18:00"] or ["22:00-06:00"]`
			d.fail("hours", fmt.Sprintf("route: hours: %q %s", shown(s), err), hint)
			continue
		}
		d.Hours = append(d.Hours, h)
	}
}

// who is told, and how often.
func (d *routeDraft) who() {
	if _, wrote := d.raw["channels"]; !wrote {
		d.fail("channels", "a route needs channels", `Write it like channels = ["ops"]; [] tells nobody`)
	}
	d.Channels, d.EscalateTo = d.channels("channels"), d.channels("escalate_to")
	d.Delay, d.Remind = uptime.Value(d.set, "delay", time.Duration(0)), uptime.Value(d.set, "remind", time.Duration(0))
	var after bool
	d.EscalateAfter, after = d.set["escalate_after"].(time.Duration)
	_, wrote := d.raw["escalate_to"]
	switch {
	case after && !wrote:
		d.fail("escalate_after", "route: escalate_after without escalate_to: nobody is told then", `Write it like escalate_to = ["boss"]`)
	case wrote && !after:
		d.EscalateAfter = defaultEscalate
	}
	if d.failed || len(d.Channels) > 0 {
		return
	}
	for _, key := range []string{"delay", "remind", "escalate_to"} {
		if _, wrote := d.raw[key]; wrote {
			d.fail(key, fmt.Sprintf("route: channels = [] tells nobody, so there is nothing to %s", map[string]string{"delay": "delay", "remind": "remind of", "escalate_to": "escalate"}[key]), "")
		}
	}
}

// channels reads a list of names of them.
func (d *routeDraft) channels(key string) []string {
	var out []string
	for _, name := range d.texts(key) {
		switch {
		case slices.Contains(out, name):
			continue
		case d.l.heard[name] != nil || d.l.unheard || d.l.broken:
		case len(d.l.heard) == 0:
			d.fail(key, fmt.Sprintf("route: %q is no channel: there is no [[channel]]", shown(name)), "")
		default:
			d.fail(key, fmt.Sprintf("route: %q is no channel", shown(name)), nearest(d.l, name, d.l.heard))
		}
		out = append(out, name)
	}
	return out
}

// routeText writes a route for people.
func routeText(r uptime.Route) string {
	var parts []string
	add := func(key string, words []string) {
		if len(words) > 0 {
			parts = append(parts, key+" "+strings.Join(words, ", "))
		}
	}
	add("tags", r.Tags)
	add("names", r.Names)
	add("groups", r.Groups)
	add("verdicts", texted(r.Verdicts, uptime.Verdict.String))
	add("faults", r.Faults)
	add("days", texted(r.Days, func(d time.Weekday) string { return d.String()[:3] }))
	add("hours", texted(r.Hours, hoursText))
	for _, d := range []struct {
		key  string
		time time.Duration
	}{{"delay", r.Delay}, {"remind", r.Remind}, {"escalate_after", r.EscalateAfter}} {
		if d.time > 0 {
			parts = append(parts, d.key+" "+uptime.Span(d.time))
		}
	}
	add("escalate_to", r.EscalateTo)
	return strings.Join(append(parts, "channels ["+strings.Join(r.Channels, ", ")+"]"), "; ")
}

func texted[T any](list []T, text func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = text(v)
	}
	return out
}
