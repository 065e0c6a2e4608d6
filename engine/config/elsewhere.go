package config

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// locationsKey is the key of where regular checks run.
const locationsKey = "locations"

// maxTravels bounds what a monitor sends to other locations, in bytes: it goes
// in one frame, with others.
const maxTravels = 512 << 10

// maxSentURL bounds its URL: a frame takes none that is longer.
const maxSentURL = 8 << 10

// elsewhere settles what of a monitor happens at other locations: where its
// regular checks run, who is asked for a second opinion and why nobody is. It
// returns what travels there; nil where nothing does.
func (d *draft) elsewhere(m *uptime.Monitor, rawURL string, s uptime.Settings) *uptime.Portable {
	stays, key := d.stay(rawURL, s)
	m.Locations = d.locations(stays)
	m.ConfirmFrom, m.Alone = d.confirm(stays, key)
	counted := m.Rule.Plain || m.Rule.Consecutive
	asked := !counted && m.Alone == ""
	if d.failed || d.l.brokerAt == nil || len(d.l.cfg.Locations) == 0 || stays != "" || !asked && m.Locations == nil {
		return nil
	}
	p := &uptime.Portable{URL: rawURL, IP: s.IP, Zone: zoneOf(d.l.cfg.Timezone), Resolvers: s.Resolvers, Values: d.travelling(s.Values), Expect: s.Expect}
	if m.Locations != nil && !slices.Contains(m.Locations, uptime.Local) {
		p.Source = s.Source // an address or interface of this machine would mean nothing there
	}
	return p
}

// Sent is what travels of a check of a URL with every default; nil where nobody
// else can make it, or where it holds a password.
func Sent(j uptime.Job, raw string) *uptime.Portable {
	if j.Rule.Plain || literalPassword(raw) || hasEnv(raw) {
		return nil
	}
	return &uptime.Portable{URL: complete(raw, nil), IP: "any"}
}

// zoneOf is the name by which others know a time zone; "" where they do not.
func zoneOf(z *time.Location) string {
	if z == nil || z == time.Local {
		return ""
	}
	return z.String()
}

// stay says why a monitor can be checked from here alone, and by which of its
// keys; "" where it can be checked elsewhere.
func (d *draft) stay(rawURL string, s uptime.Settings) (why, key string) {
	if d.kind.Plain && !d.kind.Filed {
		return "nobody else can check type " + d.kind.Name, locationsKey
	}
	if d.kind.Filed {
		return "", "" // its secrets are those of its settings, none of which travels
	}
	if key := d.keeps(rawURL); key != "" {
		return fmt.Sprintf("the secret in its %s does not leave this machine", key), key
	}
	if d.l.brokerAt == nil {
		return "", ""
	}
	if len(rawURL) > maxSentURL {
		return "its url is too long to be sent to other places", "url"
	}
	size, largest, of := len(rawURL), 0, "url"
	for _, values := range []map[string]any{s.Values, s.Expect} {
		for k, v := range values {
			n := weight(v)
			if size += n; n > largest {
				largest, of = n, k
			}
		}
	}
	if size > maxTravels {
		return fmt.Sprintf("its %s is too large to be sent to other places", of), of
	}
	return "", ""
}

// weight is about how many bytes a value takes in a frame.
func weight(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case uptime.Secret:
		return len(v)
	case []byte:
		return len(v)
	case []string:
		n := 0
		for _, s := range v {
			n += len(s)
		}
		return n
	case map[string]string:
		return weightOf(v)
	case map[string]uptime.Secret:
		return weightOf(v)
	case []map[string]string:
		n := 0
		for _, m := range v {
			n += weightOf(m)
		}
		return n
	}
	return 8
}

func weightOf[S ~string](m map[string]S) int {
	n := 0
	for k, v := range m {
		n += len(k) + len(v)
	}
	return n
}

// locations is where the regular checks run; nil: here alone. Where the defaults
// name places that this monitor cannot be checked from, it is checked here.
func (d *draft) locations(stays string) []string {
	named := value(d, locationsKey, []string(nil))
	if !slices.ContainsFunc(named, func(l string) bool { return l != uptime.Local }) {
		return nil
	}
	at := slices.Compact(slices.Sorted(slices.Values(named)))
	if stays == "" {
		return at
	}
	_, own := d.own[locationsKey]
	others := slices.DeleteFunc(slices.Clone(at), func(l string) bool { return l == uptime.Local })
	switch {
	case own:
		d.fail(fmt.Sprintf("locations names %s, and %s", shown(strings.Join(others, ", ")), stays), d.stayHint(stays, `locations = ["local"]`), locationsKey)
	case !d.kind.Plain:
		d.warn(fmt.Sprintf("it is checked and judged from here alone, and not from %s: %s", shown(strings.Join(others, ", ")), stays), d.stayHint(stays, `locations = ["local"]`))
		d.told = true
	}
	return nil
}

