package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// Builder makes the checks that a probe is told to make. It trusts nothing of
// what it is told: whoever signed it may be of another version, or not ours any
// more. Its methods may be called by several goroutines at once.
type Builder struct {
	p *Probe
	l *loader // with the registry and the secrets, and never written to
}

// Builder makes checks of these types, with the secrets of this probe. The types
// should be under the probe's policy.
func (p *Probe) Builder(types []uptime.CheckType) *Builder {
	none := func(string) (string, bool) { return "", false }
	return &Builder{p: p, l: &loader{reg: newRegistry(types), secrets: secrets{env: none, dir: p.SecretsDir, own: p.credentials, not: p.files, only: true}}}
}

// filedURL is the URL of what a file of the probe's own says.
func filedURL(k *kind, name string) *url.URL { return &url.URL{Scheme: k.Schemes[0], Opaque: name} }

// Build makes the job of a monitor as it travelled, or says what keeps it from
// being made here: no sentence of these quotes a secret.
func (b *Builder) Build(name, typ string, from uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake) {
	k := b.l.reg.byName[typ]
	if k == nil {
		return uptime.Job{}, one("type", fmt.Sprintf("this version of lookout has no check type %q", shown(typ)), "Update the probe")
	}
	if k.Plain && !k.Filed {
		return uptime.Job{}, one("type", fmt.Sprintf("type %s is checked by the engine itself", k.Name), "")
	}
	s := uptime.Settings{Interval: interval, Timeout: timeout, IP: from.IP, Source: from.Source, Resolvers: from.Resolvers, Zone: time.UTC}
	var wrong []uptime.Mistake
	note := func(key, message, hint string) { wrong = append(wrong, one(key, message, hint)...) }
	if s.IP == "" {
		s.IP = "any"
	}
	if !slices.Contains([]string{"any", "4", "6", "each"}, s.IP) {
		note("ip", fmt.Sprintf("ip = %q is not known here", shown(s.IP)), "")
	}
	if from.Zone != "" {
		zone, err := time.LoadLocation(from.Zone)
		if err != nil {
			note("timezone", fmt.Sprintf("the time zone %q is not known here", shown(from.Zone)), "")
		} else {
			s.Zone = zone
		}
	}
	u, w := b.l.parseURL(from.URL)
	switch {
	case w != nil:
		note("url", w.message, w.hint)
	case !slices.Contains(k.Schemes, u.Scheme):
		note("url", fmt.Sprintf("type %s does not take a url that begins with %s:", k.Name, shown(u.Scheme)), "")
	}
	if k.Filed && len(wrong) == 0 {
		values, ok := b.p.filed[k.Name][u.Opaque]
		if !ok {
			note("url", fmt.Sprintf("%s:%s is not in the file of this probe, which runs no other", k.Schemes[0], shown(u.Opaque)), fmt.Sprintf("Write a [[%s]] of that name there", k.Name))
		}
		s.Values = values
	} else if !k.Filed {
		s.Values = b.values(k, from.Values, k.values, "", note)
		s.Expect = b.values(k, from.Expect, k.expect, "expect.", note)
	}
	if len(wrong) > 0 {
		return uptime.Job{}, wrong
	}
	s.URL = u
	check, mistakes := k.check(s)
	hide := hider(s)
	for _, m := range mistakes {
		if !m.Warning {
			wrong = append(wrong, uptime.Mistake{Key: m.Key, Message: hide(m.Message), Hint: sentence(hide(m.Hint))})
		}
	}
	if len(wrong) > 0 {
		return uptime.Job{}, wrong
	}
	m := &uptime.Monitor{Name: name, Type: k.Name, Target: hide(check.Target), Dest: check.Dest, Interval: interval, Timeout: timeout,
		DegradedAbove: degradedAbove, Expect: hide(check.Expect), Caution: check.Caution, Rule: uptime.Rule{Plain: k.Plain}}
	if m.Target == "" {
		m.Target = hide(uptime.RedactURL(u))
	}
	if m.Dest == "" {
		m.Dest = u.Host
	}
	return uptime.Job{Monitor: m, Checker: check.Checker, Resolvers: s.Resolvers}, nil
}

func one(key, message, hint string) []uptime.Mistake {
	return []uptime.Mistake{{Key: key, Message: message, Hint: hint}}
}

// values takes settings as they travelled, and puts the secrets of this machine in.
func (b *Builder) values(k *kind, from map[string]any, known map[string]uptime.Key, prefix string, note func(key, message, hint string)) map[string]any {
	out := make(map[string]any, len(from))
	for _, key := range sorted(from) {
		spec, ok := known[key]
		if !ok {
			note(prefix+key, fmt.Sprintf("type %s has no %s%s in this version of lookout", k.Name, prefix, shown(key)), "Update the probe")
			continue
		}
		v, err := b.value(spec, from[key])
		if err != nil {
			note(prefix+key, prefix+key+" "+err.Error(), "")
			continue
		}
		out[key] = v
	}
	return out
}

var errKind = errors.New("has a value that this version of lookout does not understand")

// value checks a setting against its key.
func (b *Builder) value(k uptime.Key, v any) (any, error) {
	ok := true
	switch k.Kind {
	case uptime.String, uptime.Scalar, uptime.Source, uptime.PathName:
		var s string
		if s, ok = v.(string); ok && len(k.OneOf) > 0 && !slices.Contains(k.OneOf, s) {
			return nil, fmt.Errorf("= %q must be %s", shown(s), oneOf(k.OneOf))
		}
	case uptime.Strings, uptime.Monitors:
		_, ok = v.([]string)
	case uptime.Int, uptime.Size:
		var n int64
		if n, ok = v.(int64); ok && k.Max != 0 && (n < k.Min || n > k.Max) {
			return nil, fmt.Errorf("= %d must be from %d to %d", n, k.Min, k.Max)
		}
	case uptime.Bool:
		_, ok = v.(bool)
	case uptime.Duration:
		var d time.Duration
		if d, ok = v.(time.Duration); ok && k.Max != 0 && (int64(d) < k.Min || int64(d) > k.Max) {
			return nil, fmt.Errorf("= %s must be from %s to %s", uptime.Span(d), uptime.Span(time.Duration(k.Min)), uptime.Span(time.Duration(k.Max)))
		}
	case uptime.Table:
		_, ok = v.(map[string]string)
	case uptime.Tables:
		_, ok = v.([]map[string]string)
	case uptime.SecretText:
		var s uptime.Secret
		if s, ok = v.(uptime.Secret); ok {
			text, err := b.l.secrets.expand(s.Reveal(), nil)
			return uptime.Secret(text), err
		}
	case uptime.SecretTable:
		var m map[string]uptime.Secret
		if m, ok = v.(map[string]uptime.Secret); ok {
			out := make(map[string]uptime.Secret, len(m))
			for name, s := range m {
				text, err := b.l.secrets.expand(s.Reveal(), nil)
				if err != nil {
					return nil, err
				}
				out[name] = uptime.Secret(text)
			}
			return out, nil
		}
	case uptime.File:
		_, ok = v.([]byte)
	case uptime.Limit:
		_, ok = v.(uptime.Percentage)
	default:
		ok = false
	}
	if !ok {
		return nil, errKind
	}
	return v, nil
}

// Types are the names of the types that it makes checks of.
func (b *Builder) Types() []string {
	var out []string
	for _, k := range b.l.reg.kinds {
		if !k.Plain || k.Filed && len(b.p.filed[k.Name]) > 0 {
			out = append(out, k.Name)
		}
	}
	return out
}
