package brokertest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
)

// Start starts a broker for one test. Where RabbitMQ is missing the test is
// skipped, or fails where everything is promised to be there: with CI or
// LOOKOUT_E2E=all in the environment.
func Start(t testing.TB, o Options) *Broker {
	t.Helper()
	b, err := Launch(t.Context(), o)
	judge(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the broker's log ends: %s", b.tail())
		}
		b.Close()
	})
	return b
}

func judge(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("CI") == "" && os.Getenv("LOOKOUT_E2E") != "all":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// Shared is a broker of all tests of a package, which the first that wants it
// starts. TestMain closes it.
type Shared struct {
	Options
	once   sync.Once
	broker *Broker
	err    error
}

// Broker returns the broker, or skips the test, or fails it, as Start does.
func (s *Shared) Broker(t testing.TB) *Broker {
	t.Helper()
	// It outlives the test that starts it.
	s.once.Do(func() { s.broker, s.err = Launch(context.Background(), s.Options) })
	judge(t, s.err)
	return s.broker
}

// Close ends the broker, if it was started.
func (s *Shared) Close() {
	if s.broker != nil {
		s.broker.Close()
	}
}

// Proxy starts a proxy in front of the broker's listener without TLS, for one test.
func (b *Broker) Proxy(t testing.TB) *Proxy { return StartProxy(t, b.Addr()) }

// StartProxy starts a proxy in front of any address, for one test.
func StartProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	p, err := NewProxy(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
