// Package figure prints what the measuring commands found, each in a line:
//
//	figure NAME VALUE UNIT goal<=GOAL ok
package figure

import (
	"fmt"
	"io"
	"strconv"
)

// Most prints a value that should be at most the goal; note says of what it is, ""
// for nothing. A value that is no number misses.
func Most(w io.Writer, name string, value float64, unit string, goal float64, note string) {
	line(w, name, value, unit, "<=", goal, value <= goal, note)
}

// Least prints a value that should be at least the goal.
func Least(w io.Writer, name string, value float64, unit string, goal float64, note string) {
	line(w, name, value, unit, ">=", goal, value >= goal, note)
}

func line(w io.Writer, name string, value float64, unit, sign string, goal float64, met bool, note string) {
	verdict := "ok"
	if !met {
		verdict = "MISS"
	}
	if note != "" {
		note = " (" + note + ")"
	}
	fmt.Fprintf(w, "figure %s %s %s goal%s%s %s%s\n", name, Number(value), unit, sign, Number(goal), verdict, note)
}

// Number writes a value with three digits that matter.
func Number(v float64) string {
	digits := 2
	switch {
	case v == float64(int64(v)) || v >= 100:
		digits = 0
	case v >= 10:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}
