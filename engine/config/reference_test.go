package config

import (
	"net/url"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// groupOptions knows a type whose key names other monitors.
func groupOptions() Options {
	opt := testOptions()
	opt.Types = append(opt.Types, uptime.CheckType{Name: "group", Schemes: []string{"group"}, Plain: true, Bare: true,
		Keys: []uptime.Key{{Name: "members", Kind: uptime.Monitors, Doc: "of the group", Example: `["a"]`},
			{Name: "need", Kind: uptime.Scalar, Doc: "how many", Example: `"all"`}},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			return uptime.Check{Target: s.URL.String() + uptime.Value(s.Values, "need", "")}, nil
		}})
	return opt
}

func TestReferences(t *testing.T) {
	const leaf = "[[monitor]]\nname = \"a\"\nurl = \"tcp://h:1\"\ntags = [\"web\"]\n\n"
	group := func(name, members, more string) string {
		return "[[monitor]]\nname = \"" + name + "\"\nurl = \"group:\"\nmembers = " + members + "\n" + more + "\n"
	}
	for _, tc := range []struct{ name, text, want string }{
		{"all there", leaf + group("g", `["a", "tag:web", "group:web"]`, "need = 1\n"), ""},
		{"nested", leaf + group("g", `["a"]`, "") + group("h", `["g", "a"]`, "") + group("i", `["g", "h"]`, ""), ""},
		{"a name", leaf + group("gate", `["gatf"]`, ""), `lookout.toml:9: monitor "gate": members: "gatf" is no monitor. Did you mean "gate"?`},
		{"a tag", leaf + group("g", `["tag:wev"]`, ""), `lookout.toml:9: monitor "g": members: no monitor has the tag "wev". Did you mean "web"?`},
		{"a group", leaf + group("g", `["group:wev"]`, ""), `lookout.toml:9: monitor "g": members: no monitor is in the group "wev". Did you mean "web"?`},
		{"an incident", leaf + group("g", `["#3"]`, ""), `lookout.toml:9: monitor "g": members: "#3" names no monitor. Write a name, tag:T or group:G`},
		{"itself", leaf + group("g", `["g"]`, ""), `lookout.toml:9: monitor "g" is a member of itself. Name its members one by one, without itself`},
		{"itself by a tag", leaf + group("g", `["tag:web"]`, "tags = [\"web\"]\n"), `lookout.toml:9: monitor "g" is a member of itself. Name its members one by one, without itself`},
		{"a circle", leaf + group("g", `["h"]`, "") + group("h", `["a", "i"]`, "") + group("i", `["g"]`, ""),
			`lookout.toml:9: monitor "g" is a member of itself: g → h → i → g. Name its members one by one, without itself`},
		{"no scalar", leaf + group("g", `["a"]`, "need = 1.5\n"), `lookout.toml:10: monitor "g": need = 1.5 must be a text in quotes or a whole number. Write it like need = "all"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := loadText(t, tc.text, groupOptions())
			got := ""
			if err != nil {
				got = err.Error()
				got = got[strings.LastIndex(got[:strings.Index(got, ":")], "/")+1:]
			}
			if got != tc.want && !strings.HasSuffix(got, tc.want) {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestBareURL(t *testing.T) {
	for raw, bare := range map[string]bool{"group:": true, "tcp:": false} {
		cfg, err := loadText(t, "[[monitor]]\nname = \"g\"\nurl = \""+raw+"\"\n", groupOptions())
		if ok := err == nil && len(cfg.Jobs) == 1 && cfg.Jobs[0].Target == (&url.URL{Scheme: "group"}).String(); ok != bare {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
