package uptime

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct {
		name, in, want string
		max            int
	}{
		{"plain", "TCP connect refused", "TCP connect refused", 80},
		{"umlauts and signs stay", "Größe 5 µs – ok 日本", "Größe 5 µs – ok 日本", 80},
		{"escape sequences", "\x1b[31mred\x1b[0m", "[31mred[0m", 80},
		{"a title, with BEL", "\x1b]0;pwned\x07x", "]0;pwnedx", 80},
		{"CR repaints nothing", "row1 UP\rDOWN", "row1 UP DOWN", 80},
		{"one line", "a\n\tb\u2028c\vd", "a b c d", 80},
		{"C1", "a\u009b31mb", "a31mb", 80},
		{"raw C1 and other bad bytes", "a\x9b\xffb", "a\uFFFD\uFFFDb", 80},
		{"bidi and zero width", "a\u202eb\u200bc\u2066d\ufeff", "abcd", 80},
		{"DEL", "a\x7fb", "ab", 80},
		{"two marks on a letter, no more", "e\u0301\u0302\u0303\u0304x", "e\u0301\u0302x", 80},
		{"no mark to begin with", "\u0301a", "a", 80},
		{"spaces fold", "  a   b  ", "a b", 80},
		{"cut", "abcdefghij", "abcde…", 8},
		{"cut between letters, not within one", "ääääää", "ä…", 6},
		{"no room", "abc", "", 2},
		{"exact", "abc", "abc", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Clean(tc.in, tc.max); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 10)
	f.Add("\x1b[2J\x9b\u202e\rx", 5)
	f.Add(strings.Repeat("e\u0301", 40), 33)
	f.Fuzz(func(t *testing.T, s string, max int) {
		max = ((max % 300) + 300) % 300
		got := Clean(s, max)
		if len(got) > max || !utf8.ValidString(got) {
			t.Fatalf("%q: %d bytes of %d, valid %v", got, len(got), max, utf8.ValidString(got))
		}
		marks := 0
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
				t.Fatalf("%q holds %U", got, r)
			}
			if unicode.Is(unicode.Mn, r) {
				if marks++; marks > 2 {
					t.Fatalf("%q: a tower of marks", got)
				}
			} else {
				marks = 0
			}
		}
		if again := Clean(got, max); again != got {
			t.Fatalf("not at rest: %q, then %q", got, again)
		}
	})
}
