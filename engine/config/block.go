package config

import (
	"slices"
	"strings"
)

// maxBlock bounds one top-level block, and with it what the parser can be made to cost.
const maxBlock = 1 << 20

// block is a top-level part of a file: what stands before the first header, a
// [[monitor]] or [[page]] with the tables that belong to it, or all tables of
// another name. Each is parsed alone, so a mistake in one hides none in the next.
type block struct {
	file   *file
	name   string // the first part of its header; "" for what stands before the first
	array  bool   // it begins with [[name]] itself
	nested bool   // its first header has more parts, as [monitor.expect]
	knotty bool   // scanner.knotty
	pieces []piece
	size   int
	faults []fault
	inline map[string]any // a monitor that a list at the top of the file holds; nil: none
	lines  map[string]int // of keys, made when first asked for
}

// piece is a stretch of a file that begins with a header, but for the first of a file.
type piece struct {
	line int // of its first byte, from 1
	pos  int // of its first byte in the file
	text string
}

// place is where a block was, to be found again: a block holds its lines and
// its text, and there may be many.
type place struct {
	file     *file
	line     int32 // 0: it is in no file
	from, to int32 // of its first piece in the file
}

func (b *block) place() place {
	if len(b.pieces) == 0 {
		return place{file: b.file}
	}
	p := b.pieces[0]
	return place{b.file, int32(p.line), int32(p.pos), int32(p.pos + len(p.text))}
}

// block is the block with its first piece, where the keys of a monitor itself are.
func (p place) block() *block {
	b := &block{file: p.file}
	if p.line > 0 {
		b.pieces = []piece{{int(p.line), int(p.from), p.file.text[p.from:p.to]}}
	}
	return b
}

type fault struct {
	line    int
	message string
}

// cut divides a file into its blocks, in their order.
func cut(f *file, text string) []*block {
	c := cutter{file: f, text: text, open: map[string]*block{}}
	c.scan = scanner{text: text, line: 1, header: c.header, fault: c.fault}
	c.scan.run()
	c.end(len(text))
	return c.blocks
}

type cutter struct {
	file   *file
	text   string
	scan   scanner
	blocks []*block
	open   map[string]*block // the block that a table of this name belongs to
	last   *block            // whose piece is not ended
	from   int               // of that piece
	line   int
	faults []fault
}

func (c *cutter) fault(line int, message string) { c.faults = append(c.faults, fault{line, message}) }

// end closes the running piece.
func (c *cutter) end(pos int) {
	b := c.last
	if b == nil {
		if strings.Trim(c.text[:pos], " \t\r\n") == "" && len(c.faults) == 0 {
			return
		}
		b = &block{file: c.file}
		c.blocks = append(c.blocks, b)
		c.line = 1
	}
	b.pieces = append(b.pieces, piece{c.line, c.from, c.text[c.from:pos]})
	b.size += pos - c.from
	b.knotty = b.knotty || c.scan.knotty
	b.faults = append(b.faults, c.faults...)
	c.faults, c.scan.knotty = nil, false
}

func (c *cutter) header(h header) {
	path := splitKey(h.name)
	first, nested := "", len(path) > 1
	if len(path) > 0 {
		first = path[0]
	}
	starts := h.array && !nested
	b := c.open[first]
	if b != nil && b == c.last && !starts {
		return // it goes on
	}
	c.end(h.pos)
	if b == nil || starts {
		b = &block{file: c.file, name: first, array: starts, nested: nested}
		c.open[first] = b
		c.blocks = append(c.blocks, b)
	}
	c.last, c.from, c.line = b, h.pos, h.line
}

// source is the text to parse.
func (b *block) source() string {
	var sb strings.Builder
	sb.Grow(b.size + len(b.pieces))
	b.writeTo(&sb)
	return sb.String()
}

func (b *block) writeTo(sb *strings.Builder) {
	for _, p := range b.pieces {
		sb.WriteString(p.text)
		if !strings.HasSuffix(p.text, "\n") {
			sb.WriteByte('\n')
		}
	}
}

// fileLine turns a line of source into a line of the file.
func (b *block) fileLine(line int) int {
	for i, p := range b.pieces {
		n := strings.Count(p.text, "\n")
		if !strings.HasSuffix(p.text, "\n") {
			n++
		}
		if line <= n || i == len(b.pieces)-1 {
			return p.line + min(max(line, 1), max(n, 1)) - 1
		}
		line -= n
	}
	return 0
}

const pathSep = "\x00"

// line is where the longest known part of a key's path is set; the path begins
// with the block's name, if it has one.
func (b *block) line(path ...string) int {
	if len(b.pieces) == 0 {
		return 0
	}
	if b.lines == nil {
		b.index()
	}
	for n := len(path); n > 0; n-- {
		if line := b.lines[strings.Join(path[:n], pathSep)]; line > 0 {
			return line
		}
	}
	return b.firstLine()
}

// firstLine is that of the header, or of the file where there is none.
func (b *block) firstLine() int {
	if len(b.pieces) == 0 {
		return 0
	}
	return b.pieces[0].line
}

// index notes the first line of every key of the block, and of every table around it.
func (b *block) index() {
	b.lines = map[string]int{}
	note := func(path []string, line int) {
		for n := len(path); n > 0; n-- {
			k := strings.Join(path[:n], pathSep)
			if old := b.lines[k]; old != 0 && old <= line {
				return
			}
			b.lines[k] = line
		}
	}
	for _, p := range b.pieces {
		for _, k := range keysOf(p.text, p.line) {
			note(k.path, k.line)
		}
	}
}

// located is a key with the keys of the header and the inline tables around
// it, or a header itself.
type located struct {
	path   []string
	header bool
	keySpan
}

// keysOf lists the headers and the keys of a text, in their order.
func keysOf(text string, line int) []located {
	var out, section []located // section: of one header; it is reported from its end
	var base []string
	flush := func() {
		slices.Reverse(section)
		var around []located
		for i, k := range section {
			for n := len(around) - 1; n >= 0 && !(around[n].from <= k.from && k.to <= around[n].to); n-- {
				around = around[:n]
			}
			outer := base
			if n := len(around); n > 0 {
				outer = around[n-1].path
			}
			section[i].path = under(outer, splitKey(k.name)...)
			around = append(around, section[i])
		}
		slices.Reverse(section)
		// A key comes after those in its value, and before them in the file.
		slices.SortStableFunc(section, func(a, b located) int { return a.from - b.from })
		out = append(out, section...)
		section = section[:0]
	}
	s := scanner{text: text, line: line,
		key: func(k keySpan) { section = append(section, located{keySpan: k}) },
		header: func(h header) {
			flush()
			base = splitKey(h.name)
			if len(base) > 0 {
				out = append(out, located{base, true, keySpan{line: h.line, name: h.name, from: h.pos, to: h.pos}})
			}
		}}
	s.run()
	flush()
	return out
}

// splitKey takes a dotted key apart, as far as keys may go; quotes are removed,
// escapes in them are not read.
func splitKey(s string) []string {
	var out []string
	sc := scanner{text: s}
	for sc.pos < len(s) && len(out) <= maxDepth {
		sc.blanks()
		from := sc.pos
		if c := sc.peek(); c == '"' || c == '\'' {
			sc.quoted()
		} else {
			for sc.pos < len(s) && s[sc.pos] != '.' {
				sc.pos++
			}
		}
		out = append(out, unquote(strings.TrimSpace(s[from:sc.pos])))
		sc.blanks()
		if sc.peek() != '.' {
			break
		}
		sc.pos++
	}
	return out
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
