package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestTogether: a monitor is read the same beside another one as alone.
func TestTogether(t *testing.T) {
	blocks := []string{
		"note = \"x\"",
		"note = \"x\"\nnote = \"y\"",
		"tags = [\"a\"]\ntags = \"b\"",
		"expect.banner = \"x\"",
		"[monitor.expect]\nbanner = \"x\"",
		"[monitor.expect]\nbanner = \"x\"\n[monitor.expect]\nbanner = \"y\"",
		"[monitor.expect]\nbanner = \"x\"\n[monitor.expect]\n",
		"expect = { banner = \"x\" }",
		"expect = { banner = \"x\" }\nexpect = { banner = \"y\" }",
		"expect = [{ a = 1 }]",
		"options = { a = 1 }\n[monitor.options]\nb = 1",
		"[monitor.options]\na = 1",
		"[monitor.options.a]\nb = 1\n[monitor.options]\nc = 1",
		"[[monitor.options]]\na = 1",
		"[[monitor.options]]\na = 1\n[monitor.options]\na = 1",
		"note = ",
		"note = '''\n[[monitor]]\n'''",
		"unknown = 1",
		"\"\" = 1",
		"interval = [\n1,\n]",
	}
	// A comment that is too long to be read with others keeps a block alone.
	text := func(first, second, comment string) string {
		var b strings.Builder
		for i, block := range []string{first, second, first} {
			fmt.Fprintf(&b, "[[monitor]]\nname = \"m%d\"\nurl = \"tcp://m%d:1\"\n%s\n#%s\n", i, i, block, comment)
		}
		return b.String()
	}
	alone := strings.Repeat("x", maxTogether)
	said := func(text string) string {
		c, err := load("x.toml", testOptions(), map[string]string{"x.toml": text})
		var b strings.Builder
		fmt.Fprintln(&b, err)
		for _, j := range c.Jobs {
			fmt.Fprintf(&b, "%+v %x\n", *j.Monitor, j.Fingerprint)
		}
		return b.String()
	}
	for _, first := range blocks {
		for _, second := range blocks {
			want, got := said(text(first, second, alone)), said(text(first, second, ""))
			if got != want {
				t.Errorf("of %q and %q it says\n%s\nand alone\n%s", first, second, got, want)
			}
		}
	}
	if n, tables := together(cut(&file{}, text(blocks[0], blocks[4], ""))); n != 3 || len(tables) != 3 {
		t.Errorf("%d of 3 are read together: %v", n, tables)
	}
	if n, _ := together(cut(&file{}, text(blocks[0], blocks[4], alone))); n != 1 {
		t.Errorf("%d are read together", n)
	}
}
