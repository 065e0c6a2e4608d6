package config

import (
	"slices"
	"time"

	"lookout/engine/uptime"
)

// The keys that belong to no check type. Those of the types come with the registry.
var (
	globalKeys = []uptime.Key{
		{Name: "instance", Kind: uptime.String, Doc: "what this lookout is called; default: the host's name", Example: `"web-1"`},
		{Name: "timezone", Kind: uptime.String, Doc: "for what people read; exports stay UTC; default: the host's", Example: `"Europe/Amsterdam"`},
		{Name: "include", Kind: uptime.Strings, Doc: "more files, relative to this one; * and ? are patterns", Example: `["conf.d/*.toml"]`},
		{Name: "data_dir", Kind: uptime.String, Doc: "where results are kept", Example: `"/var/lib/lookout"`},
		{Name: "socket_group", Kind: uptime.String, Doc: "a group whose members may read over the socket", Example: `"ops"`},
		{Name: "operators", Kind: uptime.Strings, Doc: "users of that group who may also act", Example: `["jo"]`},
		{Name: "secrets_dir", Kind: uptime.String, Doc: "where ${secret:NAME} is looked up; default: $CREDENTIALS_DIRECTORY", Example: `"/etc/lookout/secrets"`},
	}
	logKeys = []uptime.Key{
		{Name: "level", Kind: uptime.String, Doc: "default: info", Example: `"info"`, OneOf: []string{"debug", "info", "warn", "error"}},
		{Name: "file", Kind: uptime.String, Doc: "default: standard error", Example: `"/var/log/lookout.log"`},
	}
	retentionKeys = []uptime.Key{
		{Name: "results", Kind: uptime.Duration, Doc: "single results", Example: `"90d"`, Min: int64(24 * time.Hour), Max: 100 * year},
		{Name: "rollups", Kind: uptime.Duration, Doc: "sums by the hour and the day", Example: `"5y"`, Min: int64(24 * time.Hour), Max: 100 * year},
		{Name: "events", Kind: uptime.Duration, Doc: "incidents and what people did", Example: `"10y"`, Min: int64(24 * time.Hour), Max: 100 * year},
		{Name: "max_size", Kind: uptime.Size, Doc: "of the data file; the oldest results go first", Example: `"20GB"`, Min: 16 << 20, Max: 1 << 50},
	}
	selfCheckKeys = []uptime.Key{
		{Name: "anchors", Kind: uptime.Strings, Doc: "addresses with their port that tell whether this machine is online", Example: `["192.0.2.1:443", "198.51.100.7:53"]`},
	}
	pageKeys = []uptime.Key{
		{Name: "name", Kind: uptime.String, Example: `"public"`},
		{Name: "tags", Kind: uptime.Strings, Doc: "monitors with one of these tags", Example: `["prod"]`, Min: 1},
		{Name: "names", Kind: uptime.Strings, Doc: "these monitors", Example: `["shop"]`, Min: 1},
		{Name: "groups", Kind: uptime.Strings, Doc: "monitors of these groups", Example: `["shop"]`, Min: 1},
	}
	locationKeys = []uptime.Key{
		{Name: "name", Kind: uptime.String, Doc: "of a place to ask for a second opinion; local is this machine", Example: `"fra"`},
		{Name: "network", Kind: uptime.String, Doc: "locations of one network are one witness; default: a network of its own", Example: `"AS24940"`},
		{Name: "place", Kind: uptime.String, Doc: "what people call it, for the screens", Example: `"Frankfurt"`},
	}
	monitorKeys = []uptime.Key{
		{Name: "name", Kind: uptime.String, Doc: "unique; commands, events and pages use it", Example: `"shop"`},
		{Name: "url", Kind: uptime.String, Doc: "what to check; its scheme chooses the type", Example: `"https://shop.example.com/"`},
		{Name: "was", Kind: uptime.String, Doc: "the name it had before: its history comes along", Example: `"old shop"`},
		{Name: "type", Kind: uptime.String, Doc: "only needed for a url without a scheme", Example: `"http"`},
		{Name: "targets", Kind: uptime.Strings, Doc: "one monitor for each; {target} in name and url stands for it", Example: `["mx1.example.com", "mx2.example.com"]`},
		{Name: "group", Kind: uptime.String, Doc: "its place on the screen; default: the first tag", Example: `"shop"`},
		{Name: "tags", Kind: uptime.Strings, Doc: "for filters, pages and defaults", Example: `["prod", "eu"]`},
		{Name: "enabled", Kind: uptime.Bool, Doc: "false leaves it out", Example: `true`},
		{Name: "interval", Kind: uptime.Duration, Doc: "between checks; default: 60s", Example: `"60s"`, Min: int64(time.Second), Max: year},
		{Name: "timeout", Kind: uptime.Duration, Doc: "of one check; default: 10s, or the interval where that is shorter", Example: `"10s"`, Min: int64(100 * time.Millisecond), Max: int64(10 * time.Minute)},
		{Name: "ip", Kind: uptime.String, Doc: "the address family; each: every address of both is checked to the end, and the worst decides; default: any", Example: `"any"`, OneOf: []string{"any", "4", "6", "each"}},
		{Name: "source", Kind: uptime.Source, Doc: "the address of this machine or the interface to check from; other locations take their own", Example: `"192.0.2.10"`},
		{Name: "resolvers", Kind: uptime.Servers, Doc: "addresses of name servers to ask instead of the system's", Example: `["192.0.2.53", "[2001:db8::1]:53"]`},
		{Name: "degraded_above", Kind: uptime.Duration, Doc: "a check that takes longer is slow; 0s: never, the default", Example: `"800ms"`, Max: int64(10 * time.Minute)},
		{Name: "rule", Kind: uptime.String, Doc: "what makes it down; default: evidence", Example: `"consecutive"`, OneOf: []string{"evidence", "consecutive"}},
		{Name: "sensitivity", Kind: uptime.String, Doc: "of rule evidence: how long a failure has to last: fast 0s, balanced 20s or less with short intervals, quiet 60s; default: balanced", Example: `"balanced"`,
			OneOf: []string{uptime.Fast, uptime.Balanced, uptime.Quiet}},
		{Name: "dwell", Kind: uptime.Duration, Doc: "of rule evidence: how long exactly, instead of sensitivity", Example: `"20s"`, Max: int64(300 * time.Second)},
		{Name: "locations", Kind: uptime.Strings, Doc: "where its regular checks run: local, which is this machine, and names of [[location]]; default: local", Example: `["local"]`, Min: 1},
		{Name: "confirm_from", Kind: uptime.Strings, Doc: "of rule evidence: the locations that are asked for a second opinion; []: none; default: all that can be", Example: `["fra", "nyc"]`},
		{Name: "failures", Kind: uptime.Int, Doc: "of rule consecutive: so many in a row make it down; default: 3. Of beat, domain, exec and group under any rule: 1, for exec 3", Example: `3`, Min: 1, Max: 100},
		{Name: "recoveries", Kind: uptime.Int, Doc: "of rule consecutive: so many bring it back; default: 2", Example: `2`, Min: 1, Max: 100},
		{Name: "retry_interval", Kind: uptime.Duration, Doc: "of rule consecutive: between checks while in doubt; default: 20s, at most the interval", Example: `"20s"`, Min: int64(time.Second), Max: year},
		{Name: "parent", Kind: uptime.String, Doc: "the monitor that it is reached through: nobody is told of what fails behind one that is down", Example: `"office uplink"`},
		{Name: "depends_on", Kind: uptime.Monitors, Doc: "others that it needs, by name or tag:T; any one that is down is enough", Example: `["storage", "tag:core"]`},
		{Name: "note", Kind: uptime.String, Doc: "shown with the monitor", Example: `"call the hosting desk: +31 20 555 0100"`},
	}
)

