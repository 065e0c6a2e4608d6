package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Probe is probe.toml: who a remote probe is, whom it obeys, and what it does for
// nobody. It is immutable. None of its fields but Channels[i].Channel reaches a secret.
type Probe struct {
	Path       string
	Location   string
	Name       string            // without its location
	EngineKey  ed25519.PublicKey // orders that are not signed with it are refused
	DataDir    string            // "" where not set
	SecretsDir string            // "" for none
	Broker     *Broker
	Anchors    []netip.AddrPort // addresses that tell whether this machine is online
	Policy     Policy
	Spool      SpoolLimits
	Commands   []string               // the names of [[exec]]
	Channels   []uptime.ChannelConfig // by which it tells that the engine is not heard of
	Warnings   []uptime.Mistake       // by line

	credentials string                               // the folder of systemd's credentials; "": none
	files       []string                             // its own, which may lie among the secrets of checks
	filed       map[string]map[string]map[string]any // settings by type and name; they hold secrets, and see Builder
}

// ID is LOCATION/NAME.
func (p *Probe) ID() string { return p.Location + "/" + p.Name }

// String says who it is, and no setting.
func (p Probe) String() string { return "probe " + p.Location + "/" + p.Name }

// GoString is String: %#v must not reach the settings.
func (p Probe) GoString() string { return p.String() }

// Policy is what a probe does and does not, whatever it is told.
type Policy struct {
	Allow       []netip.Prefix // addresses that may be checked although they are private, of this machine or local to the link
	Methods     []string       // of requests; nil: GET and HEAD
	MaxMonitors int            // 0: no bound
	MaxRate     float64        // checks a second of one target; 0: no bound
	MaxTimeout  time.Duration  // of a check; 0: no bound
	MaxBody     int64          // bytes that a check may send of its own: a body, send; 0: none
}

// SpoolLimits bound the results that wait for the broker; zero: the spool's own.
type SpoolLimits struct {
	MaxSize int64 // bytes
	MaxAge  time.Duration
}

var (
	probeKeys = []uptime.Key{
		{Name: "location", Kind: uptime.String, Doc: "the place of this probe, a [[location]] of the engine", Example: `"fra"`},
		{Name: "name", Kind: uptime.String, Doc: "its name there, which is part of its user at the broker", Example: `"p1"`},
		{Name: "engine_key", Kind: uptime.String, Doc: "the key of the engine that is obeyed, in base64", Example: `"MCowBQYDK2VwAyEA…"`},
		{Name: "data_dir", Kind: uptime.String, Doc: "where results wait, and what was assigned", Example: `"/var/lib/lookout-probe"`},
		{Name: "secrets_dir", Kind: uptime.String, Doc: "where ${secret:NAME} is looked up; default: $CREDENTIALS_DIRECTORY", Example: `"/etc/lookout-probe/secrets"`},
	}
	policyKeys = []uptime.Key{
		{Name: "allow", Kind: uptime.Strings, Doc: "addresses and networks that may be checked although they are private, local to the link or this machine's own; default: none", Example: `["10.1.0.0/16", "192.168.7.5"]`},
		{Name: "methods", Kind: uptime.Strings, Doc: "of HTTP that may be sent; default: GET and HEAD", Example: `["GET", "HEAD", "POST"]`, Min: 1},
		{Name: "max_monitors", Kind: uptime.Int, Doc: "that are checked at most; default: no bound", Example: `1000`, Min: 1, Max: maxMonitors},
		{Name: "max_rate", Kind: uptime.Scalar, Doc: "checks of one target at most; default: no bound", Example: `"10/s"`},
		{Name: "max_timeout", Kind: uptime.Duration, Doc: "of a check, at most; default: no bound", Example: `"30s"`, Min: int64(100 * time.Millisecond), Max: int64(10 * time.Minute)},
		{Name: "max_body", Kind: uptime.Size, Doc: "what a check may send, at most: a body, send, what a dialogue says; default: nothing", Example: `"64KB"`, Min: 0, Max: maxFile},
	}
	spoolKeys = []uptime.Key{
		{Name: "max_size", Kind: uptime.Size, Doc: "of the results that wait; the oldest go first; default: 256MB", Example: `"256MB"`, Min: 1 << 20, Max: 1 << 40},
		{Name: "max_age", Kind: uptime.Duration, Doc: "default: 7d", Example: `"7d"`, Min: int64(time.Minute), Max: year},
	}
	probeTables = map[string][]uptime.Key{"broker": brokerKeys, "self_check": selfCheckKeys, "policy": policyKeys, "spool": spoolKeys}
)

