package uptime

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from outside harmless for a terminal, a log, a mail and a
// file: valid UTF-8 in one line, without control and format characters (C0,
// C1, DEL, bidi, zero width), at most two combining marks on a letter, at most
// max bytes, with … where it was cut. White space of any kind becomes one space.
func Clean(s string, max int) string {
	if clean(s) && len(s) <= max {
		return s
	}
	var b strings.Builder
	marks, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			space = b.Len() > 0
			continue
		case r == utf8.RuneError:
			r = '\uFFFD'
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			if marks++; marks > 2 || b.Len() == 0 {
				continue
			}
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || !unicode.IsPrint(r):
			continue
		}
		if !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Me, r) {
			marks = 0
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
		if b.Len() > max {
			return cut(b.String(), max)
		}
	}
	return b.String()
}

// clean reports whether s is printable ASCII without white space that Clean would fold.
func clean(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

func cut(s string, max int) string {
	const mark = "…"
	if max < len(mark) {
		return ""
	}
	end := max - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}
