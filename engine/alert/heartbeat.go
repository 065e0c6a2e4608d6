package alert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"lookout/engine/uptime"
)

// Heart tells a dead-man service, again and again, that the engine lives: while
// its loop turns and what it finds is stored, and only then. That nothing comes
// is the news, so a beat is not made up for and not kept.
type Heart struct {
	o     HeartOptions
	next  chan *uptime.Heartbeat // Configure → Run; one slot, the newest wins
	state atomic.Pointer[uptime.HeartbeatState]
	beat  func(ctx context.Context, url uptime.Secret) error
}

// HeartOptions is what a Heart needs.
type HeartOptions struct {
	Beat  *uptime.Heartbeat // nil: none, until Configure says otherwise
	Alive func() string     // why the engine cannot be said to live; "": it does
	Agent string            // of the requests: "lookout/1.2"
	Log   *slog.Logger
}

const (
	beatTimeout = 10 * time.Second
	beatRetry   = 5 * time.Second // after the first failure; twice as long after each, up to a whole period
	beatReply   = 4 << 10         // of an answer, bytes that are read
)

// NewHeart makes one that does nothing before Run.
func NewHeart(o HeartOptions) *Heart {
	h := &Heart{o: o, next: make(chan *uptime.Heartbeat, 1)}
	h.state.Store(&uptime.HeartbeatState{})
	client := &http.Client{
		Timeout: beatTimeout,
		// A connection of its own each time, by no proxy of the environment: what is
		// kept open says little about tomorrow.
		Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	h.beat = func(ctx context.Context, url uptime.Secret) error { return get(ctx, client, url, o.Agent) }
	return h
}

// State is how it goes: safe to be called at any time.
func (h *Heart) State() uptime.HeartbeatState { return *h.state.Load() }

// Configure puts another heartbeat in force; nil: none.
func (h *Heart) Configure(b *uptime.Heartbeat) {
	for {
		select {
		case h.next <- b:
			return
		default:
		}
		select {
		case <-h.next: // an older one that nobody took
		default:
		}
	}
}

// Run beats until ctx ends.
func (h *Heart) Run(ctx context.Context) error {
	b, failed := h.o.Beat, 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due := timer.C
		if b == nil {
			due = nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case next := <-h.next:
			if same(b, next) {
				continue
			}
			b, failed = next, 0
			h.state.Store(&uptime.HeartbeatState{})
			timer.Reset(0)
			continue
		case <-due:
		}
		err := h.once(ctx, b.URL)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			failed = 0
		} else {
			failed++
		}
		timer.Reset(pause(b.Every, failed, rand.Float64()))
	}
}

func same(a, b *uptime.Heartbeat) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// pause is how long it waits after so many failures; chance is from 0 to 1.
// It is rather too early than too late: nobody should be woken by our jitter.
func pause(every time.Duration, failed int, chance float64) time.Duration {
	wait := every
	if failed > 0 && failed < 16 {
		wait = min(every, beatRetry<<(failed-1))
	}
	return wait - time.Duration(chance*0.2*float64(wait))
}

// once beats, unless the engine does not live, and keeps how it went.
func (h *Heart) once(ctx context.Context, url uptime.Secret) error {
	var err error
	if why := h.o.Alive(); why != "" {
		err = errors.New("not sent: " + why)
	} else {
		err = h.beat(ctx, url)
	}
	if ctx.Err() != nil {
		return err
	}
	was, s, now := h.State(), h.State(), time.Now().UTC()
	switch {
	case err == nil:
		s = uptime.HeartbeatState{Last: now}
	case was.Error == "":
		s.Error, s.Failing = uptime.Clean(err.Error(), 300), now
	default:
		s.Error = uptime.Clean(err.Error(), 300)
	}
	h.state.Store(&s)
	switch {
	case s.Error != "" && was.Error == "":
		h.o.Log.Warn("the heartbeat fails", "error", s.Error)
	case s.Error == "" && was.Error != "":
		h.o.Log.Info("the heartbeat is heard again", "failed_for", uptime.Span(now.Sub(was.Failing).Round(time.Second)))
	}
	return err
}

// get asks for the URL. Its errors hold no part of it: all of it may be secret.
func get(ctx context.Context, client *http.Client, url uptime.Secret, agent string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url.Reveal(), nil)
	if err != nil {
		return errors.New("its url is not valid")
	}
	req.Header.Set("User-Agent", agent)
	resp, err := client.Do(req)
	if err != nil {
		return errors.New(beatFault(err))
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, beatReply)) //nolint:errcheck // the status has said it
	switch resp.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		return fmt.Errorf("HTTP status %d: it wants another address, which is not followed", resp.StatusCode)
	}
	return fmt.Errorf("HTTP status %d", resp.StatusCode)
}

// beatFault says why a request failed, in words of ours: those of the libraries
// quote names and addresses.
func beatFault(err error) string {
	var (
		dns   *net.DNSError
		errno syscall.Errno
		cert  *tls.CertificateVerificationError
		alert tls.AlertError
		head  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer within " + uptime.Span(beatTimeout)
	case errors.As(err, &dns) && dns.IsNotFound:
		return "its name has no address"
	case errors.As(err, &dns):
		return "its name could not be looked up"
	case errors.As(err, &cert):
		return "its certificate is not to be trusted"
	case errors.As(err, &alert), errors.As(err, &head), errors.Is(err, http.ErrSchemeMismatch):
		return "TLS was not agreed on"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return "the connection broke"
}
