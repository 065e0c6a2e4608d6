package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lookout/engine/uptime"
)

// one makes the monitor of one target and adds it; false when it cannot be made.
func (d *draft) one(raw, target string) bool {
	l, ok := d.l, true
	name, _ := d.own["name"].(string)
	if target != "" {
		name, raw = strings.ReplaceAll(name, targetMark, target), withTarget(raw, target)
	}
	// A URL that cannot be used keeps its place, so that the type can say what else is wrong.
	u := &url.URL{Scheme: d.kind.Schemes[0], Host: "placeholder.invalid:1"}
	if raw == "" {
		ok = false
	} else if parsed, w := l.parseURL(raw); w != nil {
		d.fail(w.message, w.hint, "url")
		ok = false
	} else {
		u = parsed
		if _, has := u.User.Password(); has && !strings.Contains(raw, "${") {
			l.literal(d.blk, "url")
		}
	}
	usable := ok
	m := d.times()
	s := uptime.Settings{URL: u, Interval: m.Interval, Timeout: m.Timeout, IP: value(d, "ip", "any"), Zone: l.cfg.Timezone, Values: d.values, Expect: d.expect,
		Resolvers: value(d, "resolvers", []netip.AddrPort(nil)), Source: value(d, "source", "")}
	check, mistakes := d.checked(s)
	hide := hider(s)
	for _, x := range mistakes {
		if x.Key == "url" && !usable {
			continue // of the placeholder
		}
		path := strings.Split(x.Key, ".")
		if x.Key == "" {
			path = nil
		}
		message, hint := hide(x.Message), sentence(hide(x.Hint))
		if x.Key != "" && !strings.HasPrefix(message, x.Key) {
			message = x.Key + ": " + message
		}
		if x.Warning {
			d.warn(message, hint, path...)
		} else {
			d.fail(message, hint, path...)
			ok = false
		}
	}
	if !ok || d.failed {
		return ok && !d.failed
	}
	d.refer(name)
	m.Name, m.Type, m.Tags, m.Note = name, d.kind.Name, d.tags, value(d, "note", "")
	m.Target, m.Dest, m.Expect, m.Caution = hide(check.Target), check.Dest, hide(check.Expect), check.Caution
	if m.Target == "" {
		m.Target = hide(uptime.RedactURL(u))
	}
	if m.Dest == "" {
		m.Dest = u.Host
	}
	m.Group = d.group
	travels := d.elsewhere(m, raw, s)
	if d.failed {
		return false
	}
	checker := check.Checker
	switch lacks := d.missing(); {
	case lacks == "":
	case !d.away():
		d.fail(fmt.Sprintf("needs ${secret:%s}, which is not in secrets_dir", lacks), "")
		return false
	default:
		checker = absent{lacks}
	}
	d.depends(m, target)
	m.Subject = subject(m, s)
	m.Fingerprint = fingerprint(m)
	if !value(d, "enabled", true) {
		l.cfg.Disabled = append(l.cfg.Disabled, name)
		return true
	}
	l.cfg.Jobs = append(l.cfg.Jobs, uptime.Job{Monitor: m, Checker: checker, Resolvers: s.Resolvers, Portable: travels})
	l.made = append(l.made, made{m, d.blk.file.path, d.blk.firstLine(), d.kind, s})
	return true
}

// checked makes the check of settings. What other locations run by their own
// files alone is none here, and needs no settings.
func (d *draft) checked(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
	if !d.kind.Filed || !d.away() {
		return d.kind.check(s)
	}
	if s.URL.Opaque == "" || s.URL.RawQuery != "" || s.URL.Fragment != "" {
		return uptime.Check{}, []uptime.Mistake{{Key: "url", Message: fmt.Sprintf("it must be %s:NAME, the name of a [[%s]] there", d.kind.Schemes[0], d.kind.Name)}}
	}
	var mistakes []uptime.Mistake
	for _, key := range sorted(s.Values) {
		mistakes = append(mistakes, uptime.Mistake{Key: key, Warning: true, Message: fmt.Sprintf("%s has no effect: other places run what their own [[%s]] says", key, d.kind.Name)})
	}
	dest := d.kind.Schemes[0] + ":" + s.URL.Opaque
	return uptime.Check{Checker: filedThere{d.kind.Name}, Dest: dest}, mistakes
}

