package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// layer is [defaults] or a [defaults.tag.X]: what lies under a monitor's own keys.
type layer struct {
	path   []string
	tag    string
	blk    *block           // that first set something
	raw    map[string]setAt // what was written
	texts  map[string]any   // … without where
	expect map[string]setAt // in its expect table

	common  map[string]any           // converted: keys of every monitor
	missed  map[string]string        // keys whose secrets are not here, with the names of these
	values  map[*kind]map[string]any // those of a type, for each type that knows the key
	expects map[*kind]map[string]any
}

// setAt is a value and the block that set it.
type setAt struct {
	value any
	blk   *block
}

func newLayer(tag string, path ...string) *layer {
	return &layer{path: path, tag: tag, raw: map[string]setAt{}, texts: map[string]any{}, expect: map[string]setAt{},
		common: map[string]any{}, values: map[*kind]map[string]any{}, expects: map[*kind]map[string]any{}, missed: map[string]string{}}
}

// awayLayer reports whether defaults put their monitors to other locations only.
func awayLayer(t *layer) bool {
	switch at := t.texts[locationsKey].(type) {
	case string:
		return at != uptime.Local
	case []any:
		return len(at) > 0 && !slices.Contains(at, any(uptime.Local))
	}
	return false
}

// readDefaults notes what [defaults] and its tables set; compile converts it,
// once secrets_dir is known.
func (l *loader) readDefaults(b *block, raw any) {
	if l.defaults == nil {
		l.defaults = newLayer("", "defaults")
	}
	m, ok := raw.(map[string]any)
	if !ok {
		l.fail(b, []string{"defaults"}, "defaults is one table, written [defaults]", "")
		return
	}
	tags, ok := m["tag"].(map[string]any)
	if _, set := m["tag"]; set && !ok {
		l.fail(b, []string{"defaults", "tag"}, "defaults of a tag are written [defaults.tag.NAME]", "")
	}
	delete(m, "tag")
	l.fill(l.defaults, b, m)
	for _, tag := range sorted(tags) {
		values, ok := tags[tag].(map[string]any)
		if !ok {
			l.fail(b, []string{"defaults", "tag", tag}, "defaults of a tag are written [defaults.tag.NAME]", "")
			continue
		}
		t := l.tagged[tag]
		if t == nil {
			t = newLayer(tag, "defaults", "tag", tag)
			t.blk = b
			l.tagged[tag] = t
			l.taggedAt = append(l.taggedAt, t)
		}
		l.fill(t, b, values)
	}
}

func (l *loader) fill(t *layer, b *block, m map[string]any) {
	put := func(into map[string]setAt, path []string, key string, v any) {
		if other, ok := into[key]; ok {
			l.fail(b, path, fmt.Sprintf("%s is set twice; the other is at %s:%d", strings.Join(path, "."), other.blk.file.path, other.blk.line(path...)), "")
			return
		}
		into[key] = setAt{v, b}
	}
	for _, key := range sorted(m) {
		if key != "expect" {
			put(t.raw, under(t.path, key), key, m[key])
			t.texts[key] = t.raw[key].value
			continue
		}
		expect, ok := m[key].(map[string]any)
		if !ok {
			l.fail(b, under(t.path, key), "expect must be a table", "")
			continue
		}
		for _, k := range sorted(expect) {
			put(t.expect, under(t.path, "expect", k), k, expect[k])
		}
	}
}

// under is a longer path, without touching the shorter one.
func under(path []string, more ...string) []string {
	return append(path[:len(path):len(path)], more...)
}

// compile converts all defaults, for every type that knows a key.
func (l *loader) compile() {
	if l.defaults == nil {
		l.defaults = newLayer("", "defaults")
	}
	l.compileLayer(l.defaults)
	for _, t := range l.taggedAt {
		l.compileLayer(t)
	}
}

