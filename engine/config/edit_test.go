package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

const managedText = `# head

# about one
[[monitor]]   # the first
name = "one"
# slow on Mondays
interval = "30s"  # agreed with Jo
url = "https://one.example.com/"
note = """
a # that begins no comment
[[monitor]]
"""
[monitor.expect]
# until June
status = ["200",
  "204"]  # both

# about two
[[monitor]]
name = "two"
url = "tcp://two.example.com:1"
tags = ["last"]

[[monitor]]
name = "mail {target}"
url = "tcp://{target}:25"
targets = ["mx1", "mx2"]

[[monitor]]
name = "parts"
url = "tcp://parts.example.com:1"
[log]
level = "info"
[monitor.expect]
banner = "x"
# the end
`

const handText = `
[[monitor]]
name = "hand"
url = "tcp://hand.example.com:1"
[[monitor]]
name = "off"
url = "tcp://off.example.com:1"
enabled = false
[[page]]
name = "public"
names = ["one"]
[defaults.tag.last]
interval = "20s"
-- managed.toml --
`

// object is what the API makes of a body.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// edited changes a copy of the texts above and returns the managed file.
func edited(t *testing.T, change func(path string) error) (after string, err error) {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, handText+managedText)
	path := filepath.Join(dir, "lookout.toml")
	err = change(path)
	b, _ := os.ReadFile(filepath.Join(dir, ManagedName))
	if err == nil {
		if _, err := Load(path, testOptions()); err != nil {
			t.Errorf("what was written does not load: %v", err)
		}
	} else if string(b) != managedText {
		t.Errorf("refused, and the file became\n%s", b)
	}
	return strings.ReplaceAll(string(b), dir, "DIR"), err
}

