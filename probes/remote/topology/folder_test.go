package topology

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree is every file of a folder with its text; it checks that nobody else may read it.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		if !d.IsDir() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			out[rel] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestInitAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "remote")
	run := func(o Options) *Result {
		t.Helper()
		o.Dir = dir
		if o.Now.IsZero() {
			o.Now = now
		}
		r, err := Init(o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	anchors := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}
	r := run(Options{URL: "amqps://broker.example.com/lookout", ServerNames: []string{"broker.example.com"}, Probes: []string{"fra/1", "nyc/1"}, Anchors: anchors})
	if !slices.Equal(r.Added, []string{"fra/1", "nyc/1"}) || !slices.Equal(r.Places, []string{"fra", "nyc"}) {
		t.Errorf("added %v at %v", r.Added, r.Places)
	}
	first := tree(t, dir)
	if len(r.Changes) != len(first) {
		t.Errorf("%d changes, %d files", len(r.Changes), len(first))
	}
	if text := first["fra-1/probe.toml"]; !strings.Contains(text, `anchors = ["192.0.2.1:443"]`) || !strings.Contains(text, `ca_file = "ca.pem"`) {
		t.Errorf("probe.toml: %s", text)
	}
	password := strings.TrimSpace(first["fra-1/broker.pass"])
	for name, text := range first {
		if name != "fra-1/broker.pass" && strings.Contains(text, password) {
			t.Errorf("%s has the password of fra/1", name)
		}
	}

	if r := run(Options{Probes: []string{"nyc/1", "fra/1"}}); len(r.Changes)+len(r.Added)+len(r.Places) != 0 {
		t.Errorf("the same again changed %v", r.Changes)
	}

	// What people wrote stays; a probe's folder may be gone, and the CA's key.
	edited := strings.Replace(first["engine/broker.toml"], `name = "nyc"`, `name="nyc"`, 1) + "network = \"AS1\"\n"
	write(t, dir, "engine/broker.toml", edited)
	remove(t, dir, "fra-1")
	r = run(Options{Probes: []string{"nyc/2", "sgp/1"}})
	second := tree(t, dir)
	if !slices.Equal(r.Added, []string{"nyc/2", "sgp/1"}) || !slices.Equal(r.Places, []string{"sgp"}) {
		t.Errorf("added %v at %v", r.Added, r.Places)
	}
	if text := second["engine/broker.toml"]; !strings.HasPrefix(text, edited) || strings.Count(text, "[[location]]") != 3 {
		t.Errorf("broker.toml: %s", text)
	}
	if _, there := second["fra-1/probe.toml"]; there {
		t.Error("a probe that was not named got files again")
	}
	for _, name := range []string{"ca.pem", "ca.key", "engine/signing.key", "engine/broker.pass", "nyc-1/client.key", "nyc-1/probe.toml", "broker/server.pem"} {
		if first[name] != second[name] || first[name] == "" {
			t.Errorf("%s changed", name)
		}
	}
	if old, new := users(t, first), users(t, second); old["lookout.fra.1"] != new["lookout.fra.1"] || len(new) != 5 {
		t.Errorf("users %v, before %v", new, old)
	}

	// Named again, a probe whose folder is gone has other keys.
	if r := run(Options{Probes: []string{"fra/1"}}); !slices.Equal(r.Added, []string{"fra/1"}) {
		t.Errorf("added %v", r.Added)
	}
	third := tree(t, dir)
	if old, new := users(t, first), users(t, third); old["lookout.fra.1"] == new["lookout.fra.1"] || old["lookout.nyc.1"] != new["lookout.nyc.1"] {
		t.Errorf("users %v, before %v", new, old)
	}

	// Certificates are made anew in time, and for other names.
	r = run(Options{Probes: []string{"fra/1"}, ServerNames: []string{"other.example.com"}, Now: now.AddDate(leafYears, -2, 0)})
	var changed []string
	for _, c := range r.Changes {
		changed = append(changed, c.Path)
	}
	want := []string{"broker/server.key", "broker/server.pem", "engine/client.key", "engine/client.pem", "fra-1/client.key", "fra-1/client.pem", "remote.json"}
	if slices.Sort(changed); !slices.Equal(changed, want) {
		t.Errorf("changed %v, want %v", changed, want)
	}

	// Another CA has everybody else's certificates made anew.
	before := tree(t, dir)
	remove(t, dir, "ca.key")
	remove(t, dir, "ca.pem")
	run(Options{Probes: []string{"fra/1"}, Now: now.AddDate(leafYears, -2, 0)})
	after := tree(t, dir)
	for _, name := range []string{"ca.pem", "engine/ca.pem", "engine/client.pem", "fra-1/ca.pem", "fra-1/client.pem", "broker/ca.pem", "broker/server.pem"} {
		if before[name] == after[name] || after[name] == "" {
			t.Errorf("%s is of the CA before", name)
		}
	}

	remove(t, dir, "ca.key")
	run(Options{Probes: []string{"fra/1"}, Now: now.AddDate(leafYears, -2, 0)}) // nothing is to be signed
	if _, err := Init(Options{Dir: dir, Probes: []string{"fra/3"}, Now: now}); err == nil || !strings.Contains(err.Error(), "ca.key") {
		t.Errorf("without the CA's key: %v", err)
	}
}

