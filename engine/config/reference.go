package config

import (
	"fmt"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// reference is a key of a monitor that names other monitors.
type reference struct {
	from string
	key  string
	to   []string // NAME, tag:T or group:G
	blk  *block
}

// refer notes which others a monitor names.
func (d *draft) refer(name string) {
	for _, key := range sorted(d.values) {
		if to, ok := d.values[key].([]string); ok && d.kind.values[key].Kind == uptime.Monitors {
			d.l.refs = append(d.l.refs, reference{name, key, to, d.blk})
		}
	}
}

// checkReferences looks for monitors, tags and groups that do not exist, and
// for monitors that depend on themselves.
func (l *loader) checkReferences() {
	if l.broken {
		return
	}
	for _, r := range l.refs {
		for _, to := range r.to {
			if message, hint := l.missing(to); message != "" {
				l.fail(r.blk, []string{"monitor", r.key}, fmt.Sprintf("monitor %q: %s: %s", shown(r.from), r.key, message), hint)
			}
		}
	}
	l.checkCircles()
}

// missing says what is wrong with a name of others; "" when it names something.
func (l *loader) missing(to string) (message, hint string) {
	sel, err := uptime.ParseSelector(to)
	switch {
	case err != nil || sel.Incident != 0:
		return fmt.Sprintf("%q names no monitor", shown(to)), "Write a name, tag:T or group:G"
	case sel.Tag != "":
		if _, ok := l.tags[sel.Tag]; !ok {
			return fmt.Sprintf("no monitor has the tag %q", shown(sel.Tag)), nearest(l, sel.Tag, l.tags)
		}
	case sel.Group != "":
		if _, ok := l.groups[sel.Group]; !ok {
			return fmt.Sprintf("no monitor is in the group %q", shown(sel.Group)), nearest(l, sel.Group, l.groups)
		}
	default:
		if _, ok := l.names[sel.Name]; !ok {
			return fmt.Sprintf("%q is no monitor", shown(to)), nearest(l, to, l.names)
		}
	}
	return "", ""
}

// checkCircles refuses monitors that, over others, name themselves. Only those
// that name others can be in a circle, so only they are walked.
func (l *loader) checkCircles() {
	at := make(map[string]*reference, len(l.refs))
	for i := range l.refs {
		at[l.refs[i].from] = &l.refs[i]
	}
	tagged, grouped := map[string][]string{}, map[string][]string{}
	for _, j := range l.cfg.Jobs {
		if at[j.Name] == nil {
			continue
		}
		for _, t := range j.Tags {
			tagged[t] = append(tagged[t], j.Name)
		}
		grouped[j.Group] = append(grouped[j.Group], j.Name)
	}
	next := func(name string) []string {
		var out []string
		if at[name] == nil {
			return nil
		}
		for _, to := range at[name].to {
			switch sel, err := uptime.ParseSelector(to); {
			case err != nil:
			case sel.Tag != "":
				out = append(out, tagged[sel.Tag]...)
			case sel.Group != "":
				out = append(out, grouped[sel.Group]...)
			default:
				out = append(out, sel.Name)
			}
		}
		return out
	}
	done := map[string]bool{}
	for i := range l.refs {
		if circle := walk(next, l.refs[i].from, nil, done); circle != nil {
			r := at[circle[0]]
			message := "is a member of itself"
			if len(circle) > 2 {
				message += ": " + strings.Join(circle, " → ")
			}
			l.fail(r.blk, []string{"monitor", r.key}, fmt.Sprintf("monitor %q %s", shown(r.from), shown(message)), "Name its members one by one, without itself")
			return
		}
	}
}

// walk is a circle that can be reached from a monitor, with its start at both ends; nil for none.
func walk(next func(string) []string, from string, path []string, done map[string]bool) []string {
	if i := slices.Index(path, from); i >= 0 {
		return append(slices.Clone(path[i:]), from)
	}
	if done[from] {
		return nil
	}
	path = append(path, from)
	for _, to := range next(from) {
		if circle := walk(next, to, path, done); circle != nil {
			return circle
		}
	}
	done[from] = true
	return nil
}
