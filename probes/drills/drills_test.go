package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes"
)

// Every configuration of a drill is one that lookout takes, and every class
// that it waits for is one.
func TestDrills(t *testing.T) {
	issued, err := issue()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all() {
		t.Run(d.server, func(t *testing.T) {
			p := &place{dir: t.TempDir(), ports: map[string]int{}, issued: issued}
			for _, s := range append([]state{d.running}, d.wrong...) {
				text, err := p.toml(s.checks)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(p.dir, "lookout.toml")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := config.Load(path, config.Options{Types: probes.Types(), Hostname: "drills"}); err != nil {
					t.Errorf("%s: %v\n%s", s.name, err, text)
				}
				for name, text := range s.files {
					if err := p.write(name, text); err != nil {
						t.Errorf("%s: %s: %v", s.name, name, err)
					}
				}
				for _, c := range s.checks {
					for _, class := range []string{c.want, c.dead} {
						if _, err := uptime.ParseFault(class); err != nil && class != "" {
							t.Errorf("%s: %v", s.name, err)
						}
					}
					if (c.want == "") != (s.name == "") {
						t.Errorf("%q: %s is to be %q", s.name, c.url, c.want)
					}
				}
			}
		})
	}
}

// Every scheme of every check type is drilled, in each way. A new type may
// have to wait for its drill.
func TestEveryType(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range all() {
		for _, c := range d.running.checks {
			seen[green+" "+c.scheme()] = true
		}
		for _, s := range d.wrong {
			for _, c := range s.checks {
				seen[wrong+" "+c.scheme()] = true
			}
		}
	}
	var missing []string
	for _, ct := range probes.Types() {
		for _, scheme := range ct.Schemes {
			for _, kind := range []string{green, wrong} {
				if !seen[kind+" "+scheme] {
					missing = append(missing, kind+" "+scheme+":")
				}
			}
		}
	}
	if len(missing) > 0 {
		t.Skip("no drill has ", strings.Join(missing, ", "))
	}
}
