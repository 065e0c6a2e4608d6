package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// Mistakes is everything that is wrong with a configuration, by file and line,
// with the warnings. It is the error of Load when at least one is not a warning.
type Mistakes []uptime.Mistake

// Error lists all of them, one a line: FILE:LINE: message. hint. The warnings
// follow what has to be repaired: a text that is cut short loses them first.
func (m Mistakes) Error() string {
	lines := make([]string, 0, len(m))
	for _, warning := range []bool{false, true} {
		for _, x := range m {
			if x.Warning == warning {
				lines = append(lines, x.String())
			}
		}
	}
	return strings.Join(lines, "\n")
}

// Count tells mistakes and warnings apart.
func (m Mistakes) Count() (mistakes, warnings int) {
	for _, x := range m {
		if x.Warning {
			warnings++
		} else {
			mistakes++
		}
	}
	return mistakes, warnings
}

func (m Mistakes) sort() {
	slices.SortStableFunc(m, func(a, b uptime.Mistake) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}

// failAt notes a mistake, once.
func (l *loader) failAt(b *block, line int, path []string, message, hint string) {
	l.note(uptime.Mistake{File: b.file.path, Line: line, Key: keyPath(b, path), Message: message, Hint: hint})
}

// fail notes a mistake at the line of a key; its path begins with the block's name.
func (l *loader) fail(b *block, path []string, message, hint string) {
	l.failAt(b, b.line(path...), path, message, hint)
}

func (l *loader) warn(b *block, path []string, message, hint string) {
	l.note(uptime.Mistake{File: b.file.path, Line: b.line(path...), Key: keyPath(b, path), Message: message, Hint: hint, Warning: true})
}

// A person repairs what is listed and loads again: beyond these, more would only
// cost time. They are counted apart, so that no warning hides a mistake.
const (
	maxMistakes = 10_000
	maxWarnings = 1_000
)

func (l *loader) note(m uptime.Mistake) {
	n, max, what := &l.wrong, maxMistakes, "mistakes"
	if m.Warning {
		n, max, what = &l.warned, maxWarnings, "warnings"
	}
	if *n >= max {
		return
	}
	if _, ok := l.noted[m]; ok {
		return
	}
	if *n++; *n == max {
		m = uptime.Mistake{Message: fmt.Sprintf("only the first %d %s are listed", max-1, what), Warning: m.Warning}
	}
	l.noted[m] = struct{}{}
	l.mistakes = append(l.mistakes, m)
}

// full reports whether reading on would tell a person nothing.
func (l *loader) full() bool { return l.wrong >= maxMistakes }

// keyPath is a path as Mistake.Key has it: without the block's own name.
func keyPath(b *block, path []string) string {
	if b.name != "" && len(path) > 0 {
		path = path[1:]
	}
	return strings.Join(path, ".")
}
