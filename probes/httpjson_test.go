package probes

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"lookout/engine/uptime"
)

// deep is a document of so many arrays in each other.
func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestJSON(t *testing.T) {
	wide := "[" + strings.TrimSuffix(strings.Repeat("{\"a\":1},", 100_000), ",") + "]"
	tests := []struct {
		name, doc, path, equals string
		fault                   uptime.Fault
	}{
		{"text", `{"a":"ok"}`, "$.a", "ok", 0},
		{"text that looks like a number", `{"a":"1"}`, "$.a", "1", 0},
		{"number", `{"a":1.0}`, "$.a", "1", 0},
		{"large numbers", `{"a":9007199254740993}`, "$.a", "9007199254740992", uptime.FaultHTTPJSONMismatch},
		{"large number", `{"a":9007199254740993}`, "$.a", "9007199254740993", 0},
		{"beyond a float", `{"a":1e999}`, "$.a", "1e998", uptime.FaultHTTPJSONMismatch},
		{"beyond a float, the same", `{"a":1e999}`, "$.a", "1e999", 0},
		{"null", `{"a":null}`, "$.a", "null", 0},
		{"object", `{"a":{"c":[1,2.0],"b":true}}`, "$.a", `{"b": true, "c": [1, 2]}`, 0},
		{"other object", `{"a":{"b":true}}`, "$.a", `{"b": true, "c": 1}`, uptime.FaultHTTPJSONMismatch},
		{"filter", `[{"n":"db","up":true},{"n":"web","up":false}]`, `$[?@.n=='db'].up`, "true", 0},
		{"function", `["a","b"]`, `$[?match(@,'[ab]')]`, "a", uptime.FaultHTTPJSONMismatch},
		{"more after its end", `{"a":"ok"}{"a":"bad"}`, "$.a", "ok", uptime.FaultHTTPJSONMismatch},
		{"not JSON", "\x1b[2J<html>", "$.a", "ok", uptime.FaultHTTPJSONMismatch},
		{"deeper than a parser goes", deep(20_000), "$..*", "1", uptime.FaultHTTPJSONMismatch},
		{"as deep as one goes", deep(9_000), "$..*", "1", uptime.FaultHTTPJSONMismatch},
		{"pairs in a deep one", deep(9_000), "$..*..*", "1", uptime.FaultHTTPBodyTooLarge},
		{"pairs in a filter", deep(9_000), "$..[?@..x]", "1", uptime.FaultHTTPBodyTooLarge},
		{"all for each", wide, "$[?$..b]", "1", uptime.FaultHTTPBodyTooLarge},
		{"wide", wide, "$[*].a", "1", 0},
		{"wide, with ..", wide, "$..a", "1", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newJSONCondition(tt.path, tt.equals)
			if err != nil {
				t.Fatal(err)
			}
			if r := ended(judgeJSON([]byte(tt.doc), []jsonCondition{c})); r.Fault != tt.fault {
				t.Errorf("%q: %s, want %q", r.Fault, r.Message, tt.fault)
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("$.status", "ok", []byte(`{"status":"ok"}`))
	f.Add("$..a[?@.b>1]", "1", []byte(`[{"a":{"b":2}},[[[[]]]]]`))
	f.Add("$..*..*", "[]", []byte(deep(500)))
	f.Add("$[?length(@.a)==1&&match(@.a,'x+')]", `{"a":"x"}`, []byte(`[{"a":"x"},{"a":1e99}]`))
	f.Add("$['a..b?$(']", "1.0", []byte(`{"a..b?$(":10e-1}`))
	f.Fuzz(func(t *testing.T, path, equals string, data []byte) {
		c, err := newJSONCondition(path, equals)
		if err != nil {
			return
		}
		res := ended(judgeJSON(data, []jsonCondition{c}))
		clean(&res)
		switch res.Fault {
		case uptime.NoFault, uptime.FaultHTTPJSONMismatch, uptime.FaultHTTPBodyTooLarge:
		default:
			t.Errorf("%s", res.Fault)
		}
		if !utf8.ValidString(res.Message) || len(res.Message) > maxMessage {
			t.Errorf("%q", res.Message)
		}
		if v, err := parseJSON(data); err == nil && !sameJSON(v, v) {
			t.Errorf("%s is not the same as itself", fmt.Sprint(v))
		}
	})
}
