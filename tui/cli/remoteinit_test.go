package cli

import (
	"os"
	"strings"
	"testing"

	"lookout/engine/config"
)

func TestRemoteInit(t *testing.T) {
	b := newBench(t)
	got := b.call("", "remote", "init", "--out", "keys", "--url", "amqps://broker.example.com/lookout", "--server-name", "broker.example.com", "fra/1", "nyc/1")
	want := b.dir + `/keys: 24 files written

engine/  to the engine, beside lookout.toml, which then says: include = ["engine/broker.toml"]
         new [[location]]s in it: fra, nyc

broker/  to the broker: its files to /etc/rabbitmq/lookout, then rabbitmqctl import_definitions <definitions.json

fra-1/  to the machine of fra/1, as /etc/lookout-probe: lookout probe --config /etc/lookout-probe/probe.toml

nyc-1/  to the machine of nyc/1, as /etc/lookout-probe: lookout probe --config /etc/lookout-probe/probe.toml

Then: lookout remote check --out ` + b.dir + "/keys\n"
	if got.code != 0 || got.stdout != want || got.stderr != "" {
		t.Fatalf("got %+v", got)
	}
	if got := b.call("", "remote", "init", "--out", "keys", "fra/1"); got.code != 0 || got.stdout != b.dir+"/keys: everything is there already\n" {
		t.Errorf("again: %+v", got)
	}
	got = b.call("", "remote", "init", "--out", "keys", "--format", "json", "sgp/1")
	if got.code != 0 || !strings.HasPrefix(got.stdout, `{"version":1,"kind":"remote-init","dir":"`+b.dir+`/keys","vhost":"lookout","probes":["sgp/1"],"locations":["sgp"],"files":[{"path":"sgp-1/broker.pass",`) {
		t.Errorf("json: %+v", got)
	}
	got = b.call("", "remote", "init", "--out", "keys", "--remove", "fra/1")
	if got.code != 0 || !strings.Contains(got.stdout, "\nat the engine's broker:\n  rabbitmqctl delete_user lookout.fra.1\n  rabbitmqctl delete_queue --vhost lookout probe.fra.1\n  rabbitmqctl delete_queue --vhost lookout loc.fra\n") {
		t.Errorf("removed: %+v", got)
	}
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"nobody", []string{"--out", "keys"}, "needs the probes"},
		{"nowhere", []string{"fra/1"}, "--out DIR"},
		{"no name", []string{"--out", "keys", "fra"}, "LOCATION/NAME"},
		{"no broker", []string{"--out", "other", "fra/1"}, "--url"},
	} {
		if got := b.call("", append([]string{"remote", "init"}, tt.args...)...); got.code != 64 || !strings.Contains(got.stderr, tt.says) || got.stdout != "" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

// TestRemoteInitLoads reads what init wrote as the engine and as a probe do.
func TestRemoteInitLoads(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "include = [\"keys/engine/broker.toml\"]\n[self_check]\nanchors = [\"192.0.2.1:443\"]\n[[monitor]]\nname = \"a\"\nurl = \"tcp://192.0.2.9:1\"\n")
	// What the configuration includes is not there yet: that is what init is for.
	got := b.call("", "remote", "init", "--out", "keys", "--url", "amqps://broker.example.com:5671/lookout", "--server-name", "broker.example.com", "fra/p-1", "nyc/1")
	if got.code != 0 {
		t.Fatalf("got %+v", got)
	}
	if got := b.call("", "config", "check"); got.code != 0 || !strings.Contains(got.stdout, "1 monitor, no mistake") {
		t.Errorf("the engine's: %+v", got)
	}
	cfg, err := config.Load("lookout.toml", config.Options{Types: types()})
	if err != nil {
		t.Fatal(err)
	}
	e := cfg.Broker
	if e.Vhost != "lookout" || e.Username != "lookout.engine" || e.Password() == "" || e.TLS() == nil || len(e.SigningKey()) == 0 || len(cfg.Locations) != 2 {
		t.Errorf("the engine's broker: %v, locations %v", e, cfg.Locations)
	}
	p, err := config.LoadProbe("keys/fra-p-1/probe.toml", config.Options{Types: types()})
	if err != nil {
		t.Fatal(err)
	}
	if p.ID() != "fra/p-1" || p.Broker.Username != "lookout.fra.p-1" || p.Broker.Password() == "" || len(p.Broker.TLS().Certificates) != 1 || p.Broker.TLS().RootCAs == nil ||
		len(p.Anchors) != 1 || !p.EngineKey.Equal(e.SigningKey().Public()) || len(p.Warnings) != 0 {
		t.Errorf("the probe: %+v, %v", p, p.Warnings)
	}
	if info, err := os.Stat("keys"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info, err)
	}
}
