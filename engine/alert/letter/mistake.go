package letter

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// Mistake is what is wrong with a template.
type Mistake struct {
	says  string
	Word  string   // that there is not; "": it is another mistake
	Known []string // the words that there are in its place
}

// Error names the key and says what is wrong, without Go's words around it.
func (m *Mistake) Error() string { return m.says }

var (
	noField    = regexp.MustCompile(`can't evaluate field (\w+) in type (\S+)`)
	noFunction = regexp.MustCompile(`function "(\w+)" not defined`)
)

// mistake makes one of what text/template says.
func mistake(err error, key string) *Mistake {
	s := strings.TrimPrefix(err.Error(), "template: ")
	s = strings.TrimPrefix(s, key+":")
	if at, rest, ok := strings.Cut(s, ": executing "); ok {
		if _, why, ok := strings.Cut(rest, ": "); ok {
			s = at + ": " + why
		}
	}
	s = strings.ReplaceAll(s, "unexpected EOF", "it ends too early: an {{end}} is missing")
	m := &Mistake{}
	if found := noField.FindStringSubmatch(s); found != nil {
		m.Word = found[1]
		s = strings.Replace(s, found[0], m.field(found[1], found[2]), 1)
	} else if found := noFunction.FindStringSubmatch(s); found != nil {
		m.Word = found[1]
		m.Known = slices.DeleteFunc(slices.Sorted(maps.Keys(functions())), func(f string) bool { return f == step })
		m.Known = append(m.Known, "and", "call", "eq", "ge", "gt", "index", "le", "len", "lt", "ne", "not", "or", "slice") // Go's own
	}
	m.says = uptime.Clean(key+": line "+s, 300)
	return m
}

// field says that something has no such field, and looks up which it has.
func (m *Mistake) field(name, of string) string {
	for _, x := range []struct {
		word string
		v    any
	}{{"an alert", &Alert{}}, {"an incident", uptime.Incident{}}, {"a row of evidence", uptime.Evidence{}}} {
		t := reflect.TypeOf(x.v)
		switch of {
		case t.String():
			if t.Kind() == reflect.Pointer {
				t = t.Elem()
			}
			for _, f := range reflect.VisibleFields(t) {
				if f.IsExported() {
					m.Known = append(m.Known, f.Name)
				}
			}
			return fmt.Sprintf("%s has no %s", x.word, name)
		case "[]" + t.String():
			return fmt.Sprintf("a list has no %s; {{range}} goes through it", name)
		}
	}
	return fmt.Sprintf("there is no %s in what is a %s", name, of)
}