// stayHint is what to do about it: the key that says so is the other way.
func (d *draft) stayHint(stays, or string) string {
	switch {
	case d.kind.Plain:
		return ""
	case strings.Contains(stays, "the secret in"):
		return "Write ${secret:NAME}, which is looked up where the check runs, or " + or
	}
	return "Write " + or + " where that is meant"
}

// confirm says who is asked for a second opinion about a monitor, and why nobody is.
func (d *draft) confirm(stays, key string) (from []string, alone string) {
	from = value(d, "confirm_from", []string(nil))
	if d.kind.Plain || value(d, "rule", evidence) == consecutive {
		return nil, ""
	}
	if from != nil && len(from) == 0 {
		return from, "confirm_from names nobody"
	}
	if stays == "" {
		return from, ""
	}
	_, own := d.own["confirm_from"]
	switch {
	case own && len(from) > 0:
		d.fail(fmt.Sprintf("confirm_from asks %s, and %s", shown(strings.Join(from, ", ")), stays), d.stayHint(stays, "confirm_from = []"), "confirm_from")
	case len(d.l.cfg.Locations) > 0 && !d.told && !d.failed:
		d.warn("it is judged from here alone: "+stays, d.stayHint(stays, "confirm_from = []"), key)
	}
	return from, stays
}

// away reports whether a monitor is checked at other locations only.
func (d *draft) away() bool {
	named := value(d, locationsKey, []string(nil))
	return len(named) > 0 && !slices.Contains(named, uptime.Local)
}

// missing says what a monitor needs of secrets that are not here: where it is
// checked at other locations only, they are for those to have.
func (d *draft) missing() string {
	if d.l.secrets.missed != "" {
		return d.l.secrets.missed
	}
	for _, level := range d.chain.levels {
		for key, name := range level.missed {
			if _, own := d.raw[key]; !own {
				return name
			}
		}
	}
	return ""
}

// absent stands for a check that cannot be made here.
type absent struct{ secret string }

// Check says why.
func (a absent) Check(context.Context) uptime.Result {
	return uptime.Result{Outcome: uptime.FaultLocalConfig.Outcome(), Fault: uptime.FaultLocalConfig,
		Message: fmt.Sprintf("needs ${secret:%s}, which only the places that it is checked from have", a.secret)}
}

// filedThere stands for a check that other locations make by their own files.
type filedThere struct{ kind string }

// Check says why it is not made here.
func (f filedThere) Check(context.Context) uptime.Result {
	return uptime.Result{Outcome: uptime.FaultLocalConfig.Outcome(), Fault: uptime.FaultLocalConfig,
		Message: fmt.Sprintf("runs where its locations are, by their own [[%s]], and not here", f.kind)}
}

// travelling is the values of a monitor as they travel: with ${secret:NAME}
// where it was written. Most have none, and share the map.
func (d *draft) travelling(values map[string]any) map[string]any {
	if d.kind.Filed {
		return nil
	}
	var id []byte
	for _, key := range d.kind.secrets {
		if _, set := values[key]; set {
			if raw := d.written(key); strings.Contains(fmt.Sprint(raw), "${") {
				id = appendText(fmt.Appendf(id, "%s=", key), fmt.Sprint(raw))
			}
		}
	}
	if id == nil {
		return values
	}
	same := travelled{reflect.ValueOf(values).Pointer(), string(id)}
	if known, ok := d.l.travels[same]; ok {
		return known.out
	}
	out := maps.Clone(values)
	for _, key := range d.kind.secrets {
		if _, set := values[key]; !set {
			continue
		}
		switch raw := d.written(key).(type) {
		case string:
			out[key] = uptime.Secret(strings.Clone(raw))
		case map[string]any:
			m := make(map[string]uptime.Secret, len(raw))
			plain, _ := texts(d.kind.values[key], raw)
			for k, v := range plain {
				m[k] = uptime.Secret(v)
			}
			out[key] = m
		}
	}
	if d.l.travels == nil {
		d.l.travels = map[travelled]travel{}
	}
	d.l.travels[same] = travel{values, out}
	return out
}

// travelled is settings with what was written for their secrets: equal ones are one map.
type travelled struct {
	values uintptr
	raw    string
}

// travel is what travels of settings. It holds these: were they let go, as
// those of a disabled monitor are, another's could come to lie where they did
// and be taken for them.
type travel struct{ values, out map[string]any }
