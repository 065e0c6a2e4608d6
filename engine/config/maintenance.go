package config

import (
	"fmt"
	"strings"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

// Maintenance is a maintenance window: when, and for which monitors.
type Maintenance struct {
	Of     []string // NAME, tag:T or group:G: a monitor that one of them means is in it
	Window schedule.Window
	Note   string
}

// String is tag:db, Sun 03:00 for 30m
func (m Maintenance) String() string {
	return fmt.Sprintf("%s, %s for %s", strings.Join(m.Of, " "), m.Window, uptime.Span(m.Window.Length()))
}

var maintenanceKeys = []uptime.Key{
	{Name: "names", Kind: uptime.Strings, Doc: "these monitors", Example: `["shop"]`, Min: 1},
	{Name: "tags", Kind: uptime.Strings, Doc: "monitors with one of these tags", Example: `["db"]`, Min: 1},
	{Name: "groups", Kind: uptime.Strings, Doc: "monitors of these groups", Example: `["shop"]`, Min: 1},
	{Name: "at", Kind: uptime.String, Doc: "when it opens, once", Example: `"2026-12-05 22:00"`},
	{Name: "every", Kind: uptime.String, Doc: "or when it opens, again and again: a day of the week or several, day, or a cron line", Example: `"Sun 03:00"`},
	{Name: "for", Kind: uptime.Duration, Doc: "how long it is open, by any clock", Example: `"30m"`, Min: int64(time.Minute), Max: year},
	{Name: "timezone", Kind: uptime.String, Doc: "of at and every; default: that of the instance", Example: `"Europe/Amsterdam"`},
	{Name: "note", Kind: uptime.String, Doc: "shown with its events", Example: `"upgrade to 18"`},
}

// waiting is a block that waits for what it refers to: monitors, secrets, the time zone.
type waiting struct {
	blk *block
	raw map[string]any
}

// readMaintenance reads every [[maintenance]].
func (l *loader) readMaintenance() {
	for _, w := range l.windows {
		d := windowDraft{l: l, blk: w.blk, raw: w.raw, set: map[string]any{}}
		d.read()
		d.of()
		d.window()
		if !d.failed {
			d.judge()
			l.cfg.Maintenance = append(l.cfg.Maintenance, d.Maintenance)
		}
	}
}

// windowDraft is a [[maintenance]] while it is being read.
type windowDraft struct {
	Maintenance
	l      *loader
	blk    *block
	raw    map[string]any
	set    map[string]any // converted
	zone   *time.Location
	once   time.Time
	failed bool
}

func (d *windowDraft) fail(message, hint string, key ...string) {
	d.failed = true
	d.l.fail(d.blk, under([]string{"maintenance"}, key...), message, hint)
}

// read converts the keys.
func (d *windowDraft) read() {
	known := keyMap(maintenanceKeys)
	for _, key := range sorted(d.raw) {
		k, ok := known[key]
		if !ok {
			d.fail(fmt.Sprintf("unknown key %q", shown(key)), didYouMean(key, names(maintenanceKeys)), key)
			continue
		}
		if key == "at" { // a text, or a time of TOML
			d.set[key] = d.raw[key]
			continue
		}
		v, w := d.l.convert(d.blk, k, d.raw[key])
		if w != nil {
			d.fail(w.message, w.hint, key)
			continue
		}
		d.set[key] = v
	}
	d.Note = uptime.Clean(uptime.Value(d.set, "note", ""), maxName)
	d.zone = d.l.cfg.Timezone
	if name, ok := d.set["timezone"].(string); ok {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" {
			d.fail(fmt.Sprintf("timezone = %q is unknown", shown(name)), `Write it like "Europe/Amsterdam"`, "timezone")
		} else {
			d.zone = zone
		}
	}
}

// of collects the monitors that are meant.
func (d *windowDraft) of() {
	any := false
	for _, key := range []struct{ name, prefix string }{{"names", ""}, {"tags", "tag:"}, {"groups", "group:"}} {
		_, wrote := d.raw[key.name]
		any = any || wrote
		for _, word := range uptime.Value[[]string](d.set, key.name, nil) {
			d.Of = append(d.Of, key.prefix+word)
			if d.l.broken {
				continue
			}
			message, hint := d.l.unmet(key.name, word)
			if message != "" {
				d.fail("maintenance: "+message, hint, key.name)
			}
		}
	}
	if !any {
		d.fail("a maintenance window needs names, tags or groups", `Write it like tags = ["db"]`)
	}
}

