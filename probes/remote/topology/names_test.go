package topology

import (
	"errors"
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	tests := []struct {
		name, key            string
		kind, location, user string
		ok                   bool
	}{
		{"a result", "result.fra.p-1", KindResult, "fra", "p-1", true},
		{"a hello", Key(KindHello, "nyc", "2"), KindHello, "nyc", "2", true},
		{"a reply", Key(KindReply, "nyc", "2"), KindReply, "nyc", "2", true},
		{"another kind", "order.fra.p1", "", "", "", false},
		{"a part too many", "result.fra.p1.p2", "", "", "", false},
		{"a part too few", "result.fra", "", "", "", false},
		{"an empty part", "result..p1", "", "", "", false},
		{"a wildcard", "result.#.p1", "", "", "", false},
		{"capitals", "result.FRA.p1", "", "", "", false},
		{"a line end", "result.fra.p1\n", "", "", "", false},
		{"not ASCII", "result.frá.p1", "", "", "", false},
		{"too long", "result.fra." + strings.Repeat("p", 65), "", "", "", false},
		{"nothing", "", "", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, location, name, ok := ParseKey(tt.key)
			if kind != tt.kind || location != tt.location || name != tt.user || ok != tt.ok {
				t.Errorf("ParseKey(%q) = %q %q %q %v", tt.key, kind, location, name, ok)
			}
		})
	}
}

func TestParseProbe(t *testing.T) {
	if l, n, err := ParseProbe("fra/p1"); l != "fra" || n != "p1" || err != nil {
		t.Errorf("fra/p1: %q %q %v", l, n, err)
	}
	for _, bad := range []string{"", "fra", "fra/", "/p1", "fra/p1/x", "Fra/p1", "fra/p.1", "fra/ p1", "local/p1"} {
		if _, _, err := ParseProbe(bad); err == nil {
			t.Errorf("%q passed", bad)
		} else if strings.Contains(bad, "/") && bad != "local/p1" && !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzParseKey has whatever is accepted be what Key makes, and nothing else.
func FuzzParseKey(f *testing.F) {
	f.Add("result.fra.p-1")
	f.Add("hello..p1")
	f.Add("reply.fra.p1\n")
	f.Fuzz(func(t *testing.T, key string) {
		kind, location, name, ok := ParseKey(key)
		if ok && (Key(kind, location, name) != key || CheckName(location) != nil || CheckName(name) != nil) {
			t.Errorf("ParseKey(%q) = %q %q %q", key, kind, location, name)
		}
	})
}