func users(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	var d definitions
	if err := json.Unmarshal([]byte(files["broker/definitions.json"]), &d); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, u := range d.Users {
		out[u.Name] = u.Hash
	}
	return out
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestInitMistakes(t *testing.T) {
	const url = "amqps://b.example/lookout"
	long := strings.Repeat("x", 30)
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"no probe", Options{URL: url}, "name the probes"},
		{"no url", Options{Probes: []string{"fra/1"}}, "--url"},
		{"no probe's name", Options{URL: url, Probes: []string{"fra"}}, "LOCATION/NAME"},
		{"capitals", Options{URL: url, Probes: []string{"FRA/1"}}, "a-z"},
		{"here", Options{URL: url, Probes: []string{"local/1"}}, "engine's own"},
		{"a shovel", Options{URL: url, Probes: []string{"fra/shovel"}}, "shovel"},
		{"one folder", Options{URL: url, Probes: []string{"a-b/c", "a/b-c"}}, "share the folder a-b-c"},
		{"too long", Options{URL: url, Probes: []string{long + "/" + long}}, "shorten"},
		{"no vhost", Options{URL: "amqps://b.example", Probes: []string{"fra/1"}}, "vhost"},
		{"the vhost /", Options{URL: "amqps://b.example/%2f", Probes: []string{"fra/1"}}, "vhost"},
		{"two vhosts", Options{URL: "amqps://b.example/a/b", Probes: []string{"fra/1"}}, "vhost"},
		{"a password", Options{URL: "amqps://u:geheim@b.example/lookout", Probes: []string{"fra/1"}}, "leave user and password out"},
		{"clear text", Options{URL: "amqp://b.example/lookout", Probes: []string{"fra/1"}}, "amqps://"},
		{"no broker", Options{URL: "https://b.example/lookout", Probes: []string{"fra/1"}}, "amqps://"},
		{"no url at all", Options{URL: "b.example", Probes: []string{"fra/1"}}, "amqps://"},
		{"another vhost far away", Options{URL: url, Shovel: "amqps://c.example/other", Probes: []string{"fra/1"}}, "vhost"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Dir, tt.o.Now = filepath.Join(t.TempDir(), "remote"), now
			_, err := Init(tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one sentence with %q", err, tt.want)
			}
			if _, err := os.Stat(tt.o.Dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something was written all the same: %v", err)
			}
		})
	}
}

