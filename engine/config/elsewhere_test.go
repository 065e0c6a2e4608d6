package config

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

const remoteConfig = `
[defaults.tag.there]
locations = ["nyc", "fra"]
bearer_token = "${secret:there}"
[[monitor]]
name = "asked"
url = "https://{target}/?k=${secret:pw}"
bearer_token = "${secret:pw}"
headers = { X-A = "plain", X-B = "${secret:pw}" }
ca_file = "ca.pem"
resolvers = ["192.0.2.53"]
source = "eth1"
[[monitor]]
name = "alone"
url = "https://b.example.com/"
confirm_from = []
[[monitor]]
name = "counted"
url = "https://c.example.com/"
rule = "consecutive"
[[monitor]]
name = "counted there"
url = "https://d.example.com/"
rule = "consecutive"
locations = ["local", "fra", "fra"]
[[monitor]]
name = "there"
url = "https://e.example.com/"
tags = ["there"]
source = "eth1"
[[monitor]]
name = "registry"
url = "domain:example.com"
[[monitor]]
name = "kept"
url = "https://f.example.com/"
bearer_token = "${TOKEN}"
[[location]]
name = "fra"
network = "AS1"
[[location]]
name = "nyc"
`

func TestPortable(t *testing.T) {
	files, _ := brokerFiles(t, testOptions().Now.AddDate(0, 1, 0))
	text := strings.Replace(remoteConfig, "{target}", "a.example.com", 1)
	const broker = "[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n"
	opt := withSecrets(t, testOptions("TOKEN", "t0p"))
	c := mustLoad(t, "timezone = \"Europe/Amsterdam\"\n"+text+broker+files, opt)
	for _, tc := range []struct {
		name      string
		travels   bool
		locations []string
		witnesses int
	}{
		{"asked", true, nil, 2},
		{"alone", false, nil, 0},
		{"counted", false, nil, 2},
		{"counted there", true, []string{"fra", "local"}, 2},
		{"there", true, []string{"fra", "nyc"}, 2},
		{"registry", false, nil, 2},
		{"kept", false, nil, 0},
	} {
		j := job(t, c, tc.name)
		if (j.Portable != nil) != tc.travels || !slices.Equal(j.Locations, tc.locations) || len(c.Witnesses(j.Monitor).Places) != tc.witnesses {
			t.Errorf("%s: portable %+v, locations %q, witnesses %v", tc.name, j.Portable, j.Locations, c.Witnesses(j.Monitor))
		}
	}
	p := job(t, c, "asked").Portable
	if p.URL != "https://a.example.com/?k=${secret:pw}" || p.Source != "" || len(p.Resolvers) != 1 || p.Zone != "Europe/Amsterdam" || p.IP != "any" {
		t.Errorf("%+v", p)
	}
	if got := p.Values["bearer_token"].(uptime.Secret).Reveal(); got != "${secret:pw}" {
		t.Errorf("bearer_token travels as %q", got)
	}
	if got := p.Values["headers"].(map[string]uptime.Secret); got["X-A"] != "plain" || got["X-B"] != "${secret:pw}" {
		t.Error("headers do not travel as they were written")
	}
	if got := p.Values["ca_file"].([]byte); !strings.Contains(string(got), "BEGIN CERTIFICATE") {
		t.Errorf("ca_file travels as %q", got)
	}
	there := job(t, c, "there")
	if got := there.Portable.Values["bearer_token"].(uptime.Secret).Reveal(); got != "${secret:there}" || there.Portable.Source != "eth1" {
		t.Errorf("%+v", there.Portable)
	}
	if r := there.Checker.Check(context.Background()); r.Outcome != uptime.OutcomeUnknown || r.Message != "needs ${secret:there}, which only the places that it is checked from have" {
		t.Errorf("%+v", r)
	}

	// Without a broker nothing travels, and nobody witnesses.
	c = mustLoad(t, strings.ReplaceAll(strings.ReplaceAll(text, "locations = [", "#"), "${secret:there}", "${secret:pw}")+files, opt)
	for _, j := range c.Jobs {
		if j.Portable != nil || c.Witnesses(j.Monitor).Places != nil {
			t.Errorf("%s travels", j.Name)
		}
	}
}

