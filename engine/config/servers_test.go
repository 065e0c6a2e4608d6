package config

import (
	"fmt"
	"testing"
)

// TestWay has what a monitor says of the way reach its check, over the defaults.
func TestWay(t *testing.T) {
	text := func(own string) string {
		return `
[defaults]
resolvers = "192.0.2.53"
source = "eth1"
[[monitor]]
name = "a"
url = "tcp://a.example.com:1"
` + own
	}
	load := func(own string) *Config { return mustLoad(t, text(own), testOptions()) }
	seen := func(c *Config) string {
		s := job(t, c, "a").Checker.(nothing).Settings
		return fmt.Sprintf("%s %v %s", s.IP, s.Resolvers, s.Source)
	}
	byDefault, own := load(""), load("ip = \"each\"\nresolvers = [\"[2001:db8::1]\", \"192.0.2.1:5353\"]\nsource = \"2001:db8::9\"\n")
	if got := seen(byDefault); got != "any [192.0.2.53:53] eth1" {
		t.Error(got)
	}
	if got := seen(own); got != "each [[2001:db8::1]:53 192.0.2.1:5353] 2001:db8::9" {
		t.Error(got)
	}
	if a, b := job(t, byDefault, "a"), job(t, load("source = \"eth2\"\n"), "a"); a.Fingerprint == b.Fingerprint {
		t.Error("another source, and the same fingerprint")
	}
	want := "~ a  ip any -> each,  resolvers [192.0.2.53:53] -> [[2001:db8::1]:53, 192.0.2.1:5353],  source eth1 -> 2001:db8::9\n"
	if got := Diff(byDefault, own).String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}
