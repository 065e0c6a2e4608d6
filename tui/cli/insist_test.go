package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes/remote/dispatch"
)

// lame is a store that gives no numbers until some time.
type lame struct {
	until time.Time
	asked [][]string
}

var errFull = errors.New("no space left on device")

func (l *lame) Numbers(names []string) ([]uint32, error) {
	l.asked = append(l.asked, names)
	if time.Now().Before(l.until) {
		return nil, errFull
	}
	return make([]uint32, len(names)), nil
}

// TestInsist tells the probes what to check as soon as the store has numbers,
// without a reload, and then what was wanted last; and asks it seldom.
func TestInsist(t *testing.T) {
	wants := func(name string) *config.Config {
		return &config.Config{Jobs: []uptime.Job{{Monitor: &uptime.Monitor{Name: name, Interval: time.Minute}}}}
	}
	for _, tc := range []struct {
		name  string
		fails time.Duration
		other bool // something else is wanted meanwhile
		most  int  // calls
	}{
		{"it works", 0, false, 1},
		{"it fails for a moment", 1500 * time.Millisecond, false, 3},
		{"it fails for long", 10 * time.Minute, false, 30},
		{"another configuration is read meanwhile", 10 * time.Minute, true, 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &lame{until: time.Now().Add(tc.fails)}
				d := dispatch.New(dispatch.Options{Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
				r := &remotes{dispatch: d, numbers: store, log: discardLog(), failed: make(chan struct{}, 1)}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{}) // closed
				if err := r.assign(wants("first")); errors.Is(err, errFull) != (tc.fails > 0) {
					t.Error(err)
				}
				go func() { r.insist(ctx); close(ended) }()
				want := "first"
				if tc.other {
					time.Sleep(time.Minute)
					if err := r.assign(wants("second")); !errors.Is(err, errFull) {
						t.Error(err)
					}
					want = "second"
				}
				time.Sleep(tc.fails + insistMost)
				synctest.Wait()
				if last := store.asked[len(store.asked)-1]; r.untold != nil || last[0] != want || len(store.asked) > tc.most {
					t.Errorf("asked %d times, at last for %s; left: %v", len(store.asked), last[0], r.untold)
				}
				calls := len(store.asked)
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(store.asked) != calls {
					t.Errorf("%d calls more when all is told", len(store.asked)-calls)
				}
				cancel()
				<-ended
			})
		})
	}
}
