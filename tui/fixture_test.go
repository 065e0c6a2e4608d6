package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// world is an engine that answers from memory: the 1,003 monitors of the
// example, at 12:35:20 of a fixed day.
type world struct {
	mu    sync.Mutex
	now   time.Time
	snap  *uptime.Snapshot
	link  uptime.Link
	acts  []uptime.Action
	stops int
	tries int
	err   error
}

func (w *world) Snapshot() *uptime.Snapshot { return w.snap }
func (w *world) Link() uptime.Link          { return w.link }
func (w *world) Retry()                     { w.tries++ }
func (w *world) Detail(context.Context, string, time.Duration) (*uptime.Detail, error) {
	return nil, uptime.ErrNoMonitor
}
func (w *world) Events(context.Context, uptime.EventQuery) ([]uptime.Event, error) { return nil, nil }
func (w *world) Incidents(context.Context, uptime.IncidentQuery) ([]uptime.Incident, error) {
	return nil, nil
}
func (w *world) Exclude(context.Context, string, string) error { return w.err }
func (w *world) Include(context.Context, string, string) error { return w.err }
func (w *world) Reload(context.Context) (string, error)        { return "1,003 monitors", w.err }
func (w *world) Stop(context.Context) error                    { w.stops++; return w.err }

// Act does to the states what an engine would.
func (w *world) Act(_ context.Context, a uptime.Action) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return nil, w.err
	}
	w.acts = append(w.acts, a)
	next := *w.snap
	next.Seq++
	next.States = slices.Clone(w.snap.States)
	var names []string
	for i, st := range next.States {
		for _, t := range a.Targets {
			sel, err := uptime.ParseSelector(t)
			if err != nil {
				return nil, err
			}
			if !sel.Matches(st.Monitor, st.Incident) {
				continue
			}
			names = append(names, st.Name)
			changed := *st
			switch a.Verb {
			case uptime.VerbAck:
				changed.Ack = &uptime.Ack{Note: a.Note, Until: a.Until}
			case uptime.VerbUnack:
				changed.Ack = nil
			case uptime.VerbPause:
				changed.Mode, changed.Until = uptime.Paused, a.Until
			case uptime.VerbMaintain:
				changed.Mode, changed.Until = uptime.Maintenance, a.Until
			case uptime.VerbResume, uptime.VerbUnmaintain:
				changed.Mode, changed.Until = uptime.Active, time.Time{}
			}
			next.States[i] = &changed
		}
	}
	recount(&next)
	w.snap = &next
	return names, nil
}

func recount(snap *uptime.Snapshot) {
	snap.Counts = uptime.Counts{}
	for _, st := range snap.States {
		snap.Counts.Add(st.Verdict, st.Mode)
	}
}

// noon is the moment of the pictures.
var noon = time.Date(2026, 11, 22, 12, 35, 20, 0, time.UTC)

var places5 = []string{"local", "fra", "nyc", "sgp", "syd"}

// example makes one state from how its row looks:
// name, group, bar, spark, latency (ms), places, age and next in seconds.
func example(name, group, bar string, latency, p95 int, places string, age, next int) *uptime.State {
	m := &uptime.Monitor{Name: name, Type: "http", Target: "https://" + name, Group: group, Tags: []string{group}, Interval: time.Minute, Timeout: 10 * time.Second}
	st := &uptime.State{Monitor: m, Verdict: uptime.Up, Since: noon.Add(-6 * 24 * time.Hour), Outcome: uptime.OutcomeUp,
		Total: time.Duration(latency) * time.Millisecond, P95: time.Duration(p95) * time.Millisecond,
		Day: uptime.Share{Up: 24 * time.Hour, Span: 24 * time.Hour}}
	if age >= 0 {
		st.Last = noon.Add(-time.Duration(age) * time.Second)
	}
	if next >= 0 {
		st.Next = noon.Add(time.Duration(next) * time.Second)
	}
	cells := map[rune]uptime.Cell{'.': uptime.CellUp, 's': uptime.CellDegraded, 'X': uptime.CellDown, '-': uptime.CellMaintenance, '?': uptime.CellUnknown, ' ': uptime.CellNone}
	bar = strings.Repeat(".", max(uptime.RecentCells-len(bar), 0)) + bar
	for i, r := range bar {
		st.Recent[i] = cells[r]
		st.Checks++
	}
	outcomes := map[byte]uptime.Outcome{'o': uptime.OutcomeUp, 'x': uptime.OutcomeDown, 's': uptime.OutcomeDegraded, '?': uptime.OutcomeUnknown}
	for i, l := range places5 {
		o, asked := outcomes[places[i]]
		st.Locations = append(st.Locations, uptime.LocationState{Location: l, Outcome: o, Asked: asked})
	}
	for i := range st.Spark {
		st.Spark[i].Median = time.Duration(latency) * time.Millisecond * time.Duration(80+(i*37+latency*13)%50) / 100
	}
	return st
}

func down(st *uptime.State, f uptime.Fault, since time.Duration, incident uint64, ack *uptime.Ack, lost time.Duration) *uptime.State {
	st.Verdict, st.Outcome, st.Fault, st.Since, st.Incident, st.Ack, st.P95 = uptime.Down, uptime.OutcomeDown, f, noon.Add(-since), incident, ack, 0
	st.Day = uptime.Share{Up: 24*time.Hour - lost, Down: lost, Span: 24 * time.Hour}
	for i := range 3 {
		st.Spark[len(st.Spark)-1-i] = uptime.Spark{Failed: true}
	}
	return st
}

