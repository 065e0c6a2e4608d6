package cli

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"lookout/engine"
	"lookout/engine/api"
	"lookout/engine/uptime"
	"lookout/probes"
	"lookout/storage"
)

// voting is an engine that notes whose vote counts.
type voting struct {
	*engine.Engine
	said []string
}

func (v *voting) Exclude(_ context.Context, probe, _, note string) error {
	v.said = append(v.said, "exclude "+probe+" "+note)
	return nil
}

func (v *voting) Include(_ context.Context, probe, _, note string) error {
	v.said = append(v.said, "include "+probe+" "+note)
	return nil
}

// remoteBench has an engine with probes answer beside it.
func remoteBench(t *testing.T, all ...uptime.Probe) (*bench, *voting) {
	t.Helper()
	b := newBench(t)
	write(t, "lookout.toml", "instance = \"test\"\ndata_dir = \"data\"\n")
	if err := os.Mkdir("data", 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Options{Instance: "test", Timezone: "UTC", Store: storage.NewMemory(), Runner: &probes.Runner{},
		Probes: func() (uptime.Broker, []uptime.Probe) { return uptime.Broker{URL: "amqps://b/v"}, all }}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v := &voting{Engine: e}
	l, err := api.Listen("data/lookout.sock", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the server's last word
	go func() {
		ended <- api.Serve(ctx, l, api.ServerOptions{Backend: v, Config: func() api.Config { return api.Config{Path: b.dir + "/lookout.toml"} }})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b, v
}

func TestRemoteList(t *testing.T) {
	b, v := remoteBench(t, uptime.Probe{Location: "fra", Name: "1", Network: "AS24940", State: uptime.ProbeLive, Version: "1.4.2", Alone: -1},
		uptime.Probe{Location: "nyc", Name: "1", Network: "AS3356", Why: "nothing heard for 3 minutes", Alone: -1},
		uptime.Probe{Location: "syd", State: uptime.ProbeUnseen, Why: "never seen since the engine began: start lookout probe there", Alone: -1})
	for _, tt := range []struct {
		name, args     string
		code           int
		stdout, stderr string // a pattern; whole
		done           string
	}{
		{"list", "list", 0, `^# test  .* UTC  probes 2 of 4, this node among them\n# broker amqps://b/v NOT CONNECTED .*\n\ngone +nyc/1 .*\n +nothing heard for 3 minutes\nunseen +syd +- +no probe\n +never seen since the engine began: start lookout probe there\nlive +fra/1 `, "", ""},
		{"list as JSON", "list --format json", 0, `^\{"version":1,"kind":"probes".*"probe":"nyc/1".*\}\n$`, "", ""},
		{"list as csv", "list --format csv", 64, `^$`, "lookout: --format csv is not one of text and json here\n", ""},
		{"a location without a probe", "exclude syd/1", 64, `^$`, "lookout: there is no probe syd/1; did you mean nyc/1?\n", ""},
		{"exclude", "exclude fra/1 --note liar", 0, `^excluded  fra/1\n$`, "", "exclude fra/1 liar"},
		{"include both", "include fra/1 nyc/1 --format json", 0, `^\{"version":1,"kind":"action","verb":"include","probes":\["fra/1","nyc/1"\]\}\n$`, "", "include fra/1 |include nyc/1 "},
		{"nearly a probe", "exclude fra/2", 64, `^$`, "lookout: there is no probe fra/2; did you mean fra/1?\n", ""},
		{"nobody", "exclude tokyo/main", 64, `^$`, "lookout: there is no probe tokyo/main; there is fra/1 and nyc/1\n", ""},
		{"no probe's name", "exclude fra", 64, `^$`, "lookout: \"fra\" is no probe: it is LOCATION/NAME; lookout remote list names them\n", ""},
		{"nothing", "include", 64, `^$`, "lookout: lookout remote include needs LOCATION/NAME of a probe; lookout remote list names them; see lookout remote include --help\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v.said = nil
			got := b.call("", append([]string{"remote"}, strings.Fields(tt.args)...)...)
			if got.code != tt.code || !regexp.MustCompile(tt.stdout).MatchString(got.stdout) || got.stderr != tt.stderr || strings.Join(v.said, "|") != tt.done {
				t.Errorf("got %+v, did %q", got, v.said)
			}
		})
	}
}

// TestProbesAreCountedAlike: status and the list count this node, and a location without a probe.
func TestProbesAreCountedAlike(t *testing.T) {
	b, _ := remoteBench(t, uptime.Probe{Location: "fra", Name: "1", State: uptime.ProbeLive}, uptime.Probe{Location: "syd", State: uptime.ProbeUnseen})
	for _, args := range [][]string{{"status"}, {"remote", "list"}} {
		if got := b.call("", args...); !strings.Contains(got.stdout, "probes 2 of 3, ") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// TestRemoteWithoutAnEngine: only a running one knows who is there.
func TestRemoteWithoutAnEngine(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "instance = \"test\"\ndata_dir = \"data\"\n")
	for _, args := range [][]string{{"list"}, {"list", "--format", "json"}, {"exclude", "fra/1"}, {"include", "fra/1"}} {
		got := b.call("", append([]string{"remote"}, args...)...)
		if got.code != exitNoEngine || got.stdout != "" || !strings.Contains(got.stderr, "no engine runs with") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}
