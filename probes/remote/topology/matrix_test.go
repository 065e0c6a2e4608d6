package topology_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
)

// shared are a folder with everything that Init makes, and a broker with its
// definitions, its certificates and both ways to log in.
var shared struct {
	once   sync.Once
	dir    string
	plan   *topology.Plan
	err    error
	broker brokertest.Shared
}

func TestMain(m *testing.M) {
	code := m.Run()
	shared.broker.Close()
	_ = os.RemoveAll(shared.dir) // "": there is none
	os.Exit(code)
}

// site returns them.
func site(t *testing.T) (b *brokertest.Broker, dir string, plan *topology.Plan) {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "topology-"); shared.err != nil {
			return
		}
		var r *topology.Result
		for _, o := range []topology.Options{
			{URL: "amqps://localhost/lookout", ServerNames: []string{"localhost", "127.0.0.1"}, Probes: []string{"fra/1", "fra/2", "nyc/1", "a-b/c-d"}},
			{Shovel: "amqp://127.0.0.1:1/lookout", Probes: []string{"sgp/1", "sgp/2"}},
		} {
			o.Dir, o.Now = shared.dir, time.Now()
			if r, shared.err = topology.Init(o); shared.err != nil {
				return
			}
		}
		shared.plan = r.Plan
		shared.broker.Options = brokertest.Options{
			Definitions: read(t, shared.dir, "broker", "definitions.json"),
			TLS: &brokertest.TLS{
				CA:   read(t, shared.dir, "broker", "ca.pem"),
				Cert: read(t, shared.dir, "broker", "server.pem"), Key: read(t, shared.dir, "broker", "server.key"),
				Clients: true,
			},
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.broker.Broker(t), shared.dir, shared.plan
}

// initiate makes a folder for some probes and returns its plan.
func initiate(t *testing.T, o topology.Options) (dir string, p *topology.Plan) {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Now = time.Now()
	r, err := topology.Init(o)
	if err != nil {
		t.Fatal(err)
	}
	return o.Dir, r.Plan
}

