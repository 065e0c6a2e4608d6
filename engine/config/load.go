package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

const (
	// maxTotal bounds all files of a configuration together; 180,000 monitors are 30 MB.
	maxTotal = 64 << 20
	// maxMonitors bounds what targets can multiply.
	maxMonitors = 1_000_000
	// ManagedName is the file beside the configuration that "lookout add" and the API write.
	ManagedName = "managed.toml"

	bom = "\ufeff" // some editors begin UTF-8 with it
)

// file is one file that was read.
type file struct {
	path    string // as it is shown: FILE of FILE:LINE
	text    string
	managed bool
	mode    fs.FileMode
	literal bool // a warning about its secrets was given
}

// loader reads one configuration.
type loader struct {
	opt     Options
	reg     *registry
	secrets secrets
	overlay map[string]string // text to read instead of the file of this path

	cfg      *Config
	mistakes Mistakes
	wrong    int // of the mistakes, those that are no warnings
	warned   int // and those that are
	noted    map[uptime.Mistake]struct{}
	broken   bool // a block could not be read: what looks missing may stand there
	total    int
	blocks   []*block
	read     map[string]bool
	set      map[string]*block // global settings that were made, by path
	globals  map[string]any

	defaults *layer
	tagged   map[string]*layer
	taggedAt []*layer // in order
	monitors []*block
	pages    []uptime.Page
	pageAt   map[string]*block // by name
	places   map[string]*block // of [[location]], by name
	brokerAt *block            // the first [broker]; nil: there is none
	windows  []waiting         // of [[maintenance]]
	channels []waiting         // of [[channel]]
	routes   []waiting         // of [[route]]
	beats    []waiting         // of [heartbeat], which is there once
	heard    map[string]*block // channels by name
	unheard  bool              // a channel could not be read: one that looks missing may be that
	unplaced bool              // a location could not be read: one that looks missing may be that
	looked   int               // words that were held against one that is not known; see nearest
	names    map[string]place
	made     []made
	tags     map[string]string // every tag a monitor carries; interned
	groups   map[string]string
	was      map[string]wasAt
	refs     []reference
	chains   map[string]*chain
	travels  map[travelled]travel // see travelling
}

// Load reads a configuration with all that it includes. A file that cannot be
// read is an error that wraps the system's. Everything wrong in it comes at once
// as Mistakes; the Config then holds what could be read, fit to be compared
// (Diff) and not to be run.
func Load(path string, opt Options) (*Config, error) {
	return load(path, opt, nil)
}

func load(path string, opt Options, overlay map[string]string) (*Config, error) {
	l, err := read(path, opt, overlay)
	if err != nil {
		return nil, err
	}
	return l.finish()
}

// read reads every file and all but the monitors in them.
func read(path string, opt Options, overlay map[string]string) (*loader, error) {
	l := newLoader(path, opt)
	l.overlay = overlay
	if err := l.readFile(&file{path: path}); err != nil {
		return nil, err
	}
	l.walk()
	managed := managedPath(path)
	if err := l.readFile(&file{path: managed, managed: true}); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.note(uptime.Mistake{File: managed, Message: "cannot be read: " + cause(err)})
		l.broken = true
	}
	l.walk()
	return l, nil
}

func newLoader(path string, opt Options) *loader {
	if opt.Env == nil {
		opt.Env = os.LookupEnv
	}
	return &loader{
		opt: opt, reg: newRegistry(opt.Types), secrets: secrets{env: opt.Env},
		cfg:   &Config{Path: path, Was: map[string]string{}},
		noted: map[uptime.Mistake]struct{}{}, read: map[string]bool{}, set: map[string]*block{}, globals: map[string]any{},
		tagged: map[string]*layer{}, names: map[string]place{}, tags: map[string]string{}, groups: map[string]string{},
		was: map[string]wasAt{}, chains: map[string]*chain{}, pageAt: map[string]*block{}, places: map[string]*block{},
		heard: map[string]*block{},
	}
}

