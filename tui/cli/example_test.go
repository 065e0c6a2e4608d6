package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lookout/engine/alert/channel"
	"lookout/engine/config"
)

// config.example.toml loads with the real check types, and shows every key that works, once.
func TestExample(t *testing.T) {
	const path = "../../config.example.toml"
	opt := config.Options{Types: types(), Channels: channel.Types(), Hostname: "web-1", Env: func(string) (string, bool) { return "x", true }}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := config.CheckExample(string(text), opt); err != nil {
		t.Error(err)
	}
	c, err := config.Load(path, opt)
	if err != nil || len(c.Jobs) == 0 || len(c.Channels) == 0 || len(c.Routes) == 0 {
		t.Errorf("%v", err)
	}
}

// The README's table has a row for each check type, with each of its schemes.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, ct := range types() {
		_, row, ok := strings.Cut(string(text), "\n| "+ct.Name+" |")
		if row, _, _ = strings.Cut(row, "\n"); !ok {
			t.Errorf("no row for %s: %s", ct.Name, ct.Summary)
		}
		for _, s := range ct.Schemes {
			if !strings.Contains(row, "`"+s+":") {
				t.Errorf("the row of %s has no %s:", ct.Name, s)
			}
		}
	}
}

// The README shows every key of probe.toml once, and its example is one that loads.
func TestReadmeProbe(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := strings.Cut(string(text), "\n```toml\nlocation = ")
	example, _, closed := strings.Cut("location = "+example, "\n```\n")
	if !ok || !closed {
		t.Fatal("there is no probe.toml")
	}
	opt := config.Options{Types: types(), Channels: channel.Types(), Env: func(string) (string, bool) { return "", false }}
	if err := config.CheckProbeExample(example, opt); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "broker.pass"), "x\n")
	if _, err := config.LoadProbe(write(t, filepath.Join(dir, "probe.toml"), example), opt); err != nil {
		t.Error(err)
	}
}
