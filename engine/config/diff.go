package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Difference is what one configuration changes in another: in the settings of
// the instance, by key, and in its monitors, by name.
type Difference struct {
	Settings       []KeyChange // instance, log.level, page.NAME
	Added, Removed []string
	Changed        []Change
}

// Change is one monitor that stays and is configured otherwise.
type Change struct {
	Monitor string
	Keys    []KeyChange // by key
}

// KeyChange is one key, fit to be shown: a secret is ***, before and after. "" is not set.
type KeyChange struct {
	Key, Old, New string
}

// Empty reports whether nothing differs.
func (d Difference) Empty() bool {
	return len(d.Settings)+len(d.Added)+len(d.Removed)+len(d.Changed) == 0
}

// Summary is +1 monitor  ~3 changed  -0 removed
func (d Difference) Summary() string {
	s := "s"
	if len(d.Added) == 1 {
		s = ""
	}
	return fmt.Sprintf("+%d monitor%s  ~%d changed  -%d removed", len(d.Added), s, len(d.Changed), len(d.Removed))
}

// String lists what changes, one a line: = a setting, and of the monitors
// + added, ~ changed with its keys, - removed.
func (d Difference) String() string {
	var b strings.Builder
	for _, k := range d.Settings {
		fmt.Fprintf(&b, "= %s\n", k)
	}
	for _, n := range d.Added {
		fmt.Fprintf(&b, "+ %s\n", n)
	}
	for _, c := range d.Changed {
		fmt.Fprintf(&b, "~ %s", c.Monitor)
		for i, k := range c.Keys {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "  %s", k)
		}
		b.WriteByte('\n')
	}
	for _, n := range d.Removed {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

// String is KEY OLD -> NEW.
func (k KeyChange) String() string {
	return fmt.Sprintf("%s %s -> %s", k.Key, unset(k.Old), unset(k.New))
}

func unset(s string) string {
	if s == "" {
		return "(unset)"
	}
	return s
}

// Diff compares two configurations; nil is one of no monitors, whose settings are not compared.
func Diff(old, new *Config) Difference {
	var d Difference
	if old != nil && new != nil {
		d.Settings = compare(old.describe(), new.describe())
	}
	if old == nil {
		old = &Config{}
	}
	if new == nil {
		new = &Config{}
	}
	a, b := old.Jobs, new.Jobs
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Name < b[0].Name:
			d.Removed = append(d.Removed, a[0].Name)
			a = a[1:]
		case len(a) == 0 || b[0].Name < a[0].Name:
			d.Added = append(d.Added, b[0].Name)
			b = b[1:]
		default:
			if a[0].Fingerprint != b[0].Fingerprint {
				name := a[0].Name
				d.Changed = append(d.Changed, Change{name, compare(old.find(name).describe(), new.find(name).describe())})
			}
			a, b = a[1:], b[1:]
		}
	}
	return d
}

func compare(a, b settings) []KeyChange {
	var out []KeyChange
	seen := map[string]bool{}
	for _, key := range append(sorted(a), sorted(b)...) {
		if seen[key] || a[key].whole == b[key].whole {
			continue
		}
		seen[key] = true
		out = append(out, KeyChange{key, a[key].shown, b[key].shown})
	}
	slices.SortFunc(out, func(x, y KeyChange) int { return strings.Compare(x.Key, y.Key) })
	return out
}

// settings is what is in force for one monitor, by key.
type settings map[string]setting

// setting is a value as it may be shown, and whole, to be compared only.
type setting struct{ shown, whole string }

