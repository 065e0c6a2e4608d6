package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

// brokerSite is a folder of remote init, keys, and a broker that has what is in
// it, but for mistakes with the probes of the location bad. Of what another
// folder, other, says, a queue is missing.
type brokerSite struct {
	*bench
	broker *brokertest.Broker
	port   string // ":PORT/" of the broker's TLS listener, as it is in URLs
}

func newBrokerSite(t *testing.T) *brokerSite {
	b := newBench(t)
	const port = ":1/" // which one it gets is not known yet
	for _, args := range [][]string{
		{"--out", "keys", "--url", "amqps://localhost" + port + "lookout", "--server-name", "localhost", "fra/1", "fra/2", "nyc/1",
			"bad/gone", "bad/nothing", "bad/greedy", "bad/shy", "bad/loud", "bad/anybody"},
		{"--out", "other", "--url", "amqp://127.0.0.1" + port + "other", "fra/1"},
	} {
		if got := b.call("", append([]string{"remote", "init"}, args...)...); got.code != 0 {
			t.Fatalf("init: %+v", got)
		}
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	s := &brokerSite{bench: b, broker: brokertest.Start(t, brokertest.Options{
		Definitions: spoiled(t, read("keys/broker/definitions.json"), read("other/broker/definitions.json")),
		TLS:         &brokertest.TLS{CA: read("keys/broker/ca.pem"), Cert: read("keys/broker/server.pem"), Key: read("keys/broker/server.key"), Clients: true},
	})}
	at := func(addr string) string { return addr[strings.LastIndexByte(addr, ':'):] + "/" }
	s.port = at(s.broker.TLSAddr())
	for _, dir := range []string{"keys", "other"} {
		tomls, err := filepath.Glob(dir + "/*/*.toml")
		if err != nil {
			t.Fatal(err)
		}
		now := s.port
		if dir == "other" {
			now = at(s.broker.Addr())
		}
		for _, name := range append(tomls, dir+"/remote.json") {
			write(t, name, strings.ReplaceAll(string(read(name)), port, now))
		}
	}
	return s
}

// spoiled is the definitions of two folders together, with mistakes.
func spoiled(t *testing.T, keys, other []byte) []byte {
	t.Helper()
	var all, second map[string][]map[string]any
	if err := errors.Join(json.Unmarshal(keys, &all), json.Unmarshal(other, &second)); err != nil {
		t.Fatal(err)
	}
	without := func(list []map[string]any, key string, value string) []map[string]any {
		n := len(list)
		if list = slices.DeleteFunc(list, func(m map[string]any) bool { return m[key] == value }); len(list) == n {
			t.Fatalf("no %s is %s", key, value)
		}
		return list
	}
	all["users"] = without(all["users"], "name", "lookout.bad.gone")
	for _, list := range []string{"permissions", "topic_permissions"} {
		all[list] = without(all[list], "user", "lookout.bad.gone")
		all[list] = without(all[list], "user", "lookout.bad.nothing")
	}
	all["topic_permissions"] = without(all["topic_permissions"], "user", "lookout.bad.loud")
	for _, p := range all["permissions"] {
		switch p["user"] {
		case "lookout.bad.greedy":
			p["read"] = `^probe\.bad\.greedy$|^loc\..*$`
		case "lookout.bad.shy":
			p["read"] = `^probe\.bad\.shy$`
		}
	}
	for _, u := range all["users"] {
		if u["name"] == "lookout.bad.anybody" {
			u["tags"] = "impersonator"
		}
	}
	second["queues"] = without(second["queues"], "name", "lookout.hello")
	second["bindings"] = without(second["bindings"], "destination", "lookout.hello")
	for list := range second {
		all[list] = append(all[list], second[list]...)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// edit replaces a text of a file in the folder until the test ends.
func (s *brokerSite) edit(t *testing.T, name, old, by string) {
	t.Helper()
	name = filepath.Join("keys", name)
	before, err := os.ReadFile(name)
	if err != nil || !bytes.Contains(before, []byte(old)) {
		t.Fatalf("%s has no %q: %v", name, old, err)
	}
	put := func(text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Error(err)
		}
	}
	put(bytes.ReplaceAll(before, []byte(old), []byte(by)))
	t.Cleanup(func() { put(before) })
}

// check runs remote check on a folder and returns the problems of one user.
func (s *brokerSite) check(t *testing.T, dir, who string) []string {
	t.Helper()
	args := []string{"remote", "check", "--out", dir, "--format", "json"}
	if who != "engine" {
		args = append(args, who)
	}
	got := s.call("", args...)
	var r remoteReport
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || got.stderr != "" {
		t.Fatalf("%v: %+v", err, got)
	}
	if r.OK != (got.code == 0) || !r.OK && got.code != 78 {
		t.Errorf("ok is %v and the exit code %d", r.OK, got.code)
	}
	i := slices.IndexFunc(r.Users, func(u *tried) bool { return u.Who == who })
	if i < 0 {
		t.Fatalf("nothing about %s: %s", who, got.stdout)
	}
	return r.Users[i].Problems
}

// TestRemoteCheck has everything right, then one thing wrong at a time: each
// is one sentence that names what to look at.
func TestRemoteCheck(t *testing.T) {
	s := newBrokerSite(t)
	got := s.call("", "remote", "check", "--out", "keys", "fra/1", "nyc/1", "bad/shy")
	want := `BAD   bad/shy  1 problem with lookout.bad.shy
      may not read queue loc.bad: rabbitmqctl import_definitions <DIR/keys/broker/definitions.json
ok    fra/1    all of 133 rules hold for lookout.fra.1
ok    nyc/1    all of 135 rules hold for lookout.nyc.1
2 right, 1 wrong
`
	if got.code != 78 || strings.ReplaceAll(got.stdout, s.dir, "DIR") != want || got.stderr != "" {
		t.Fatalf("got %+v, want %s", got, want)
	}
	if got := s.call("", "remote", "check", "--out", "keys", "--config", "x", "fra/9"); got.code != 64 || !strings.Contains(got.stderr, "no probe fra/9") {
		t.Errorf("an unknown probe: %+v", got)
	}
	if got := s.call("", "remote", "check", "--out", "nowhere"); got.code != 74 || !strings.Contains(got.stderr, "remote init") {
		t.Errorf("no folder: %+v", got)
	}

	if got := s.call("", "remote", "check", "--out", "other", "--format", "json"); got.code != 78 || strings.Contains(got.stdout, "not tried") {
		t.Errorf("a folder: %+v", got)
	}

	t.Run("nothing is left", func(t *testing.T) {
		password, err := os.ReadFile("keys/engine/broker.pass")
		if err != nil {
			t.Fatal(err)
		}
		trial, err := link.Try(t.Context(), link.Options{URL: s.broker.URL("lookout.engine", strings.TrimSpace(string(password)), "lookout")})
		if err != nil {
			t.Fatal(err)
		}
		defer trial.Close()
		deadline := time.Now().Add(30 * time.Second)
		for {
			messages, consumers, err := trial.Queue(topology.Results)
			if err != nil || consumers != 0 {
				t.Fatalf("%d consumers, %v", consumers, err)
			}
			if messages == 0 { // what the check sent expires within a second
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d messages are left", messages)
			}
		}
	})
	t.Run("keys elsewhere", func(t *testing.T) {
		if err := os.Rename("keys/fra-2", "away"); err != nil {
			t.Fatal(err)
		}
		got := s.call("", "remote", "check", "--out", "keys", "fra/1", "fra/2")
		if got.code != 0 || !strings.Contains(got.stdout, "-     fra/2  not tried: its keys are not in this folder\n") || !strings.HasSuffix(got.stdout, "1 right, 1 not tried\n") {
			t.Errorf("got %+v", got)
		}
		if err := os.Rename("away", "keys/fra-2"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the configuration's engine", func(t *testing.T) {
		write(t, "lookout.toml", "include = [\"keys/engine/broker.toml\"]\n[[monitor]]\nname = \"a\"\nurl = \"tcp://192.0.2.9:1\"\n")
		defer os.Remove("lookout.toml")
		if got := s.call("", "remote", "check"); got.code != 0 || !strings.HasPrefix(got.stdout, "ok    engine  ") {
			t.Errorf("got %+v", got)
		}
	})

	for _, tt := range []struct {
		name  string
		dir   string // "": keys
		who   string
		edit  [2]string // what is in its probe.toml, what is to be there; "": it is right
		wants []string  // in its one sentence, or in the first where there are many
		many  bool
	}{
		{name: "unknown vhost", who: "fra/1", edit: [2]string{"/lookout\"", "/nope\""}, wants: []string{"vhost", "nope", "url"}},
		{name: "wrong port", who: "fra/1", edit: [2]string{s.port, ":1/"}, wants: []string{"port", "url"}},
		{name: "no TLS on a TLS port", who: "fra/1", edit: [2]string{"amqps://localhost" + s.port + "lookout\"\nusername = \"lookout.fra.1\"\npassword_file = \"broker.pass\"\nca_file = \"ca.pem\"\nclient_cert = \"client.pem\"\nclient_key = \"client.key\"",
			"amqp://localhost" + s.port + "lookout\"\nusername = \"lookout.fra.1\"\npassword_file = \"broker.pass\""}, wants: []string{"TLS", "amqps://"}},
		{name: "TLS on a plain port", who: "fra/1", edit: [2]string{s.port, strings.TrimPrefix(s.broker.Addr(), "127.0.0.1") + "/"}, wants: []string{"does not speak TLS", "url"}},
		{name: "unknown CA", who: "fra/1", edit: [2]string{"ca_file = \"ca.pem\"\n", ""}, wants: []string{"ca_file"}},
		{name: "another name than the certificate's", who: "fra/1", edit: [2]string{"amqps://localhost:", "amqps://127.0.0.1:"}, wants: []string{"certificate", "localhost", "url"}},
		{name: "no client certificate", who: "fra/1", edit: [2]string{"client_cert = \"client.pem\"\nclient_key = \"client.key\"\n", ""}, wants: []string{"client_cert"}},
		{name: "a key of somebody else", who: "fra/1", edit: [2]string{"client_key = \"client.key\"", "client_key = \"../fra-2/client.key\""}, wants: []string{"client_"}},
		{name: "an unknown key", who: "fra/1", edit: [2]string{"ca_file =", "ca_flie ="}, wants: []string{"probe.toml:", "ca_file"}},
		{name: "the user is gone", who: "bad/gone", wants: []string{"lookout.bad.gone"}},
		{name: "no permissions", who: "bad/nothing", wants: []string{"lookout.bad.nothing", "permissions", "lookout"}},
		{name: "reads too much", who: "bad/greedy", many: true,
			wants: []string{"may read queue loc.nyc, and must not", "import_definitions", "keys/broker/definitions.json"}},
		{name: "reads too little", who: "bad/shy", wants: []string{"may not read queue loc.bad"}},
		{name: "speaks for all", who: "bad/loud", many: true, wants: []string{"may publish to exchange lookout.up", "must not"}},
		{name: "takes any name", who: "bad/anybody", wants: []string{"anybody's name", "set_user_tags lookout.bad.anybody"}},
		{name: "a queue is gone", dir: "other", who: "engine", wants: []string{"queue lookout.hello is missing", "import_definitions"}},
		{name: "a binding is gone", dir: "other", who: "fra/1", wants: []string{"key hello.fra.1 reaches no queue", "lookout.hello"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.edit[0] != "" {
				s.edit(t, "fra-1/probe.toml", tt.edit[0], tt.edit[1])
			}
			problems := s.check(t, cmp.Or(tt.dir, "keys"), tt.who)
			if len(problems) == 0 || len(problems) > 1 && !tt.many {
				t.Fatalf("%d problems: %v", len(problems), problems)
			}
			if !slices.ContainsFunc(problems, func(p string) bool {
				return !slices.ContainsFunc(tt.wants, func(w string) bool { return !strings.Contains(p, w) })
			}) {
				t.Errorf("none of %v has all of %q", problems, tt.wants)
			}
		})
	}

	// By password alone, over the listener without TLS.
	plain := [2]string{"amqps://localhost" + s.port + "lookout\"\nusername = \"lookout.fra.1\"\npassword_file = \"broker.pass\"\nca_file = \"ca.pem\"\nclient_cert = \"client.pem\"\nclient_key = \"client.key\"",
		"amqp://" + s.broker.Addr() + "/lookout\"\nusername = \"lookout.fra.1\"\npassword_file = \"broker.pass\""}
	s.edit(t, "fra-1/probe.toml", plain[0], plain[1])
	if p := s.check(t, "keys", "fra/1"); len(p) > 0 {
		t.Errorf("by password: %v", p)
	}
	write(t, "keys/fra-1/broker.pass", topology.NewPassword()+"\n")
	if p := s.check(t, "keys", "fra/1"); len(p) != 1 || !strings.Contains(p[0], "password_file") || !strings.Contains(p[0], "lookout.fra.1") {
		t.Errorf("wrong password: %v", p)
	}
}
