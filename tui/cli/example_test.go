package cli

import (
	"os"
	"testing"

	"lookout/engine/config"
)

// config.example.toml loads with the real check types, and shows every key that works, once.
func TestExample(t *testing.T) {
	const path = "../../config.example.toml"
	opt := config.Options{Types: types(), Hostname: "web-1", Env: func(string) (string, bool) { return "x", true }}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := config.CheckExample(string(text), opt); err != nil {
		t.Error(err)
	}
	c, err := config.Load(path, opt)
	if err != nil || len(c.Jobs) == 0 {
		t.Errorf("%v", err)
	}
}
