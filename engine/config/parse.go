package config

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// parse reads a block's TOML. Where it cannot, it says so at the right line and returns nil.
func (l *loader) parse(b *block) map[string]any {
	for _, f := range b.faults {
		l.failAt(b, f.line, nil, f.message, "")
	}
	switch {
	case len(b.faults) > 0:
	case b.size > maxBlock:
		l.failAt(b, b.firstLine(), nil, fmt.Sprintf("%s is larger than 1 MiB", b.title()), "Split it")
	default:
		root, line, message, hint := parse(b.source())
		if message == "" {
			return root
		}
		at := b.fileLine(line)
		if strings.Contains(message, keyMark) {
			key := b.keyAt(at)
			message, hint = strings.ReplaceAll(message, keyMark, key), strings.ReplaceAll(hint, keyMark, key)
		}
		l.failAt(b, at, nil, message, hint)
	}
	l.broken = true
	return nil
}

// maxTogether bounds the text of the blocks that are parsed in one go.
const maxTogether = 16 << 10

// together parses as many of the first blocks of a list as fit: for one small
// monitor the parser costs several times what reading it does. None of them is
// knotty, since the parser takes what such a block defines on its way for
// defined in the next one, too. Where one has a mistake there are no tables, and
// each of the n has to be parsed alone.
func together(blocks []*block) (n int, tables []map[string]any) {
	size := 0
	for _, b := range blocks {
		if size += b.size; b.knotty || b.inline != nil || len(b.faults) > 0 || size > maxTogether {
			break
		}
		n++
	}
	if n < 2 {
		return 1, nil
	}
	var sb strings.Builder
	sb.Grow(size + n)
	for _, b := range blocks[:n] {
		b.writeTo(&sb)
	}
	root, _, _, _ := parse(sb.String())
	if list, _ := root["monitor"].([]map[string]any); len(list) == n {
		return n, list
	}
	return n, nil
}

// title names a block for people.
func (b *block) title() string {
	switch {
	case b.name == "":
		return "what stands before the first header"
	case b.array:
		return "[[" + shown(b.name) + "]]"
	}
	return "[" + shown(b.name) + "]"
}

// heading is the first line of a block that has a header.
func (b *block) heading() string {
	line, _, _ := strings.Cut(b.pieces[0].text, "\n")
	return shown(line)
}

// keyAt is the last key that begins at or above a line of the file.
func (b *block) keyAt(line int) string {
	key := "this key"
	for _, p := range b.pieces {
		if p.line > line {
			break
		}
		for _, k := range keysOf(p.text, p.line) {
			if k.line <= line && !k.header {
				key = shown(k.name)
			}
		}
	}
	return key
}

// keyMark stands for the key of a line in the sentences of syntax.
const keyMark = "\x00"

func parse(src string) (root map[string]any, line int, message, hint string) {
	// The parser panics on what it takes for its own bugs.
	defer func() {
		if r := recover(); r != nil {
			root, line, message, hint = nil, 1, "this is not valid TOML", ""
		}
	}()
	var v any // and not root, which the parser would fill key by key
	if _, err := toml.Decode(src, &v); err != nil {
		e, ok := err.(toml.ParseError)
		if !ok {
			return nil, 1, "this is not valid TOML", ""
		}
		message, hint = syntax(e.Message)
		return nil, e.Position.Line, message, hint
	}
	root, _ = v.(map[string]any)
	return root, 0, "", ""
}

// syntax turns the parser's complaint into a sentence of ours. The parser
// quotes values, and a value may be a secret: nothing of what it quotes is kept
// but the names of keys.
func syntax(complaint string) (message, hint string) {
	for _, s := range []struct{ begins, contains, message, hint string }{
		{"expected value but found", `'\n'`, keyMark + " has no value", ""},
		{"expected value but found", "", "the value of " + keyMark + " is not valid", `Text needs quotes: ` + keyMark + ` = "…"`},
		{"unexpected EOF; expected value", "", keyMark + " has no value", ""},
		{"strings cannot contain newlines", "", "the string of " + keyMark + " has no closing quote", `Text of several lines needs """`},
		{"unexpected EOF; expected '\"'", "", "the string of " + keyMark + " has no closing quote", ""},
		{"unexpected EOF; expected \"'\"", "", "the string of " + keyMark + " has no closing quote", ""},
		{"invalid escape", "", "the string of " + keyMark + ` has a \ that means nothing`, `Write \\ for one, or put the text in '…'`},
		{"expected two hex", "", "the string of " + keyMark + ` has an \x without two hexadecimal digits`, ""},
		{"expected four hex", "", "the string of " + keyMark + ` has a \u without four hexadecimal digits`, ""},
		{"expected eight hex", "", "the string of " + keyMark + ` has a \U without eight hexadecimal digits`, ""},
		{"Escaped character", "", "the string of " + keyMark + " has an escape for no character", ""},
		{"expected a comma (',') or array", "", "the array of " + keyMark + " lacks a comma or its ]", ""},
		{"expected a comma or an inline", "", "the inline table of " + keyMark + " lacks a comma or its }", ""},
		{"unexpected comma", "", "there is a comma too many at " + keyMark, ""},
		{"expected a top-level item", "", "something follows the value of " + keyMark + " on its line", "A line holds one key = value"},
		{"expected '.' or '='", "", "this line is no key = value", "A key is one word of letters, digits, _ and -; any other needs quotes"},
		{"unexpected '='", "", "the = has no key before it", ""},
		{"unexpected '.'", "", "a key cannot begin with a dot", ""},
		{"unexpected EOF; expected key separator", "", "the last line has no =", ""},
		{"Invalid integer", "", "the number of " + keyMark + " is not valid", "No leading zeros; text needs quotes"},
		{"Invalid float", "", "the number of " + keyMark + " is not valid", ""},
		{"invalid float", "", "the number of " + keyMark + " is not valid", ""},
		{"floats must", "", "the number of " + keyMark + " is not valid", "It begins with a digit"},
		{"cannot use sign", "", "the number of " + keyMark + " is not valid", ""},
		{"not a ", "", "the number of " + keyMark + " is not valid", ""},
		{"expected a digit", "", "the number of " + keyMark + " is not valid", "Text needs quotes"},
		{"invalid datetime", "", "the time of " + keyMark + " is not valid", "Text needs quotes"},
		{"", "out of range", "the number of " + keyMark + " is too large", ""},
		{"TOML files cannot contain control", "", "there is a control character at " + keyMark, ""},
		{"files cannot contain NULL", "", "the file is no UTF-8 text", "Save it as UTF-8"},
		{"invalid UTF-8", "", "there is a byte that is no UTF-8 at " + keyMark, "Save the file as UTF-8"},
	} {
		if strings.HasPrefix(complaint, s.begins) && strings.Contains(complaint, s.contains) {
			return s.message, s.hint
		}
	}
	if key, ok := strings.CutPrefix(complaint, "Key '"); ok {
		if i := strings.LastIndexByte(key, '\''); i >= 0 {
			return shown(strings.TrimPrefix(key[:i], "monitor.")) + " is set twice", ""
		}
	}
	return "this is not valid TOML", ""
}
