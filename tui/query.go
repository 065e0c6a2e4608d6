package tui

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// query is a filter as typed and as understood: words that must all match.
//
//	word   name contains it                     state:down,warn  any of a list
//	!word  … or does not                        loc:fra!=ok      one place's last answer
//	lat>800ms lat<… age>5m up24<99.9 cert<14    ack:no  is:problem
type query struct {
	text  string
	terms []term
}

// term is one word of a query.
type term struct {
	field  string // "": the name contains it
	not    bool
	op     byte     // ':' '<' '>'
	values []string // of ':', in lower case
	bound  float64  // of '<' and '>': ms, s, percent, days
	place  string   // of loc
	unlike bool     // of loc: != rather than =
}

// queryFields are the fields of a filter, as the help line shows them.
var queryFields = []string{"state:", "group:", "name:", "url:", "tag:", "loc:", "lat>", "lat<", "age>", "age<", "up24<", "up24>", "cert<", "cert>", "ack:", "is:"}

// parseQuery reads a filter. It always returns what it understood, and an
// error for people about the first word that it did not.
func parseQuery(text string) (*query, error) {
	q := &query{text: text}
	var first error
	for word := range strings.FieldsSeq(text) {
		t, err := parseTerm(word)
		if err != nil {
			first = cmp.Or(first, err)
			continue
		}
		q.terms = append(q.terms, t)
	}
	return q, first
}

func parseTerm(word string) (term, error) {
	t := term{}
	if rest, ok := strings.CutPrefix(word, "!"); ok {
		t.not, word = true, rest
	}
	if word == "" {
		return t, fmt.Errorf("! needs a word after it")
	}
	at := strings.IndexAny(word, ":<>")
	if at <= 0 || !known(word[:at+1]) {
		if at > 0 && isField(word[:at]) {
			return t, fmt.Errorf("%s takes %s", word[:at], operators(word[:at]))
		}
		t.values = lowerList(word)
		return t, nil
	}
	t.field, t.op = word[:at], word[at]
	value := word[at+1:]
	if value == "" {
		return t, fmt.Errorf("%s needs a value", word)
	}
	var err error
	switch {
	case t.op != ':':
		t.bound, err = bound(t.field, value)
	case t.field == "loc":
		t.place, t.unlike, t.values, err = parsePlace(value)
	default:
		t.values = lowerList(value)
		err = checkValues(t.field, t.values)
	}
	return t, err
}

func known(prefix string) bool {
	for _, f := range queryFields {
		if f == prefix {
			return true
		}
	}
	return false
}

func isField(name string) bool { return operators(name) != "" }

func operators(name string) string {
	var ops []string
	for _, f := range queryFields {
		if f[:len(f)-1] == name {
			ops = append(ops, f[len(f)-1:])
		}
	}
	return strings.Join(ops, " or ")
}

// lowerList cuts a list at its commas; empty entries are left out.
func lowerList(s string) []string {
	var out []string
	for v := range strings.SplitSeq(strings.ToLower(s), ",") {
		if v != "" {
			out = append(out, v)
		}
	}
	return out
}

// choices are the values of fields that take only some.
var choices = map[string][]string{
	"state": {"up", "chk", "suspect", "warn", "degraded", "down", "unknown", "unkn", "new", "pending", "mnt", "maintenance", "off", "paused"},
	"ack":   {"yes", "no"},
	"is":    {"problem", "down", "up", "acked", "unacked", "behind", "late"},
}

func checkValues(field string, values []string) error {
	if len(values) == 0 {
		return fmt.Errorf("%s: needs a value", field)
	}
	ok, limited := choices[field]
	if !limited {
		return nil
	}
next:
	for _, v := range values {
		for _, c := range ok {
			if v == c || field == "state" && v == "chk?" {
				continue next
			}
		}
		return fmt.Errorf("%s:%s is none of %s", field, uptime.Clean(v, 20), strings.Join(ok, " "))
	}
	return nil
}

func parsePlace(s string) (place string, unlike bool, values []string, err error) {
	place, rest, found := strings.Cut(s, "=")
	if !found {
		return strings.ToLower(place), true, []string{"ok"}, nil
	}
	place, unlike = strings.CutSuffix(place, "!")
	values = lowerList(rest)
	if place == "" || len(values) == 0 {
		return "", false, nil, fmt.Errorf("write loc:fra!=ok or loc:fra=failed,slow")
	}
	for _, v := range values {
		if placeOutcome(v) < 0 {
			return "", false, nil, fmt.Errorf("%s is none of ok failed slow unknown", uptime.Clean(v, 20))
		}
	}
	return strings.ToLower(place), unlike, values, nil
}

func placeOutcome(v string) int {
	switch v {
	case "ok", "up", "o":
		return int(uptime.OutcomeUp)
	case "failed", "down", "x":
		return int(uptime.OutcomeDown)
	case "slow", "degraded", "s":
		return int(uptime.OutcomeDegraded)
	case "unknown", "?":
		return int(uptime.OutcomeUnknown)
	}
	return -1
}

// bound reads the value of a comparison: a duration, or a bare number in the
// unit that the field has (lat ms, age s, up24 percent, cert days).
func bound(field, value string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
	if err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
		return n, nil
	}
	d, err := uptime.ParseDuration(value)
	if err != nil || field == "up24" {
		return 0, fmt.Errorf("%s needs a number, not %q", field, uptime.Clean(value, 20))
	}
	switch field {
	case "lat":
		return float64(d) / 1e6, nil
	case "cert":
		return d.Hours() / 24, nil
	}
	return d.Seconds(), nil
}

