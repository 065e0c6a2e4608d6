package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestExampleText reads what can be read of config.example.toml without the real
// check types: it is cut without a fault, and the keys of no type are all there.
func TestExampleText(t *testing.T) {
	text, err := os.ReadFile("../../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	err = CheckExample(string(text), Options{})
	if err == nil {
		t.Fatal("the keys of the check types are shown, and were not missed")
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		if strings.HasSuffix(line, "is not shown") || strings.HasSuffix(line, "twice") {
			t.Error(line)
		}
	}
}

func TestCheckExample(t *testing.T) {
	var keys strings.Builder
	for _, k := range Known(Options{}) {
		keys.WriteString(k + " = 1\n")
	}
	for _, c := range []struct{ name, text, want string }{
		{"complete", keys.String(), ""},
		{"as a comment", strings.Replace(keys.String(), "instance =", "#instance =", 1), ""},
		{"prose", keys.String() + "# nothing = 1\n", ""},
		{"missing", strings.Replace(keys.String(), "instance =", "# instance =", 1), "instance is not shown"},
		{"twice", keys.String() + "#log.level = 1\n", "log.level is shown twice"},
		{"not known", keys.String() + "#log.levle = 1\n", "log.levle is shown, and no key"},
		{"defaults", keys.String() + "[defaults]\nx = 1\n", ""},
		{"broken", keys.String() + "x = [\n", fmt.Sprintf("line %d: the [ that is opened here is never closed", len(Known(Options{}))+1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := CheckExample(c.text, Options{}); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