// KnownToProbe lists the path of every key that LoadProbe understands with these
// types: location, policy.allow, exec.command. Those of [[channel]] are the
// engine's and are not listed.
func KnownToProbe(opt Options) []string {
	out := names(probeKeys)
	for table, keys := range probeTables {
		for _, k := range keys {
			out = append(out, table+"."+k.Name)
		}
	}
	for _, t := range opt.Types {
		if !t.Filed {
			continue
		}
		out = append(out, t.Name+".name")
		for _, k := range t.Keys {
			out = append(out, t.Name+"."+k.Name)
		}
	}
	slices.Sort(out)
	return out
}

// filedBlock is a [[exec]], which waits until it is known where secrets are.
type filedBlock struct {
	blk  *block
	kind *kind
	raw  map[string]any
}

// probeLoader reads one probe.toml.
type probeLoader struct {
	*loader
	p     *Probe
	filed []filedBlock
}

// LoadProbe reads the configuration of a probe. A file that cannot be read is an
// error that wraps the system's; everything wrong in it comes at once as
// Mistakes, and the Probe then holds what could be read.
func LoadProbe(path string, opt Options) (*Probe, error) {
	l := &probeLoader{loader: newLoader(path, opt), p: &Probe{Path: path, filed: map[string]map[string]map[string]any{}}}
	if err := l.readFile(&file{path: path}); err != nil {
		return nil, err
	}
	for _, b := range l.blocks {
		if b.name != "" && !slices.Contains(l.words(), b.name) && len(b.faults) == 0 {
			l.fail(b, []string{b.name}, fmt.Sprintf("unknown table %s", b.title()), l.notHere(b.name))
			continue
		}
		if root := l.parse(b); root != nil {
			l.top(b, root)
		}
	}
	l.settle()
	l.mistakes.sort()
	for _, m := range l.mistakes {
		if m.Warning {
			l.p.Warnings = append(l.p.Warnings, m)
		}
	}
	if len(l.p.Warnings) < len(l.mistakes) {
		return l.p, l.mistakes
	}
	return l.p, nil
}

// filedKinds are the types of which a probe runs what its own file says.
func (l *probeLoader) filedKind(name string) *kind {
	if k := l.reg.byName[name]; k != nil && k.Filed {
		return k
	}
	return nil
}

func (l *probeLoader) words() []string {
	out := append(append(names(probeKeys), "channel"), sorted(probeTables)...)
	for _, k := range l.reg.kinds {
		if k.Filed {
			out = append(out, k.Name)
		}
	}
	return out
}

// notHere helps with a word that means nothing in this file.
func (l *probeLoader) notHere(word string) string {
	switch {
	case slices.Contains([]string{"monitor", "defaults", "page", "maintenance", "location"}, word):
		return "It belongs to the engine, which tells its probes what to check"
	case slices.Contains([]string{"route", "heartbeat"}, word):
		return "It belongs to the engine: a probe tells nothing but that the engine is not heard of"
	}
	n := Near(word, l.words())
	switch {
	case n == "":
		return ""
	case l.filedKind(n) != nil || n == "channel":
		return "Did you mean [[" + n + "]]?"
	case probeTables[n] != nil:
		return "Did you mean [" + n + "]?"
	}
	return fmt.Sprintf("Did you mean %q?", n)
}