func (l *loader) compileLayer(t *layer) {
	l.secrets.away = awayLayer(t)
	defer func() { l.secrets.away = false }()
	for _, key := range sorted(t.raw) {
		at := t.raw[key]
		path := under(t.path, key)
		k, common := l.reg.common[key]
		switch {
		case key == "name" || key == "url":
			l.fail(at.blk, path, key+" cannot have a default", "")
		case key == "tags" && t.tag != "":
			l.fail(at.blk, path, "the defaults of a tag cannot set tags", "")
		case common:
			if v, w := l.convertCommon(at.blk, k, at.value); w != nil {
				l.fail(at.blk, path, strings.Join(t.path, ".")+": "+w.message, w.hint)
			} else {
				t.common[key] = v
				if key == "confirm_from" || key == locationsKey {
					l.checkPlaces(at.blk, path, strings.Join(t.path, ".")+": ", v.([]string))
				}
			}
		case len(l.reg.owners[key]) > 0:
			l.secrets.missed = ""
			for _, k := range l.reg.kinds {
				slot, v, w := l.convertOwn(at.blk, k.keyset, key, at.value)
				if w != nil {
					l.fail(at.blk, path, strings.Join(t.path, ".")+": "+w.message, w.hint)
				} else if slot != "" {
					put(t.values, k, slot, v)
				}
			}
			if l.secrets.missed != "" {
				t.missed[key] = l.secrets.missed
			}
		default:
			l.fail(at.blk, path, fmt.Sprintf("unknown key %q", shown(key)), l.monitorHint(key))
		}
	}
	if t.common["rule"] == consecutive {
		for _, key := range evidenceKeys {
			if at, ok := t.raw[key]; ok {
				l.fail(at.blk, under(t.path, key), strings.Join(t.path, ".")+": "+notCounted(key), countedHint)
			}
		}
	}
	for _, key := range sorted(t.expect) {
		at := t.expect[key]
		path := under(t.path, "expect", key)
		if len(l.reg.expectOwners[key]) == 0 {
			l.fail(at.blk, path, fmt.Sprintf("unknown key %q", "expect."+shown(key)), didYouMean(key, sorted(l.reg.expectOwners)))
			continue
		}
		for _, k := range l.reg.kinds {
			spec, ok := k.expect[key]
			if !ok {
				continue
			}
			if v, w := l.convert(at.blk, spec, at.value); w != nil {
				l.fail(at.blk, path, strings.Join(t.path, ".")+": expect."+w.message, w.hint)
			} else {
				put(t.expects, k, key, v)
			}
		}
	}
}

func put(m map[*kind]map[string]any, k *kind, key string, v any) {
	if m[k] == nil {
		m[k] = map[string]any{}
	}
	m[k][key] = v
}

// convertOwn converts a key of a type; a secret's _file key fills the slot of the
// secret. The slot is "" where the type does not know the key.
func (l *loader) convertOwn(b *block, k keyset, key string, raw any) (slot string, v any, w *wrong) {
	if spec, ok := k.values[key]; ok {
		v, w = l.convert(b, spec, raw)
		return key, v, w
	}
	slot, ok := k.fileKeys[key]
	if !ok {
		return "", nil, nil
	}
	path, ok := raw.(string)
	if !ok || path == "" {
		return slot, nil, &wrong{message: key + " must be the path of a file, in quotes"}
	}
	s, err := l.secrets.file(b.file.relative(path))
	if err != nil {
		return slot, nil, &wrong{message: key + " " + err.Error()}
	}
	return slot, uptime.Secret(s), nil
}

// atTheTop is the hint for a key that belongs to no table.
const atTheTop = "It belongs at the top of the file, before the first header"

// monitorHint helps with a key that no monitor has.
func (l *loader) monitorHint(key string) string {
	switch {
	case len(l.reg.expectOwners[key]) > 0:
		return "It belongs in [monitor.expect]"
	case keyMap(globalKeys)[key].Name != "":
		return atTheTop
	}
	return didYouMean(key, l.reg.monitorWords())
}

// chain is what lies under the monitors with the same tags.
type chain struct {
	tags   []*layer // in the order of the tags: the last wins
	levels []*layer // the same from the last on, and the defaults
	base   map[*kind]*merged
}

type merged struct{ values, expect shared }

// shared is settings with all that monitors lay over them. Equal ones are one
// map: most monitors differ in name and URL only.
type shared struct {
	base map[string]any
	over map[string]map[string]any // by what was laid over
}

func newShared() shared {
	return shared{map[string]any{}, map[string]map[string]any{}}
}

// under returns own laid over the base. What it returns is never written to.
func (s *shared) under(own map[string]any) map[string]any {
	if len(own) == 0 {
		return s.base
	}
	var id []byte
	for _, key := range sorted(own) {
		id = appendText(id, key)
		id = appendValue(fmt.Appendf(id, "%T", own[key]), own[key])
	}
	if known, ok := s.over[string(id)]; ok {
		return known
	}
	m := maps.Clone(s.base)
	maps.Copy(m, own)
	if len(id) <= 512 {
		s.over[string(id)] = m
	}
	return m
}

func (l *loader) chain(tags []string) *chain {
	id := strings.Join(tags, pathSep)
	c := l.chains[id]
	if c == nil {
		c = &chain{base: map[*kind]*merged{}}
		for _, t := range tags {
			if layer := l.tagged[t]; layer != nil {
				c.tags = append(c.tags, layer)
			}
		}
		for _, t := range slices.Backward(c.tags) {
			c.levels = append(c.levels, t)
		}
		c.levels = append(c.levels, l.defaults)
		l.chains[id] = c
	}
	return c
}

// under is the merged defaults of a type; shared, so never written to.
func (c *chain) under(l *loader, k *kind) *merged {
	m := c.base[k]
	if m == nil {
		m = &merged{newShared(), newShared()}
		for _, t := range append([]*layer{l.defaults}, c.tags...) {
			for key, v := range t.values[k] {
				m.values.base[key] = v
			}
			for key, v := range t.expects[k] {
				m.expect.base[key] = v
			}
		}
		c.base[k] = m
	}
	return m
}
