package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"lookout/engine/uptime"
)

// Decisions of whoever changes the managed file, beside uptime.ErrInvalid (what
// was given cannot be written) and Mistakes (the configuration would not load).
var (
	// ErrExists reports that a monitor of that name is there already.
	ErrExists = errors.New("a monitor of that name exists")
	// ErrByHand reports a monitor that a person wrote and only a person changes.
	ErrByHand = errors.New("the monitor is written by hand")
)

const managedHead = `# Monitors that "lookout add" and the API wrote. lookout reads this file after
# lookout.toml; edit it if you like, while no engine is running.
`

// AddManaged appends a monitor to the managed file beside a configuration and
// returns its name, derived from the url where none is given. Fields are the
// keys of [[monitor]] with values as encoding/json gives them, an int64 for a
// whole number; [monitor.expect] is a map under "expect".
//
// AddManaged, PutManaged and DeleteManaged have the same terms. The whole
// configuration is loaded with the change first: nothing is written when that
// would leave a mistake, and the error is then Mistakes. The file is replaced
// in one step and is on disk when they return. Nothing in it changes but the
// block of that monitor.
func AddManaged(configPath string, fields map[string]any, opt Options) (name string, err error) {
	unlock, err := lockFolder(filepath.Dir(configPath))
	if err != nil {
		return "", err
	}
	defer unlock()
	current, err := Load(configPath, opt)
	if err != nil {
		return "", fmt.Errorf("repair the configuration first: %w", err)
	}
	name, fields = complement(fields, newRegistry(opt.Types))
	if file, line := current.Where(name); line > 0 {
		return "", fmt.Errorf("%w: %q is at %s:%d", ErrExists, shown(name), file, line)
	}
	if slices.Contains(current.Disabled, name) {
		return "", fmt.Errorf("%w: %q, which is not enabled", ErrExists, shown(name))
	}
	block, err := monitorText(fields, nil)
	if err != nil {
		return "", err
	}
	m, err := readManaged(configPath)
	if err != nil {
		return "", err
	}
	if m.text == "" {
		m.text = managedHead
	}
	if !strings.HasSuffix(m.text, "\n") {
		m.text += "\n"
	}
	return name, m.replace(len(m.text), len(m.text), "\n"+block, opt)
}

// PutManaged writes a monitor of the managed file anew, in its place. Comments
// stay with the keys that stay. The name may be among the fields, if it is the
// same. A name that is not in the managed file is ErrByHand where a person wrote
// it, else uptime.ErrNoMonitor.
func PutManaged(configPath, name string, fields map[string]any, opt Options) error {
	if given, ok := fields["name"]; ok && given != name {
		return uptime.Invalid("the name of what is written differs from %q; to rename a monitor, delete it and add it with was = the old name", shown(name))
	}
	_, fields = complement(fields, newRegistry(opt.Types))
	fields["name"] = name
	return editManaged(configPath, name, opt, func(old string) (string, error) {
		return monitorText(fields, notesOf(old))
	})
}

// DeleteManaged removes a monitor from the managed file, with the comments
// between its keys. The errors are those of PutManaged.
func DeleteManaged(configPath, name string, opt Options) error {
	return editManaged(configPath, name, opt, func(string) (string, error) { return "", nil })
}

// editManaged replaces the block of one monitor by what change makes of it.
func editManaged(configPath, name string, opt Options, change func(old string) (string, error)) error {
	unlock, err := lockFolder(filepath.Dir(configPath))
	if err != nil {
		return err
	}
	defer unlock()
	m, err := readManaged(configPath)
	if err != nil {
		return err
	}
	b, err := m.find(name)
	if err != nil {
		return err
	}
	if b == nil {
		return elsewhere(configPath, name, opt)
	}
	from := b.pieces[0].pos
	to := from + extent(b.pieces[0].text)
	block, err := change(m.text[from:to])
	if err != nil {
		return err
	}
	if block == "" && strings.HasSuffix(m.text[:from], "\n\n") { // the blank line that set it apart
		from--
	}
	return m.replace(from, to, block, opt)
}

