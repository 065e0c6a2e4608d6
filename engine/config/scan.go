package config

import (
	"fmt"
	"strings"
)

// maxDepth bounds how deep values nest and how many parts a dotted key has.
// The parser's time and memory grow with the square of both: 39 KB of nested
// inline tables cost it 10 s and 7.5 GB.
const maxDepth = 16

// scanner walks TOML text without building anything: it knows strings,
// comments, brackets and keys, so that a file can be cut before it is parsed
// and the line of a key be found after. It accepts what the parser will refuse
// and stops for nothing: text that it cannot follow is skipped to the end of its
// line, or to the next line that can only be a header.
type scanner struct {
	text string
	pos  int
	line int // of pos, from 1

	header func(h header)                 // nil: not wanted
	key    func(k keySpan)                // nil: not wanted
	fault  func(line int, message string) // nil: not wanted
	depth  int
	lost   bool // nothing sensible until the next header
	knotty bool // a dotted key, an inline table or a header of three parts was there; see together
}

// header is one [path] or [[path]] line.
type header struct {
	pos, line int    // of the start of its line
	name      string // as written between the brackets
	array     bool
}

// keySpan is one key = value; offsets are of the scanned text.
type keySpan struct {
	line     int
	name     string // as written, with its dots
	depth    int    // 0, or the number of inline tables and arrays around it
	from, to int    // of the value
}

func (s *scanner) failed(line int, format string, args ...any) {
	if s.fault != nil {
		s.fault(line, fmt.Sprintf(format, args...))
	}
}

// run walks the whole text.
func (s *scanner) run() {
	for s.pos < len(s.text) {
		start := s.pos
		s.blanks()
		if s.pos >= len(s.text) {
			return
		}
		switch c := s.text[s.pos]; {
		case c == '\n':
			s.newline()
		case c == '#':
			s.toEOL()
		case s.lost && !s.headerLike():
			s.toEOL()
		case c == '[':
			s.readHeader(start)
		default:
			s.pair()
			if !s.lost {
				s.toEOL()
			}
		}
	}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) newline() { s.pos++; s.line++ }

func (s *scanner) blanks() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t' || s.text[s.pos] == '\r') {
		s.pos++
	}
}

// toEOL stops at the newline.
func (s *scanner) toEOL() {
	if i := strings.IndexByte(s.text[s.pos:], '\n'); i >= 0 {
		s.pos += i
	} else {
		s.pos = len(s.text)
	}
}

func (s *scanner) readHeader(lineStart int) {
	h := header{pos: lineStart, line: s.line}
	s.pos++
	if s.peek() == '[' {
		h.array = true
		s.pos++
	}
	from := s.pos
	parts := s.dotted()
	h.name = strings.TrimSpace(s.text[from:s.pos])
	closing := "]"
	if h.array {
		closing = "]]"
	}
	s.lost = false
	if s.header != nil {
		s.header(h)
	}
	s.knotty = s.knotty || parts > 2
	switch {
	case parts > maxDepth:
		s.failed(h.line, "a header of more than %d parts", maxDepth)
	case parts == 0 || !strings.HasPrefix(s.text[s.pos:], closing):
		s.failed(h.line, "a header is written [name] or [[name]] on a line of its own")
	default:
		s.pos += len(closing)
		if s.blanks(); s.pos < len(s.text) && s.peek() != '\n' && s.peek() != '#' {
			s.failed(h.line, "something follows the header [%s] on its line", shown(h.name))
		}
	}
	s.toEOL()
}

// dotted reads a key of one or more parts and the blanks after it; it returns
// how many parts there were, 0 where there is no key.
func (s *scanner) dotted() int {
	parts := 0
	for {
		s.blanks()
		from := s.pos
		switch c := s.peek(); c {
		case '"', '\'':
			s.quoted()
		default:
			for s.pos < len(s.text) && bare(s.text[s.pos]) {
				s.pos++
			}
		}
		if s.pos == from {
			return 0
		}
		parts++
		if s.blanks(); s.peek() != '.' {
			return parts
		}
		s.pos++
	}
}

