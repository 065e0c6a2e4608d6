package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"lookout/engine/config"
	"lookout/engine/schedule"
	"lookout/engine/uptime"
	"lookout/probes/remote/dispatch"
	"lookout/probes/remote/link"
)

// remotes are the probes at other locations, as an engine in this process
// reaches them.
type remotes struct {
	link     *link.Link
	dispatch *dispatch.Dispatcher
	numbers  numberer
	log      *slog.Logger

	telling sync.Mutex     // one assign at a time: the last one that was asked for wins
	untold  *config.Config // what the probes could not be told; nil: they know all
	failed  chan struct{}  // assign → insist: there is something; 1, since it is looked at whole
}

// numberer gives monitors the numbers by which probes know them.
type numberer interface {
	Numbers(names []string) ([]uint32, error)
}

// newRemotes makes what reaches the probes of a configuration; nil where it has no broker.
func newRemotes(cfg *config.Config, store numberer, log *slog.Logger) *remotes {
	b := cfg.Broker
	if b == nil {
		return nil
	}
	l := link.New(link.Options{URL: b.URL, Username: b.Username, Password: b.Password(), TLS: b.TLS(), Name: "lookout engine " + cfg.Instance, Log: log})
	d := dispatch.New(dispatch.Options{
		Vhost: b.Vhost, URL: b.URL, Software: release, Key: b.SigningKey(), Locations: cfg.Locations, Broker: l, Log: log,
	})
	return &remotes{link: l, dispatch: d, numbers: store, log: log, failed: make(chan struct{}, 1)}
}

// tell tells the probes what a configuration has for them.
func (r *remotes) tell(cfg *config.Config) error {
	as, err := assignments(cfg.Jobs, r.numbers)
	if err != nil {
		return fmt.Errorf("tell the probes what to check: %w; they go on with what they have", err)
	}
	r.dispatch.Locate(cfg.Locations)
	r.dispatch.Assign(as)
	return nil
}

// assignments are all monitors with their numbers, those too that no probe
// checks: one may have done so until now, and what it found is still to come. A
// number is for good, so whatever a monitor was called before was renamed by now.
func assignments(jobs []uptime.Job, n numberer) ([]dispatch.Assignment, error) {
	jobs = slices.Clone(jobs)
	stays := func(j uptime.Job) int {
		if j.Portable == nil {
			return 1
		}
		return 0
	}
	slices.SortFunc(jobs, func(a, b uptime.Job) int { // those that get a number now get it by their place in time; what travels lies together
		return cmp.Or(stays(a)-stays(b), cmp.Compare(schedule.Phase(a.Name, a.Interval), schedule.Phase(b.Name, b.Interval)), strings.Compare(a.Name, b.Name))
	})
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.Name
	}
	numbers, err := n.Numbers(names)
	if err != nil {
		return nil, err
	}
	as := make([]dispatch.Assignment, len(jobs))
	for i, j := range jobs {
		as[i] = dispatch.Assignment{Number: numbers[i], Job: j}
	}
	return as, nil
}

// run serves the probes until ctx ends. The link ends last: what was stored is
// confirmed to the broker over it.
func (r *remotes) run(ctx context.Context) error {
	linked, unlink := context.WithCancel(context.WithoutCancel(ctx))
	defer unlink()
	over := make(chan error, 1) // link → us; one slot: it ends even if we did before
	go func() { over <- guard(func() error { return r.link.Run(linked) }) }()
	insisting, end := context.WithCancel(ctx)
	insisted := make(chan struct{}) // closed when nobody insists any more
	go func() { r.insist(insisting); close(insisted) }()
	err := guard(func() error { return r.dispatch.Run(ctx) })
	end()
	<-insisted
	unlink()
	return errors.Join(ended(err), ended(<-over))
}

// ended is an error but for that of what was asked to end.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

const (
	lastWord    = 3 * time.Second  // the answer to a single check may come so long after its time-out
	longestFrom = 45 * time.Second // that it may take: the control API does not wait for ever
	patientFrom = 5 * time.Second  // it is begun within, however short its time-out: a person asks, and no doubt waits
)

// checkFrom has a monitor, or a URL with every default, checked once at a
// location. Nothing is stored.
func (h *host) checkFrom(ctx context.Context, target, from string) (uptime.Result, error) {
	cfg := h.config.Load()
	if h.remotes == nil || cfg.Broker == nil {
		return uptime.Result{}, uptime.Invalid("there is no [broker] in the configuration of this engine: it reaches no other location")
	}
	at := slices.IndexFunc(cfg.Locations, func(p uptime.Place) bool { return p.Location == from })
	if at < 0 {
		return uptime.Result{}, uptime.Invalid("%q is no [[location]] of this engine: it has %s", uptime.Clean(from, 60), bullets(placeNames(cfg.Locations)))
	}
	job, err := h.jobOf(cfg, target)
	if err != nil {
		return uptime.Result{}, err
	}
	if job.Portable == nil {
		why := job.Alone
		switch {
		case job.Rule.Plain:
			why = "nobody else can check type " + job.Type
		case why == "" && job.Rule.Consecutive:
			why = "rule = \"consecutive\" asks nobody, so probes are not told of it; its URL can be checked from there"
		case why == "":
			why = "what it needs does not leave this machine"
		}
		return uptime.Result{}, uptime.Invalid("%s is not sent to %s: %s", uptime.Clean(target, 120), from, why)
	}
	most := max(min(job.Timeout, longestFrom), patientFrom)
	took := make(chan uptime.Result, 1) // dispatcher → us; one slot: it is called once, and must not wait
	h.remotes.dispatch.Ask(job, cfg.Locations[at], most, func(r uptime.Result) { took <- r })
	ctx, cancel := context.WithTimeout(ctx, most+lastWord)
	defer cancel()
	r := uptime.Result{Outcome: uptime.OutcomeUnknown, Fault: uptime.FaultLocalOverload,
		Message: fmt.Sprintf("no answer from %s within %s; lookout remote list says how its probes are", from, uptime.Span(most+lastWord))}
	select {
	case r = <-took: // without a time: nobody could begin it
	case <-ctx.Done():
	}
	if r.Time.IsZero() {
		r.Time = h.c.now().UTC().Truncate(time.Millisecond)
	}
	r.Monitor, r.Type, r.Target, r.Location = job.Name, job.Type, job.Target, from
	return r, nil
}

// jobOf is the job of a monitor, or of a URL.
func (h *host) jobOf(cfg *config.Config, target string) (uptime.Job, error) {
	if i, ok := slices.BinarySearchFunc(cfg.Jobs, target, func(j uptime.Job, name string) int { return strings.Compare(j.Name, name) }); ok {
		return cfg.Jobs[i], nil
	}
	if !isURL(target) {
		return uptime.Job{}, fmt.Errorf("%w: %s%s", uptime.ErrNoMonitor, uptime.Clean(target, 120), nearest(target, cfg.Jobs))
	}
	one, err := config.FromURLs([]string{target}, h.c.options())
	if err != nil {
		return uptime.Job{}, uptime.Invalid("%w", err)
	}
	job := one.Jobs[0]
	job.Portable = config.Sent(job, target)
	return job, nil
}

func placeNames(places []uptime.Place) []string {
	out := make([]string, len(places))
	for i, p := range places {
		out[i] = p.Location
	}
	return out
}
