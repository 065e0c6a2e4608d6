package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"lookout/engine/uptime"
)

// Field is one key of a monitor that is added: a string, []string, int or bool.
type Field struct {
	Key   string
	Value any
}

// ErrExists reports that a monitor of that name is there already.
var ErrExists = errors.New("a monitor of that name exists")

const managedHead = `# Monitors that "lookout add" and the API wrote. lookout reads this file after
# lookout.toml; edit it if you like, while no engine is running.
`

// AddManaged appends a monitor to the managed file beside a configuration and
// returns its name, derived from the url where none is given. The whole
// configuration is loaded with it first: nothing is written when that would
// leave a mistake, and the error is then Mistakes. The file is replaced in one
// step and is on disk when AddManaged returns.
func AddManaged(configPath string, fields []Field, opt Options) (name string, err error) {
	unlock, err := lockFolder(filepath.Dir(configPath))
	if err != nil {
		return "", err
	}
	defer unlock()
	current, err := Load(configPath, opt)
	if err != nil {
		return "", fmt.Errorf("repair the configuration first: %w", err)
	}
	name, block, err := monitorText(fields, newRegistry(opt.Types))
	if err != nil {
		return "", err
	}
	if e, ok := current.entries[name]; ok || slices.Contains(current.Disabled, name) {
		if !ok {
			return "", fmt.Errorf("%w: %q, which is not enabled", ErrExists, shown(name))
		}
		return "", fmt.Errorf("%w: %q is at %s:%d", ErrExists, shown(name), e.file, e.line)
	}
	path := managedPath(configPath)
	text, _, err := readText(path, maxTotal)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = managedHead
	case err != nil:
		return "", err
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	written := strings.Count(text, "\n")
	text += "\n" + block
	if _, err := load(configPath, opt, map[string]string{path: text}); err != nil {
		var ms Mistakes
		if errors.As(err, &ms) {
			for i, m := range ms { // it is in no file yet
				if m.File == path && m.Line > written {
					ms[i].File, ms[i].Line = "", 0
				}
			}
		}
		return "", err
	}
	return name, replaceFile(path, configPath, text)
}

// monitorText writes fields as a [[monitor]] block, the name first and the url after it.
func monitorText(fields []Field, reg *registry) (name, text string, err error) {
	fields = slices.Clone(fields)
	field := func(key string) string {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == key })
		if i < 0 {
			return ""
		}
		s, _ := fields[i].Value.(string)
		return s
	}
	name = field("name")
	if raw := field("url"); raw != "" {
		raw = complete(raw, reg.byName[field("type")])
		if u, err := url.Parse(raw); err == nil && name == "" {
			name = nameOf(u)
		}
		fields = append(without(fields, "url"), Field{"url", raw})
	}
	if name != "" {
		fields = append(without(fields, "name"), Field{"name", name})
	}
	rank := func(f Field) int { return slices.Index([]string{"url", "name"}, f.Key) }
	slices.SortStableFunc(fields, func(a, b Field) int { return cmp.Compare(rank(b), rank(a)) })
	var b strings.Builder
	b.WriteString("[[monitor]]\n")
	for _, f := range fields {
		v, err := tomlValue(f.Value)
		if err == nil && len(splitKey(f.Key)) == 0 || strings.ContainsAny(f.Key, "\"'=\n[]# ") {
			err = errors.New("no key")
		}
		if err != nil {
			return "", "", fmt.Errorf("%w: %s: %w", uptime.ErrInvalid, shown(f.Key), err)
		}
		fmt.Fprintf(&b, "%s = %s\n", f.Key, v)
	}
	return name, b.String(), nil
}

func without(fields []Field, key string) []Field {
	return slices.DeleteFunc(fields, func(f Field) bool { return f.Key == key })
}

// tomlValue writes a value as TOML.
func tomlValue(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return tomlText(v), nil
	case []string:
		parts := make([]string, len(v))
		for i, s := range v {
			parts[i] = tomlText(s)
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case int, int64, bool:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("a %T cannot be written", v)
}

// tomlText writes a string in quotes.
func tomlText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// lockFolder keeps two "lookout add" from losing one of two monitors.
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