// conclude puts the monitors into the Config, by name.
func (l *loader) conclude() {
	all := l.made
	slices.SortStableFunc(all, func(a, b made) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(l.cfg.Jobs, func(a, b uptime.Job) int { return strings.Compare(a.Name, b.Name) })
	l.cfg.made = func(i int) *made { return &all[i] }
}

// check makes a check. A type that panics is a bug of ours, and a bad file must
// not end an engine that reloads: the bug becomes a mistake of the monitor.
func (k *kind) check(s uptime.Settings) (c uptime.Check, mistakes []uptime.Mistake) {
	defer func() {
		if r := recover(); r != nil {
			mistakes = []uptime.Mistake{{Message: fmt.Sprintf("a bug in the check type %s: it cannot read these settings", k.Name)}}
		}
	}()
	return k.New(s)
}

// sentence begins with a capital letter, as a hint does.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// group is the group of a monitor, sharing the memory of equal ones.
func (l *loader) group(name string, tags []string) string {
	if name == "" && len(tags) > 0 {
		name = tags[0]
	}
	known, ok := l.groups[name]
	if !ok {
		known = name
		l.groups[name] = name
	}
	return known
}

// times makes the monitor with its durations and its rule.
func (d *draft) times() *uptime.Monitor {
	m := &uptime.Monitor{Interval: d.interval(), Timeout: value(d, "timeout", time.Duration(0)), DegradedAbove: value(d, "degraded_above", time.Duration(0))}
	if m.Timeout == 0 {
		m.Timeout = min(defaultTimeout, m.Interval)
	}
	if m.Timeout > m.Interval {
		key := "timeout"
		if _, own := d.own[key]; !own {
			key = "interval"
		}
		d.warn(fmt.Sprintf("timeout %s is longer than interval %s: checks would overlap", uptime.Span(m.Timeout), uptime.Span(m.Interval)), "", key)
	}
	if m.DegradedAbove > 0 && m.DegradedAbove >= m.Timeout {
		d.warn(fmt.Sprintf("degraded_above %s is not below timeout %s: nothing is ever slow", uptime.Span(m.DegradedAbove), uptime.Span(m.Timeout)), "", "degraded_above")
	}
	m.Rule = d.rule(m.Interval)
	return m
}

// hider returns a function that stars every secret of a check's settings, in
// case a check type quotes one.
func hider(s uptime.Settings) func(string) string {
	found := secretsIn(s.Values)
	add := func(v string) { found = append(found, v) }
	if s.URL.User != nil {
		if p, ok := s.URL.User.Password(); ok {
			add(p)
			add(escapeUser(p))
		}
	}
	for pair := range strings.SplitSeq(s.URL.RawQuery, "&") {
		_, raw, _ := strings.Cut(pair, "=")
		if v, err := url.QueryUnescape(raw); err == nil && len(v) >= 8 { // shorter ones are words: type=CNAME
			add(v)
			add(url.QueryEscape(v))
		}
	}
	return starring(found)
}

// secretsIn are the secrets among the values of keys.
func secretsIn(values map[string]any) []string {
	var found []string
	for _, v := range values {
		switch v := v.(type) {
		case uptime.Secret:
			found = append(found, v.Reveal())
		case map[string]uptime.Secret:
			for _, x := range v {
				found = append(found, x.Reveal())
			}
		}
	}
	return found
}

// starring returns a function that stars secrets in sentences.
func starring(secrets []string) func(string) string {
	var pairs []string
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one may begin with another
	for _, s := range secrets {
		if len(s) >= 4 { // less would star half of a sentence
			pairs = append(pairs, s, starred)
		}
	}
	if len(pairs) == 0 {
		return func(text string) string { return text }
	}
	return strings.NewReplacer(pairs...).Replace
}