// newWorld is the example of the overview.
func newWorld() *world {
	shop := down(example("shop.example.com/checkout", "shop", "XXX", 3, 0, "xxx--", 12, 8), uptime.FaultTCPRefused, 4*time.Minute+12*time.Second, 4711, nil, 7*time.Minute+22*time.Second)
	shop.Message = "TCP connect 203.0.113.9:443 refused"
	mx2 := down(example("mx2.example.net:25", "mail", "XXXXXXXXXXX", 10000, 0, "xxx--", 11, 9), uptime.FaultTCPTimeout, 10*time.Minute+48*time.Second, 4709, &uptime.Ack{By: "jo", Until: noon.Add(85 * time.Minute)}, 11*time.Minute)
	cdn := example("cdn.example.org", "web", "X", 30, 210, "xo?--", 1, 9)
	cdn.Verdict, cdn.Before, cdn.Outcome, cdn.Fault, cdn.Status, cdn.Since = uptime.Suspect, uptime.Up, uptime.OutcomeDown, uptime.FaultHTTPStatus, 503, noon.Add(-time.Second)
	cdn.Day = uptime.Share{Up: 24*time.Hour - 90*time.Second, Down: 90 * time.Second, Span: 24 * time.Hour}
	api := example("api.example.com/v2/search", "api", "s.ssss", 2410, 3100, "sss--", 9, 6)
	api.Verdict, api.Outcome, api.Fault, api.Incident, api.Since = uptime.Degraded, uptime.OutcomeDegraded, uptime.FaultHTTPTooSlow, 4710, noon.Add(-339*time.Second)
	nas := example("nas.branch-7.example", "branch", "???", 0, 0, "-----", 540, -1)
	nas.Verdict, nas.Outcome, nas.Next, nas.Waiting, nas.Spark, nas.Since = uptime.Unknown, uptime.OutcomeUnknown, noon.Add(-8*time.Minute), true, [uptime.SparkCells]uptime.Spark{}, noon.Add(-8*time.Minute)
	nas.Day = uptime.Share{Up: 23 * time.Hour, Down: 17 * time.Minute, Span: 24 * time.Hour}
	db := example("db-backup.example.com", "db", "-----", 41, 82, "o----", 14, 46)
	db.Mode, db.Until = uptime.Maintenance, noon.Add(24*time.Minute)
	old := example("old.example.com", "web", "", 0, 0, "-----", 3*24*3600, -1)
	old.Mode, old.Spark, old.Day = uptime.Paused, [uptime.SparkCells]uptime.Spark{}, uptime.Share{}
	fresh := example("new-site.example.io", "web", "", 0, 0, "-----", -1, 3)
	fresh.Verdict, fresh.Outcome, fresh.Recent, fresh.Spark, fresh.Day = uptime.Pending, uptime.OutcomeUnknown, [uptime.RecentCells]uptime.Cell{}, [uptime.SparkCells]uptime.Spark{}, uptime.Share{}
	states := []*uptime.State{shop, mx2, cdn, api, nas, db, old, fresh}
	for _, row := range []struct {
		name, group, bar   string
		latency, age, next int
	}{
		{"www.example.com", "web", ".s............s...", 102, 52, 39}, {"login.example.com", "web", "s...........", 38, 29, 18},
		{"api.example.com/v1/health", "api", "s.............s....", 18, 29, 33}, {"ns1.example.net", "dns", "", 64, 15, 41},
		{"ns2.example.net", "dns", "s...........", 64, 14, 2}, {"vpn.example.com:1194", "net", "", 163, 1, 47},
		{"status.example.com", "web", "s.....", 150, 44, 7}, {"git.example.com", "dev", "", 86, 15, 41},
		{"registry.example.com", "dev", "s..............", 62, 32, 15}, {"ldap.example.com:636", "auth", "", 122, 11, 11},
		{"imap.example.com:993", "mail", "s.............", 150, 23, 25}, {"smtp.example.com:587", "mail", "s....s.......s..", 119, 3, 39},
		{"pay.example.com", "shop", "s..", 100, 53, 59}, {"shop.example.com", "shop", "", 32, 5, 7},
	} {
		states = append(states, example(row.name, row.group, row.bar, row.latency, 2*row.latency, "o----", row.age, row.next))
	}
	for i := len(states); i < 1003; i++ {
		states = append(states, example(fmt.Sprintf("zone-%04d.example.net", i), []string{"branch", "web", "net"}[i%3], "", 20+i%90, 2*(20+i%90), "o----", i%60, (i*7)%60))
	}
	slices.SortFunc(states, func(a, b *uptime.State) int { return strings.Compare(a.Name, b.Name) })
	snap := &uptime.Snapshot{Seq: 1, Time: noon, Instance: "web-1", Timezone: "UTC", Started: noon.Add(-6*24*time.Hour - 2*time.Hour),
		Config: uptime.ConfigState{Path: "lookout.toml", Loaded: noon}, States: states, Events: 90210, Unacked: 1,
		Open:   []*uptime.Incident{{Number: 4711, Monitor: shop.Name, Verdict: uptime.Down}, {Number: 4710, Monitor: api.Name, Verdict: uptime.Degraded}, {Number: 4709, Monitor: mx2.Name, Verdict: uptime.Down}},
		Health: uptime.Health{Rate: 16.7, Lag: 200 * time.Millisecond, ProbesLive: 3, Probes: 5, StoreBytes: 1_200_000_000}}
	recount(snap)
	return &world{now: noon, snap: snap}
}

// shellOf is a console on a world, before any key.
func shellOf(w *world, o Options, width, height int, th *theme.Theme) *shell {
	o.Source = w
	o.Now = func() time.Time { return w.now }
	s := newShell(context.Background(), o, th)
	s.w, s.h, s.loc = width, height, time.UTC
	s.pull()
	return s
}

var (
	glyphs   = theme.New(theme.Many, false, false)
	letters7 = theme.New(theme.None, false, true)
)