// unmet says what is wrong with a word of names, tags or groups; "" where it means a monitor.
func (l *loader) unmet(key, word string) (message, hint string) {
	switch key {
	case "tags":
		return missingIn(l, word, l.tags, "no monitor has the tag %q")
	case "groups":
		return missingIn(l, word, l.groups, "no monitor is in the group %q")
	}
	return missingIn(l, word, l.names, "%q is no monitor")
}

func missingIn[V any](l *loader, word string, known map[string]V, sentence string) (message, hint string) {
	if _, ok := known[word]; ok {
		return "", ""
	}
	return fmt.Sprintf(sentence, shown(word)), nearest(l, word, known)
}

// window makes the time table.
func (d *windowDraft) window() {
	_, once := d.raw["at"]
	_, again := d.raw["every"]
	_, long := d.raw["for"]
	if !long {
		d.fail("a maintenance window needs a length", `Write it like for = "30m"`)
	}
	length, _ := d.set["for"].(time.Duration)
	switch {
	case once && again:
		d.fail("at and every both say when the window opens", "Write two [[maintenance]], or leave one of them out", "every")
	case once && d.set["at"] != nil:
		d.at(length)
	case again && d.set["every"] != nil:
		every := d.set["every"].(string)
		var err error
		if d.Window, err = schedule.Every(every, length, d.zone); err != nil {
			d.fail(fmt.Sprintf("every = %q: %s", shown(every), err), `Write it like every = "Sun 03:00", "Mon,Thu 03:00", "day 02:30" or "30 2 1 * *"`, "every")
		}
	case !once && !again:
		d.fail("a maintenance window needs at or every", `Write it like every = "Sun 03:00", or at = "2026-12-05 22:00"`)
	}
}

// at reads the time of a window that opens once.
func (d *windowDraft) at(length time.Duration) {
	wall, absolute, ok := moment(d.set["at"])
	if !ok {
		d.fail(fmt.Sprintf("at = %s must be a date and a time of day", show(uptime.Key{}, d.set["at"])), `Write it like at = "2026-12-05 22:00"`, "at")
		return
	}
	d.once = wall
	if !absolute {
		if d.once, ok = schedule.Local(wall, d.zone); !ok {
			d.fail(fmt.Sprintf("at = %q is a day that never was in %s", wall.Format("2006-01-02 15:04"), d.zone), "", "at")
			return
		}
	}
	d.Window = schedule.Once(d.once.In(d.zone), length)
}

// moment reads a date with a time of day, as TOML or as text; absolute where it
// says its distance from UTC.
func moment(v any) (at time.Time, absolute, ok bool) {
	switch v := v.(type) {
	case time.Time:
		name := v.Location().String() // the parser tells by it what was written
		return v, name != "datetime-local", name != "date-local" && name != "time-local"
	case string:
		for _, layout := range []string{time.RFC3339, "2006-01-02 15:04Z07:00", "2006-01-02 15:04:05Z07:00"} {
			if at, err := time.Parse(layout, v); err == nil {
				return at, true, true
			}
		}
		for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
			if at, err := time.Parse(layout, v); err == nil {
				return at, false, true
			}
		}
	}
	return time.Time{}, false, false
}

// judge says what a window does that was hardly meant.
func (d *windowDraft) judge() {
	w, now := d.Window, d.l.opt.Now
	if !d.once.IsZero() && !now.IsZero() {
		if end := d.once.Add(w.Length()); !end.After(now) {
			d.l.warn(d.blk, []string{"maintenance", "at"}, fmt.Sprintf("maintenance at %s is over: it ended %s ago", w, uptime.Ago(now.Sub(end))), "Take the block out")
		}
		return
	}
	length := uptime.Span(w.Length())
	switch shortest, longest := w.Apart(); {
	case longest > 0 && w.Length() >= longest:
		d.fail(fmt.Sprintf("for = %s is as long as it takes until the window opens again (%s): it would never end", length, uptime.Span(longest)),
			"Make it shorter; enabled = false leaves a monitor out, and lookout pause stops its checks", "for")
	case shortest > 0 && w.Length() > shortest:
		d.l.warn(d.blk, []string{"maintenance", "for"}, fmt.Sprintf("for = %s is longer than the %s from one opening to the next: those are taken together", length, uptime.Span(shortest)), "")
	}
}
