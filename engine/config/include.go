package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// include reads the files that a list of patterns names.
func (l *loader) include(b *block, raw any) {
	path := []string{"include"}
	if b.file.path != l.cfg.Path {
		l.fail(b, path, "an included file cannot include others", "Name them in "+l.cfg.Path)
		return
	}
	v, w := l.convert(b, keyMap(globalKeys)["include"], raw)
	if w != nil {
		l.fail(b, path, w.message, w.hint)
		return
	}
	for _, pattern := range v.([]string) {
		found, err := filepath.Glob(b.file.relative(pattern))
		if err != nil {
			l.fail(b, path, fmt.Sprintf("include %q is no pattern", shown(pattern)), "")
			continue
		}
		if len(found) == 0 {
			if err := unfound(b.file.relative(pattern)); err != nil {
				l.broken = true
				l.fail(b, path, fmt.Sprintf("include %q: %s", shown(pattern), cause(err)), remedy(err))
			}
		}
		for _, p := range found { // Glob sorts
			managed := filepath.Base(p) == ManagedName && filepath.Dir(p) == filepath.Dir(l.cfg.Path)
			if err := l.readFile(&file{path: p, managed: managed}); err != nil {
				l.broken = true
				l.fail(b, path, "include: "+cause(err), remedy(err))
			}
		}
	}
}

// wild are the bytes that make a name a pattern.
const wild = "*?["

// unfound says why a pattern names no file, where that is a mistake: a name has to
// be that of a file, a pattern that of a folder that can be read, which Glob leaves
// out in silence. One that is not there is none.
func unfound(pattern string) error {
	if !strings.ContainsAny(pattern, wild) {
		_, err := os.Stat(pattern)
		return err
	}
	dir := filepath.Dir(pattern)
	for strings.ContainsAny(dir, wild) {
		dir = filepath.Dir(dir)
	}
	if _, err := os.ReadDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// remedy is what to do about a file that cannot be read; "" where that says itself.
func remedy(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "Let the user that lookout runs as read it, and enter each folder above it"
	}
	return ""
}
