package channel

import (
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	lines := "one\ntwo\nthree\nfour\nfive\nsix\nseven"
	tests := []struct {
		name, text string
		most       int
		size       func(string) int
		want       string
	}{
		{"fits", "one\ntwo", 7, octets, "one\ntwo"},
		{"at a line", lines, 28, runes, "one\ntwo\nthree\n… 4 more lines"},
		{"in octets", lines, 29, octets, "one\ntwo\n… 5 more lines"},
		{"one line less", "aaaaaaaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 45, octets, "aaaaaaaaaaaaaaaaaaaaaaaaa\n… 1 more line"},
		{"no empty ends", "aaaaaaaaaaaaaaaaaaaaaaaaa\n\n\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 50, octets, "aaaaaaaaaaaaaaaaaaaaaaaaa\n… 3 more lines"},
		{"within the first", "abcdefghij", 5, runes, "abcd…"},
		{"of two bytes", "éééééééééé", 7, octets, "éé…"},
		{"of two units", "💥💥💥💥", 6, units, "💥💥…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := cut(tt.text, tt.most, tt.size)
			if got != tt.want || tt.size(got) > tt.most {
				t.Errorf("%q of %d, want %q", got, tt.size(got), tt.want)
			}
		})
	}
	if got := cut(strings.Repeat("💥 line\n", 5000), 4096, units); units(got) > 4096 || units(got) < 4060 {
		t.Errorf("%d units of 4096", units(got))
	}
}