// readFile reads and cuts a file, unless it was read before.
func (l *loader) readFile(f *file) error {
	clean, err := filepath.Abs(f.path)
	if err != nil {
		return err
	}
	if l.read[clean] {
		return nil
	}
	text, ok := l.overlay[f.path]
	if !ok {
		if text, f.mode, err = readText(f.path, maxTotal-l.total); err != nil {
			return err
		}
	}
	l.read[clean] = true
	if f.path != "" {
		l.cfg.Files = append(l.cfg.Files, f.path)
	}
	l.total += len(text)
	text = strings.TrimPrefix(text, bom)
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return &fs.PathError{Op: "read", Path: f.path, Err: errors.New("is UTF-16 text; save it as UTF-8")}
	}
	f.text = text
	l.blocks = append(l.blocks, cut(f, text)...)
	return nil
}

// readText reads a file of at most max bytes.
func readText(path string, max int) (string, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	var b strings.Builder
	n := info.Size()
	if n <= int64(max) || !info.Mode().IsRegular() {
		b.Grow(int(min(n, int64(max))))
		n, err = io.Copy(&b, io.LimitReader(f, int64(max)+1))
	}
	if err == nil && n > int64(max) {
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("a configuration of more than 64 MB is refused; split it over several instances")}
	}
	return b.String(), info.Mode(), err
}

// walk reads every block but the monitors, which wait for the defaults of all files.
func (l *loader) walk() {
	for len(l.blocks) > 0 {
		b := l.blocks[0]
		l.blocks = l.blocks[1:]
		switch b.name {
		case "monitor":
			if b.array {
				l.monitors = append(l.monitors, b)
				continue
			}
			l.broken = true
			if b.nested {
				l.fail(b, []string{"monitor"}, b.heading()+" has no [[monitor]] before it", "")
			} else {
				l.fail(b, []string{"monitor"}, "a monitor is written [[monitor]], with two brackets", "")
			}
			continue
		case "":
		default:
			if !slices.Contains(topWords(), b.name) && len(b.faults) == 0 {
				l.fail(b, []string{b.name}, fmt.Sprintf("unknown table %s", b.title()), l.tableHint(b))
				continue
			}
		}
		if root := l.parse(b); root != nil {
			l.top(b, root)
		}
	}
}

func (l *loader) tableHint(b *block) string {
	if n := Near(b.name, append(tableWords(), arrayWords()...)); n != "" {
		if slices.Contains(arrayWords(), n) {
			return "Did you mean [[" + n + "]]?"
		}
		return "Did you mean [" + n + "]?"
	}
	if b.name == "expect" {
		return "It belongs to a monitor: [monitor.expect]"
	}
	return ""
}

// top walks what a block sets.
func (l *loader) top(b *block, root map[string]any) {
	for _, name := range sorted(root) {
		raw := root[name]
		switch name {
		case "log", "retention", "self_check", "broker":
			l.table(b, name, raw, tableKeys[name])
		case "defaults":
			l.readDefaults(b, raw)
		case "page":
			l.each(b, name, raw, l.page)
		case "location":
			l.each(b, name, raw, l.location)
		case "maintenance":
			l.each(b, name, raw, func(b *block, m map[string]any) { l.windows = append(l.windows, waiting{b, m}) })
		case "channel":
			l.each(b, name, raw, func(b *block, m map[string]any) { l.channels = append(l.channels, waiting{b, m}) })
		case "route":
			l.each(b, name, raw, func(b *block, m map[string]any) { l.routes = append(l.routes, waiting{b, m}) })
		case "heartbeat":
			l.beat(b, raw)
		case "monitor":
			l.each(b, name, raw, func(_ *block, m map[string]any) {
				l.monitors = append(l.monitors, &block{file: b.file, name: "monitor", array: true, pieces: b.pieces, inline: m})
			})
		case "include":
			l.include(b, raw)
		default:
			l.global(b, name, raw)
		}
	}
}

