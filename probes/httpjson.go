package probes

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/theory/jsonpath"

	"lookout/engine/uptime"
)

// maxJSONWork bounds how many values a path may look at in a document. A path
// with several .. or filters may look at every value once for each that it
// lies in, and a hostile document is deep: 64 KiB of [[[[… hold 2·10⁹ pairs.
const maxJSONWork = 4_000_000

// jsonCondition is a path and what everything that it selects has to equal.
type jsonCondition struct {
	text   string
	path   *jsonpath.Path
	nested int    // how often the path starts again below each value that it has come to …
	rooted int    // … or at the root
	calls  bool   // it has a function, such as a regular expression, which costs as much as ten looks
	equals string // compared as text with a JSON string …
	value  any    // … and as JSON with everything
}

func newJSONCondition(path, equals string) (jsonCondition, error) {
	p, err := jsonpath.Parse(path)
	if err != nil {
		return jsonCondition{}, err
	}
	c := jsonCondition{text: path, path: p, equals: equals, value: equals}
	// What stands in a quoted name counts too: it makes a path look dearer, never cheaper.
	c.nested = strings.Count(path, "..") + strings.Count(path, "?")
	c.rooted = strings.Count(path, "$") - 1
	c.calls = strings.Contains(path, "(")
	if v, err := parseJSON([]byte(equals)); err == nil {
		c.value = v
	}
	return c, nil
}

// parseJSON reads one JSON value and keeps the digits of its numbers.
func parseJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more follows after its end")
	}
	return v, nil
}

func judgeJSON(data []byte, conditions []jsonCondition) *failure {
	doc, err := parseJSON(data)
	if err != nil {
		return fail(uptime.FaultHTTPJSONMismatch, "the body is no JSON: %v", err)
	}
	values, depth := extent(doc, 1)
	for _, c := range conditions {
		if c.work(values, depth) > maxJSONWork {
			return fail(uptime.FaultHTTPBodyTooLarge, "the JSON is too large for the path %s: %d values, up to %d deep", literal(c.text), values, depth)
		}
		nodes := c.path.Select(doc)
		if len(nodes) == 0 {
			return fail(uptime.FaultHTTPJSONMismatch, "JSON path %s selects nothing, expected %s", literal(c.text), literal(c.equals))
		}
		for _, n := range nodes {
			if s, ok := n.(string); ok && s == c.equals || sameJSON(n, c.value) {
				continue
			}
			text, _ := json.Marshal(n) // came from JSON
			return fail(uptime.FaultHTTPJSONMismatch, "JSON path %s is %s, expected %s", literal(c.text), uptime.Clean(string(text), 80), literal(c.equals))
		}
	}
	return nil
}

// extent counts the values of a document and its levels.
func extent(v any, level int) (values, depth int) {
	values, depth = 1, level
	below := func(v any) {
		n, d := extent(v, level+1)
		values, depth = values+n, max(depth, d)
	}
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			below(x)
		}
	case map[string]any:
		for _, x := range v {
			below(x)
		}
	}
	return values, depth
}

// work is how many values a path looks at in a document, at most: each once,
// and for each .. or filter after the first once for every value that it lies in.
func (c jsonCondition) work(values, depth int) float64 {
	work := float64(values)
	if c.calls {
		work *= 10
	}
	for range c.nested - 1 {
		work *= float64(depth)
	}
	for range c.rooted {
		work *= float64(values)
	}
	return work
}

// sameJSON compares two values. Numbers are equal as numbers, and large whole
// ones by their digits, of which a float has only 15.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameJSON)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, sameJSON)
	}
	return a == b
}

func sameNumber(a, b json.Number) bool {
	x, errA := a.Int64()
	y, errB := b.Int64()
	if errA == nil && errB == nil {
		return x == y
	}
	f, errA := a.Float64()
	g, errB := b.Float64()
	return a == b || errA == nil && errB == nil && f == g
}