func read(t *testing.T, parts ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func password(t *testing.T, dir, folder string) string {
	t.Helper()
	return strings.TrimSpace(string(read(t, dir, folder, "broker.pass")))
}

// login opens a trial as a user of the folder, without TLS.
func login(t *testing.T, b *brokertest.Broker, user, password, vhost string) *link.Trial {
	t.Helper()
	return enter(t, link.Options{URL: b.URL("", "", vhost), Username: user, Password: password, Name: "test"})
}

// enter logs in as who must be let in: in a few attempts, as a broker that gets no
// processor says nothing for longer than a link waits.
func enter(t *testing.T, o link.Options) *link.Trial {
	t.Helper()
	for left := 5; ; left-- {
		trial, err := link.Try(t.Context(), o)
		switch {
		case err == nil:
			t.Cleanup(trial.Close)
			return trial
		case left == 1:
			t.Fatalf("log in as %q: %v", o.Username, err)
		}
		t.Logf("log in as %q, once more: %v", o.Username, err)
	}
}

// hold tries rules, and says which don't hold.
func hold(t *testing.T, who string, trial *link.Trial, rules []topology.Rule) {
	t.Helper()
	allowed := 0
	for _, r := range rules {
		may, err := r.Try(trial)
		if err != nil {
			t.Errorf("%s, %s: %v", who, r, err)
		} else if may != r.May {
			t.Errorf("%s may %s: %v, want %v", who, r, may, r.May)
		}
		if r.May {
			allowed++
		}
	}
	t.Logf("%s: %d rules hold, of which %d allow something", who, len(rules), allowed)
	if allowed < 3 || len(rules) < 3*allowed {
		t.Errorf("%s: %d rules, %d of them allow: too few", who, len(rules), allowed)
	}
}

// TestMatrix tries, as everybody, what each may do and what not.
func TestMatrix(t *testing.T) {
	b, dir, plan := site(t)
	engine := login(t, b, plan.Engine.Name, password(t, dir, "engine"), "lookout")
	hold(t, "the engine", engine, plan.EngineRules())
	for _, p := range plan.Probes {
		if p.Location == "sgp" {
			continue
		}
		trial := login(t, b, p.User.Name, password(t, dir, topology.Folder(p)), "lookout")
		hold(t, p.ID(), trial, plan.ProbeRules(p))
	}
	far := plan.Far[0]
	hold(t, "the shovel of sgp", login(t, b, far.Shovel.Name, password(t, dir, topology.FarFolder("sgp")), "lookout"), plan.ShovelRules(far))

	for _, q := range append(topology.EngineQueues(), "probe.fra.1", "loc.fra") {
		if n, consumers, err := engine.Queue(q); n != 0 || consumers != 0 || err != nil {
			t.Errorf("after all attempts %s has %d messages and %d consumers: %v", q, n, consumers, err)
		}
	}
}

// TestTooMuch gives a probe every permission: each attempt at what it must not do
// succeeds then, and leaves nothing behind.
func TestTooMuch(t *testing.T) {
	b, _, _ := site(t)
	dir, plan := initiate(t, topology.Options{URL: "amqp://127.0.0.1/loose", Probes: []string{"fra/1", "fra/2", "nyc/1"}})
	var d map[string]any
	if err := json.Unmarshal(read(t, dir, "broker", "definitions.json"), &d); err != nil {
		t.Fatal(err)
	}
	d["permissions"] = []any{map[string]string{"user": "loose.fra.1", "vhost": "loose", "configure": ".*", "write": ".*", "read": ".*"}}
	d["topic_permissions"] = []any{}
	text, err := json.Marshal(d)
	if err == nil {
		err = b.Import(t.Context(), text)
	}
	if err != nil {
		t.Fatal(err)
	}
	there := func() (out string) {
		for _, what := range []string{"queues", "exchanges", "bindings"} {
			list, err := b.Ctl(t.Context(), "--quiet", "list_"+what, "-p", "loose")
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(list, "\n")
			slices.Sort(lines)
			out += strings.Join(lines, "\n")
		}
		// A request that nobody takes for a minute moves on, which a slow machine sees.
		if strings.Contains(out, "loc.fra\t0") {
			out = strings.Replace(strings.Replace(out, "loc.fra\t0", "loc.fra\t1", 1), "lookout.norun\t1", "lookout.norun\t0", 1)
		}
		return out
	}
	conn, err := amqp.Dial(b.URL("loose.fra.1", password(t, dir, "fra-1"), "loose"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, q := range []string{"lookout.results", "probe.fra.2", "loc.fra"} {
		if code := attempt(t, conn, publish("", q, "")); code != 0 {
			t.Fatalf("publish to %s: %d", q, code)
		}
	}
	before := there()

	trial := login(t, b, "loose.fra.1", password(t, dir, "fra-1"), "loose")
	for _, r := range plan.ProbeRules(plan.Probes[0]) {
		may, err := r.Try(trial)
		if errors.Is(err, link.ErrMissing) && strings.Contains(r.String(), "lookout-check") {
			continue // of a probe that is not there
		}
		if err != nil || !may {
			t.Errorf("who may do everything may %s: %v, %v", r, may, err)
		}
	}
	trial.Close()
	if after := there(); after != before {
		t.Errorf("the attempts left something behind:\n%s\nbefore:\n%s", after, before)
	}

	if _, err := b.Ctl(t.Context(), "set_user_tags", "loose.fra.1", "impersonator"); err != nil {
		t.Fatal(err)
	}
	trial = login(t, b, "loose.fra.1", password(t, dir, "fra-1"), "loose")
	if may, as, err := trial.MayPublish("lookout.up", "result.fra.1"); !may || !as || err != nil {
		t.Errorf("an impersonator: %v %v %v", may, as, err)
	}
}

// attempt does something on a channel of its own, and returns the code that the
// broker closed it with; 0: it did not.
func attempt(t *testing.T, conn *amqp.Connection, do func(ch *amqp.Channel) error) int {
	t.Helper()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	defer ch.Close()
	closed := ch.NotifyClose(make(chan *amqp.Error, 1))
	err = do(ch)
	if err == nil {
		err = ch.Qos(1, 0, false) // after what has no answer
	}
	if ch.IsClosed() {
		err = <-closed
	}
	var said *amqp.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &said):
		return said.Code
	}
	t.Fatal(err)
	return 0
}

func publish(exchange, key, user string) func(ch *amqp.Channel) error {
	return func(ch *amqp.Channel) error {
		return ch.Publish(exchange, key, true, false, amqp.Publishing{UserId: user, Body: []byte("x")})
	}
}

// TestForReal does what must be refused without the mistakes that a Trial makes on
// purpose, and what must work to its end.
func TestForReal(t *testing.T) {
	b, _, _ := site(t)
	dir, plan := initiate(t, topology.Options{URL: "amqp://127.0.0.1/real", Probes: []string{"fra/1", "fra/2", "nyc/1"}})
	if err := b.Import(t.Context(), read(t, dir, "broker", "definitions.json")); err != nil {
		t.Fatal(err)
	}
	open := func(user, folder string) *amqp.Connection {
		conn, err := amqp.Dial(b.URL(user, password(t, dir, folder), "real"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	engine, probe := open(plan.Engine.Name, "engine"), open("real.fra.1", "fra-1")
	consume := func(queue string, exclusive bool) func(ch *amqp.Channel) error {
		return func(ch *amqp.Channel) error {
			_, err := ch.Consume(queue, "", false, exclusive, false, false, nil)
			return err
		}
	}
	tests := []struct {
		name string
		as   *amqp.Connection
		do   func(ch *amqp.Channel) error
		want int
	}{
		{"a result of its own", probe, publish("lookout.up", "result.fra.1", ""), 0},
		{"in its own name", probe, publish("lookout.up", "hello.fra.1", "real.fra.1"), 0},
		{"a reply of its own", probe, publish("lookout.up", "reply.fra.1", ""), 0},
		{"in another name", probe, publish("lookout.up", "result.fra.1", "real.fra.2"), 406},
		{"a result of a sibling", probe, publish("lookout.up", "result.fra.2", ""), 403},
		{"a hello of another location", probe, publish("lookout.up", "hello.nyc.1", ""), 403},
		{"an order to a sibling", probe, publish("lookout.down", "fra.2", ""), 403},
		{"a request", probe, publish("lookout.ask", "nyc", ""), 403},
		{"into a queue", probe, publish("", "lookout.results", ""), 403},
		{"read results", probe, consume("lookout.results", false), 403},
		{"read a sibling's orders", probe, consume("probe.fra.2", false), 403},
		{"read another location's requests", probe, consume("loc.nyc", false), 403},
		{"get one", probe, func(ch *amqp.Channel) error { _, _, err := ch.Get("lookout.replies", false); return err }, 403},
		{"purge results", probe, func(ch *amqp.Channel) error { _, err := ch.QueuePurge("lookout.results", false); return err }, 403},
		{"delete its queue", probe, func(ch *amqp.Channel) error { _, err := ch.QueueDelete("probe.fra.1", false, false, false); return err }, 403},
		{"delete results", probe, func(ch *amqp.Channel) error {
			_, err := ch.QueueDelete("lookout.results", false, false, false)
			return err
		}, 403},
		{"delete an exchange", probe, func(ch *amqp.Channel) error { return ch.ExchangeDelete("lookout.up", false, false) }, 403},
		{"declare a queue", probe, func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare("mine", false, true, false, false, nil)
			return err
		}, 403},
		{"declare one that the broker names", probe, func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare("", false, true, true, false, nil)
			return err
		}, 403},
		{"declare a queue called like a line end", probe, func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare("\n", false, true, true, false, nil)
			return err
		}, 403},
		{"bind its queue", probe, func(ch *amqp.Channel) error { return ch.QueueBind("probe.fra.1", "#", "lookout.up", false, nil) }, 403},
		{"bind an exchange", probe, func(ch *amqp.Channel) error { return ch.ExchangeBind("lookout.up", "#", "amq.topic", false, nil) }, 403},
		{"an answer to its own mailbox", probe, func(ch *amqp.Channel) error {
			_, err := ch.Consume("amq.rabbitmq.reply-to", "", true, false, false, false, nil)
			return err
		}, 0}, // it can be told nothing there:
		{"into anybody's mailbox", probe, publish("", "amq.rabbitmq.reply-to.x", ""), 403},

		{"the engine as a probe", engine, publish("lookout.up", "result.fra.1", ""), 403},
		{"the engine reads orders", engine, consume("probe.fra.1", false), 403},
		{"the engine purges orders", engine, func(ch *amqp.Channel) error { _, err := ch.QueuePurge("probe.fra.1", false); return err }, 403},
		{"the engine orders", engine, publish("lookout.down", "fra.1", ""), 0},
		{"the engine asks", engine, publish("lookout.ask", "nyc", ""), 0},
		{"the probe reads its orders", probe, consume("probe.fra.1", false), 0},
		{"the probe reads requests", probe, consume("loc.fra", false), 0},
		{"the engine reads results", engine, consume("lookout.results", false), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := attempt(t, tt.as, tt.do); got != tt.want {
				t.Errorf("the broker closed the channel with %d, want %d", got, tt.want)
			}
		})
	}

	t.Run("connections are counted", func(t *testing.T) {
		for range 3 {
			open("real.fra.1", "fra-1")
		}
		conn, err := amqp.Dial(b.URL("real.fra.1", password(t, dir, "fra-1"), "real"))
		if err == nil {
			conn.Close()
			t.Error("a fifth connection of a probe was let in")
		}
	})
	t.Run("another vhost", func(t *testing.T) {
		conn, err := amqp.Dial(b.URL("real.fra.2", password(t, dir, "fra-2"), "lookout"))
		if err == nil {
			conn.Close()
			t.Error("a probe was let into the vhost of another engine")
		}
	})
}