// table reads a table of settings that an instance has once.
func (l *loader) table(b *block, name string, raw any, keys []uptime.Key) {
	if name == "broker" && l.brokerAt == nil {
		l.brokerAt = b
	}
	m, ok := raw.(map[string]any)
	if !ok {
		l.fail(b, []string{name}, fmt.Sprintf("%s must be one table, written [%s]", name, name), "")
		return
	}
	for _, key := range sorted(m) {
		l.setting(b, []string{name, key}, keys, m[key], didYouMean(key, names(keys)))
	}
}

// each calls fn for each table of an array of tables.
func (l *loader) each(b *block, name string, raw any, fn func(*block, map[string]any)) {
	var list []any
	switch raw := raw.(type) {
	case []map[string]any:
		for _, m := range raw {
			list = append(list, m)
		}
	case []any:
		list = raw
	default:
		list = []any{nil}
	}
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			fn(b, m)
			continue
		}
		l.broken = l.broken || name == "monitor" || name == "location"
		l.unheard = l.unheard || name == "channel"
		l.fail(b, []string{name}, fmt.Sprintf("a %s is written [[%s]], with two brackets", name, name), "")
	}
}

// global reads a setting at the top of a file.
func (l *loader) global(b *block, name string, raw any) {
	hint := didYouMean(name, topWords())
	if _, ok := l.reg.common[name]; ok || len(l.reg.owners[name]) > 0 {
		hint = "It belongs in a [[monitor]] or in [defaults]"
	}
	l.setting(b, []string{name}, globalKeys, raw, hint)
}

// setting reads one setting that an instance has once; the hint is for a key that is none.
func (l *loader) setting(b *block, path []string, keys []uptime.Key, raw any, hint string) {
	name, full := path[len(path)-1], strings.Join(path, ".")
	i := slices.IndexFunc(keys, func(k uptime.Key) bool { return k.Name == name })
	if i < 0 {
		l.fail(b, path, fmt.Sprintf("unknown key %q", shown(name)), hint)
		return
	}
	if other, ok := l.set[full]; ok {
		l.fail(b, path, fmt.Sprintf("%s is set twice; the other is at %s:%d", full, other.file.path, other.line(path...)), "")
		return
	}
	l.set[full] = b
	v, w := l.convert(b, keys[i], raw)
	if w != nil {
		l.fail(b, path, w.message, w.hint)
		return
	}
	l.globals[full] = v
}

// literal warns once of a file that holds secrets and can be read by everybody.
func (l *loader) literal(b *block, key string) {
	if f := b.file; f.mode&0o004 != 0 && !f.literal {
		f.literal = true
		l.note(uptime.Mistake{File: f.path, Message: fmt.Sprintf("holds a secret (%s) and everybody can read it", key),
			Hint: "chmod 600 it, or use ${NAME} or a file", Warning: true})
	}
}

// finish builds the monitors and all that refers to them.
func (l *loader) finish() (*Config, error) {
	c := l.cfg
	l.settle()
	l.unplaced = l.unplaced || l.broken
	l.compile()
	l.made = slices.Grow(l.made, len(l.monitors))
	c.Jobs = slices.Grow(c.Jobs, len(l.monitors))
	for len(l.monitors) > 0 && !l.full() {
		n, tables := together(l.monitors)
		for i, b := range l.monitors[:n] {
			l.monitors[i] = nil // it may go
			if tables != nil {
				l.build(b, tables[i])
			} else if m := l.alone(b); m != nil && !l.full() {
				l.build(b, m)
			}
		}
		l.monitors = l.monitors[n:]
	}
	l.broken = l.broken || l.full()
	l.conclude()
	l.checkTags()
	l.checkPages()
	l.checkWas()
	l.checkReferences()
	l.checkLocations()
	l.readMaintenance()
	l.readChannels(c.Instance)
	l.readRoutes()
	l.readHeartbeat()
	for _, j := range c.Jobs {
		j.Was = c.Was[j.Name]
	}
	slices.Sort(c.Disabled)
	l.mistakes.sort()
	for _, m := range l.mistakes {
		if m.Warning {
			c.Warnings = append(c.Warnings, m)
		}
	}
	if len(c.Warnings) < len(l.mistakes) {
		return c, l.mistakes
	}
	return c, nil
}
