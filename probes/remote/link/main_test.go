package link

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"lookout/probes/remote/brokertest"
)

const patient = 30 * time.Second // for what must come; it fails a test that would hang

// authority signs the certificates of the tests.
var authority = sync.OnceValues(func() (*ca, error) { return newCA("lookout test authority") })

// broker is that of all tests that do it no harm.
var broker = sync.OnceValue(func() *brokertest.Shared {
	a, err := authority()
	if err != nil {
		panic(err)
	}
	server := a.sign("broker", time.Now().Add(time.Hour))
	return &brokertest.Shared{Options: brokertest.Options{
		Definitions: definitions(),
		TLS:         &brokertest.TLS{CA: a.pem, Cert: server.pem, Key: server.keyPEM, Clients: true},
	}}
})

func definitions() []byte {
	type m = map[string]any
	may := func(user, write, read string) m {
		return m{"user": user, "vhost": "/", "configure": "^$", "write": write, "read": read}
	}
	b, err := json.Marshal(m{
		"vhosts": []m{{"name": "/"}, {"name": "closed"}},
		"users": []m{
			{"name": "guest", "password": "guest", "tags": "administrator"},
			{"name": "meek", "password": "s3cret-word", "tags": ""},
			{"name": "few", "password": "few", "tags": "", "limits": m{"max-connections": 2}},
			{"name": "by-certificate", "password_hash": "", "tags": ""},
		},
		"permissions": []m{
			{"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
			may("meek", "^meek\\.", "^meek\\.mine$"), may("few", "", ".*"), may("by-certificate", ".*", ".*"),
		},
		"topic_permissions": []m{{"user": "meek", "vhost": "/", "exchange": "meek.up", "write": "^result\\.fra\\.1$", "read": ""}},
		"exchanges":         []m{{"name": "meek.up", "vhost": "/", "type": "topic", "durable": true}},
	})
	if err != nil {
		panic(err)
	}
	return b
}

func TestMain(m *testing.M) {
	code := m.Run()
	broker().Close()
	if left := leftover(); left != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines that outlived Run:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leftover are the goroutines of links and of the client, when they do not end.
func leftover() (left string) {
	end := time.Now().Add(10 * time.Second)
	for {
		left = ""
		b := make([]byte, 1<<20)
		for _, g := range strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n") {
			if !strings.Contains(g, "TestMain") && (strings.Contains(g, "remote/link.") || strings.Contains(g, "amqp091")) {
				left += g + "\n\n"
			}
		}
		if left == "" || time.Now().After(end) {
			return left
		}
		<-time.After(20 * time.Millisecond)
	}
}

// admin is a connection that may do everything, to make and look at queues.
type admin struct {
	t    *testing.T
	ch   *amqp.Channel
	test string // what names begin with: of this run of the test alone
}

func newAdmin(t *testing.T, b *brokertest.Broker) admin {
	t.Helper()
	c, err := amqp.Dial(b.URL("guest", "guest", "/"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ch, err := c.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return admin{t, ch, strings.ReplaceAll(t.Name(), "/", ".") + "." + rand.Text()[:6] + "."}
}

// queue makes a durable queue of the test's own.
func (a admin) queue(name string, args amqp.Table) string {
	a.t.Helper()
	name = a.test + name
	if _, err := a.ch.QueueDeclare(name, true, false, false, false, args); err != nil {
		a.t.Fatal(err)
	}
	return name
}

// exchange makes a durable exchange of the test's own, with queues bound to it by their names as keys.
func (a admin) exchange(name, kind string, queues ...string) string {
	a.t.Helper()
	name = a.test + name
	if err := a.ch.ExchangeDeclare(name, kind, true, false, false, false, nil); err != nil {
		a.t.Fatal(err)
	}
	for _, q := range queues {
		if err := a.ch.QueueBind(q, q, name, false, nil); err != nil {
			a.t.Fatal(err)
		}
	}
	return name
}

// waiting is how many messages are ready in a queue, and how many consume it.
func (a admin) waiting(queue string) (messages, consumers int) {
	a.t.Helper()
	q, err := a.ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return q.Messages, q.Consumers
}

// running is a link that runs.
type running struct {
	*Link
	t      *testing.T
	states chan State
	ups    chan struct{}
	stop   func() // and wait until it has ended
}

// run starts a link for a test.
func run(t *testing.T, o Options) *running {
	t.Helper()
	r := &running{t: t, states: make(chan State, 1000), ups: make(chan struct{}, 1000)}
	o.Name = t.Name()
	o.Changed = func(s State) { r.states <- s }
	o.Up = func() { r.ups <- struct{}{} }
	r.Link = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	r.stop = func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patient):
			t.Error("Run does not end")
		}
	}
	t.Cleanup(r.stop)
	return r
}

// until waits for a state.
func (r *running) until(what string, is func(State) bool) State {
	r.t.Helper()
	late := time.After(patient)
	for {
		select {
		case s := <-r.states:
			if is(s) {
				return s
			}
		case <-late:
			r.t.Fatalf("not %s: %+v", what, r.State())
		}
	}
}

// up waits for a new generation.
func (r *running) up() {
	r.t.Helper()
	receive(r.t, "a generation", r.ups)
}

// receive waits for what must come.
func receive[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patient):
		t.Fatalf("no %s came", what)
	}
	return v
}

// publish publishes and waits for the answer.
func (r *running) publish(m Message) error {
	r.t.Helper()
	answer := make(chan error, 2)
	r.Publish(m, func(err error) { answer <- err })
	return receive(r.t, "answer", answer)
}

// insist publishes until the link works, and returns what it said then.
func (r *running) insist(m Message) error {
	r.t.Helper()
	late := time.After(patient)
	for {
		err := r.publish(m)
		if !errors.Is(err, ErrNotConnected) {
			return err
		}
		select {
		case <-late:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}