const year = int64(365 * 24 * time.Hour)

// tables that hold keys of their own at the top of a file.
var tableKeys = map[string][]uptime.Key{"log": logKeys, "retention": retentionKeys, "self_check": selfCheckKeys, "broker": engineBrokerKeys()}

// What headers may name: tables that are there once, and those of which there may be many.
func tableWords() []string {
	return []string{"log", "retention", "self_check", "broker", "heartbeat", "defaults"}
}
func arrayWords() []string {
	return []string{"monitor", "page", "location", "maintenance", "channel", "route"}
}

// topWords is what may stand at the top of a file.
func topWords() []string {
	return slices.Concat(names(globalKeys), tableWords(), arrayWords())
}

func names(keys []uptime.Key) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.Name
	}
	return out
}

func keyMap(keys []uptime.Key) map[string]uptime.Key {
	m := make(map[string]uptime.Key, len(keys))
	for _, k := range keys {
		m[k.Name] = k
	}
	return m
}

// fileSuffix makes the key that reads a secret from a file.
const fileSuffix = "_file"

// keyset is the keys of a type by name.
type keyset struct {
	values   map[string]uptime.Key
	fileKeys map[string]string // bearer_token_file → bearer_token
}

func newKeyset(keys []uptime.Key) keyset {
	s := keyset{keyMap(keys), map[string]string{}}
	for _, key := range keys {
		if _, taken := s.values[key.Name+fileSuffix]; key.Kind == uptime.SecretText && !taken {
			s.fileKeys[key.Name+fileSuffix] = key.Name
		}
	}
	return s
}

