package cli

import (
	"path/filepath"
	"testing"
)

func TestPeekDataDir(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "instance = \"x\"\ndata_dir = \"/var/x\" # here\n", "/var/x"},
		{"literal", "  data_dir='/var/x'\n", "/var/x"},
		{"none", "instance = \"x\"\n", ""},
		{"behind a table", "[log]\ndata_dir = \"/var/x\"\n", ""},
		{"escapes", "data_dir = \"/var/\\u0041\"\n", ""},
		{"a variable", "data_dir = \"${HOME}/x\"\n", ""},
		{"open", "data_dir = \"/var\n", ""},
		{"no string", "data_dir = 5\n", ""},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := peekDataDir(write(t, filepath.Join(t.TempDir(), "c.toml"), tt.text)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := peekDataDir("/nowhere/c.toml"); got != "" {
		t.Errorf("of no file: %q", got)
	}
}

func TestCount(t *testing.T) {
	for want, n := range map[string]int{"0 mistakes": 0, "1 mistake": 1, "999 mistakes": 999, "1,000 mistakes": 1000, "180,000 mistakes": 180000, "1,234,567 mistakes": 1234567} {
		if got := count(n, "mistake"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