// describe lists what is in force for the instance.
func (c *Config) describe() settings {
	out := settings{}
	plain := func(key, v string) {
		if v != "" {
			out[key] = setting{uptime.Clean(v, 200), v}
		}
	}
	plain("instance", c.Instance)
	plain("timezone", c.Timezone.String())
	plain("data_dir", c.DataDir)
	plain("socket_group", c.SocketGroup)
	plain("operators", list(c.Operators))
	plain("secrets_dir", c.SecretsDir)
	plain("log.level", c.Log.Level)
	plain("log.file", c.Log.File)
	plain("self_check.anchors", serverList(c.Anchors))
	for key, d := range map[string]time.Duration{"results": c.Retention.Results, "rollups": c.Retention.Rollups, "events": c.Retention.Events} {
		if d > 0 {
			plain("retention."+key, uptime.Span(d))
		}
	}
	if n := c.Retention.MaxSize; n > 0 {
		plain("retention.max_size", sizeText(n))
	}
	if b := c.Broker; b != nil {
		plain("broker.url", b.URL)
		plain("broker.username", b.Username)
		if s := b.secret(); s.password != "" {
			out["broker.password_file"] = setting{starred, s.password}
		}
	}
	plain("location."+uptime.Local, c.Network)
	for _, p := range c.Locations {
		plain("location."+p.Location, p.Network)
	}
	for _, m := range c.Maintenance {
		plain("maintenance."+strings.Join(m.Of, " ")+" "+m.Window.String(), "for "+uptime.Span(m.Window.Length())+noted(m.Note))
	}
	if c.said != nil {
		for name, keys := range c.said() {
			for key, v := range keys {
				out["channel."+name+"."+key] = v
			}
		}
	}
	for i, r := range c.Routes {
		plain(fmt.Sprintf("route.%d", i+1), routeText(r))
	}
	if h := c.Heartbeat; h != nil {
		out["heartbeat.url"] = setting{starred, h.URL.Reveal()}
		plain("heartbeat.every", uptime.Span(h.Every))
	}
	for _, p := range c.Pages {
		chosen := map[string]string{}
		for key, words := range map[string][]string{"names": p.Names, "tags": p.Tags, "groups": p.Groups} {
			if len(words) > 0 {
				chosen[key] = list(words)
			}
		}
		plain("page."+p.Name, text(chosen))
	}
	return out
}

func noted(note string) string {
	if note == "" {
		return ""
	}
	return ", " + note
}

// describe lists what is in force for a monitor.
func (m *made) describe() settings {
	out, s := settings{}, m.settings
	plain := func(key, v string) {
		if v != "" {
			out[key] = setting{uptime.Clean(v, 200), v}
		}
	}
	u := uptime.RedactURL(s.URL)
	out["url"] = setting{u, s.URL.String()}
	plain("type", m.Type)
	plain("interval", uptime.Span(m.Interval))
	plain("timeout", uptime.Span(m.Timeout))
	plain("ip", s.IP)
	plain("source", s.Source)
	plain("resolvers", serverList(s.Resolvers))
	plain("group", m.Group)
	plain("tags", list(m.Tags))
	plain("note", m.Note)
	plain("parent", m.Parent)
	plain("depends_on", list(m.DependsOn))
	if m.DegradedAbove > 0 {
		plain("degraded_above", uptime.Span(m.DegradedAbove))
	}
	plain("rule", "evidence")
	if m.Rule.Consecutive {
		plain("rule", "consecutive")
	}
	plain("sensitivity", m.Rule.Sensitivity)
	if m.Rule.DwellSet {
		plain("dwell", uptime.Span(m.Rule.Dwell))
	}
	plain(locationsKey, list(m.Locations))
	if m.ConfirmFrom != nil {
		out["confirm_from"] = setting{uptime.Clean("["+strings.Join(m.ConfirmFrom, ", ")+"]", 200), string(appendValue(nil, m.ConfirmFrom))}
	}
	if m.Rule.Failures > 0 {
		plain("failures", strconv.Itoa(m.Rule.Failures))
		plain("recoveries", strconv.Itoa(m.Rule.Recoveries))
		plain("retry_interval", uptime.Span(m.Rule.RetryInterval))
	}
	for key, v := range s.Values {
		out[key] = setting{uptime.Clean(text(v), 200), string(appendValue(nil, v))}
	}
	for key, v := range s.Expect {
		out["expect."+key] = setting{uptime.Clean(text(v), 200), string(appendValue(nil, v))}
	}
	return out
}

