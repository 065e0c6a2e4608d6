package figure

import (
	"math"
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	var b strings.Builder
	Most(&b, "lost", 0, "results", 0, "of 7")
	Most(&b, "bytes", 16.04, "B", 16, "")
	Most(&b, "rate", math.NaN(), "%", 5, "")
	Least(&b, "rows", 3, "rows", 4, "")
	if want := "figure lost 0 results goal<=0 ok (of 7)\nfigure bytes 16.0 B goal<=16 MISS\nfigure rate NaN % goal<=5 MISS\nfigure rows 3 rows goal>=4 MISS\n"; b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 4.256: "4.26", 12.34: "12.3", 123.4: "123", 60: "60"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %s, want %s", v, got, want)
		}
	}
}