// words are the names of all of them.
func (s keyset) words() []string { return append(sorted(s.values), sorted(s.fileKeys)...) }

// kind is a check type with its keys by name.
type kind struct {
	*uptime.CheckType
	keyset
	expect  map[string]uptime.Key
	secrets []string // its keys that hold secrets
}

// registry is the check types by name and by scheme.
type registry struct {
	kinds    []*kind
	byName   map[string]*kind
	byScheme map[string]*kind
	common   map[string]uptime.Key
	// every key that any type knows, with the names of those that do
	owners, expectOwners map[string][]string
}

func newRegistry(types []uptime.CheckType) *registry {
	r := &registry{byName: map[string]*kind{}, byScheme: map[string]*kind{}, common: keyMap(monitorKeys),
		owners: map[string][]string{}, expectOwners: map[string][]string{}}
	for i := range types {
		k := &kind{CheckType: &types[i], keyset: newKeyset(types[i].Keys), expect: keyMap(types[i].Expect)}
		for key := range k.fileKeys {
			r.owners[key] = append(r.owners[key], k.Name)
		}
		for _, key := range k.Keys {
			if key.Kind == uptime.SecretText || key.Kind == uptime.SecretTable {
				k.secrets = append(k.secrets, key.Name)
			}
			r.owners[key.Name] = append(r.owners[key.Name], k.Name)
		}
		for _, key := range k.Expect {
			r.expectOwners[key.Name] = append(r.expectOwners[key.Name], k.Name)
		}
		r.kinds = append(r.kinds, k)
		r.byName[k.Name] = k
		for _, s := range k.Schemes {
			r.byScheme[s] = k
		}
	}
	return r
}

func (r *registry) schemes() []string {
	var out []string
	for _, k := range r.kinds {
		out = append(out, k.Schemes...)
	}
	return out
}

func (r *registry) typeNames() []string {
	var out []string
	for _, k := range r.kinds {
		out = append(out, k.Name)
	}
	return out
}

// monitorWords is what may stand in a [[monitor]] of some type, the common keys first.
func (r *registry) monitorWords() []string {
	return append(append(names(monitorKeys), sorted(r.owners)...), "expect")
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Known lists the path of every key that Load understands with these types:
// instance, log.level, monitor.interval, monitor.expect.status, page.tags.
// [defaults] takes those of a monitor and is not listed.
func Known(opt Options) []string {
	r := newRegistry(opt.Types)
	out := names(globalKeys)
	add := func(prefix string, words []string) {
		for _, w := range words {
			out = append(out, prefix+w)
		}
	}
	add("log.", names(logKeys))
	add("retention.", names(retentionKeys))
	add("self_check.", names(selfCheckKeys))
	add("broker.", names(engineBrokerKeys()))
	add("page.", names(pageKeys))
	add("location.", names(locationKeys))
	add("maintenance.", names(maintenanceKeys))
	add("channel.", newChannels(opt.Channels).words())
	add("route.", names(routeKeys))
	add("heartbeat.", newKeyset(heartbeatKeys).words())
	add("monitor.", names(monitorKeys))
	add("monitor.", sorted(r.owners))
	add("monitor.expect.", sorted(r.expectOwners))
	slices.Sort(out)
	return slices.Compact(out)
}