func (l *probeLoader) top(b *block, root map[string]any) {
	for _, name := range sorted(root) {
		switch k := l.filedKind(name); {
		case name == "channel":
			l.each(b, name, root[name], func(b *block, m map[string]any) { l.channels = append(l.channels, waiting{b, m}) })
		case probeTables[name] != nil:
			l.table(b, name, root[name], probeTables[name])
		case k != nil:
			l.each(b, name, root[name], func(b *block, m map[string]any) { l.filed = append(l.filed, filedBlock{b, k, m}) })
		default:
			hint := l.notHere(name)
			if name == "signing_key_file" {
				hint = "It belongs to the engine: a probe has engine_key"
			}
			l.setting(b, []string{name}, probeKeys, root[name], hint)
		}
	}
}

// settle puts what was read into the Probe.
func (l *probeLoader) settle() {
	p := l.p
	p.Location, p.Name = l.word("location"), l.word("name")
	p.EngineKey = l.engineKey()
	p.DataDir, p.SecretsDir = l.path("data_dir"), l.secretsDir()
	p.credentials = l.secrets.own
	p.Anchors = l.anchors()
	if l.brokerAt == nil && !l.broken {
		l.lacks("[broker] is missing", "Write it with a url, and who logs in; lookout remote init writes all of it")
	}
	p.Broker = l.broker(false)
	p.files = []string{filepath.Clean(p.Path)}
	for _, key := range []string{"password_file", "client_key", "client_cert", "ca_file"} {
		if path, ok := l.globals["broker."+key].(string); ok {
			p.files = append(p.files, l.set["broker."+key].file.relative(path), filepath.Join(l.secrets.own, filepath.Base(path)))
		}
	}
	p.Policy = l.policy()
	p.Spool = SpoolLimits{MaxSize: uptime.Value(l.globals, "spool.max_size", int64(0)), MaxAge: uptime.Value(l.globals, "spool.max_age", time.Duration(0))}
	for _, f := range l.filed {
		l.readFiled(f)
	}
	slices.Sort(p.Commands)
	l.secrets.read = func(path string) { p.files = append(p.files, path) } // for channels alone, whatever the engine orders
	l.readChannels(p.ID())
	l.secrets.read = nil
	p.Channels = l.cfg.Channels
}

// lacks notes what the file has not at all.
func (l *probeLoader) lacks(message, hint string) {
	l.note(uptime.Mistake{File: l.p.Path, Message: message, Hint: hint})
}

// word is location or name: part of what the broker knows the probe by.
func (l *probeLoader) word(key string) string {
	v, read := l.globals[key].(string)
	b := l.set[key]
	switch {
	case b == nil:
		if !l.broken {
			l.lacks(key+" is missing", example(keyMap(probeKeys)[key]))
		}
	case !read:
	case !locationName(v):
		l.fail(b, []string{key}, fmt.Sprintf("%s = %q must be made of a to z, 0 to 9 and -, at most %d", key, shown(v), maxLocation), example(keyMap(probeKeys)[key]))
	case key == "location" && v == uptime.Local:
		l.fail(b, []string{key}, "location: local is where the engine itself is", "Take the name of one of its [[location]]")
	}
	return v
}

func (l *probeLoader) engineKey() ed25519.PublicKey {
	const key = "engine_key"
	v, read := l.globals[key].(string)
	b := l.set[key]
	if b == nil {
		if !l.broken {
			l.lacks(key+" is missing: a probe obeys the engine whose key it has, and nobody else", "lookout remote init writes it")
		}
		return nil
	}
	if !read {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(v))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		l.fail(b, []string{key}, fmt.Sprintf("engine_key is no key: it must be %d bytes in base64", ed25519.PublicKeySize), "Take it from the probe.toml that lookout remote init writes")
		return nil
	}
	return raw
}