// match reports whether a state passes; folded is its name in lower case.
func (q *query) match(s *uptime.State, folded string, now time.Time) bool {
	for i := range q.terms {
		t := &q.terms[i]
		if t.match(s, folded, now) == t.not {
			return false
		}
	}
	return true
}

func (t *term) match(s *uptime.State, folded string, now time.Time) bool {
	switch t.field {
	case "", "name":
		return anyOf(t.values, func(v string) bool { return strings.Contains(folded, v) })
	case "state":
		return anyOf(t.values, func(v string) bool { return isState(s, v) })
	case "group":
		return anyOf(t.values, func(v string) bool { return strings.EqualFold(s.Group, v) })
	case "url":
		return anyOf(t.values, func(v string) bool { return containsFold(s.Target, v) })
	case "tag":
		return anyOf(t.values, func(v string) bool {
			return anyOf(s.Tags, func(tag string) bool { return strings.EqualFold(tag, v) })
		})
	case "loc":
		return t.matchPlace(s)
	case "ack":
		return anyOf(t.values, func(v string) bool { return s.Incident != 0 && (s.Ack != nil) == (v == "yes") })
	case "is":
		return anyOf(t.values, func(v string) bool { return isKind(s, v, now) })
	}
	have, ok := t.figure(s, now)
	return ok && (t.op == '<' && have < t.bound || t.op == '>' && have > t.bound)
}

func anyOf(list []string, f func(string) bool) bool {
	for _, v := range list {
		if f(v) {
			return true
		}
	}
	return false
}

func isState(s *uptime.State, v string) bool {
	switch v {
	case "mnt", "maintenance":
		return s.Mode == uptime.Maintenance
	case "off", "paused":
		return s.Mode == uptime.Paused
	}
	return s.Mode == uptime.Active && (v == s.Verdict.String() || v == "chk" && s.Verdict == uptime.Suspect ||
		strings.EqualFold(v, s.Verdict.Label()))
}

func isKind(s *uptime.State, v string, now time.Time) bool {
	switch v {
	case "problem":
		return s.Problem()
	case "down":
		return s.Mode == uptime.Active && s.Verdict == uptime.Down
	case "up":
		return s.Mode == uptime.Active && s.Verdict == uptime.Up
	case "acked":
		return s.Incident != 0 && s.Ack != nil
	case "unacked":
		return s.Incident != 0 && s.Ack == nil && s.Behind == "" && s.Verdict != uptime.Degraded
	case "behind":
		return s.Incident != 0 && s.Behind != ""
	}
	return late(s, now)
}

func (t *term) matchPlace(s *uptime.State) bool {
	for _, l := range s.Locations {
		if l.Asked && strings.EqualFold(l.Location, t.place) {
			is := anyOf(t.values, func(v string) bool { return placeOutcome(v) == int(l.Outcome) })
			return is != t.unlike
		}
	}
	return false
}

// figure is what a comparison looks at; false where there is none.
func (t *term) figure(s *uptime.State, now time.Time) (float64, bool) {
	switch t.field {
	case "lat":
		return float64(s.Total) / 1e6, s.Total > 0
	case "age":
		return now.Sub(s.Last).Seconds(), !s.Last.IsZero()
	case "up24":
		up, ok := s.Day.Uptime()
		return up * 100, ok
	case "cert":
		if s.Cert == nil {
			return 0, false
		}
		return s.Cert.NotAfter.Sub(now).Hours() / 24, true
	}
	return 0, false
}

func containsFold(s, lower string) bool {
	if strings.Contains(s, lower) {
		return true
	}
	return strings.Contains(strings.ToLower(s), lower)
}

// completions are the fields, or the values of a field, that a last word may become.
func completions(word string, snap *uptime.Snapshot) []string {
	word = strings.TrimPrefix(word, "!")
	at := strings.IndexAny(word, ":<>")
	var from []string
	prefix := word
	switch {
	case at < 0:
		from = queryFields
	case word[at] == ':':
		field, value := word[:at], word[at+1:]
		if comma := strings.LastIndexByte(value, ','); comma >= 0 {
			value = value[comma+1:]
		}
		prefix = value
		from = valuesOf(field, snap)
	}
	var out []string
	for _, f := range from {
		if len(f) > len(prefix) && strings.EqualFold(f[:len(prefix)], prefix) {
			out = append(out, f)
		}
	}
	return out
}

// valuesOf lists what a field may be compared with, in the order of first sight.
func valuesOf(field string, snap *uptime.Snapshot) []string {
	if c, ok := choices[field]; ok {
		return c
	}
	if snap == nil {
		return nil
	}
	seen := map[string]bool{}
	var out []string
	add := func(v string) {
		if v != "" && !seen[v] && len(out) < 500 {
			seen[v] = true
			out = append(out, v)
		}
	}
	for _, s := range snap.States {
		switch field {
		case "group":
			add(s.Group)
		case "tag":
			for _, t := range s.Tags {
				add(t)
			}
		case "loc":
			for _, l := range s.Locations {
				add(l.Location)
			}
		}
	}
	return out
}
