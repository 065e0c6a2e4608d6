package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"lookout/engine/uptime"
)

// maxChannel bounds a channel's name, which is part of the key under which its
// letters wait.
const maxChannel = 40

// channelKeys are the keys of every [[channel]]. Those of the types come with their registry.
var channelKeys = []uptime.Key{
	{Name: "name", Kind: uptime.String, Doc: "routes and lookout alert test use it", Example: `"ops"`},
	{Name: "type", Kind: uptime.String, Doc: "how it tells people", Example: `"email"`},
	{Name: "subject", Kind: uptime.String, Doc: "a template of text/template for the subject; default: the usual one", Example: `"{{.Subject}}"`},
	{Name: "body", Kind: uptime.String, Doc: "a template for the text; default: the usual one", Example: `"{{.Text}}"`},
	{Name: "max_per_hour", Kind: uptime.Int, Doc: "letters; what is over it waits and comes as one; default: 60", Example: `60`, Min: 1, Max: 10_000},
}

// channelKind is a type of channels with its keys by name.
type channelKind struct {
	*uptime.ChannelType
	keyset
}

// channels is the registry of their types.
type channels struct {
	byName map[string]*channelKind
	names  []string
	owners map[string][]string // of a key: the types that know it
	common map[string]uptime.Key
}

func newChannels(types []uptime.ChannelType) channels {
	r := channels{map[string]*channelKind{}, nil, map[string][]string{}, keyMap(channelKeys)}
	for i := range types {
		k := &channelKind{&types[i], newKeyset(types[i].Keys)}
		r.byName[k.Name] = k
		r.names = append(r.names, k.Name)
		for _, key := range k.keyset.words() {
			r.owners[key] = append(r.owners[key], k.Name)
		}
	}
	return r
}

// words is what may stand in a [[channel]] of some type.
func (r channels) words() []string { return append(names(channelKeys), sorted(r.owners)...) }

// readChannels makes what the [[channel]] blocks describe, for an instance of this name.
func (l *loader) readChannels(instance string) {
	if len(l.channels) == 0 {
		return
	}
	reg := newChannels(l.opt.Channels)
	host := l.opt.Hostname
	if host == "" {
		host, _ = os.Hostname()
	}
	said := map[string]settings{}
	for _, w := range l.channels {
		d := channelDraft{l: l, reg: reg, blk: w.blk, raw: w.raw, own: map[string]any{}, values: map[string]any{}, bad: map[string]bool{}}
		if d.read(instance, host); d.failed {
			continue
		}
		l.cfg.Channels = append(l.cfg.Channels, d.ChannelConfig)
		said[d.Name] = d.describe()
	}
	l.cfg.said = func() map[string]settings { return said }
}

// channelDraft is a [[channel]] while it is being read.
type channelDraft struct {
	uptime.ChannelConfig
	l      *loader
	reg    channels
	blk    *block
	raw    map[string]any
	prefix string // of its sentences: channel "ops":
	kind   *channelKind
	own    map[string]any  // of the keys of every channel
	values map[string]any  // of those of its type
	bad    map[string]bool // keys that were set, and cannot be used: all is said of them
	failed bool
}

func (d *channelDraft) fail(key, message, hint string) {
	d.failed = true
	d.bad[key] = true
	d.l.fail(d.blk, under([]string{"channel"}, strings.FieldsFunc(key, func(r rune) bool { return r == '.' })...), d.prefix+message, hint)
}

func (d *channelDraft) read(instance, host string) {
	d.prefix = "channel: "
	if name, ok := d.raw["name"].(string); ok && badName(name) == "" {
		d.prefix = fmt.Sprintf("channel %q: ", shown(name))
	}
	d.common()
	d.named()
	d.typed()
	d.templates()
	d.make(instance, host)
	d.Same = d.fingerprint(instance, host)
}

// common converts the keys of every channel.
func (d *channelDraft) common() {
	for _, key := range sorted(d.raw) {
		k, ok := d.reg.common[key]
		if !ok {
			continue
		}
		v, w := d.l.convert(d.blk, k, d.raw[key])
		if w != nil {
			d.fail(key, w.message, w.hint)
			continue
		}
		d.own[key] = v
	}
	d.Subject, d.Body = uptime.Value(d.own, "subject", ""), uptime.Value(d.own, "body", "")
	d.MaxPerHour = int(uptime.Value(d.own, "max_per_hour", int64(0)))
}

// named takes the name, which routes then find.
func (d *channelDraft) named() {
	const key = "name"
	name, read := d.own[key].(string)
	_, set := d.raw[key]
	other := d.l.heard[name]
	switch {
	case !set:
		d.fail("", "it needs a name", example(d.reg.common[key]))
	case !read:
	case badName(name) != "":
		d.fail(key, "name "+badName(name), "")
	case len(name) > maxChannel:
		d.fail(key, fmt.Sprintf("name is longer than %d bytes", maxChannel), "")
	case other != nil:
		d.fail(key, fmt.Sprintf("it is there twice; the other is at %s:%d", other.file.path, other.line("channel", "name")), "")
		return
	default:
		d.Name = name
		d.l.heard[name] = d.blk
		return
	}
	d.l.unheard = true
}

