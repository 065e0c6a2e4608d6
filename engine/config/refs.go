package config

import (
	"fmt"
	"strings"

	"lookout/engine/uptime"
)

// wasAt is which monitor claims an older name.
type wasAt struct {
	name string
	blk  *block
}

// page reads a [[page]].
func (l *loader) page(b *block, m map[string]any) {
	var p uptime.Page
	known := keyMap(pageKeys)
	failed := false
	for _, key := range sorted(m) {
		k, ok := known[key]
		if !ok {
			l.fail(b, []string{"page", key}, fmt.Sprintf("unknown key %q", shown(key)), didYouMean(key, names(pageKeys)))
			continue
		}
		v, w := l.convert(b, k, m[key])
		if w != nil {
			failed = failed || key == "name"
			l.fail(b, []string{"page", key}, w.message, w.hint)
			continue
		}
		switch key {
		case "name":
			p.Name = v.(string)
		case "tags":
			p.Tags = v.([]string)
		case "names":
			p.Names = v.([]string)
		case "groups":
			p.Groups = v.([]string)
		}
	}
	if failed {
		return
	}
	if _, set := m["name"]; !set {
		l.fail(b, []string{"page"}, "a page needs a name", `Write it like name = "public"`)
		return
	}
	if why := badName(p.Name); why != "" {
		l.fail(b, []string{"page", "name"}, "page: name "+why, "")
		return
	}
	if other, ok := l.pageAt[p.Name]; ok {
		l.fail(b, []string{"page", "name"}, fmt.Sprintf("page %q is there twice; the other is at %s:%d", shown(p.Name), other.file.path, other.line("page", "name")), "")
		return
	}
	l.pageAt[p.Name] = b
	l.pages = append(l.pages, p)
}

// checkPages looks for monitors, tags and groups that do not exist.
func (l *loader) checkPages() {
	for _, p := range l.pages {
		l.cfg.Pages = append(l.cfg.Pages, p)
		if l.broken {
			continue
		}
		blk := l.pageAt[p.Name]
		prefix := fmt.Sprintf("page %q: ", shown(p.Name))
		for _, n := range p.Names {
			if _, ok := l.names[n]; !ok {
				l.fail(blk, []string{"page", "names"}, fmt.Sprintf("%s%q is no monitor", prefix, shown(n)), nearest(l, n, l.names))
			}
		}
		for _, t := range p.Tags {
			if _, ok := l.tags[t]; !ok {
				l.fail(blk, []string{"page", "tags"}, fmt.Sprintf("%sno monitor has the tag %q", prefix, shown(t)), nearest(l, t, l.tags))
			}
		}
		for _, g := range p.Groups {
			if _, ok := l.groups[g]; !ok {
				l.fail(blk, []string{"page", "groups"}, fmt.Sprintf("%sno monitor is in the group %q", prefix, shown(g)), nearest(l, g, l.groups))
			}
		}
	}
}

// checkTags looks for defaults of tags that no monitor has.
func (l *loader) checkTags() {
	if l.broken {
		return
	}
	for _, t := range l.taggedAt {
		if _, ok := l.tags[t.tag]; !ok {
			l.fail(t.blk, t.path, fmt.Sprintf("no monitor has the tag %q of [%s]", shown(t.tag), shown(strings.Join(t.path, "."))), nearest(l, t.tag, l.tags))
		}
	}
}

// renamed notes that a monitor had another name.
func (l *loader) renamed(d *draft, name, was string) {
	if why := badName(was); why != "" {
		d.fail("was "+why, "", "was")
		return
	}
	if other, ok := l.was[was]; ok {
		d.fail(fmt.Sprintf("was = %q is claimed by monitor %q too, at %s:%d", shown(was), shown(other.name), other.blk.file.path, other.blk.line("monitor", "was")), "", "was")
		return
	}
	l.was[was] = wasAt{name, d.blk}
	l.cfg.Was[name] = was
}

// checkWas refuses an older name that is still in use.
func (l *loader) checkWas() {
	for _, was := range sorted(l.was) {
		if other, ok := l.names[was]; ok {
			at := l.was[was]
			l.fail(at.blk, []string{"monitor", "was"}, fmt.Sprintf("monitor %q: was = %q, and there is a monitor of that name at %s:%d",
				shown(at.name), shown(was), other.file.path, other.block().line("monitor", "name")), "")
		}
	}
}