// TestQuorum has results in a queue of the kind that lies on several nodes of a cluster.
func TestQuorum(t *testing.T) {
	b, _, _ := site(t)
	dir, plan := initiate(t, topology.Options{URL: "amqp://127.0.0.1/quorum", Quorum: true, Probes: []string{"fra/1"}})
	if err := b.Import(t.Context(), read(t, dir, "broker", "definitions.json")); err != nil {
		t.Fatal(err)
	}
	engine := login(t, b, plan.Engine.Name, password(t, dir, "engine"), "quorum")
	hold(t, "the engine, with a quorum queue", engine, plan.EngineRules())
	probe := login(t, b, plan.Probes[0].User.Name, password(t, dir, "fra-1"), "quorum")
	if err := probe.Send(t.Context(), link.Message{Exchange: topology.Up, Key: "result.fra.1", Type: topology.TypeResult, Durable: true}); err != nil {
		t.Error(err)
	}
	within(t, "the message is in the queue", func() bool {
		n, _, err := engine.Queue(topology.Results)
		return err == nil && n == 1
	})
	said, err := b.Ctl(t.Context(), "--quiet", "list_queues", "-p", "quorum", "name", "type", "policy")
	if err != nil || !strings.Contains(said, "lookout.results\tquorum\tlookout.results\n") || !strings.Contains(said, "lookout.hello\tclassic\tlookout.hello\n") {
		t.Errorf("queues: %s, %v", said, err)
	}
}