func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// pair reads key = value.
func (s *scanner) pair() {
	k := keySpan{line: s.line, depth: s.depth}
	from := s.pos
	parts := s.dotted()
	k.name = strings.TrimSpace(s.text[from:s.pos])
	s.knotty = s.knotty || parts > 1
	if parts > maxDepth {
		s.failed(k.line, "a key of more than %d parts", maxDepth)
	}
	if parts == 0 || s.peek() != '=' {
		return
	}
	s.pos++
	s.blanks()
	k.from = s.pos
	s.value()
	k.to = s.pos
	if s.key != nil {
		s.key(k)
	}
}

func (s *scanner) value() {
	switch s.peek() {
	case '"', '\'':
		s.quoted()
	case '[':
		s.nested(']')
	case '{':
		s.nested('}')
	default:
		for s.pos < len(s.text) {
			switch c := s.text[s.pos]; {
			case c == '\n' || c == '#', s.depth > 0 && (c == ',' || c == ']' || c == '}'):
				return
			}
			s.pos++
		}
	}
}

// nested reads an array or an inline table up to its closing bracket.
func (s *scanner) nested(closing byte) {
	start := s.line
	opening := s.text[s.pos]
	s.knotty = s.knotty || opening == '{'
	s.pos++
	if s.depth++; s.depth > maxDepth {
		s.failed(start, "nested deeper than %d", maxDepth)
		s.depth, s.lost = 0, true
		return
	}
	for !s.lost {
		switch c := s.peek(); {
		case s.pos >= len(s.text):
			s.failed(start, "the %c that is opened here is never closed", opening)
			s.depth, s.lost = 0, true
			return
		case c == '\n':
			s.newline()
			if s.headerLike() {
				s.failed(start, "the %c that is opened here is never closed", opening)
				s.depth, s.lost = 0, true
				return
			}
		case c == '#':
			s.toEOL()
		case c == ' ' || c == '\t' || c == '\r' || c == ',':
			s.pos++
		case c == closing:
			s.pos++
			s.depth--
			return
		default:
			before := s.pos
			if closing == '}' && c != '{' && c != '[' {
				s.pair()
			} else {
				s.value()
			}
			if s.pos == before && !s.lost {
				s.pos++
			}
		}
	}
}

// headerLike reports whether the line at pos can only be a header: [word] or
// [[word]], alone on its line. Inside an array no value is a bare word.
func (s *scanner) headerLike() bool {
	rest := s.text[s.pos:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	rest = strings.TrimLeft(rest, " \t")
	inner, ok := strings.CutPrefix(rest, "[")
	if !ok {
		return false
	}
	inner = strings.TrimLeft(inner, "[ \t")
	n := 0
	for n < len(inner) && (bare(inner[n]) || inner[n] == '.') {
		n++
	}
	switch word := inner[:n]; {
	case word == "" || word[0] < 'A' || word == "true" || word == "false" || word == "inf" || word == "nan":
		return false
	}
	tail := strings.TrimSpace(inner[n:])
	tail, ok = strings.CutPrefix(tail, "]")
	tail = strings.TrimSpace(strings.TrimLeft(tail, "]"))
	return ok && (tail == "" || tail[0] == '#')
}

// quoted reads a string of any of the four kinds.
func (s *scanner) quoted() {
	q := s.text[s.pos]
	start := s.line
	if triple := strings.Repeat(string(q), 3); strings.HasPrefix(s.text[s.pos:], triple) {
		s.pos += 3
		for s.pos < len(s.text) {
			switch {
			case s.text[s.pos] == '\n':
				s.newline()
			case q == '"' && s.text[s.pos] == '\\' && s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n':
				s.pos += 2
			case strings.HasPrefix(s.text[s.pos:], triple):
				s.pos += 3
				for range 2 { // """a""""" ends with two quotes of its own
					if s.peek() == q {
						s.pos++
					}
				}
				return
			default:
				s.pos++
			}
		}
		s.failed(start, "the %s that is opened here is never closed", triple)
		s.lost = true
		return
	}
	s.pos++
	for s.pos < len(s.text) && s.text[s.pos] != '\n' {
		switch c := s.text[s.pos]; {
		case c == q:
			s.pos++
			return
		case c == '\\' && q == '"' && s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n':
			s.pos++
		}
		s.pos++
	}
}
