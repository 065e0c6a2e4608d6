package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CheckExample reports whether a text shows every key that is Known once, and
// no other, beside [defaults]. A line like #key = value or #[header], without a
// blank after the #, is a key that is shown and not set; "# " begins prose.
func CheckExample(text string, opt Options) error {
	return checkExample(text, Known(opt), "defaults")
}

// CheckProbeExample is CheckExample for the file of a probe, which may show any
// keys of [[channel]] or none.
func CheckProbeExample(text string, opt Options) error {
	return checkExample(text, KnownToProbe(opt), "defaults", "channel")
}

// often are the keys without which a block of another type cannot be shown.
var often = []string{"monitor.name", "monitor.url", "channel.name", "channel.type", "channel.url"}

// checkExample looks at all but what stands under the passed words.
func checkExample(text string, known []string, passed ...string) error {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if len(l) > 1 && l[0] == '#' && l[1] != ' ' && l[1] != '#' {
			lines[i] = l[1:]
		}
	}
	var shown []string
	for _, b := range cut(&file{}, strings.Join(lines, "\n")) {
		for _, f := range b.faults {
			return fmt.Errorf("line %d: %s", f.line, f.message)
		}
		for _, p := range b.pieces {
			for _, k := range keysOf(p.text, p.line) {
				if !k.header && k.depth == 0 && !slices.Contains(passed, k.path[0]) {
					shown = append(shown, strings.Join(k.path, "."))
				}
			}
		}
	}
	slices.Sort(shown)
	var wrong []error
	for i, s := range shown {
		if i > 0 && s == shown[i-1] && !slices.Contains(often, s) {
			wrong = append(wrong, fmt.Errorf("%s is shown twice", s))
		}
		if !slices.Contains(known, s) {
			wrong = append(wrong, fmt.Errorf("%s is shown, and no key", s))
		}
	}
	for _, k := range known {
		if _, ok := slices.BinarySearch(shown, k); !ok {
			wrong = append(wrong, fmt.Errorf("%s is not shown", k))
		}
	}
	return errors.Join(wrong...)
}
