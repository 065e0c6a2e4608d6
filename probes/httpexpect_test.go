package probes

import (
	"strings"
	"testing"

	"lookout/engine/uptime"
)

func TestParseStatus(t *testing.T) {
	for text, want := range map[string][2]int{"200": {200, 200}, "200-299": {200, 299}, "200 - 204": {200, 204}} {
		if got, err := parseStatus(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "2xx", "99", "1000", "299-200", "200-", "-200", "200-299-300", "+200"} {
		if got, err := parseStatus(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzStatus(f *testing.F) {
	f.Add("200-299")
	f.Add("301")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseStatus(text)
		if err != nil {
			return
		}
		set := statusSet{ranges: [][2]int{r}}
		again, err := parseStatus(set.String())
		if err != nil || again != r || !set.has(r[0]) || !set.has(r[1]) || set.has(r[0]-1) || set.has(r[1]+1) {
			t.Errorf("%q: %v, %v, %v", text, r, again, err)
		}
	})
}

// TestExpectation is what a person reads of what a check expects.
func TestExpectation(t *testing.T) {
	form := form{Settings: uptime.Settings{Expect: keys{
		"status": []string{"200-299", "301"}, "body_contains": []string{"cart"}, "body_not_contains": []string{"error"}, "body_matches": []string{`^\d `},
		"json": []map[string]string{{"path": "$.a", "equals": "1"}}, "headers": []map[string]string{{"name": "X", "matches": "y"}}, "size_min": int64(1), "size_max": int64(9)}}}
	want := `200-299, 301, body has "cart", body has not "error", body matches "^\d ", "$.a" is "1", X matches "y", 1 to 9 bytes`
	expect := form.httpExpect()
	if got := expect.String(); got != strings.Replace(want, `"$.a" is`, "$.a is", 1) {
		t.Error(got)
	}
}