func TestPutManaged(t *testing.T) {
	one := managedText[strings.Index(managedText, "[[monitor]]   #"):strings.Index(managedText, "\n# about two")]
	for _, c := range []struct{ name, monitor, body, old, new string }{
		{"the same", "two", `{"url": "tcp://two.example.com:1", "tags": ["last"]}`, "", ""},
		{"comments stay", "one", `{"name": "one", "url": "one.example.com", "interval": "5s", "expect": {"status": ["200"], "size_max": 5}}`, one,
			`[[monitor]]  # the first
name = "one"
url = "https://one.example.com"
# slow on Mondays
interval = "5s"  # agreed with Jo
[monitor.expect]
size_max = 5
# until June
status = ["200"]  # both
`},
		{"every kind of value", "one", `{"url": "https://one.example.com/", "follow_redirects": false, "max_redirects": 3, "headers": {"X \"a\"": "b", "c": 1.5}, "expect": {"json": [{"path": "$.a", "equals": 1e3}]}}`, one,
			`[[monitor]]  # the first
name = "one"
url = "https://one.example.com/"
follow_redirects = false
headers = { "X \"a\"" = "b", c = 1.5 }
max_redirects = 3
[monitor.expect]
json = [{ equals = 1000.0, path = "$.a" }]
`},
		{"many hosts", "mail {target}", `{"url": "tcp://{target}:26", "targets": ["mx1", "mx2"]}`, "url = \"tcp://{target}:25\"", "url = \"tcp://{target}:26\""},
		{"the rule", "two", `{"url": "tcp://two.example.com:1", "tags": ["last"], "dwell": "0s", "sensitivity": "quiet", "confirm_from": []}`, "tags = [\"last\"]",
			"confirm_from = []\ndwell = \"0s\"\nsensitivity = \"quiet\"\ntags = [\"last\"]"},
		{"no way out of a string", "two", `{"url": "tcp://two.example.com:1", "tags": ["last"], "note": "\"\n[[monitor]]\nname = \"three\"\\"}`, "tags = [\"last\"]",
			`note = "\"\u000A[[monitor]]\u000Aname = \"three\"\\"` + "\ntags = [\"last\"]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := edited(t, func(path string) error { return PutManaged(path, c.monitor, object(t, c.body), testOptions()) })
			if want := strings.Replace(managedText, c.old, c.new, 1); err != nil || got != want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

func TestDeleteManaged(t *testing.T) {
	two := managedText[strings.Index(managedText, "[[monitor]]\nname = \"two\""):strings.Index(managedText, "\n[[monitor]]\nname = \"mail")]
	mail := managedText[strings.Index(managedText, "[[monitor]]\nname = \"mail"):strings.Index(managedText, "\n[[monitor]]\nname = \"parts")]
	got, err := edited(t, func(path string) error {
		return errors.Join(
			addManaged(t, path, `{"name": "three", "url": "tcp://three:1", "tags": ["last"]}`),
			DeleteManaged(path, "two", testOptions()),
			DeleteManaged(path, "mail {target}", testOptions()),
			addManaged(t, path, `{"name": "four", "url": "tcp://four:1"}`),
			DeleteManaged(path, "four", testOptions()))
	})
	want := strings.Replace(strings.Replace(managedText, two, "", 1), "\n"+mail, "", 1) + "\n[[monitor]]\nname = \"three\"\nurl = \"tcp://three:1\"\ntags = [\"last\"]\n"
	if err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

func addManaged(t *testing.T, path, body string) error {
	t.Helper()
	_, err := AddManaged(path, object(t, body), testOptions())
	return err
}

// TestEditManagedRefuses: a change that cannot be made changes nothing.
func TestEditManagedRefuses(t *testing.T) {
	put := func(name, body string) func(*testing.T, string) error {
		return func(t *testing.T, path string) error { return PutManaged(path, name, object(t, body), testOptions()) }
	}
	remove := func(name string) func(*testing.T, string) error {
		return func(t *testing.T, path string) error { return DeleteManaged(path, name, testOptions()) }
	}
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for _, c := range []struct {
		name string
		do   func(*testing.T, string) error
		is   error
		want string
	}{
		{"put by hand", put("hand", `{"url": "tcp://h:1"}`), ErrByHand, `the monitor is written by hand: "hand" is at DIR/lookout.toml:2; edit it there, then lookout reload`},
		{"delete by hand", remove("hand"), ErrByHand, `the monitor is written by hand: "hand" is at DIR/lookout.toml:2; edit it there, then lookout reload`},
		{"disabled", remove("off"), ErrByHand, `the monitor is written by hand: "off" is at DIR/lookout.toml:5; edit it there, then lookout reload`},
		{"nowhere", put("new", `{"url": "tcp://h:1"}`), uptime.ErrNoMonitor, `no such monitor: "new"; the API and "lookout add" write DIR/managed.toml`},
		{"one of many", remove("mail mx2"), uptime.ErrInvalid, `"mail mx2" is one of several monitors; change "mail {target}", which makes them all`},
		{"in parts", remove("parts"), ErrByHand, `the monitor is written by hand: "parts" is in several parts at DIR/managed.toml:29; edit it there`},
		{"renamed", put("two", `{"name": "three", "url": "tcp://h:1"}`), uptime.ErrInvalid, `the name of what is written differs from "two"; to rename a monitor, delete it and add it with was = the old name`},
		{"no name", put("two", `{"name": 2, "url": "tcp://h:1"}`), uptime.ErrInvalid, `the name of what is written differs from "two"; to rename a monitor, delete it and add it with was = the old name`},
		{"null", put("two", `{"url": "tcp://h:1", "note": null}`), uptime.ErrInvalid, `note: null is no value; leave the key out`},
		{"too deep", put("two", `{"url": "tcp://h:1", "expect": {"banner": `+deep+`}}`), uptime.ErrInvalid, `expect.banner: is nested deeper than 16`},
		{"too large a number", put("two", `{"url": "tcp://h:1", "failures": 1e999}`), uptime.ErrInvalid, `failures: is no number that can be written`},
		{"no url", put("two", `{"tags": ["last"]}`), nil, `monitor "two": url is missing. Write it like url = "https://www.example.com/"`},
		{"unknown keys", put("two", `{"url": "tcp://h:1", "tags": ["last"], "intervall": "5s", "a = 1\nb": 2, "expect": {"banned": "x"}}`), nil,
			"unknown key \"a = 1 b\"\nunknown key \"intervall\". Did you mean \"interval\"?\nunknown key \"expect.banned\". Did you mean \"expect.banner\"?"},
		{"a table of no key", put("two", `{"url": "tcp://h:1", "tags": ["last"], "expect": "x"}`), nil, `monitor "two": expect must be a table. Write it as [monitor.expect] below the monitor's keys`},
		{"still on a page", remove("one"), nil, `DIR/lookout.toml:11: page "public": "one" is no monitor`},
		{"last of a tag", remove("two"), nil, `DIR/lookout.toml:12: no monitor has the tag "last" of [defaults.tag.last]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var dir string
			_, err := edited(t, func(path string) error { dir = filepath.Dir(path); return c.do(t, path) })
			if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("is not %v", c.is)
			}
			if ms := (Mistakes{}); c.is == nil && !errors.As(err, &ms) {
				t.Errorf("is %T", err)
			}
		})
	}
}

// TestEditManagedKeepsLines: what was wrong in the file is reported where it stands there.
func TestEditManagedKeepsLines(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, "-- managed.toml --\n\ufeff# first\n[[monitor]]\nname = \"a\"\nurl = \"tcp://a:1\"\nnote = \"x\"\n\n[[monitor]]\nname = \"b\"\nurl = \"tcp://b:1\"\nbad = 1\n")
	path := filepath.Join(dir, "lookout.toml")
	for _, err := range []error{PutManaged(path, "a", map[string]any{"url": "tcp://a:2"}, testOptions()), DeleteManaged(path, "a", testOptions())} {
		if want := filepath.Join(dir, ManagedName) + `:10: unknown key "bad"`; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if err := DeleteManaged(path, "b", testOptions()); err != nil {
		t.Error("what is wrong cannot be removed:", err)
	}
	if err := DeleteManaged(path, "a", testOptions()); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, ManagedName)); string(got) != "\ufeff# first\n" {
		t.Errorf("%q", got)
	}
}

// FuzzMonitorText: whatever an object holds becomes a block of that one
// monitor, or is refused.
func FuzzMonitorText(f *testing.F) {
	f.Add(`{"name": "a", "url": "tcp://a:1", "expect": {"status": ["200"], "\u0000": {}}}`, "# c\n[[monitor]] # d\nname = \"b\" # e\n")
	f.Add(`{"": [[{}], null, 1e5, 2, true, "\"'''\n\r\t\u007f\ud800"]}`, "[[monitor]]\n\"\" = [ # x\n1]#")
	f.Fuzz(func(t *testing.T, body, old string) {
		var fields map[string]any
		dec := json.NewDecoder(strings.NewReader(body))
		dec.UseNumber()
		if dec.Decode(&fields) != nil {
			return
		}
		text, err := monitorText(fields, nil)
		if err != nil {
			return
		}
		if blocks := cut(&file{}, text); len(blocks) != 1 || len(blocks[0].pieces) != 1 || extent(text) != len(text) {
			t.Errorf("%q became %d blocks", body, len(blocks))
		}
		root, _, message, _ := parse(text)
		list, _ := root["monitor"].([]map[string]any)
		if len(list) != 1 || len(list[0]) != len(fields) {
			t.Errorf("%q became %v: %s", text, root, message)
		}
		notesOf(old)
	})
}
