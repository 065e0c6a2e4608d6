package alert

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/alert/desk"
	"lookout/engine/uptime"
	"lookout/storage"
)

// world is an engine, its store and what it writes into its log.
type world struct {
	t     testing.TB
	store interface {
		Store
		Append(*uptime.Batch) error
	}
	mu        sync.Mutex
	snapshot  *uptime.Snapshot
	changed   chan struct{}
	events    uint64
	incidents map[uint64]*uptime.Incident
	notes     []uptime.Event
	looked    []string
	stopped   chan struct{}
	skew      atomic.Int64 // of the wall clock
	real      bool         // with the real desk
	all       uint64       // of the plain one
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, store: storage.NewMemory(), changed: make(chan struct{}), incidents: map[uint64]*uptime.Incident{}, stopped: make(chan struct{})}
	w.publish()
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }

func (w *world) publish() {
	s := &uptime.Snapshot{Seq: 1, Time: w.now(), Instance: "web-1", Events: w.events}
	if w.snapshot != nil {
		s.Seq = w.snapshot.Seq + 1
	}
	for _, i := range w.incidents {
		if i.Open() {
			c := *i
			s.Open = append(s.Open, &c)
		}
	}
	slices.SortFunc(s.Open, func(a, b *uptime.Incident) int { return cmp.Compare(b.Number, a.Number) })
	w.snapshot = s
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) append(ev uptime.Event, is ...uptime.Incident) {
	w.events++
	ev.ID = w.events
	if ev.Time.IsZero() {
		ev.Time = w.now()
	}
	if err := w.store.Append(&uptime.Batch{Time: w.now(), Events: []uptime.Event{ev}, Incidents: is}); err != nil {
		w.t.Error(err)
	}
	w.publish()
}

// down opens an incident.
func (w *world) down(numbers ...uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range numbers {
		i := &uptime.Incident{Number: n, Monitor: fmt.Sprintf("m%d", n), Start: w.now(), Verdict: uptime.Down, Message: "refused"}
		w.incidents[n] = i
		w.append(uptime.Event{Kind: uptime.EventIncident, Monitor: i.Monitor, Incident: n, Note: uptime.IncidentOpened, To: uptime.Down, Fault: uptime.FaultTCPRefused, Since: i.Start}, *i)
	}
}

// up closes one.
func (w *world) up(numbers ...uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range numbers {
		i := w.incidents[n]
		i.End = w.now()
		w.append(uptime.Event{Kind: uptime.EventIncident, Monitor: i.Monitor, Incident: n, Note: uptime.IncidentClosed, From: uptime.Down, To: uptime.Up}, *i)
	}
}

func (w *world) Snapshot() *uptime.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.snapshot
}

func (w *world) Wait(ctx context.Context, seq uint64) (*uptime.Snapshot, error) {
	for {
		w.mu.Lock()
		s, ch := w.snapshot, w.changed
		w.mu.Unlock()
		if s.Seq > seq {
			return s, nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-w.stopped:
			return nil, uptime.ErrNoEngine
		}
	}
}

func (w *world) Note(_ context.Context, ev uptime.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, ev)
	w.append(ev)
	return nil
}

func (w *world) Look(_ context.Context, names []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = append(w.looked, names...)
	return nil
}

// said are the alert events so far.
func (w *world) said() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ev := range w.notes {
		out = append(out, ev.Message)
	}
	return out
}

func (w *world) firstNote() uptime.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notes[0]
}

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = nil
}

// start runs an office until the returned func is called, which says what Run did.
func (w *world) start(o Options) (*Office, func() error) {
	w.t.Helper()
	f, stop, err := w.tryStart(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return f, stop
}

func (w *world) tryStart(o Options) (*Office, func() error, error) {
	o.Instance, o.Store, o.Zone, o.Clock = "web-1", w.store, time.UTC, w.now
	o.Seed = cmp.Or(o.Seed, 1)
	f, err := open(o, func(d desk.Options, saved []uptime.OutboxRecord) (decider, error) {
		if w.real {
			return desk.New(d, saved)
		}
		p, err := newPlainDesk(d, saved)
		p.all = w.all
		return p, err
	})
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1) // Run → the returned func; one slot
	go func() { ran <- f.Run(ctx, w) }()
	end := sync.OnceValue(func() error { stop(); return <-ran })
	w.t.Cleanup(func() { _ = end() })
	return f, end, nil
}