// text writes a setting for people; secrets are starred.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []string:
		return list(v)
	case time.Duration:
		return uptime.Span(v)
	case map[string]string:
		var parts []string
		for _, k := range sorted(v) {
			parts = append(parts, k+" = "+v[k])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []map[string]string:
		parts := make([]string, len(v))
		for i, m := range v {
			parts[i] = text(m)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]uptime.Secret:
		var parts []string
		for _, k := range sorted(v) {
			parts = append(parts, k+" = "+starred)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []byte:
		sum := sha256.Sum256(v)
		return fmt.Sprintf("%d bytes (%x)", len(v), sum[:4])
	case uptime.Percentage:
		if v.Duration > 0 {
			return uptime.Span(v.Duration)
		}
		return strconv.FormatFloat(v.Share*100, 'f', -1, 64) + "%"
	}
	return fmt.Sprint(v) // int64, bool, Secret
}

func list(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return "[" + strings.Join(s, ", ") + "]"
}

// subject is the first 64 bits of SHA-256 over what a monitor checks: where it
// differs, what was found before says nothing about what is checked now. It is
// the same on every machine and after every start.
func subject(m *uptime.Monitor, s uptime.Settings) uint64 {
	b := make([]byte, 0, 256)
	for _, t := range []string{m.Type, s.URL.String(), s.IP} {
		b = appendText(b, t)
	}
	for _, values := range []map[string]any{s.Values, s.Expect} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(values)))
		for _, key := range sorted(values) {
			b = appendValue(appendText(b, key), values[key])
		}
	}
	if len(s.Resolvers) > 0 {
		b = appendText(appendText(b, "resolvers"), serverList(s.Resolvers))
	}
	if s.Source != "" {
		b = appendText(appendText(b, "source"), s.Source)
	}
	return hash(b)
}

// fingerprint is the like of subject over all that is configured for a monitor but its name.
func fingerprint(m *uptime.Monitor) uint64 {
	b := make([]byte, 0, 256)
	b = binary.BigEndian.AppendUint64(b, m.Subject)
	for _, t := range []string{m.Group, m.Note} {
		b = appendText(b, t)
	}
	b = appendValue(b, m.Tags)
	b = appendValue(appendText(b, m.Parent), m.DependsOn)
	for _, n := range []int64{int64(m.Interval), int64(m.Timeout), int64(m.DegradedAbove), int64(m.Rule.Failures), int64(m.Rule.Recoveries), int64(m.Rule.RetryInterval), int64(m.Rule.Dwell)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, set := range []bool{m.Rule.Consecutive, m.Rule.DwellSet, m.ConfirmFrom != nil} {
		b = strconv.AppendBool(b, set)
	}
	b = appendText(appendText(b, m.Rule.Sensitivity), m.Alone)
	b = appendValue(b, m.ConfirmFrom)
	if m.Locations != nil {
		b = appendValue(appendText(b, locationsKey), m.Locations)
	}
	return hash(b)
}

func hash(b []byte) uint64 {
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}

// appendValue writes a value so that no two different ones look alike.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendText(b, v)
	case uptime.Secret:
		return appendText(b, v.Reveal())
	case []byte:
		return appendText(b, string(v))
	case []string:
		b = binary.BigEndian.AppendUint64(b, uint64(len(v)))
		for _, s := range v {
			b = appendText(b, s)
		}
	case map[string]string:
		b = binary.BigEndian.AppendUint64(b, uint64(len(v)))
		for _, k := range sorted(v) {
			b = appendText(appendText(b, k), v[k])
		}
	case []map[string]string:
		b = binary.BigEndian.AppendUint64(b, uint64(len(v)))
		for _, m := range v {
			b = appendValue(b, m)
		}
	case map[string]uptime.Secret:
		b = binary.BigEndian.AppendUint64(b, uint64(len(v)))
		for _, k := range sorted(v) {
			b = appendText(appendText(b, k), v[k].Reveal())
		}
	default: // int64, bool, time.Duration, Percentage
		b = appendText(b, fmt.Sprint(v))
	}
	return b
}
