package config

import (
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestRuleSettings: the rule comes from the level that is closest to the monitor.
func TestRuleSettings(t *testing.T) {
	c := mustLoad(t, `
[defaults]
sensitivity = "quiet"
confirm_from = ["fra", "nyc"]
[defaults.tag.exact]
dwell = "45s"
[defaults.tag.fast]
sensitivity = "fast"
dwell = "1s"
[[monitor]]
name = "default"
url = "tcp://a.example.com:1"
[[monitor]]
name = "tagged"
url = "tcp://a.example.com:1"
tags = ["exact"]
[[monitor]]
name = "own"
url = "tcp://a.example.com:1"
tags = ["exact"]
sensitivity = "fast"
confirm_from = "nyc"
[[monitor]]
name = "both"
url = "tcp://a.example.com:1"
tags = ["exact", "fast"]
confirm_from = []
[[monitor]]
name = "counted"
url = "tcp://a.example.com:1"
rule = "consecutive"
[[monitor]]
name = "nobody can tell"
url = "domain:example.com"
[[monitor]]
name = "kept here"
url = "https://a.example.com/"
bearer_token = "${TOKEN}"
[[monitor]]
name = "kept here by hand"
url = "https://jo:pass@a.example.com/"
[[monitor]]
name = "looked up there"
url = "https://jo:${secret:pw}@a.example.com/?a=b"
headers = { Accept-Language = "en" }
[[location]]
name = "local"
network = "AS1"
[[location]]
name = "fra"
network = "AS24940"
[[location]]
name = "nyc"
`, withSecrets(t, testOptions("TOKEN", "t0p")))
	for _, tc := range []struct {
		name  string
		dwell time.Duration // at the monitor's own interval
		from  []string
		alone string
	}{
		{"default", 60 * time.Second, []string{"fra", "nyc"}, ""},
		{"tagged", 45 * time.Second, []string{"fra", "nyc"}, ""},
		{"own", 0, []string{"nyc"}, ""},
		{"both", time.Second, []string{}, "confirm_from names nobody"},
		{"counted", 20 * time.Second, nil, ""},
		{"nobody can tell", 20 * time.Second, nil, ""},
		{"kept here", 60 * time.Second, []string{"fra", "nyc"}, "the secret in its bearer_token does not leave this machine"},
		{"kept here by hand", 60 * time.Second, []string{"fra", "nyc"}, "the secret in its url does not leave this machine"},
		{"looked up there", 60 * time.Second, []string{"fra", "nyc"}, ""},
	} {
		j := job(t, c, tc.name)
		if got := j.Rule.DwellAt(j.Interval); got != tc.dwell {
			t.Errorf("%s: dwell %s, want %s", tc.name, got, tc.dwell)
		}
		if !slices.Equal(j.ConfirmFrom, tc.from) || (j.ConfirmFrom == nil) != (tc.from == nil) || j.Alone != tc.alone {
			t.Errorf("%s: from %q, alone %q", tc.name, j.ConfirmFrom, j.Alone)
		}
		if asks := j.Asks("nyc"); asks != (tc.alone == "" && (tc.from == nil || slices.Contains(tc.from, "nyc"))) {
			t.Errorf("%s: asks nyc: %v", tc.name, asks)
		}
	}
	if want := []uptime.Place{{Location: "fra", Network: "AS24940"}, {Location: "nyc", Network: "nyc"}}; !slices.Equal(c.Locations, want) || c.Network != "AS1" {
		t.Errorf("locations %v, network %q", c.Locations, c.Network)
	}
}

// withSecrets has ${secret:NAME} looked up in a folder that holds pw.
func withSecrets(t *testing.T, opt Options) Options {
	dir := t.TempDir()
	writeFiles(t, dir, "-- pw --\nx\n")
	env := opt.Env
	opt.Env = func(name string) (string, bool) {
		if name == "CREDENTIALS_DIRECTORY" {
			return dir, true
		}
		return env(name)
	}
	return opt
}

// TestDiffOfRules: what a rule changes is shown by its keys.
func TestDiffOfRules(t *testing.T) {
	const base = "[[monitor]]\nname = \"m\"\nurl = \"tcp://m:1\"\n"
	old := mustLoad(t, base+"sensitivity = \"fast\"\n[[location]]\nname = \"fra\"\nnetwork = \"AS1\"\n", testOptions())
	new := mustLoad(t, base+"dwell = \"45s\"\nconfirm_from = []\n[[location]]\nname = \"fra\"\n[[location]]\nname = \"local\"\nnetwork = \"AS2\"\n", testOptions())
	want := "= location.fra AS1 -> fra\n= location.local (unset) -> AS2\n~ m  confirm_from (unset) -> [],  dwell (unset) -> 45s,  sensitivity fast -> (unset)\n"
	if got := Diff(old, new).String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
