package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"lookout/engine/uptime"
)

// notes are the comments of a block, by the path of the key or header that they
// stand above or behind.
type notes map[string]note

type note struct{ above, behind string }

// notesOf finds the comments of a block of one piece.
func notesOf(text string) notes {
	out := notes{}
	pos := 0
	for _, k := range lineKeys(text) {
		var n note
		start := strings.LastIndexByte(text[:k.from], '\n') + 1
		if above := text[min(pos, start):start]; strings.Contains(above, "#") {
			n.above = above
		}
		pos = lineEnd(text, k.to)
		if behind := strings.TrimSpace(text[k.to:pos]); !k.header && strings.HasPrefix(behind, "#") {
			n.behind = behind
		} else if _, comment, ok := strings.Cut(behind, "#"); ok && k.header {
			n.behind = "#" + comment
		}
		out[strings.Join(k.path, pathSep)] = n
	}
	return out
}

// extent is how far a block of one piece goes: to the end of the line of its
// last key. What follows may belong to the next block.
func extent(text string) int {
	end := 0
	for _, k := range lineKeys(text) {
		end = lineEnd(text, k.to)
	}
	return end
}

// lineKeys lists the headers, and the keys that have a line of their own.
func lineKeys(text string) []located {
	return slices.DeleteFunc(keysOf(text, 1), func(k located) bool { return k.depth > 0 })
}

// lineEnd is the offset after the line at pos.
func lineEnd(text string, pos int) int {
	if i := strings.IndexByte(text[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(text)
}

// monitorText writes a [[monitor]] block with its keys: name and url first, the
// expectations in a table of their own last. It takes what encoding/json
// decodes, whatever it is: every text ends up between quotes.
func monitorText(fields map[string]any, kept notes) (string, error) {
	var b strings.Builder
	line := func(text string, path ...string) {
		n := kept[strings.Join(path, pathSep)]
		b.WriteString(n.above + text)
		if n.behind != "" {
			b.WriteString("  " + n.behind)
		}
		b.WriteByte('\n')
	}
	table := func(m map[string]any, path ...string) error {
		for _, key := range first(sorted(m), "name", "url") {
			if sub, ok := m[key].(map[string]any); ok && len(path) == 1 && key == "expect" && sub != nil {
				continue
			}
			v, err := tomlValue(m[key], len(path))
			if err != nil {
				return uptime.Invalid("%s: %w", shown(strings.Join(under(path[1:], key), ".")), err)
			}
			line(tomlKey(key)+" = "+v, under(path, key)...)
		}
		return nil
	}
	line("[[monitor]]", "monitor")
	if err := table(fields, "monitor"); err != nil {
		return "", err
	}
	if expect, ok := fields["expect"].(map[string]any); ok && expect != nil {
		line("[monitor.expect]", "monitor", "expect")
		if err := table(expect, "monitor", "expect"); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// first moves some words of a list to its front.
func first(words []string, front ...string) []string {
	slices.SortStableFunc(words, func(a, b string) int {
		rank := func(s string) int { return (slices.Index(front, s) + len(front) + 1) % (len(front) + 1) }
		return rank(a) - rank(b)
	})
	return words
}

// tomlKey writes a key, in quotes where it needs them.
func tomlKey(key string) string {
	for i := range len(key) {
		if !bare(key[i]) {
			return tomlText(key)
		}
	}
	if key == "" {
		return `""`
	}
	return key
}

// tomlValue writes a value as TOML, on one line; depth is how many tables and
// lists are around it.
func tomlValue(v any, depth int) (string, error) {
	if depth > maxDepth {
		return "", fmt.Errorf("is nested deeper than %d", maxDepth)
	}
	var parts []string
	switch v := v.(type) {
	case string:
		return tomlText(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return tomlFloat(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return strconv.FormatInt(n, 10), nil
		}
		f, err := v.Float64()
		if err != nil {
			return "", errors.New("is no number that can be written")
		}
		return tomlFloat(f)
	case []string:
		for _, s := range v {
			parts = append(parts, tomlText(s))
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case []any:
		for _, x := range v {
			s, err := tomlValue(x, depth+1)
			if err != nil {
				return "", err
			}
			parts = append(parts, s)
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case map[string]any:
		for _, key := range sorted(v) {
			s, err := tomlValue(v[key], depth+1)
			if err != nil {
				return "", err
			}
			parts = append(parts, tomlKey(key)+" = "+s)
		}
		return "{ " + strings.Join(parts, ", ") + " }", nil
	case nil:
		return "", errors.New("null is no value; leave the key out")
	}
	return "", fmt.Errorf("a %T cannot be written", v)
}

// tomlFloat writes a number with a point: 2 would be a whole one.
func tomlFloat(f float64) (string, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", errors.New("is no number that can be written")
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s, nil
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
