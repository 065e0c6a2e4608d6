package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lookout/engine/alert"
	"lookout/engine/alert/channel"
	"lookout/engine/uptime"
	"lookout/storage"
)

// A victim is this binary, with these in its environment.
const (
	victimEnv = "LOOKOUT_DRILL_VICTIM" // its folder
	serverEnv = "LOOKOUT_DRILL_SERVER" // the mail server
	drainEnv  = "LOOKOUT_DRILL_DRAIN"  // nothing more happens: it ends when all is told
)

const (
	instance     = "drill"
	manyChannels = 16
)

// mailTo makes a channel as the configuration does.
func mailTo(name, server string) (uptime.ChannelConfig, error) {
	for _, t := range channel.Types() {
		if t.Name != "email" {
			continue
		}
		c, mistakes := t.New(uptime.ChannelSettings{Name: name, Instance: instance, Host: "localhost", Values: map[string]any{
			"to": []string{name + "@example.com"}, "from": "lookout@example.com", "smtp": "smtp://" + server}})
		if len(mistakes) > 0 {
			return uptime.ChannelConfig{}, fmt.Errorf("channel %s: %s", name, mistakes[0].Message)
		}
		return uptime.ChannelConfig{Name: name, Type: t.Name, Channel: c, MaxPerHour: 1_000_000}, nil
	}
	return uptime.ChannelConfig{}, fmt.Errorf("there is no channel type email")
}

// channels and routes: every incident is told to one channel of many, so that a
// server that refuses one of them holds up few.
func channels(server string) (cs []uptime.ChannelConfig, rs []uptime.Route, err error) {
	for i := range manyChannels {
		name := fmt.Sprintf("c%d", i)
		c, err := mailTo(name, server)
		if err != nil {
			return nil, nil, err
		}
		cs = append(cs, c)
		rs = append(rs, uptime.Route{Names: []string{monitorOf(uint64(i))}, Channels: []string{name}})
	}
	return cs, rs, nil
}

func monitorOf(incident uint64) string { return fmt.Sprintf("m%d", incident%manyChannels) }

// victim opens and closes incidents in the data file of its folder, says which it
// did, and has an office tell of them.
func victim(dir, server string, drain bool) error {
	s, err := storage.Open(filepath.Join(dir, "lookout.db"), storage.Options{Now: time.Now()})
	if err != nil {
		return err
	}
	at, err := s.Resume()
	if err != nil {
		return err
	}
	p, err := newPlayed(s, at)
	if err != nil {
		return err
	}
	cs, rs, err := channels(server)
	if err != nil {
		return err
	}
	office, err := alert.New(alert.Options{Instance: instance, Zone: time.UTC, Store: s, Channels: cs, Routes: rs})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ran := make(chan error, 1) // office → us; one slot
	go func() { ran <- office.Run(ctx, p) }()
	fmt.Println("open")
	if drain {
		if err := drained(office); err != nil {
			return err
		}
		stop()
		if err := <-ran; err != nil {
			return err
		}
		return s.Close()
	}
	for rng := rand.New(rand.NewPCG(at.LastEvent, 1)); ; {
		said, err := p.happen(rng)
		if err != nil {
			return err
		}
		fmt.Println(said)
		time.Sleep(time.Duration(rng.IntN(10)) * time.Millisecond)
	}
}

// silence is how long nothing waits when all is told: what came and went before
// anybody looked is told 2 s after that.
const silence = 3 * time.Second

// drained waits until nothing has waited for some time.
func drained(o *alert.Office) error {
	quiet := time.Now()
	for end := time.Now().Add(20 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, c := range o.Outbox().Channels {
			if c.Pending > 0 {
				quiet = time.Now()
			}
		}
		if time.Since(quiet) > silence {
			return nil
		}
	}
	return fmt.Errorf("letters still wait after 20 minutes: %+v", o.Outbox().Channels)
}

// played is an engine in which things happen as they are told, and are stored as
// the real one stores them.
type played struct {
	store *storage.Store

	mu       sync.Mutex
	event    uint64
	incident uint64
	open     []*uptime.Incident // the newest first
	snapshot *uptime.Snapshot
	changed  chan struct{} // closed when there is a newer one

	noting sync.Mutex
	notes  []uptime.Event // to be stored with the next
}

func newPlayed(s *storage.Store, at storage.Resume) (*played, error) {
	p := &played{store: s, event: at.LastEvent, incident: at.LastIncident, changed: make(chan struct{})}
	all, err := s.Incidents(uptime.IncidentQuery{Limit: 1 << 30})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Open() {
			p.open = append(p.open, &all[i])
		}
	}
	slices.SortFunc(p.open, func(a, b *uptime.Incident) int { return cmp.Compare(b.Number, a.Number) })
	p.publish()
	return p, nil
}

// happen opens an incident or closes one, and says so when that is stored.
func (p *played) happen(rng *rand.Rand) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now().UTC()
	if len(p.open) > 20 || len(p.open) > 0 && rng.IntN(2) == 0 {
		at := rng.IntN(len(p.open))
		i := *p.open[at]
		i.End = now
		p.open = slices.Delete(p.open, at, at+1)
		return fmt.Sprintf("closed %d", i.Number), p.append(uptime.Event{Kind: uptime.EventIncident, Monitor: i.Monitor, Incident: i.Number,
			From: uptime.Down, To: uptime.Up, Note: uptime.IncidentClosed, Message: "over"}, i)
	}
	p.incident++
	i := uptime.Incident{Number: p.incident, Monitor: monitorOf(p.incident), Start: now, Verdict: uptime.Down, Fault: uptime.FaultTCPRefused,
		Message: "TCP connect 192.0.2.7:443 refused"}
	p.open = slices.Insert(p.open, 0, &i)
	return fmt.Sprintf("opened %d", i.Number), p.append(uptime.Event{Kind: uptime.EventIncident, Monitor: i.Monitor, Incident: i.Number,
		To: uptime.Down, Note: uptime.IncidentOpened, Fault: i.Fault, Message: i.Message, Since: now}, i)
}

func (p *played) append(ev uptime.Event, is ...uptime.Incident) error {
	b := &uptime.Batch{Time: time.Now().UTC(), Incidents: is}
	for _, ev := range append(p.noted(), ev) {
		p.event++
		ev.ID, ev.By, ev.Time = p.event, "engine", b.Time
		b.Events = append(b.Events, ev)
	}
	if err := p.store.Append(b); err != nil {
		return err
	}
	p.publish()
	return nil
}

func (p *played) publish() {
	s := &uptime.Snapshot{Seq: 1, Time: time.Now().UTC(), Instance: instance, Events: p.event, Open: slices.Clone(p.open)}
	if p.snapshot != nil {
		s.Seq = p.snapshot.Seq + 1
	}
	p.snapshot = s
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *played) newest() (*uptime.Snapshot, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.snapshot, p.changed
}

func (p *played) Snapshot() *uptime.Snapshot {
	s, _ := p.newest()
	return s
}

func (p *played) Wait(ctx context.Context, seq uint64) (*uptime.Snapshot, error) {
	for {
		s, changed := p.newest()
		if s.Seq > seq {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Note takes an event and stores it with the next: it does not wait for the disk.
func (p *played) Note(_ context.Context, ev uptime.Event) error {
	p.noting.Lock()
	defer p.noting.Unlock()
	p.notes = append(p.notes, ev)
	return nil
}

func (p *played) noted() (evs []uptime.Event) {
	p.noting.Lock()
	defer p.noting.Unlock()
	evs, p.notes = p.notes, nil
	return evs
}

func (p *played) Look(context.Context, []string) error { return nil }
