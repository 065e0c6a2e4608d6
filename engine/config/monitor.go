package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	maxName    = 200
	targetMark = "{target}"

	defaultTimeout = 10 * time.Second
	defaultRetry   = 20 * time.Second
)

// DefaultInterval is the interval of a monitor that is given none.
const DefaultInterval = 60 * time.Second

// draft is a [[monitor]] while it is being read.
type draft struct {
	l      *loader
	blk    *block
	raw    map[string]any
	prefix string // of messages: monitor "x":
	failed bool
	told   bool // that it is checked from here alone

	own    map[string]any // converted: keys of every monitor
	kind   *kind
	tags   []string
	group  string
	chain  *chain
	values map[string]any
	expect map[string]any
}

func (d *draft) fail(message, hint string, path ...string) {
	d.failed = true
	d.l.fail(d.blk, under([]string{"monitor"}, path...), d.prefix+message, hint)
}

func (d *draft) warn(message, hint string, path ...string) {
	d.l.warn(d.blk, under([]string{"monitor"}, path...), d.prefix+message, hint)
}

// alone reads a [[monitor]] block; nil where it cannot.
func (l *loader) alone(b *block) map[string]any {
	if b.inline != nil {
		return b.inline
	}
	root := l.parse(b)
	if list, _ := root["monitor"].([]map[string]any); len(list) > 0 {
		return list[0]
	}
	return nil
}

// build adds the monitors that a block describes.
func (l *loader) build(b *block, m map[string]any) {
	d := &draft{l: l, blk: b, raw: m, own: make(map[string]any, len(m))}
	if name, ok := m["name"].(string); ok && name != "" {
		d.prefix = fmt.Sprintf("monitor %q: ", shown(name))
	}
	d.common()
	targets, ok := d.targets()
	d.tags = l.intern(value(d, "tags", []string(nil)))
	d.group = l.group(value(d, "group", ""), d.tags)
	d.chain = l.chain(d.tags)
	raw := d.url()
	if ok {
		d.names(targets)
	} else {
		l.broken = true
	}
	if d.kind == nil {
		return
	}
	l.secrets.away, l.secrets.missed = d.away(), ""
	defer func() { l.secrets.away = false }()
	d.typed()
	if !ok {
		return
	}
	// The type is asked even where keys are wrong, for its own mistakes: people want them all at once.
	for _, t := range targets {
		if !d.one(raw, t) {
			return // the others would say the same
		}
	}
}

// common converts the keys that every monitor has.
func (d *draft) common() {
	for _, key := range sorted(d.raw) {
		k, ok := d.l.reg.common[key]
		if !ok {
			continue
		}
		v, w := d.l.convertCommon(d.blk, k, d.raw[key])
		if w != nil {
			d.fail(w.message, w.hint, key)
			d.l.broken = d.l.broken || key == "tags" || key == "group"
			continue
		}
		d.own[key] = v
		if key == "confirm_from" || key == locationsKey {
			d.failed = d.l.checkPlaces(d.blk, []string{"monitor", key}, d.prefix, v.([]string)) || d.failed
		}
	}
	d.ruleKeys()
}

// value looks a common key up: the monitor's own, its tags' from the last to the first, the defaults'.
func value[T any](d *draft, key string, def T) T {
	if v, ok := d.own[key].(T); ok {
		return v
	}
	if d.chain != nil {
		for i := len(d.chain.tags) - 1; i >= 0; i-- {
			if v, ok := d.chain.tags[i].common[key].(T); ok {
				return v
			}
		}
	}
	return uptime.Value(d.l.defaults.common, key, def)
}

// interval is value's, with the type's own default above [defaults].
func (d *draft) interval() time.Duration {
	if d.kind.Interval > 0 {
		if v, ok := d.own["interval"].(time.Duration); ok {
			return v
		}
		for i := len(d.chain.tags) - 1; i >= 0; i-- {
			if v, ok := d.chain.tags[i].common["interval"].(time.Duration); ok {
				return v
			}
		}
		return d.kind.Interval
	}
	return value(d, "interval", DefaultInterval)
}

// targets lists what stands for {target}, one empty one for a monitor without;
// false when they and the places for them do not fit.
func (d *draft) targets() ([]string, bool) {
	targets := value(d, "targets", []string(nil))
	holds := func(key string) (set, mark bool) {
		s, _ := d.own[key].(string)
		return s != "", strings.Contains(s, targetMark)
	}
	nameSet, nameMark := holds("name")
	urlSet, urlMark := holds("url")
	_, own := d.own["targets"]
	switch {
	case own && len(targets) == 0:
		d.fail("targets is empty", "", "targets")
		return nil, false
	case len(targets) == 0 && (nameMark || urlMark):
		key := "url"
		if nameMark {
			key = "name"
		}
		d.fail(key+" has {target}, and there are no targets", `Write targets = ["one.example.com", "two.example.com"]`, key)
		return nil, false
	case len(targets) == 0:
		return []string{""}, true
	}
	ok := true
	if nameSet && !nameMark {
		name, _ := d.own["name"].(string)
		d.fail("name needs {target}, so that each of the targets has its own", fmt.Sprintf("Write it like name = %q", shown(name)+" {target}"), "name")
		ok = false
	}
	if urlSet && !urlMark {
		d.fail("url needs {target}", "", "url")
		ok = false
	}
	for i, t := range targets {
		if t == "" || uptime.Clean(t, maxName) != t || strings.ContainsAny(t, " /@?#") {
			d.fail(fmt.Sprintf("targets: number %d is no host", i+1), "", "targets")
			return nil, false
		}
	}
	return targets, ok
}