// TestCertificates goes over TLS, with what Init made: by certificate alone, by
// password too, and without what is needed.
func TestCertificates(t *testing.T) {
	b, dir, plan := site(t)
	conf := func(folder string) *tls.Config {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(read(t, dir, folder, "ca.pem")) {
			t.Fatal("no CA")
		}
		cert, err := tls.LoadX509KeyPair(filepath.Join(dir, folder, "client.pem"), filepath.Join(dir, folder, "client.key"))
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}}
	}
	url := b.TLSURL("", "", "lookout")
	byCertificate := func(folder string) *link.Trial {
		return enter(t, link.Options{URL: url, TLS: conf(folder), Name: folder})
	}
	hold(t, "the engine by certificate", byCertificate("engine"), plan.EngineRules())
	for _, p := range plan.Probes[1:3] {
		hold(t, p.ID()+" by certificate", byCertificate(topology.Folder(p)), plan.ProbeRules(p))
	}
	enter(t, link.Options{URL: url, TLS: conf("fra-1"), Username: "lookout.fra.1", Password: password(t, dir, "fra-1"), Name: "test"})
	bare := conf("fra-1")
	bare.Certificates = nil
	if trial, err := link.Try(t.Context(), link.Options{URL: url, TLS: bare, Username: "lookout.fra.1", Password: password(t, dir, "fra-1"), Name: "test"}); err == nil {
		trial.Close()
		t.Error("a password was enough")
	}
}