// managedPath is where the managed file of a configuration is.
func managedPath(config string) string { return filepath.Join(filepath.Dir(config), ManagedName) }

// managed is the managed file of a configuration; its text is "" where there is none.
type managed struct {
	config, path string
	mark, text   string // the mark of the byte order, and what follows
}

func readManaged(configPath string) (*managed, error) {
	m := &managed{config: configPath, path: managedPath(configPath)}
	text, _, err := readText(m.path, maxTotal)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if rest, ok := strings.CutPrefix(text, bom); ok {
		m.mark, text = bom, rest
	}
	m.text = text
	return m, nil
}

// find returns the block of a monitor; nil where there is none. A name with
// {target} in it finds the block that has it.
func (m *managed) find(name string) (*block, error) {
	for _, b := range cut(&file{path: m.path}, m.text) {
		if b.name != "monitor" || !b.array || len(b.faults) > 0 || b.size > maxBlock {
			continue
		}
		root, _, _, _ := parse(b.source())
		list, _ := root["monitor"].([]map[string]any)
		if len(list) == 0 {
			continue
		}
		has, _ := list[0]["name"].(string)
		if has == name && len(b.pieces) > 1 {
			return nil, fmt.Errorf("%w: %q is in several parts at %s:%d; edit it there", ErrByHand, shown(name), m.path, b.firstLine())
		} else if has == name {
			return b, nil
		}
		targets, _ := list[0]["targets"].([]any)
		for _, t := range targets {
			if t, ok := t.(string); ok && strings.ReplaceAll(has, targetMark, t) == name {
				return nil, uptime.Invalid("%q is one of several monitors; change %q, which makes them all", shown(name), shown(has))
			}
		}
	}
	return nil, nil
}

// elsewhere says why a monitor that is in no block of the managed file cannot be changed.
func elsewhere(configPath, name string, opt Options) error {
	l, err := read(configPath, opt, nil)
	if err != nil {
		return err
	}
	if _, err := l.finish(); err != nil {
		return fmt.Errorf("repair the configuration first: %w", err)
	}
	at, ok := l.names[name]
	if !ok {
		return fmt.Errorf("%w: %q; the API and \"lookout add\" write %s", uptime.ErrNoMonitor, shown(name), managedPath(configPath))
	}
	return fmt.Errorf("%w: %q is at %s:%d; edit it there, then lookout reload", ErrByHand, shown(name), at.file.path, at.line)
}

// replace writes the file with another text from one offset to another, if the
// configuration loads with it. Mistakes in the new text have no line: it is in no file yet.
func (m *managed) replace(from, to int, text string, opt Options) error {
	whole := m.text[:from] + text + m.text[to:]
	if _, err := load(m.config, opt, map[string]string{m.path: whole}); err != nil {
		var ms Mistakes
		if errors.As(err, &ms) {
			first := 1 + strings.Count(m.text[:from], "\n")
			lines, before := strings.Count(text, "\n"), strings.Count(m.text[from:to], "\n")
			for i, x := range ms {
				switch {
				case x.File != m.path || x.Line < first:
				case x.Line < first+lines:
					ms[i].File, ms[i].Line = "", 0
				default:
					ms[i].Line += before - lines
				}
			}
		}
		return err
	}
	return replaceFile(m.path, m.config, m.mark+whole, opt.Engine)
}

// complement copies the fields, with a scheme for the url and a name from it where these lack.
func complement(fields map[string]any, reg *registry) (name string, out map[string]any) {
	out = map[string]any{}
	maps.Copy(out, fields)
	if raw := uptime.Value(out, "url", ""); raw != "" {
		raw = complete(raw, reg.byName[uptime.Value(out, "type", "")])
		out["url"] = raw
		if _, set := out["name"]; !set {
			if u, err := url.Parse(raw); err == nil {
				out["name"] = nameOf(u)
			}
		}
	}
	return uptime.Value(out, "name", ""), out
}

// lockFolder keeps two changes at once from losing one of them.
func lockFolder(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		d.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { d.Close() }, nil
}