// url finds the type and returns the URL with its scheme, {target} and ${…} still in it.
func (d *draft) url() string {
	typeName := value(d, "type", "")
	_, ownType := d.own["type"]
	var typed *kind
	if typeName != "" {
		if typed = d.l.reg.byName[typeName]; typed == nil && ownType {
			hint := "Known: " + strings.Join(d.l.reg.typeNames(), ", ")
			if n := didYouMean(typeName, d.l.reg.typeNames()); n != "" {
				hint = n + " " + hint
			}
			d.fail(fmt.Sprintf("unknown type %q", shown(typeName)), hint, "type")
		}
	}
	raw, ok := d.own["url"].(string)
	switch {
	case !ok:
		if _, set := d.raw["url"]; !set {
			d.fail("url is missing", `Write it like url = "https://www.example.com/"`)
		}
		d.kind = typed
		return ""
	case raw == "":
		d.fail("url is empty", "", "url")
		return ""
	}
	raw = complete(raw, typed)
	k, w := d.l.reg.kindOf(raw)
	switch {
	case w != nil:
		d.fail(w.message, w.hint, "url")
		d.kind = typed
		return ""
	case ownType && typed != nil && k != typed && !slices.Contains(typed.Schemes, scheme(raw)):
		d.fail(fmt.Sprintf("type %q does not take a url that begins with %s:", typed.Name, scheme(raw)), "It takes "+strings.Join(typed.Schemes, ":, ")+":", "type")
	case ownType && typed != nil:
		k = typed
	}
	d.kind = k
	return raw
}

// names checks the names that the block takes and claims them.
func (d *draft) names(targets []string) {
	name, ok := d.own["name"].(string)
	if _, set := d.raw["name"]; !ok || name == "" {
		hint := `Write it like name = "shop"`
		if u, err := url.Parse(value(d, "url", "")); err == nil && u.Host != "" {
			hint = fmt.Sprintf("Write it like name = %q", nameOf(u))
		}
		if !set || name == "" && ok {
			d.fail("a monitor needs a name", hint)
		}
		d.l.broken = true
		return
	}
	for _, t := range targets {
		n := strings.ReplaceAll(name, targetMark, t)
		if why := badName(n); why != "" {
			d.fail("name "+why, "", "name")
			return
		}
		if other, ok := d.l.names[n]; ok {
			d.twice(n, other)
			continue
		}
		d.l.names[n] = d.blk.place()
		if was, ok := d.own["was"].(string); ok {
			d.l.renamed(d, n, strings.ReplaceAll(was, targetMark, t))
		}
	}
	if len(d.l.names) > maxMonitors {
		d.fail(fmt.Sprintf("more than %d monitors", maxMonitors), "Split them over several instances")
	}
}

func (d *draft) twice(name string, other place) {
	d.prefix = ""
	path := []string{"name"}
	here, there := d.blk.file.managed, other.file.managed
	at := fmt.Sprintf("%s:%d", other.file.path, other.block().line("monitor", "name"))
	switch {
	case other == d.blk.place() && d.blk.inline == nil:
		d.fail(fmt.Sprintf("monitor %q comes twice from these targets", shown(name)), "", "targets")
	case here && !there:
		d.fail(fmt.Sprintf("monitor %q was added with \"lookout add\" and is written by hand too, at %s", shown(name), at), "Remove one of the two", path...)
	case other.file.path == "":
		d.fail(fmt.Sprintf("monitor %q is there twice", shown(name)), "", path...)
	default:
		d.fail(fmt.Sprintf("monitor %q is there twice; the other is at %s", shown(name), at), "", path...)
	}
	d.prefix = fmt.Sprintf("monitor %q: ", shown(name))
}

// convertCommon is convert for a key of every monitor. Tags and groups are
// named in commands as monitors are, so they are words of the same kind.
func (l *loader) convertCommon(b *block, k uptime.Key, raw any) (any, *wrong) {
	v, w := l.convert(b, k, raw)
	if w != nil {
		return nil, w
	}
	switch k.Name {
	case "tags":
		for _, t := range v.([]string) {
			if why := badName(t); why != "" {
				return nil, &wrong{message: fmt.Sprintf("tag %q %s", shown(t), why)}
			}
		}
	case "group":
		if g := v.(string); g != "" && badName(g) != "" {
			return nil, &wrong{message: fmt.Sprintf("group %q %s", shown(g), badName(g))}
		}
	}
	return v, nil
}

// badName says why a name cannot be used; "" when it can.
func badName(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > maxName:
		return fmt.Sprintf("is longer than %d bytes", maxName)
	case uptime.Clean(s, maxName) != s:
		return "has characters that cannot be printed, or blanks at an end or in a row"
	}
	for _, p := range []string{"tag:", "group:", "#", "-"} {
		if strings.HasPrefix(s, p) {
			return fmt.Sprintf("begins with %s, which commands take for something else", p)
		}
	}
	return ""
}

// intern checks nothing; it lets equal tags share their memory and drops what is there twice.
func (l *loader) intern(tags []string) []string {
	var out []string
	for _, t := range tags {
		known, ok := l.tags[t]
		if !ok {
			known = t
			l.tags[t] = t
		}
		if !slices.Contains(out, known) {
			out = append(out, known)
		}
	}
	return out
}
