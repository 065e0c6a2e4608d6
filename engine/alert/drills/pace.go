package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lookout/engine"
	"lookout/engine/alert"
	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/figure"
	"lookout/engine/uptime"
	"lookout/storage"
)

// site is the real engine with the real office, whose monitors are as they are told.
type site struct {
	store  *storage.Store
	engine *engine.Engine
	office *alert.Office

	mu   sync.Mutex
	down map[string]bool
}

// Run is a check that only says how its monitor is.
func (s *site) Run(_ context.Context, job uptime.Job) uptime.Result {
	r := uptime.Result{Time: time.Now(), Monitor: job.Name, Type: job.Type, Target: job.Target, Location: uptime.Local, Outcome: uptime.OutcomeUp, Total: time.Millisecond}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down[job.Name] {
		r.Outcome, r.Fault, r.Message = uptime.OutcomeDown, uptime.FaultTCPRefused, "refused"
	}
	return r
}

func (s *site) set(name string, down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down[name] = down
}

// withSite runs one with so many monitors, which share no cause and are down when
// one check fails, until do returns.
func withSite(ctx context.Context, monitors int, interval time.Duration, server string, do func(context.Context, *site) error, routes ...uptime.Route) error {
	dir, err := os.MkdirTemp("", "lookout-drill-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &site{down: map[string]bool{}}
	if s.store, err = storage.Open(filepath.Join(dir, "lookout.db"), storage.Options{Now: time.Now()}); err != nil {
		return err
	}
	defer s.store.Close()
	ops, err := mailTo("ops", server)
	if err != nil {
		return err
	}
	if s.office, err = alert.New(alert.Options{Instance: instance, Zone: time.UTC, Store: s.store, Channels: []uptime.ChannelConfig{ops}, Routes: routes}); err != nil {
		return err
	}
	o := engine.Options{Instance: instance, Timezone: "UTC", Store: s.store, Runner: s, Outbox: s.office.Outbox}
	for i := range monitors {
		o.Jobs = append(o.Jobs, uptime.Job{Monitor: &uptime.Monitor{Name: fmt.Sprintf("m%d", i), Type: "exec", Target: "exec:nothing", Dest: fmt.Sprintf("m%d", i),
			Interval: interval, Timeout: time.Second, Fingerprint: 1,
			Rule: uptime.Rule{Consecutive: true, Failures: 1, Recoveries: 1, RetryInterval: time.Second}}})
	}
	if s.engine, err = engine.New(o, time.Now()); err != nil {
		return err
	}
	engineCtx, stopEngine := context.WithCancel(context.Background())
	officeCtx, stopOffice := context.WithCancel(context.Background())
	engineRan, officeRan := make(chan error, 1), make(chan error, 1) // each → us; one slot
	go func() { engineRan <- s.engine.Run(engineCtx) }()
	go func() { officeRan <- s.office.Run(officeCtx, s.engine) }()
	err = do(ctx, s)
	stopOffice()
	officeErr := <-officeRan
	stopEngine()
	for _, e := range []error{officeErr, <-engineRan} {
		if err == nil {
			err = e
		}
	}
	return err
}

// arrivals notes when a mail about which monitor was taken first.
type arrivals struct {
	mu sync.Mutex
	at map[string]time.Time // by the first monitor in the subject
}

func (a *arrivals) behave(c smtptest.Command) smtptest.Answer {
	if c.Stage != smtptest.End {
		return smtptest.Answer{}
	}
	m, err := mail.ReadMessage(bytes.NewReader(c.Mail.Data))
	if err != nil || m.Header.Get("X-Lookout-Alert") != string(uptime.AlertOpened) {
		return smtptest.Answer{}
	}
	var n int
	if _, err := fmt.Sscanf(m.Header.Get("Subject"), "DOWN m%d:", &n); err != nil {
		return smtptest.Answer{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if name := fmt.Sprintf("m%d", n); a.at[name].IsZero() {
		a.at[name] = time.Now()
	}
	return smtptest.Answer{}
}

// pace has monitors go down, one after the other at random, and measures from the
// event of each to its mail.
func (d *drill) pace(ctx context.Context) error {
	got := &arrivals{at: map[string]time.Time{}}
	server, err := smtptest.Start(smtptest.Options{Behave: got.behave})
	if err != nil {
		return err
	}
	defer server.Close()
	var took []time.Duration
	err = withSite(ctx, d.alerts, time.Second, server.Address(), func(ctx context.Context, s *site) error {
		d.say("pace: %d monitors go down", d.alerts)
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
		rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 3))
		for i := range d.alerts {
			s.set(fmt.Sprintf("m%d", i), true)
			if err := pause(ctx, time.Duration(rng.IntN(200))*time.Millisecond); err != nil {
				return err
			}
		}
		if err := pause(ctx, 5*time.Second); err != nil {
			return err
		}
		for after := uint64(0); ; {
			events, err := s.store.Events(uptime.EventQuery{After: after, Limit: 1000})
			if err != nil || len(events) == 0 {
				return err
			}
			for _, ev := range events {
				after = ev.ID
				if ev.Kind == uptime.EventIncident && ev.Note == uptime.IncidentOpened {
					got.mu.Lock()
					at := got.at[ev.Monitor]
					got.mu.Unlock()
					if at.IsZero() {
						return fmt.Errorf("no mail of %s", ev.Monitor)
					}
					took = append(took, at.Sub(ev.Time))
				}
			}
		}
	})
	if err != nil {
		return err
	}
	if len(took) < d.alerts {
		return fmt.Errorf("%d of %d monitors went down", len(took), d.alerts)
	}
	figure.Most(d.figures, "alert_p50", seconds(quantile(took, 0.5)), "s", 1, "from the event to the mail that was taken, over loopback")
	figure.Most(d.figures, "alert_p99", seconds(quantile(took, 0.99)), "s", 1, fmt.Sprintf("of %d", len(took)))
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func seconds(d time.Duration) float64 { return d.Seconds() }

func quantile(ds []time.Duration, q float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return ds[min(int(q*float64(len(ds))), len(ds)-1)]
}