// TestTooLarge: what does not fit into a frame is judged from here alone, and that is said.
func TestTooLarge(t *testing.T) {
	files, _ := brokerFiles(t, testOptions().Now.AddDate(0, 1, 0))
	got := said(t, "[[monitor]]\nname = \"a\"\nurl = \"https://a.example.com/\"\nca_file = \"large\"\n[[location]]\nname = \"fra\"\n"+
		"[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n"+files+"-- large --\n"+strings.Repeat("x", maxTravels+1))
	if want := "lookout.toml:4: warning: monitor \"a\": it is judged from here alone: its ca_file is too large to be sent to other places. Write confirm_from = [] where that is meant\n"; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestTooLong(t *testing.T) {
	files, _ := brokerFiles(t, testOptions().Now.AddDate(0, 1, 0))
	got := said(t, "[[monitor]]\nname = \"a\"\nlocations = [\"fra\"]\nurl = \"https://a.example.com/?x="+strings.Repeat("x", maxSentURL)+"\"\n[[location]]\nname = \"fra\"\n"+
		"[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n"+files)
	if want := "lookout.toml:3: monitor \"a\": locations names fra, and its url is too long to be sent to other places. Write locations = [\"local\"] where that is meant\n"; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// TestSecretMissingForDefaults: a monitor that is checked here cannot do without.
func TestSecretMissingForDefaults(t *testing.T) {
	files, _ := brokerFiles(t, time.Now())
	got := said(t, strings.ReplaceAll(strings.Replace(remoteConfig, "tags = [\"there\"]", "tags = [\"there\"]\nlocations = [\"local\"]", 1), "${secret:pw}", "x")+
		"[broker]\nurl = \"amqp://localhost/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n"+files)
	if !strings.Contains(got, `monitor "there": needs ${secret:there}, which is not in secrets_dir`) {
		t.Errorf("said\n%s", got)
	}
}

// TestFiledElsewhere: what a probe runs by its own file needs nothing of the engine's.
func TestFiledElsewhere(t *testing.T) {
	files, _ := brokerFiles(t, testOptions().Now.AddDate(0, 1, 0))
	const rest = "[[location]]\nname = \"fra\"\n[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n"
	load := func(monitor string) (*Config, error) {
		return loadText(t, "[[monitor]]\nname = \"disk\"\n"+monitor+rest+files, probeOptions(t))
	}
	c, err := load("url = \"exec:disk\"\nlocations = [\"fra\"]\n")
	if err != nil || len(c.Warnings) > 0 {
		t.Fatal(err, c.Warnings)
	}
	j := c.Jobs[0]
	if p := j.Portable; p == nil || p.URL != "exec:disk" || p.Values != nil || j.Checker.Check(context.Background()).Outcome != uptime.OutcomeUnknown {
		t.Errorf("%+v", p)
	}
	if _, wrong := fineProbe(t).Builder(probeOptions(t).Types).Build(j.Name, j.Type, *j.Portable, j.Interval, j.Timeout, 0); len(wrong) > 0 {
		t.Error(wrong)
	}
	for _, tc := range []struct{ monitor, want string }{
		{"url = \"exec:disk\"\nlocations = [\"fra\"]\ncommand = \"x\"\n", "command has no effect: other places run what their own [[exec]] says"},
		{"url = \"exec:disk?x=y\"\nlocations = [\"fra\"]\n", "it must be exec:NAME"},
		{"url = \"exec:disk\"\nlocations = [\"local\", \"fra\"]\n", "an exec check needs a command"},
	} {
		c, err := load(tc.monitor)
		said := fmt.Sprint(err, c.Warnings)
		if !strings.Contains(said, tc.want) {
			t.Errorf("%s: %s", tc.monitor, said)
		}
	}
}

// TestPortableOfDisabled: what travels of a monitor is its own, although the
// settings of others, which are disabled, are let go meanwhile.
func TestPortableOfDisabled(t *testing.T) {
	files, _ := brokerFiles(t, testOptions().Now.AddDate(0, 1, 0))
	long := strings.Repeat("b", 600) // settings that are not shared
	var text strings.Builder
	text.WriteString("[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n[[location]]\nname = \"fra\"\n")
	for i := range 4000 {
		fmt.Fprintf(&text, "[[monitor]]\nname = \"m%d\"\nurl = \"https://a.example.com/%d\"\nbearer_token = \"${secret:pw}\"\nbody = \"%s%d\"\nenabled = %v\n", i, i, long, i, i%2 == 1)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	c := mustLoad(t, text.String()+files, withSecrets(t, testOptions()))
	for _, j := range c.Jobs {
		if got := j.Portable.Values["body"]; got != long+j.Name[1:] {
			t.Fatalf("of %s travels %v, which is another's", j.Name, got)
		}
	}
}
