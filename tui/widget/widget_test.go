package widget

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares a picture with its file, and holds it to its size and its glyphs.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", file, got)
	}
}

// sound checks what every picture promises: glyphs of one cell, and in ASCII nothing else.
func sound(t *testing.T, l Line, ascii bool) {
	t.Helper()
	for x, c := range l {
		switch {
		case c.Rune == 0:
		case ascii && (c.Rune < ' ' || c.Rune > '~'):
			t.Errorf("column %d: %q in ASCII", x, c.Rune)
		case displaywidth.Rune(c.Rune) != 1:
			t.Errorf("column %d: %q is not one cell wide", x, c.Rune)
		}
	}
}

func TestLinePut(t *testing.T) {
	for _, tt := range []struct {
		name string
		x    int
		text string
		want string
	}{
		{"inside", 1, "ab", " ab  "},
		{"over the right edge", 3, "abc", "   ab"},
		{"over the left edge", -1, "abc", "bc   "},
		{"outside", 9, "abc", "     "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := make(Line, 5)
			l.Put(tt.x, tt.text, Plain)
			if got := l.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNewGridKeepsRowsApart(t *testing.T) {
	g := NewGrid(2, 2)
	g[0] = append(g[0], Cell{'x', Plain})
	if g[1][0].Rune != 0 {
		t.Error("a row grew into the next")
	}
	if g := NewGrid(-1, -1); len(g) != 0 {
		t.Errorf("a negative grid has %d rows", len(g))
	}
}

func TestGlyphsOfOneCell(t *testing.T) {
	for _, set := range [][]rune{blocks[:], eighths[:], {Failed(false)}} {
		for _, r := range set {
			if displaywidth.Rune(r) != 1 || !utf8.ValidRune(r) {
				t.Errorf("%q is not one cell wide", r)
			}
		}
	}
	for m := MarkUp; m <= MarkDown; m++ {
		sound(t, Line{MarkOf(m, false)}, false)
		sound(t, Line{MarkOf(m, true)}, true)
	}
}
