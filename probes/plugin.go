package probes

import (
	"strings"

	"lookout/engine/uptime"
)

// maxFigures is how many figures of a command are kept.
const maxFigures = 64

// plugin is the output of a monitoring plugin (the Monitoring Plugins
// Development Guidelines, "Plugin Output" and "Performance data"):
//
//	TEXT | 'label'=value[UOM];[warn];[crit];[min];[max] …
//	more text
//	more text | more figures
//	more figures
type plugin struct {
	text    string // the first line, without figures
	figures []figure
}

// figure is one of the values that a plugin measured. The ranges are kept as
// they are written; "" where there is none.
type figure struct {
	label, value, unit   string // of "U", which means unknown, the value is "U"
	warn, crit, min, max string
}

// readPlugin reads the output of a command; what is no plugin's is just text.
func readPlugin(out []byte) plugin {
	text := strings.TrimSpace(strings.ToValidUTF8(string(out), "\uFFFD"))
	first, rest, _ := strings.Cut(text, "\n")
	first, perf, _ := strings.Cut(first, "|")
	_, more, _ := strings.Cut(rest, "|")
	p := plugin{text: strings.TrimSpace(first)}
	for _, part := range []string{perf, more} {
		for part != "" && len(p.figures) < maxFigures {
			var f figure
			var ok bool
			if f, part, ok = nextFigure(part); ok {
				p.figures = append(p.figures, f)
			}
		}
	}
	return p
}

// nextFigure reads the first figure of a text, and returns what follows it.
func nextFigure(s string) (f figure, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t\r\n")
	if quoted, found := strings.CutPrefix(s, "'"); found {
		f.label, s = quotedLabel(quoted)
		if s, ok = strings.CutPrefix(s, "="); !ok {
			_, rest = word(s)
			return f, rest, false
		}
		s, rest = word(s)
	} else {
		s, rest = word(s)
		if f.label, s, ok = strings.Cut(s, "="); !ok {
			return f, rest, false
		}
	}
	parts := strings.Split(s, ";")
	for i, to := range []*string{&f.warn, &f.crit, &f.min, &f.max} {
		if i+1 < len(parts) {
			*to = parts[i+1]
		}
	}
	end := strings.IndexFunc(parts[0], func(r rune) bool { return !strings.ContainsRune("0123456789.,-+", r) })
	if f.value = parts[0]; end >= 0 {
		f.value, f.unit = parts[0][:end], parts[0][end:]
	}
	if f.value == "" && f.unit == "U" {
		f.value, f.unit = "U", ""
	}
	return f, rest, f.label != "" && f.value != ""
}

// quotedLabel reads up to the quote that ends a label; two are one of its own.
func quotedLabel(s string) (label, rest string) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "'")
		b.WriteString(before)
		if !found || !strings.HasPrefix(after, "'") {
			return b.String(), after
		}
		b.WriteByte('\'')
		s = after[1:]
	}
}

// word cuts a text at its first white space.
func word(s string) (first, rest string) {
	if i := strings.IndexAny(s, " \t\r\n"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// perfdata writes the figures for people: load1 0.42 (warn 5, crit 10), time 3ms.
func (p plugin) perfdata() string {
	var b strings.Builder
	for i, f := range p.figures {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(uptime.Clean(f.label, 60) + " " + f.value + f.unit)
		sep := " ("
		for _, limit := range []struct{ name, value string }{{"warn", f.warn}, {"crit", f.crit}, {"min", f.min}, {"max", f.max}} {
			if limit.value != "" {
				b.WriteString(sep + limit.name + " " + limit.value)
				sep = ", "
			}
		}
		if sep == ", " {
			b.WriteByte(')')
		}
	}
	return b.String()
}
