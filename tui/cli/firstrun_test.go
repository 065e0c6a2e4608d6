package cli

import (
	"testing"
	"time"
)

// TestOtherMeaning: what is offered can be watched, and only a bare name is doubted.
func TestOtherMeaning(t *testing.T) {
	c := &call{etc: t.TempDir(), now: time.Now}
	for _, tt := range []struct{ line, looks string }{
		{"ns1.example.net", "a name server"}, {"NS.example.net", "a name server"}, {"dns-2.example.net", "a name server"},
		{"gw-1.example.net", "a router"}, {"core-switch.example.net", "a router"},
		{"www.example.net", ""}, {"ns1.org", ""}, {"https://ns1.example.net", ""}, {"ns1.example.net:53", ""}, {"ns1", ""}, {"", ""},
	} {
		o := otherMeaning(tt.line)
		if o == nil {
			if tt.looks != "" {
				t.Errorf("%s is not doubted", tt.line)
			}
			continue
		}
		if o.Looks != tt.looks {
			t.Errorf("%s looks like %s", tt.line, o.Looks)
		}
		for _, l := range []string{o.DNS, o.ICMP} {
			if _, err := c.firstConfig(l); l != "" && err != nil {
				t.Errorf("%s becomes %s: %v", tt.line, l, err)
			}
		}
	}
}
