package config

import (
	"fmt"
	"net/url"
	"slices"
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

// TestDepends has what parent and depends_on may say, and every mistake in them
// with its line and a way round.
func TestDepends(t *testing.T) {
	const top = "[[monitor]]\nname = \"uplink\"\nurl = \"tcp://h:1\"\ntags = [\"core\"]\n\n"
	block := func(name, host, more string) string {
		return "[[monitor]]\nname = \"" + name + "\"\nurl = \"tcp://" + host + ":1\"\n" + more + "\n"
	}
	leaf := func(name, more string) string { return block(name, name, more) }
	for _, tc := range []struct{ name, text, want string }{
		{"a parent", top + leaf("a", `parent = "uplink"`), ""},
		{"a chain", top + leaf("a", `parent = "uplink"`) + leaf("b", `parent = "a"`+"\n"+`depends_on = "uplink"`), ""},
		{"names and tags", top + leaf("a", `depends_on = ["uplink", "tag:core"]`), ""},
		{"none", top + leaf("a", "parent = \"\"\ndepends_on = []"), ""},
		{"for each target", top + block("ping {target}", "{target}", `targets = ["x", "y"]`) +
			block("web {target}", "{target}", "targets = [\"x\", \"y\"]\nparent = \"ping {target}\"\ndepends_on = [\"ping {target}\"]"), ""},
		{"a default, taken back", "[defaults]\nparent = \"uplink\"\n" + top + "parent = \"\"\n" + leaf("a", ""), ""},
		{"a name", top + leaf("a", `parent = "upling"`), `lookout.toml:9: monitor "a": parent: "upling" is no monitor. Did you mean "uplink"?`},
		{"a name of several", top + leaf("a", `depends_on = ["uplink", "upling"]`), `lookout.toml:9: monitor "a": depends_on: "upling" is no monitor. Did you mean "uplink"?`},
		{"a tag", top + leaf("a", `depends_on = ["tag:cors"]`), `lookout.toml:9: monitor "a": depends_on: no monitor has the tag "cors". Did you mean "core"?`},
		{"a tag for a parent", top + leaf("a", `parent = "tag:core"`), `lookout.toml:9: monitor "a": parent: "tag:core" is no monitor's name. A parent is one monitor; depends_on takes several, and tags`},
		{"a list for a parent", top + leaf("a", `parent = ["uplink"]`), `lookout.toml:9: monitor "a": parent = […] must be a text in quotes. Write it like parent = "office uplink"`},
		{"a group", top + leaf("a", `depends_on = ["group:core"]`), `lookout.toml:9: monitor "a": depends_on: "group:core" names no monitor. Write a name or tag:T`},
		{"itself", leaf("a", `parent = "a"`), `lookout.toml:4: monitor "a" depends on itself. Name another monitor`},
		{"itself by a tag", top + "depends_on = \"tag:core\"\n", `lookout.toml:6: monitor "uplink" depends on itself. Name others one by one, without itself`},
		{"itself by a default", "[defaults]\nparent = \"uplink\"\n" + top + leaf("a", ""),
			`lookout.toml:3: monitor "uplink" depends on itself. It has its parent from defaults.parent; write parent = "" in its block`},
		{"itself by a tag's default", "[defaults.tag.core]\ndepends_on = [\"tag:core\"]\n" + top,
			`lookout.toml:3: monitor "uplink" depends on itself. It has that from defaults.tag.core.depends_on; write depends_on = [] in its block`},
		{"a default that names none", "[defaults]\nparent = \"uplnk\"\n" + top + leaf("a", "") + leaf("b", ""), `lookout.toml:2: defaults.parent: "uplnk" is no monitor. Did you mean "uplink"?`},
		{"a circle", leaf("a", `parent = "b"`) + leaf("b", `depends_on = "c"`) + leaf("c", `parent = "a"`),
			`lookout.toml:4: monitor "a" depends on itself: a → b → c → a. Take one of these out`},
		{"a circle over a group", leaf("a", `parent = "g"`) + "[[monitor]]\nname = \"g\"\nurl = \"group:\"\nmembers = [\"a\"]\n",
			`lookout.toml:4: monitor "a" depends on itself: a → g → a. Take one of these out`},
		{"two circles", leaf("a", `parent = "a"`) + leaf("b", `parent = "b"`), "lookout.toml:4: monitor \"a\" depends on itself. Name another monitor\n" +
			`lookout.toml:8: monitor "b" depends on itself. Name another monitor`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := loadText(t, tc.text, groupOptions())
			if got := relative(err); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// relative is what a load said, with the files' names alone.
func relative(err error) string {
	if err == nil {
		return ""
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if colon := strings.Index(line, ":"); colon > 0 {
			lines[i] = line[strings.LastIndex(line[:colon], "/")+1:]
		}
	}
	return strings.Join(lines, "\n")
}

// TestDependsIsLinear has what would be 10,000 × 10,000 if each monitor were held
// against each that has a tag, and a chain as long.
func TestDependsIsLinear(t *testing.T) {
	var b strings.Builder
	const n = 10_000
	for i := range n {
		fmt.Fprintf(&b, "[[monitor]]\nname = \"c%d\"\nurl = \"tcp://h:1\"\ntags = [\"core\"]\nparent = \"e%d\"\n", i, i)
		fmt.Fprintf(&b, "[[monitor]]\nname = \"a%d\"\nurl = \"tcp://h:1\"\ndepends_on = \"tag:core\"\n", i)
		fmt.Fprintf(&b, "[[monitor]]\nname = \"e%d\"\nurl = \"tcp://h:1\"\nparent = \"e%d\"\n", i, i+1)
	}
	fmt.Fprintf(&b, "[[monitor]]\nname = \"e%d\"\nurl = \"tcp://h:1\"\n", n)
	cfg, err := loadText(t, b.String(), groupOptions())
	if err != nil || len(cfg.Jobs) != 3*n+1 {
		t.Fatal(err)
	}
}

// TestDependsChanges has what a change of parents is to a reload and to config diff.
func TestDependsChanges(t *testing.T) {
	text := func(more string) string {
		return "[[monitor]]\nname = \"uplink\"\nurl = \"tcp://h:1\"\n[[monitor]]\nname = \"a\"\nurl = \"tcp://h:2\"\n" + more
	}
	old, err := loadText(t, text("parent = \"uplink\"\n"), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	changed, err := loadText(t, text("depends_on = [\"uplink\"]\n"), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	a, b := old.Jobs[0], changed.Jobs[0]
	if a.Parent != "uplink" || !slices.Equal(b.DependsOn, []string{"uplink"}) {
		t.Errorf("parent %q, depends_on %q", a.Parent, b.DependsOn)
	}
	if a.Fingerprint == b.Fingerprint || a.Subject != b.Subject {
		t.Error("what a monitor depends on is configured, and not what is checked")
	}
	if got, want := Diff(old, changed).String(), "~ a  depends_on (unset) -> [uplink],  parent uplink -> (unset)\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
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
