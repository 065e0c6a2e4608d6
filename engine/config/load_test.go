package config

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzLoad: any text is loaded or refused with places that exist, and Star keeps its lines.
func FuzzLoad(f *testing.F) {
	for _, path := range goldenInputs(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		input, _, _ := strings.Cut(string(b), "----------\n")
		f.Add(input)
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "lookout.toml")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "/") && strings.Contains(text, "include") {
			return // of this machine's files
		}
		lines := strings.Count(text, "\n") + 1
		c, err := load(path, testOptions(), map[string]string{path: text})
		ms, _ := err.(Mistakes)
		if c != nil {
			ms = append(ms, c.Warnings...)
		}
		for _, m := range ms {
			if m.File != path || m.Line < 0 || m.Line > lines || m.Message == "" || strings.ContainsAny(m.String(), "\n\x1b") {
				t.Errorf("%+q", m)
			}
		}
	})
}

func goldenInputs(t testing.TB) []string {
	paths, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden files", err)
	}
	return paths
}

// TestOneMistakeHidesNoOther puts one mistake of syntax at a time into a long
// file and expects it at its line, with every other monitor still there.
func TestOneMistakeHidesNoOther(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 20
	for range 100 {
		at := rng.IntN(n)
		breaks := []string{"x = ", "x = [1, 2", "x = \"a", "x", "x = {a = 1", "[monitor.a", "x = 1 2", "x = 'a", "= 1"}
		line, bad := 0, breaks[rng.IntN(len(breaks))]
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[[monitor]]\nname = \"m%d\"\nurl = \"https://example.com/\"\n", i)
			if i == at {
				line = strings.Count(b.String(), "\n") + 1
				b.WriteString(bad + "\n")
			}
		}
		c, err := loadText(t, b.String(), testOptions())
		ms, _ := err.(Mistakes)
		if len(ms) != 1 || ms[0].Line != line || len(c.Jobs) != n-1 {
			t.Errorf("%q at line %d: %d monitors, %v", bad, line, len(c.Jobs), err)
		}
	}
}

func TestIncludes(t *testing.T) {
	c := mustLoad(t, `
include = ["*.toml", "conf.d/[ab].toml"]
-- a.toml --
[[monitor]]
name = "a"
url = "tcp://a.example.com:1"
[defaults.tag.x]
interval = "5s"
-- managed.toml --
[[monitor]]
name = "m"
url = "tcp://m.example.com:1"
tags = ["x"]
-- conf.d/c.toml --
not = read
-- conf.d/a.toml --
[defaults]
timeout = "3s"
`, testOptions())
	var files []string
	for _, f := range c.Files {
		files = append(files, filepath.Base(f))
	}
	if want := []string{"lookout.toml", "a.toml", "managed.toml", "a.toml"}; !slices.Equal(files, want) {
		t.Errorf("read %q, want %q", files, want)
	}
	m := job(t, c, "m")
	if m.Interval.String() != "5s" || m.Timeout.String() != "3s" {
		t.Errorf("%+v", m.Monitor)
	}
}

func TestTimeoutFollowsTheInterval(t *testing.T) {
	c := mustLoad(t, "[[monitor]]\nname = \"a\"\nurl = \"tcp://a.example.com:1\"\ninterval = \"2s\"\n", testOptions())
	if j := job(t, c, "a"); j.Timeout != j.Interval || len(c.Warnings) != 0 {
		t.Errorf("timeout %s of interval %s, %v", j.Timeout, j.Interval, c.Warnings)
	}
}

// TestIntervalOfAType: a type's own default stands above [defaults] and below tags and monitor.
func TestIntervalOfAType(t *testing.T) {
	c := mustLoad(t, `
[defaults]
interval = "30s"
[defaults.tag.often]
interval = "1h"
[[monitor]]
name = "web"
url = "https://www.example.com/"
[[monitor]]
name = "plain"
url = "domain:example.com"
[[monitor]]
name = "tagged"
url = "domain:example.com"
tags = ["often"]
[[monitor]]
name = "own"
url = "domain:example.com"
tags = ["often"]
interval = "2h"
`, testOptions())
	for name, want := range map[string]time.Duration{"web": 30 * time.Second, "plain": 24 * time.Hour, "tagged": time.Hour, "own": 2 * time.Hour} {
		if got := job(t, c, name).Interval; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestKnown(t *testing.T) {
	got := Known(testOptions())
	for _, want := range []string{"instance", "log.level", "retention.max_size", "page.names", "location.network", "monitor.dwell", "monitor.interval", "monitor.bearer_token",
		"monitor.bearer_token_file", "monitor.ca_file", "monitor.expect.status"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if slices.Contains(got, "monitor.ca_file_file") || !slices.IsSorted(got) {
		t.Errorf("%q", got)
	}
}

func TestFingerprint(t *testing.T) {
	base := `[[monitor]]
name = "a"
url = "https://a.example.com/?t=1"
bearer_token = "one"
note = "x"
[monitor.expect]
status = ["200"]
`
	first := job(t, mustLoad(t, base, testOptions()), "a").Fingerprint
	if again := job(t, mustLoad(t, "# moved\n"+base, testOptions()), "a").Fingerprint; again != first {
		t.Error("the fingerprint of the same monitor changed")
	}
	seen := map[uint64]string{first: "the first"}
	for _, change := range [][2]string{
		{"?t=1", "?t=2"}, {`"one"`, `"two"`}, {`note = "x"`, `note = "y"`}, {`["200"]`, `["200", "201"]`}, {`note = "x"`, `interval = "5s"`},
		{`note = "x"`, "note = \"x\"\ntags = [\"t\"]"}, {`note = "x"`, "note = \"x\"\nip = \"4\""}, {`note = "x"`, "note = \"x\"\nrule = \"consecutive\""},
		{`note = "x"`, "note = \"x\"\nsensitivity = \"fast\""}, {`note = "x"`, "note = \"x\"\nsensitivity = \"balanced\""},
		{`note = "x"`, "note = \"x\"\ndwell = \"0s\""}, {`note = "x"`, "note = \"x\"\ndwell = \"5s\""}, {`note = "x"`, "note = \"x\"\nconfirm_from = []"},
		{`note = "x"`, "note = \"x\"\nbody = \"b\""}, {`note = "x"`, "note = \"x\"\nheaders = { a = \"b\" }"},
		{`note = "x"`, "note = \"x\"\ndegraded_above = \"1s\""}, {`note = "x"`, "note = \"x\"\ngroup = \"g\""},
	} {
		f := job(t, mustLoad(t, strings.Replace(base, change[0], change[1], 1), testOptions()), "a").Fingerprint
		if other, ok := seen[f]; ok {
			t.Errorf("%q looks like %s", change[1], other)
		}
		seen[f] = change[1]
	}
}

func TestMistakesError(t *testing.T) {
	m := Mistakes{{File: "a", Line: 2, Message: "x"}, {File: "a", Line: 1, Message: "w", Warning: true}, {Message: "y", Hint: "Do z"}}
	m.sort()
	if got := m.Error(); got != "y. Do z\na:2: x\na:1: warning: w" {
		t.Errorf("%q", got)
	}
	if wrong, warned := m.Count(); wrong != 2 || warned != 1 {
		t.Errorf("%d mistakes, %d warnings", wrong, warned)
	}
}

func TestWasReachesTheJob(t *testing.T) {
	c := mustLoad(t, "[[monitor]]\nname = \"new\"\nwas = \"old\"\nurl = \"tcp://h:1\"\n", testOptions())
	if got := c.Jobs[0].Was; got != "old" {
		t.Errorf("was %q", got)
	}
}