// records is all of the outbox, under a prefix.
func (w *world) records(under string) (out []string) {
	w.t.Helper()
	if err := w.store.Outbox(func(r uptime.OutboxRecord) error {
		if len(r.Key) > len(under) && r.Key[:len(under)] == under {
			out = append(out, r.Key)
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// plainDesk tells every channel of every incident, at once.
type plainDesk struct {
	channels []string
	kept     struct {
		Cursor, Number uint64
		Told           map[string]uint64 // by channel and incident: the number of the parcel
	}
	out  desk.Step
	took bool
	all  uint64 // events that it takes before it says anything
	sent []uint64
}

func newPlainDesk(o desk.Options, saved []uptime.OutboxRecord) (*plainDesk, error) {
	d := &plainDesk{channels: o.Channels}
	d.kept.Told = map[string]uint64{}
	for _, r := range saved {
		if err := json.Unmarshal(r.Data, &d.kept); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *plainDesk) Begin(uint64, *uptime.Snapshot, time.Time) {}

func (d *plainDesk) Configure(o desk.Options, _ *uptime.Snapshot, _ time.Time) {
	d.channels = o.Channels
}
func (d *plainDesk) Cursor() uint64                   { return d.kept.Cursor }
func (d *plainDesk) Tick(*uptime.Snapshot, time.Time) {}
func (d *plainDesk) Wake() time.Time                  { return time.Time{} }
func (d *plainDesk) Held() int                        { return 0 }
func (d *plainDesk) Sent(n uint64, _ time.Time)       { d.sent = append(d.sent, n) }

func (d *plainDesk) Take(ev *uptime.Event, _ *uptime.Snapshot, now time.Time) {
	if ev.ID != d.kept.Cursor+1 {
		panic(fmt.Sprintf("event %d after %d", ev.ID, d.kept.Cursor))
	}
	d.kept.Cursor = ev.ID
	d.took = true
	if ev.Kind != uptime.EventIncident {
		return
	}
	for _, c := range d.channels {
		p := uptime.Parcel{Channel: c, At: now, Event: ev.ID, Incidents: []uint64{ev.Incident}, Count: 1, Thread: ev.Incident, Kind: uptime.AlertOpened}
		key := fmt.Sprintf("%s/%d", c, ev.Incident)
		if ev.Note == uptime.IncidentClosed {
			p.Kind, p.Ends = uptime.AlertRecovered, d.kept.Told[key]
		}
		d.kept.Number++
		p.Number = d.kept.Number
		d.kept.Told[key] = p.Number
		d.out.Parcels = append(d.out.Parcels, p)
	}
}

func (d *plainDesk) Out() desk.Step {
	if d.kept.Cursor < d.all {
		return desk.Step{}
	}
	out := d.out
	if d.took {
		data, _ := json.Marshal(d.kept)
		out.Records = []uptime.OutboxRecord{{Key: keyCursor, Data: data}}
	}
	d.out, d.took = desk.Step{}, false
	return out
}

// box is a channel, with all that it took.
type box struct {
	mu     sync.Mutex
	tried  int
	took   []uptime.Letter
	answer func(try int, l *uptime.Letter) (uptime.Receipt, error) // nil: takes all
	takes  time.Duration                                           // to answer
}

func (b *box) Target() string { return "ops@example.com by smtp.example.com:25" }

func (b *box) Send(ctx context.Context, l *uptime.Letter, _ func(string)) (uptime.Receipt, error) {
	b.mu.Lock()
	b.tried++
	try, answer, takes := b.tried, b.answer, b.takes
	b.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return uptime.Receipt{}, &uptime.Refusal{Reply: "out of time", Uncertain: true}
		}
	}
	r := uptime.Receipt{Reply: "250 2.0.0 queued as 4bT1x"}
	var err error
	if answer != nil {
		r, err = answer(try, l)
	}
	var why *uptime.Refusal
	if err == nil || errors.As(err, &why) && why.Uncertain { // it arrived
		b.mu.Lock()
		b.took = append(b.took, *l)
		b.mu.Unlock()
	}
	return r, err
}

// got is what arrived, as "opened 1".
func (b *box) got() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.took {
		var about uint64
		_, _ = fmt.Sscanf(l.Thread, "i%d", &about)
		out = append(out, fmt.Sprintf("%s %d", l.Kind, about))
	}
	return out
}

func (b *box) tries() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tried
}

func (b *box) all() []uptime.Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.took)
}

func (b *box) set(answer func(try int, l *uptime.Letter) (uptime.Receipt, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func to1(name string, b *box) uptime.ChannelConfig {
	return uptime.ChannelConfig{Name: name, Type: "email", Channel: b, MaxPerHour: 1000, Same: "1"}
}

func refuse(r uptime.Refusal) func(int, *uptime.Letter) (uptime.Receipt, error) {
	return func(int, *uptime.Letter) (uptime.Receipt, error) { return uptime.Receipt{}, &r }
}

func want(t testing.TB, what string, got []string, expected ...string) {
	t.Helper()
	if !slices.Equal(got, expected) {
		t.Errorf("%s: %q, want %q", what, got, expected)
	}
}

// after lets virtual time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) publishNow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.publish()
}
