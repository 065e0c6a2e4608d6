package channel

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"lookout/engine/uptime"
)

// whole is a letter for those who have no place for a subject of its own.
func whole(l *uptime.Letter) string {
	if l.Custom && l.Text != "" {
		return l.Text
	}
	return strings.TrimSpace(l.Subject + "\n\n" + l.Text)
}

// body is the text of a letter; never empty, which many refuse.
func body(l *uptime.Letter) string { return cmp.Or(l.Text, l.Subject, "…") }

// title is the subject of a letter; never empty.
func title(l *uptime.Letter) string { return cmp.Or(l.Subject, "lookout") }

// The units in which services count.

func octets(s string) int { return len(s) }

func runes(s string) int { return utf8.RuneCountInString(s) }

// units are UTF-16's, in which Telegram, Slack and JavaScript count.
func units(s string) (n int) {
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

// cut shortens a text of lines to a size: at the end of a line, with a note of
// how many more there were; and within the first line where that is too long.
func cut(s string, most int, size func(string) int) string {
	if size(s) <= most {
		return s
	}
	lines := strings.Split(s, "\n")
	note := func(n int) string {
		if n == 1 {
			return "\n… 1 more line"
		}
		return fmt.Sprintf("\n… %d more lines", n)
	}
	n, used := 0, 0 // lines that fit, and their size with the ends of all but the last
	for n < len(lines) {
		with := used + size(lines[n])
		if with+size(note(len(lines)-n-1)) > most {
			break
		}
		n, used = n+1, with+1
	}
	for n > 0 && lines[n-1] == "" { // an end that goes is room for a digit of the note
		n--
	}
	if n == 0 {
		return clip(lines[0], most, size)
	}
	return strings.Join(lines[:n], "\n") + note(len(lines)-n)
}

// clip shortens a line to a size.
func clip(s string, most int, size func(string) int) string {
	if size(s) <= most {
		return s
	}
	end, used := 0, size("…")
	for i, r := range s {
		if used += size(string(r)); used > most {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return strings.TrimRight(s[:end], " ") + "…"
}
