package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnchors(t *testing.T) {
	for _, c := range []struct{ name, anchors, want string }{
		{"addresses", `["192.0.2.1:443", "[2001:db8::1]:53"]`, "[192.0.2.1:443 [2001:db8::1]:53]"},
		{"one", `"192.0.2.1:443"`, "[192.0.2.1:443]"},
		{"mapped", `["[::ffff:192.0.2.1]:443"]`, "[192.0.2.1:443]"},
		{"a name", `["www.example.com:443"]`, `FILE:2: anchors: "www.example.com:443" is no address with a port. No name: without a line there is nobody to look it up. Write it like "192.0.2.1:443" or "[2001:db8::1]:443"`},
		{"no port", `["192.0.2.1"]`, `FILE:2: anchors: "192.0.2.1" is no address with a port. Write it with the port that answers there: "192.0.2.1:443"`},
		{"no port, IPv6", `["2001:db8::1"]`, `FILE:2: anchors: "2001:db8::1" is no address with a port. Write it with the port that answers there: "[2001:db8::1]:443"`},
		{"port 0", `["192.0.2.1:0"]`, `FILE:2: anchors: "192.0.2.1:0" is no address with a port. No name: without a line there is nobody to look it up. Write it like "192.0.2.1:443" or "[2001:db8::1]:443"`},
		{"twice", `["192.0.2.1:443", "192.0.2.1:443"]`, "FILE:2: anchors has 192.0.2.1:443 twice"},
		{"nowhere", `["0.0.0.0:443"]`, "FILE:2: anchors: 0.0.0.0 is no address of another machine"},
		{"ourselves", `["127.0.0.1:443"]`, "FILE:2: warning: anchors: 127.0.0.1:443 is this machine itself, which tells nothing of its line"},
		{"no list", `5`, `FILE:2: anchors = 5 must be a list of texts. Write it like anchors = ["192.0.2.1:443", "198.51.100.7:53"]`},
		{"too many", "[" + strings.Repeat(`"192.0.2.1:443", `, maxAnchors+1) + "]", "FILE:2: anchors has 17 addresses; at most 16 are possible. Four in three networks are enough"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lookout.toml")
			if err := os.WriteFile(path, []byte("[self_check]\nanchors = "+c.anchors+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := Load(path, Options{})
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case len(cfg.Warnings) > 0:
				got = cfg.Warnings[0].String()
			default:
				got = fmt.Sprint(cfg.Anchors)
			}
			if got = strings.ReplaceAll(got, path, "FILE"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
