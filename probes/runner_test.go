package probes

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

func TestRunnerStampsAndCleans(t *testing.T) {
	h := probetest.Hostile
	job := uptime.Job{
		Monitor: &uptime.Monitor{Name: "shop", Type: "tls", Target: "tls://shop.test:443", Timeout: time.Second},
		Checker: checker(func(context.Context) uptime.Result {
			return uptime.Result{Outcome: uptime.OutcomeDown, Fault: uptime.FaultTLSExpired, Message: h + strings.Repeat("x", 1000), Address: h,
				Steps: []uptime.Step{{Step: h, Address: h, Error: h, Errno: h, Detail: h}},
				Cert:  &uptime.Certificate{Names: []string{h}, Issuer: h, Serial: h, Version: h, Chain: h}}
		}),
	}
	r := (&Runner{Location: "fra"}).Run(t.Context(), job)
	if r.Monitor != "shop" || r.Type != "tls" || r.Target != "tls://shop.test:443" || r.Location != "fra" || r.Total <= 0 ||
		time.Since(r.Time) > time.Minute || r.Time.Nanosecond()%1e6 != 0 || len(r.Message) > maxMessage {
		t.Errorf("%+v", r)
	}
	texts := []string{r.Message, r.Address, r.Cert.Names[0], r.Cert.Issuer, r.Cert.Serial, r.Cert.Version, r.Cert.Chain}
	for _, s := range r.Steps {
		texts = append(texts, s.Step, s.Address, s.Error, s.Errno, s.Detail)
	}
	for _, text := range texts {
		if text == "" || text != uptime.Clean(text, len(text)) {
			t.Errorf("%q", text)
		}
	}
}

func TestRunnerTime(t *testing.T) {
	waits := func(d time.Duration, f uptime.Fault) checker {
		return func(ctx context.Context) uptime.Result {
			select {
			case <-ctx.Done():
				return uptime.Result{Fault: uptime.FaultHTTPTimeoutHeaders, Outcome: uptime.OutcomeDown, Message: "no answer"}
			case <-time.After(d):
				return uptime.Result{Fault: f, Outcome: f.Outcome(), Message: f.String()}
			}
		}
	}
	tests := []struct {
		name     string
		takes    time.Duration
		finds    uptime.Fault
		timeout  time.Duration
		degraded time.Duration
		cancel   time.Duration
		fault    uptime.Fault
		message  string
		total    time.Duration
	}{
		{name: "in time", takes: time.Second, timeout: 10 * time.Second, total: time.Second},
		{name: "time-out", takes: time.Minute, timeout: 4 * time.Second, fault: uptime.FaultHTTPTimeoutHeaders, message: "no answer", total: 4 * time.Second},
		{name: "no time-out of its own", takes: time.Minute, fault: uptime.FaultHTTPTimeoutHeaders, message: "no answer", total: defaultTimeout},
		{name: "slow", takes: 2410 * time.Millisecond, degraded: 800 * time.Millisecond, fault: uptime.FaultHTTPTooSlow, message: "took 2.41s, over the limit of 800ms", total: 2410 * time.Millisecond},
		{name: "slow, and worse", takes: time.Second, finds: uptime.FaultHTTPStatus, degraded: time.Millisecond, fault: uptime.FaultHTTPStatus, message: "http.status", total: time.Second},
		{name: "cancelled", takes: time.Minute, cancel: time.Second, fault: uptime.FaultLocalCancelled, message: "the check was cancelled after 1.00s", total: time.Second},
		{name: "cancelled, and done all the same", takes: time.Second, cancel: time.Second, total: time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := waits(tt.takes, tt.finds)
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				if tt.cancel == tt.takes {
					c = func(context.Context) uptime.Result {
						<-time.After(tt.takes)
						return uptime.Result{Outcome: uptime.OutcomeUp}
					}
				}
				r := new(Runner).Run(ctx, uptime.Job{Monitor: &uptime.Monitor{Name: "m", Type: "http", Timeout: tt.timeout, DegradedAbove: tt.degraded}, Checker: c})
				wantFault(t, r, tt.fault, tt.message)
				if r.Total != tt.total || r.Location != uptime.Local {
					t.Errorf("total %s at %s", r.Total, r.Location)
				}
			})
		})
	}
}

// TestPingIsNotSlow compares the round trip, as the pauses between the packets are ours.
func TestPingIsNotSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(Runner).Run(t.Context(), uptime.Job{
			Monitor: &uptime.Monitor{Name: "m", Type: "icmp", DegradedAbove: 100 * time.Millisecond},
			Checker: checker(func(context.Context) uptime.Result {
				<-time.After(time.Second)
				return uptime.Result{Outcome: uptime.OutcomeUp, Measures: []uptime.Measure{{Name: "rtt_avg", Value: 20000}}}
			}),
		})
		wantFault(t, r, uptime.NoFault, "")
	})
}

func TestPanicIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	run := &Runner{Log: slog.New(slog.NewTextHandler(&log, nil))}
	job := uptime.Job{Monitor: &uptime.Monitor{Name: "m", Type: "http"}, Checker: checker(func(context.Context) uptime.Result { panic("oops") })}
	for range 3 {
		wantFault(t, run.Run(t.Context(), job), uptime.FaultLocalBug, "a bug in lookout: the http check panicked: oops")
	}
	if n := strings.Count(log.String(), "oops"); n != 1 {
		t.Errorf("told %d times: %s", n, log.String())
	}
}
