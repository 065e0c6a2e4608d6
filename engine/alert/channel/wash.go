package channel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"lookout/engine/uptime"
)

// What a letter holds at most, in bytes.
const (
	maxID      = 200
	maxSubject = 480 // 120 characters
	maxText    = 16 << 10
	maxJSON    = 256 << 10
)

// washed is a letter whose texts no channel has to doubt, whoever wrote it: ids
// are printable ASCII without spaces and without what has a meaning in headers,
// the subject is one line, the text is lines, the JSON is one line of JSON.
func washed(l *uptime.Letter) *uptime.Letter {
	w := *l
	w.ID, w.Thread = token(l.ID), token(l.Thread)
	w.Kind = uptime.AlertKind(token(string(l.Kind)))
	w.Subject = uptime.Clean(l.Subject, maxSubject)
	w.Text = paragraphs(l.Text)
	w.JSON = oneLine(l.JSON)
	if w.JSON == nil {
		w.JSON, _ = json.Marshal(map[string]any{ // strings and a number have no error
			"version": 1, "kind": "alert", "alert": w.Kind, "id": w.ID, "subject": w.Subject, "text": w.Text,
		})
		w.JSON = oneLine(w.JSON)
	}
	return &w
}

// token keeps what may stand in a header, a variable and a URL as it is.
func token(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>()[]{}\,;:"'%`, r) {
			return -1
		}
		return r
	}, s[:min(len(s), 4*maxID)])
	return s[:min(len(s), maxID)]
}

// paragraphs cleans a text of several lines; spaces that line up its columns stay.
func paragraphs(s string) string {
	s = s[:min(len(s), 4*maxText)]
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		words := strings.Split(line, " ")
		for j := range words {
			words[j] = uptime.Clean(words[j], maxText)
		}
		lines[i] = strings.TrimRight(strings.Join(words, " "), " ")
	}
	s = strings.Trim(strings.Join(lines, "\n"), "\n")
	if len(s) <= maxText {
		return s
	}
	end := maxText - len("\n…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "\n…"
}

// oneLine is JSON in one line, with every character escaped that a terminal
// might obey: the file may be read with tail. It is nil where there is no JSON.
func oneLine(b []byte) []byte {
	if len(b) == 0 || len(b) > maxJSON {
		return nil
	}
	var c bytes.Buffer
	if json.Compact(&c, b) != nil {
		return nil
	}
	out := make([]byte, 0, c.Len())
	for _, r := range c.String() { // outside of strings there is only ASCII
		switch {
		case r < ' ':
			return nil // Compact lets none through
		case r == utf8.RuneError || r == 0x7f || r > '~' && (!unicode.IsPrint(r) || unicode.Is(unicode.Cf, r)):
			if r > 0xffff {
				hi, lo := utf16.EncodeRune(r)
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
				continue
			}
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