func TestOneBrokerForEach(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "remote")
	init := func(o Options) error {
		o.Dir, o.Now = dir, now
		_, err := Init(o)
		return err
	}
	const url, far = "amqps://b.example/lookout", "amqps://c.example/lookout"
	if err := init(Options{URL: url, Probes: []string{"fra/1"}}); err != nil {
		t.Fatal(err)
	}
	if err := init(Options{Shovel: far, Probes: []string{"fra/2"}}); err == nil || !strings.Contains(err.Error(), "dial") {
		t.Errorf("a location with two brokers: %v", err)
	}
	if err := init(Options{URL: "amqps://other.example/lookout", Probes: []string{"fra/1"}}); err == nil || !strings.Contains(err.Error(), "folder of its own") {
		t.Errorf("another broker: %v", err)
	}
	if err := init(Options{Shovel: far, Probes: []string{"sgp/1"}, ServerNames: []string{"c.example"}}); err != nil {
		t.Fatal(err)
	}
	if err := init(Options{Probes: []string{"sgp/2"}}); err != nil {
		t.Fatal(err)
	}
	files := tree(t, dir)
	for _, name := range []string{"sgp-1/probe.toml", "sgp-2/probe.toml"} {
		if !strings.Contains(files[name], `"`+far+`"`) || !strings.Contains(files[name], "ca_file = ") {
			t.Errorf("%s: %s", name, files[name])
		}
	}
	if files["broker.sgp/server.pem"] == "" || files["broker/server.pem"] != "" || !strings.Contains(files["fra-1/probe.toml"], "# ca_file") {
		t.Error("the certificate is of the wrong broker")
	}
	var d definitions
	if err := json.Unmarshal([]byte(files["broker.sgp/definitions.json"]), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Parameters) != 4+1+2 || len(d.Users) != 3 {
		t.Errorf("%d shovels, %d users", len(d.Parameters), len(d.Users))
	}
	if home := users(t, files); home["lookout.sgp.1"] != "" || home["lookout.sgp.shovel"] == "" {
		t.Errorf("users at home: %v", home)
	}
}

func TestRemove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "remote")
	run := func(o Options) (*Result, error) {
		o.Dir, o.Now = dir, now
		return Init(o)
	}
	if _, err := run(Options{URL: "amqp://127.0.0.1/lookout", Probes: []string{"fra/1", "fra/2", "nyc/1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := run(Options{Shovel: "amqp://127.0.0.1:1/lookout", Probes: []string{"syd/1", "syd/2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := run(Options{Remove: []string{"fra/3"}}); err == nil || !strings.Contains(err.Error(), "fra/3") {
		t.Errorf("a probe that is not there: %v", err)
	}
	r, err := run(Options{Remove: []string{"fra/1", "syd/1", "syd/2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Left{{"", "user", "lookout.fra.1"}, {"", "queue", "probe.fra.1"},
		{"", "queue", "probe.syd.1"}, {"syd", "user", "lookout.syd.1"}, {"syd", "shovel", "down probe.syd.1"}, {"syd", "queue", "probe.syd.1"},
		{"", "queue", "probe.syd.2"}, {"", "queue", "loc.syd"}, {"", "user", "lookout.syd.shovel"},
		{"syd", "vhost", "lookout"}, {"syd", "user", "lookout.syd.2"}, {"syd", "user", "lookout.syd.shovel"}}
	if !slices.Equal(r.Left, want) {
		t.Errorf("left: %v, want %v", r.Left, want)
	}
	if names := slices.Sorted(maps.Keys(users(t, tree(t, dir)))); !slices.Equal(names, []string{"lookout.engine", "lookout.fra.2", "lookout.nyc.1"}) {
		t.Errorf("users: %v", names)
	}
}

func TestReadPlanRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", ``, "JSON"},
		{"a newer version", `{"version":2}`, "newer"},
		{"a probe with a path", `{"version":1,"url":"amqps://b/lookout","vhost":"lookout","probes":[{"location":"..","name":"1"}]}`, "a-z"},
		{"two vhosts", `{"version":1,"url":"amqps://b/lookout","vhost":"other"}`, "vhost"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, filePlan, tt.text)
			if _, err := ReadPlan(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// The matrix logs in with what it makes.
func TestHashPassword(t *testing.T) {
	if a, b := HashPassword("one"), HashPassword("two"); a == b || a != HashPassword("one") || len(a) != 48 {
		t.Errorf("%s %s", a, b)
	}
}