func (l *probeLoader) policy() Policy {
	g := l.globals
	p := Policy{
		Allow: l.allowed(), MaxMonitors: int(uptime.Value(g, "policy.max_monitors", int64(0))),
		MaxTimeout: uptime.Value(g, "policy.max_timeout", time.Duration(0)), MaxBody: uptime.Value(g, "policy.max_body", int64(0)),
	}
	for _, m := range uptime.Value[[]string](g, "policy.methods", nil) {
		if m == "" || strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(m) > 20 {
			l.fail(l.set["policy.methods"], []string{"policy", "methods"}, fmt.Sprintf("methods: %q is no method", shown(m)), `Write it like methods = ["GET", "HEAD", "POST"]`)
			continue
		}
		p.Methods = append(p.Methods, m)
	}
	if v, ok := g["policy.max_rate"].(string); ok {
		var err error
		if p.MaxRate, err = parseRate(v); err != nil {
			l.fail(l.set["policy.max_rate"], []string{"policy", "max_rate"}, fmt.Sprintf("max_rate = %q %s", shown(v), err), `Write it like max_rate = "10/s", "30/m" or "100/h"`)
		}
	}
	return p
}

// allowed reads policy.allow.
func (l *probeLoader) allowed() []netip.Prefix {
	const key = "policy.allow"
	var out []netip.Prefix
	for _, s := range uptime.Value[[]string](l.globals, key, nil) {
		p, err := netip.ParsePrefix(s)
		if a, aerr := netip.ParseAddr(s); err != nil && aerr == nil {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		switch {
		case err != nil || p.Addr().Zone() != "" || p.Addr().Is4In6():
			l.fail(l.set[key], []string{"policy", "allow"}, fmt.Sprintf("allow: %q is neither an address nor a network", shown(s)), `No names: what they mean is up to others. Write it like "10.1.0.0/16" or "192.168.7.5"`)
		case p.Masked() != p:
			l.fail(l.set[key], []string{"policy", "allow"}, fmt.Sprintf("allow: %q has bits beyond its length", shown(s)), fmt.Sprintf("Did you mean %q?", p.Masked()))
		default:
			out = append(out, p)
		}
	}
	return out
}

// parseRate reads "10/s": how often a second.
func parseRate(s string) (float64, error) {
	n, unit, ok := strings.Cut(s, "/")
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	f, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
	switch {
	case !ok:
		return 0, errors.New("lacks its unit")
	case err != nil || seconds == 0 || !(f > 0 && f <= 1e6):
		return 0, errors.New("is no rate")
	}
	return f / seconds, nil
}

// readFiled reads a [[exec]]: the keys of its type, and its name.
func (l *probeLoader) readFiled(f filedBlock) {
	k := f.kind
	failed := false
	fail := func(key, message, hint string) {
		failed = true
		l.fail(f.blk, []string{k.Name, key}, k.Name+": "+message, hint)
	}
	values := map[string]any{}
	for _, key := range sorted(f.raw) {
		if key == "name" {
			continue
		}
		slot, v, w := l.convertOwn(f.blk, k.keyset, key, f.raw[key])
		switch {
		case w != nil:
			fail(key, w.message, w.hint)
		case slot == "":
			fail(key, fmt.Sprintf("unknown key %q", shown(key)), didYouMean(key, append(names(k.Keys), "name")))
		default:
			values[slot] = v
		}
	}
	name, ok := f.raw["name"].(string)
	if !ok || name == "" || badName(name) != "" || strings.ContainsAny(name, "/?# ") {
		fail("name", "it needs a name of one printable word", fmt.Sprintf("The engine asks for it as %s:NAME", k.Schemes[0]))
		return
	}
	if l.p.filed[k.Name] == nil {
		l.p.filed[k.Name] = map[string]map[string]any{}
	}
	if _, twice := l.p.filed[k.Name][name]; twice {
		fail("name", fmt.Sprintf("%q is there twice", shown(name)), "")
		return
	}
	if !failed {
		s := uptime.Settings{URL: filedURL(k, name), Timeout: defaultTimeout, Interval: DefaultInterval, IP: "any", Values: values}
		_, mistakes := k.check(s)
		for _, m := range mistakes {
			fail(m.Key, m.Message, sentence(m.Hint))
		}
	}
	if failed {
		return
	}
	l.p.filed[k.Name][name] = values
	l.p.Commands = append(l.p.Commands, name)
}
