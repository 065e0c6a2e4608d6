package cli

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/channel"
	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

func TestProbeUnit(t *testing.T) {
	u := probeUnitFor("/usr/local/bin/lookout")
	for _, want := range []string{
		"ExecStart=/usr/local/bin/lookout probe --config ${CREDENTIALS_DIRECTORY}/probe.toml\n",
		"Type=notify\n", "WatchdogSec=60\n", "LoadCredential=client.key:", "StateDirectory=lookout-probe\n", "NoNewPrivileges=yes",
	} {
		if !strings.Contains(u, want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
	if strings.Contains(u, "@EXE@") {
		t.Error("a place was not filled in")
	}
	for _, line := range strings.Split(u, "\n") {
		if len(line) > 100 {
			t.Errorf("too long to read: %q", line)
		}
	}
}

const probeText = `location = "fra"
name = "p1"
engine_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
data_dir = "data"
[broker]
url = "amqp://127.0.0.1:1/lookout"
username = "lookout.fra.p1"
password_file = "broker.pass"
`

func TestProbeCheck(t *testing.T) {
	b := newBench(t)
	path := write(t, filepath.Join(b.dir, "probe.toml"), probeText)
	write(t, filepath.Join(b.dir, "broker.pass"), "x\n")
	want := path + `: probe fra/p1, no mistake
broker        amqp://127.0.0.1:1/lookout as lookout.fra.p1
data          ` + filepath.Join(b.dir, "data") + `
private       nothing of private networks or of this machine is checked
commands      none
own line      is told by the broker, 127.0.0.1:1
silence       of the engine is told to nobody: there is no [[channel]]
`
	if got := b.call("", "probe", "--config", path, "--check"); got.code != 0 || got.stdout != want {
		t.Errorf("%+v\nwant %s", got, want)
	}
	write(t, path, probeText+"[policy]\nallow = [\"10.0.0.0/8\", \"192.168.7.5\"]\n[[exec]]\nname = \"disk\"\ncommand = \"true\"\n[self_check]\nanchors = [\"192.0.2.1:443\"]\n")
	got := b.call("", "probe", "--config", path, "--check")
	for _, want := range []string{"only 10.0.0.0/8 and 192.168.7.5/32 of what is private may be checked", "commands      disk\n", "is told by 192.0.2.1:443\n"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is missing in %+v", want, got)
		}
	}
	write(t, path, strings.Replace(probeText, "location", "locaton", 1))
	if got := b.call("", "probe", "--config", path); got.code != exitConfig || !strings.Contains(got.stderr, `2 mistakes in `) || !strings.Contains(got.stderr, `Did you mean "location"?`) {
		t.Errorf("%+v", got)
	}
	if got := b.call("", "probe", "--config", filepath.Join(b.dir, "none.toml")); got.code != exitConfig || !strings.Contains(got.stderr, "none.toml, cannot be read") {
		t.Errorf("%+v", got)
	}
	if got := b.call("", "probe", "x"); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
}

// TestProbeDir: where a probe keeps what it has.
func TestProbeDir(t *testing.T) {
	b := newBench(t)
	credentials, etc := filepath.Join(b.dir, "run"), filepath.Join(b.dir, "etc")
	for _, dir := range []string{credentials, etc} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := &call{env: map[string]string{"HOME": b.dir, "CREDENTIALS_DIRECTORY": credentials}, etc: etc}
	for path, want := range map[string]string{
		filepath.Join(credentials, "probe.toml"): "/var/lib/lookout-probe",
		filepath.Join(etc, "probe.toml"):         "/var/lib/lookout-probe",
		filepath.Join(b.dir, "x", "probe.toml"):  filepath.Join(b.dir, ".local/state/lookout/x-"),
	} {
		if got, err := c.probeDir(path, ""); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	if got, err := c.probeDir(filepath.Join(etc, "probe.toml"), "data"); err != nil || got != filepath.Join(etc, "data") {
		t.Errorf("configured: %s, %v", got, err)
	}
}

// TestWhatTravels: every monitor of the example that can be checked elsewhere goes
// through a signed frame and is built by a probe.
func TestWhatTravels(t *testing.T) {
	dir := t.TempDir()
	if _, err := topology.Init(topology.Options{Dir: dir, Probes: []string{"fra/p1"}, URL: "amqp://127.0.0.1:1/lookout", Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	opt := config.Options{Types: types(), Channels: channel.Types(), Hostname: "web-1", Env: func(name string) (string, bool) { return "x", strings.HasSuffix(name, "_TOKEN") }}
	example, err := os.ReadFile("../../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(example), `include = ["conf.d/*.toml"]`, `include = ["engine/broker.toml"]`, 1)
	for _, ct := range types() { // it has not all of them
		if !ct.Plain && (ct.Name == "tcp" || !strings.Contains(text, "\nurl = \""+ct.Schemes[0]+":")) {
			text += fmt.Sprintf("\n[[monitor]]\nname = \"one more %s\"\nurl = \"%s://host.example.com:1234\"\n", ct.Name, ct.Schemes[0])
			if ct.Name == "udp" {
				text += "send = \"x\"\n[monitor.expect]\nbanner = \"y\"\n"
			}
		}
	}
	cfg, err := config.Load(write(t, filepath.Join(dir, "lookout.toml"), text), opt)
	if err != nil {
		t.Fatal(err)
	}
	p, err := config.LoadProbe(filepath.Join(dir, "fra-p1", "probe.toml"), opt)
	if err != nil {
		t.Fatal(err)
	}
	build := p.Builder(types()).Build
	codec := wire.New()
	signer := wire.Signer{Codec: codec, Key: cfg.Broker.SigningKey()}
	verifier := wire.Verifier{Codec: codec, Key: p.EngineKey, Place: wire.Place{Vhost: p.Broker.Vhost, Location: p.Location, Probe: p.Name}}
	travels := map[string]bool{}
	for i, j := range cfg.Jobs {
		if j.Portable == nil {
			continue
		}
		travels[j.Type] = true
		frame, err := signer.Chunk(wire.Chunk{Vhost: cfg.Broker.Vhost, Location: "fra", Monitors: []wire.Monitor{{
			Number: uint32(i), Name: j.Name, Type: j.Type, URL: j.Portable.URL, Interval: j.Interval, Timeout: j.Timeout, DegradedAbove: j.DegradedAbove,
			IP: j.Portable.IP, Zone: j.Portable.Zone, Source: j.Portable.Source, Resolvers: j.Portable.Resolvers, Values: j.Portable.Values, Expect: j.Portable.Expect}}})
		if err != nil {
			t.Errorf("%s: %v", j.Name, err)
			continue
		}
		c, err := verifier.Chunk(frame)
		if err != nil {
			t.Fatal(err)
		}
		m := c.Monitors[0]
		got, wrong := build(m.Name, m.Type, uptime.Portable{URL: m.URL, IP: m.IP, Zone: m.Zone, Source: m.Source, Resolvers: m.Resolvers, Values: m.Values, Expect: m.Expect}, m.Interval, m.Timeout, m.DegradedAbove)
		if len(wrong) > 0 || got.Target != j.Target || got.Expect != j.Expect || got.Dest != j.Dest {
			t.Errorf("%s: %v; target %q and %q, expects %q and %q", j.Name, wrong, got.Target, j.Target, got.Expect, j.Expect)
		}
	}
	for _, ct := range types() {
		if travels[ct.Name] == ct.Plain {
			t.Errorf("type %s travels: %v", ct.Name, travels[ct.Name])
		}
	}
	if key := base64.StdEncoding.EncodeToString(cfg.Broker.SigningKey().Public().(ed25519.PublicKey)); key != base64.StdEncoding.EncodeToString(p.EngineKey) {
		t.Errorf("the probe obeys %x", fmt.Sprint(p.EngineKey))
	}
}

// TestCheckSaysWhatHappensElsewhere: config check tells who is asked, about how many.
func TestCheckSaysWhatHappensElsewhere(t *testing.T) {
	b := newBench(t)
	dir := filepath.Join(b.dir, "remote")
	if _, err := topology.Init(topology.Options{Dir: dir, Probes: []string{"fra/p1", "nyc/p1"}, URL: "amqp://127.0.0.1:1/lookout", Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(b.dir, "lookout.toml"), `include = ["remote/engine/broker.toml"]
[[monitor]]
name = "a"
url = "tcp://a.example.com:1"
[[monitor]]
name = "b"
url = "tcp://b.example.com:1"
locations = ["fra"]
[[monitor]]
name = "c"
url = "https://jo:pass@c.example.com/"
`)
	got := b.call("", "config", "check", path)
	for _, want := range []string{"c\": it is judged from here alone", "fra and nyc over amqp://127.0.0.1:1/lookout: second opinions of 2 monitors, regular checks of 1 monitor\n"} {
		if got.code != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("%q is missing in %+v", want, got)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan outcome, 1) // the engine's only word
	go func() { ended <- b.callContext(ctx, "", "engine", "--config", path) }()
	other := &bench{dir: b.dir, env: b.env, now: time.Now}
	other.eventually(t, "probes 1 of 3", "--config", path, "status") // it answers
	for _, tc := range []struct {
		code int
		want string
		args []string
	}{
		{3, "no probe of fra is live", []string{"a", "--from", "fra"}},
		{exitUsage, `"par" is no [[location]] of this engine: it has fra and nyc`, []string{"a", "--from", "par"}},
		{exitUsage, "c is not sent to fra: the secret in its url does not leave this machine", []string{"c", "--from", "fra"}},
		{exitUsage, "--from goes with neither --all nor --resolver", []string{"--all", "--from", "fra"}},
	} {
		if got := other.call("", append([]string{"--config", path, "check"}, tc.args...)...); got.code != tc.code || !strings.Contains(got.stdout+got.stderr, tc.want) {
			t.Errorf("check %q: %+v", tc.args, got)
		}
	}
	cancel()
	if got := <-ended; got.code != 0 {
		t.Errorf("the engine ended with %+v", got)
	}
	if got := b.call("", "--config", path, "check", "a", "--from", "fra"); got.code != 3 || !strings.Contains(got.stderr, "no engine") {
		t.Errorf("a check from fra without an engine: %+v", got)
	}
}

// TestProbeAlone: a probe works without its broker, says so to systemd, lets nobody
// else into its folder, and ends in peace.
func TestProbeAlone(t *testing.T) {
	b := newBench(t)
	path := write(t, filepath.Join(b.dir, "probe.toml"), probeText)
	write(t, filepath.Join(b.dir, "broker.pass"), "x\n")
	notify := filepath.Join(b.dir, "n")
	in, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	hear := func(want string) (got string) {
		t.Helper()
		in.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 4096)
		for {
			n, err := in.Read(buf)
			got = string(buf[:n])
			if err == nil && strings.HasPrefix(got, "STATUS=") {
				continue // every ten seconds, which may pass on a busy machine
			}
			if err != nil || !strings.HasPrefix(got, want) {
				t.Fatalf("heard %q, %v, want %q", got, err, want)
			}
			return got
		}
	}
	b.env["NOTIFY_SOCKET"] = notify
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan outcome, 1) // the probe's only word
	go func() { ended <- b.callContext(ctx, "", "probe", "--config", path) }()
	hear("READY=1\nSTATUS=dialling the broker")
	other := &bench{dir: b.dir, env: map[string]string{"HOME": b.dir}, now: time.Now}
	if got := other.call("", "probe", "--config", path); got.code != exitInUse || !strings.Contains(got.stderr, "is in use by another probe; no second one is started") {
		t.Errorf("a second probe: %+v", got)
	}
	cancel()
	// It has nothing to send, and may have ended before it says that it would.
	said := hear("STOPPING=1\nSTATUS=") != "STOPPING=1\nSTATUS=ended"
	if said {
		hear("STOPPING=1\nSTATUS=ended")
	}
	got := <-ended
	if got.code != 0 || !strings.Contains(got.stderr, "ready: it works from here") || strings.Contains(got.stderr, "says goodbye") != said {
		t.Errorf("it ended with %+v, systemd told of a goodbye: %v", got, said)
	}
}
