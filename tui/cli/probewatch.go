package cli

import (
	"context"
	"strings"
	"time"

	"lookout/engine/alert/watch"
	"lookout/engine/config"
	"lookout/engine/uptime"
	"lookout/probes/remote/link"
)

// watching makes who tells when the engine is not heard of; nil where the file
// of the probe has no channel.
func (b *probe) watching() (*watch.Watch, error) {
	p := b.config
	if len(p.Channels) == 0 {
		return nil, nil
	}
	after, err := time.ParseDuration(b.c.getenv("LOOKOUT_TEST_BLIND")) // of tests, which have no three minutes
	if err != nil {
		after = 0
	}
	return watch.New(watch.Options{
		After: after,
		Probe: p.ID(), Engine: p.Broker.Vhost + " at " + p.Broker.Addr, Zone: time.Local,
		Channels: p.Channels, Heard: b.worker.Heard, Online: b.worker.Online, Broken: b.broken, Log: b.log,
	})
}

// broken says why nothing can be heard; "" where it can.
func (b *probe) broken() string { return unheard(b.link.State()) }

func unheard(s link.State) string {
	switch {
	case s.Connected && s.Blocked != "": // it reads nothing of the engine either
		return "the broker between us takes nothing: it is " + s.Blocked
	case s.Connected:
		return ""
	case s.Error != "":
		return "the broker between us is not reached: " + uptime.Clean(s.Error, 200)
	}
	return "the broker between us is not reached"
}

// watch watches the engine until ctx ends.
func (b *probe) watch(ctx context.Context) {
	if b.eye == nil {
		return
	}
	if err := ended(guard(func() error { return b.eye.Run(ctx) })); err != nil && ctx.Err() == nil {
		b.log.Error("nobody watches the engine any more", "error", err)
	}
}

// tells says by what a probe tells that the engine is not heard of.
func tells(p *config.Probe) string {
	if len(p.Channels) == 0 {
		return "nobody: there is no [[channel]]"
	}
	var out []string
	for _, c := range p.Channels {
		out = append(out, c.Name+" ("+c.Type+", "+c.Channel.Target()+")")
	}
	return strings.Join(out, ", ")
}