// typed finds the type and converts its keys.
func (d *channelDraft) typed() {
	name, read := d.own["type"].(string)
	_, set := d.raw["type"]
	d.kind = d.reg.byName[name]
	known := "Known: " + strings.Join(d.reg.names, ", ")
	switch {
	case !set:
		d.fail("", "it needs a type", known)
		return
	case !read:
		return
	case d.kind == nil:
		if n := didYouMean(name, d.reg.names); n != "" {
			known = n + " " + known
		}
		d.fail("type", fmt.Sprintf("unknown type %q", shown(name)), known)
		return
	}
	d.Type = name
	for _, key := range sorted(d.raw) {
		if _, common := d.reg.common[key]; common {
			continue
		}
		slot, v, w := d.l.convertOwn(d.blk, d.kind.keyset, key, d.raw[key])
		_, twice := d.values[slot]
		switch {
		case slot == "":
			d.unknown(key)
		case w != nil:
			d.fail(key, w.message, w.hint)
			d.bad[slot] = true
		case twice:
			d.fail(key, fmt.Sprintf("%s and %s exclude each other", slot, slot+fileSuffix), "")
		default:
			d.values[slot] = v
		}
	}
}

// unknown reports a key that the channel's type does not know.
func (d *channelDraft) unknown(key string) {
	if owners := d.reg.owners[key]; len(owners) > 0 {
		d.fail(key, fmt.Sprintf("%s is a key of %s and not of %s", key, strings.Join(owners, ", "), d.kind.Name), "")
		return
	}
	hint, prefix := "", d.prefix
	if n := Near(key, append(names(channelKeys), d.kind.keyset.words()...)); n != "" {
		hint = fmt.Sprintf("Did you mean %q?", n)
		d.bad[n] = true
	}
	switch {
	case keyMap(routeKeys)[key].Name != "":
		hint = "It belongs in a [[route]]"
	case keyMap(globalKeys)[key].Name != "":
		hint = atTheTop
	}
	d.prefix = "" // the line says which it is
	d.fail(key, fmt.Sprintf("unknown key %q", shown(key)), hint)
	d.prefix = prefix
}

// templates has each of the two tried: a mistake in one is found now and not
// when there is something to tell.
func (d *channelDraft) templates() {
	if d.l.opt.Template == nil {
		return
	}
	for _, t := range []struct{ key, subject, body string }{{"subject", d.Subject, ""}, {"body", "", d.Body}} {
		if t.subject == "" && t.body == "" {
			continue
		}
		if err := d.l.opt.Template(t.subject, t.body); err != nil {
			message := err.Error()
			if !strings.HasPrefix(message, t.key) {
				message = t.key + ": " + message
			}
			d.fail(t.key, uptime.Clean(message, 400), "")
		}
	}
}

// make makes the channel itself.
func (d *channelDraft) make(instance, host string) {
	if d.kind == nil {
		return
	}
	c, mistakes := d.kind.new(uptime.ChannelSettings{Name: d.Name, Instance: instance, Host: host, Values: d.values})
	hide := starring(secretsIn(d.values))
	for _, m := range mistakes {
		first, _, _ := strings.Cut(m.Key, ".")
		if d.bad[first] || m.Key == "" && d.failed {
			continue // all is said of it
		}
		message, hint := hide(m.Message), sentence(hide(m.Hint))
		if m.Key != "" && !strings.HasPrefix(message, m.Key) {
			message = m.Key + ": " + message
		}
		if m.Warning {
			d.l.warn(d.blk, under([]string{"channel"}, strings.Split(m.Key, ".")...), d.prefix+message, hint)
			continue
		}
		d.fail(m.Key, message, hint)
	}
	d.Channel = c
	if c == nil && !d.failed {
		d.fail("", "a bug in the channel type "+d.kind.Name+": it makes nothing, and does not say why", "")
	}
}

// new is New, whose panic is a mistake too.
func (k *channelKind) new(s uptime.ChannelSettings) (c uptime.Channel, mistakes []uptime.Mistake) {
	defer func() {
		if r := recover(); r != nil {
			c, mistakes = nil, []uptime.Mistake{{Message: fmt.Sprintf("a bug in the channel type %s: it cannot read these settings", k.Name)}}
		}
	}()
	return k.New(s)
}

// fingerprint is the first 64 bits of SHA-256 over all that is configured, in hexadecimal.
func (d *channelDraft) fingerprint(instance, host string) string {
	var b []byte
	for _, t := range []string{d.Type, d.Subject, d.Body, fmt.Sprint(d.MaxPerHour), instance, host} {
		b = appendText(b, t)
	}
	for _, key := range sorted(d.values) {
		b = appendValue(appendText(b, key), d.values[key])
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// describe lists what is in force for the channel.
func (d *channelDraft) describe() settings {
	out := settings{"type": plain(d.Type)}
	for key, v := range map[string]string{"subject": d.Subject, "body": d.Body} {
		if v != "" {
			out[key] = plain(v)
		}
	}
	if d.MaxPerHour > 0 {
		out["max_per_hour"] = plain(fmt.Sprint(d.MaxPerHour))
	}
	for key, v := range d.values {
		out[key] = setting{uptime.Clean(text(v), 200), string(appendValue(nil, v))}
	}
	return out
}

// plain is a setting that may be shown.
func plain(v string) setting { return setting{uptime.Clean(v, 200), v} }
