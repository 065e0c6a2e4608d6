package config

import (
	"fmt"
	"strings"

	"lookout/engine/uptime"
)

// The keys by which any monitor names what it depends on.
const (
	parentKey  = "parent"
	dependsKey = "depends_on"
)

// reference is a key of a monitor that names other monitors.
type reference struct {
	from  string
	key   string
	to    []string // NAME, tag:T or group:G
	at    place
	layer *layer // of defaults that set it; nil: the monitor itself
}

// refer notes which others a monitor names by the keys of its type.
func (d *draft) refer(name string) {
	for _, key := range sorted(d.values) {
		if to, ok := d.values[key].([]string); ok && d.kind.values[key].Kind == uptime.Monitors {
			d.l.refs = append(d.l.refs, reference{name, key, to, d.blk.place(), nil})
		}
	}
}

// depends notes what a monitor depends on. {target} stands for its target here too.
func (d *draft) depends(m *uptime.Monitor, target string) {
	own := func(key string) bool { _, ok := d.own[key]; return ok }
	m.Parent = value(d, parentKey, "")
	if target != "" && own(parentKey) {
		m.Parent = strings.ReplaceAll(m.Parent, targetMark, target)
	}
	if m.Parent != "" {
		d.l.refs = append(d.l.refs, reference{m.Name, parentKey, []string{m.Parent}, d.blk.place(), d.layerOf(parentKey)})
	}
	m.DependsOn = value(d, dependsKey, []string(nil))
	if target != "" && own(dependsKey) {
		to := make([]string, len(m.DependsOn))
		for i, t := range m.DependsOn {
			to[i] = strings.ReplaceAll(t, targetMark, target)
		}
		m.DependsOn = to
	}
	if len(m.DependsOn) > 0 {
		d.l.refs = append(d.l.refs, reference{m.Name, dependsKey, m.DependsOn, d.blk.place(), d.layerOf(dependsKey)})
	}
}

// layerOf is the defaults that set a key of a monitor; nil where it did so itself.
func (d *draft) layerOf(key string) *layer {
	if _, ok := d.own[key]; ok {
		return nil
	}
	for i := len(d.chain.tags) - 1; i >= 0; i-- {
		if _, ok := d.chain.tags[i].common[key]; ok {
			return d.chain.tags[i]
		}
	}
	return d.l.defaults
}

// checkReferences looks for monitors, tags and groups that do not exist, and
// for monitors that depend on themselves.
func (l *loader) checkReferences() {
	if l.broken {
		return
	}
	type inherited struct {
		from *layer
		key  string
	}
	looked := map[inherited]bool{}
	for i := range l.refs {
		r := &l.refs[i]
		if r.layer != nil {
			if looked[inherited{r.layer, r.key}] {
				continue // the same for all that have it
			}
			looked[inherited{r.layer, r.key}] = true
		}
		for _, to := range r.to {
			message, hint := l.missing(r.key, to)
			switch {
			case message == "":
			case r.layer != nil:
				l.fail(r.layer.raw[r.key].blk, under(r.layer.path, r.key), strings.Join(under(r.layer.path, r.key), ".")+": "+message, hint)
			default:
				l.fail(r.at.block(), []string{"monitor", r.key}, fmt.Sprintf("monitor %q: %s: %s", shown(r.from), r.key, message), hint)
			}
		}
	}
	l.checkCircles()
}

// missing says what is wrong with a name of others; "" when it names something.
func (l *loader) missing(key, to string) (message, hint string) {
	sel, err := uptime.ParseSelector(to)
	switch {
	case key == parentKey && (err != nil || sel.Name == ""):
		return fmt.Sprintf("%q is no monitor's name", shown(to)), "A parent is one monitor; depends_on takes several, and tags"
	case key == dependsKey && (err != nil || sel.Name == "" && sel.Tag == ""):
		return fmt.Sprintf("%q names no monitor", shown(to)), "Write a name or tag:T"
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
