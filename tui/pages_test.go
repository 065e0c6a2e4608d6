package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

var (
	updatePages = flag.Bool("pages", false, "write the golden files of the pages anew")
	ansiPages   = flag.String("ansi", "", "a folder for the pages with their colours")
)

// at is the moment of the pictures.
var at = time.Date(2026, 11, 22, 12, 35, 19, 0, time.UTC)

func clock(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.000", "2026-11-22 "+s)
	if err != nil {
		panic(err)
	}
	return t
}

const shop = "shop.example.com/checkout"

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func taken(pairs ...any) (out []uptime.Measure) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, uptime.Measure{Name: pairs[i].(string), Value: int64(pairs[i+1].(int)) * 1000})
	}
	return out
}

func checkout() *uptime.Monitor {
	return &uptime.Monitor{Name: shop, Type: "http", Target: "https://shop.example.com/checkout", Group: "shop", Tags: []string{"pci"},
		Interval: 60 * time.Second, Timeout: 10 * time.Second, Expect: `200 and body has "cart"`}
}

func refused(when, from, step string, dns, tcp, total int, weight float64) uptime.Evidence {
	return uptime.Evidence{Time: clock(when), Location: from, Step: step, Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused,
		Message: "TCP connect 203.0.113.9:443 refused", Address: "203.0.113.9:443", Total: ms(total),
		Measures: taken("dns", dns, "connect", tcp), Weight: weight, Vote: true}
}

// incident4711 is the outage of the example.
func incident4711() *uptime.Incident {
	late := uptime.Evidence{Time: clock("12:31:12.130"), Location: "sgp", Step: "wave 1", Message: "> 5 s, no vote"}
	return &uptime.Incident{Number: 4711, Monitor: shop, Start: clock("12:31:07.114"), Verdict: uptime.Down, Fault: uptime.FaultTCPRefused,
		Message: "TCP connect 203.0.113.9:443 refused", Witness: "fra and nyc agree", ConfirmedBy: []string{"fra", "nyc"},
		Evidence: []uptime.Evidence{refused("12:31:07.114", "local", "check", 2, 1, 3, 4), refused("12:31:07.402", "fra", "wave 1", 8, 11, 19, 3),
			refused("12:31:07.577", "nyc", "wave 1", 9, 92, 101, 3), late, refused("12:31:27.920", "local", "last", 1, 1, 2, 0.4)}}
}

func checkoutState() *uptime.State {
	return &uptime.State{Monitor: checkout(), Verdict: uptime.Down, Since: clock("12:31:07.114"), Fault: uptime.FaultTCPRefused,
		Message: "TCP connect 203.0.113.9:443 refused", Witness: "fra and nyc agree", Incident: 4711, Last: clock("12:35:07.100"), Outcome: uptime.OutcomeDown,
		Total: ms(3), Next: at.Add(8 * time.Second), Day: share(day, 7*time.Minute+22*time.Second),
		Others: []uptime.Place{{Location: "fra", Network: "AS24940"}, {Location: "nyc", Network: "AS3356"}, {Location: "sgp", Network: "sgp"}}}
}

func share(span, down time.Duration) uptime.Share {
	return uptime.Share{Up: span - down, Down: down, Span: span}
}

func certificate() *uptime.Certificate {
	return &uptime.Certificate{Names: []string{"*.example.com", "example.com"}, Issuer: "Let's Encrypt R11", NotBefore: at.Add(-47 * day),
		NotAfter: time.Date(2027, 1, 4, 20, 0, 0, 0, time.UTC), Version: "1.3", Chain: "ok"}
}

// good is a successful check.
func good(when time.Time) uptime.Result {
	return uptime.Result{Time: when, Monitor: shop, Location: "local", Outcome: uptime.OutcomeUp, Status: 200, Address: "203.0.113.9:443",
		Total: ms(184), Measures: taken("dns", 2, "connect", 18, "tls", 41, "ttfb", 119, "body", 4), Cert: certificate()}
}

// checkoutDetail is the whole example, with the latency of a span.
func checkoutDetail(span time.Duration) *uptime.Detail {
	last := good(clock("12:30:07.101"))
	d := &uptime.Detail{State: checkoutState(), Span: span, LastGood: &last, Incident: incident4711(), Latency: latencyOf(span),
		P50: ms(171), P95: ms(240), P99: ms(610), Max: ms(2900),
		Uptime: []uptime.SpanShare{{Span: day, Share: share(day, 7*time.Minute+22*time.Second)}, {Span: 7 * day, Share: share(7*day, 7*time.Minute)},
			{Span: 30 * day, Share: share(30*day, 9*time.Minute+30*time.Second)},
			{Span: 90 * day, Share: uptime.Share{Up: 90*day - 28*time.Minute - 6*time.Hour, Down: 28 * time.Minute, Span: 90 * day}}}}
	for _, p := range []struct {
		start  string
		lasted time.Duration
		fault  uptime.Fault
	}{{"2026-11-21 17:20", 190 * time.Second, uptime.FaultDNSServfail}, {"2026-11-03 04:10", 121 * time.Second, uptime.FaultTCPTimeout},
		{"2026-10-19 22:47", 680 * time.Second, uptime.FaultHTTPStatus}, {"2026-10-02 13:02", time.Minute, uptime.FaultDNSServfail},
		{"2026-09-11 08:00", time.Minute, uptime.FaultTCPTimeout}} {
		start, err := time.Parse("2006-01-02 15:04", p.start)
		if err != nil {
			panic(err)
		}
		d.Past = append(d.Past, uptime.Incident{Number: 4000, Monitor: shop, Start: start, End: start.Add(p.lasted), Verdict: uptime.Down, Fault: p.fault})
	}
	for i := range 90 {
		down := time.Duration(0)
		switch i {
		case 55:
			down = 680 * time.Second
		case 71:
			down = 121 * time.Second
		case 88, 89:
			down = 4 * time.Minute
		}
		d.Days = append(d.Days, share(day, down))
	}
	return d
}

func latencyOf(span time.Duration) (out []uptime.Bucket) {
	const n = 288
	for i := range n {
		f := float64(i) / n
		b := uptime.Bucket{Start: at.Add(-span + time.Duration(i)*span/n), Checks: 5}
		b.P50 = time.Duration((165 + 12*math.Sin(f*40)) * 1e6)
		b.P95 = b.P50 + time.Duration((45+30*math.Abs(math.Sin(f*14)))*1e6)
		switch {
		case i == 60 || i == 212:
			b.P95 = ms(590)
		case f > 0.985:
			b.Failed, b.P50, b.P95 = 5, 0, 0
		case i == 120:
			b.Failed = 1
		}
		out = append(out, b)
	}
	return out
}

// wwwState is a monitor that is well.
func wwwState() *uptime.State {
	m := &uptime.Monitor{Name: "www.example.com", Type: "http", Target: "https://www.example.com/", Group: "web",
		Interval: 5 * time.Minute, Timeout: 10 * time.Second, Expect: "200-299", DegradedAbove: 800 * time.Millisecond}
	return &uptime.State{Monitor: m, Verdict: uptime.Up, Since: at.Add(-6*day - 2*time.Hour), Last: at.Add(-52 * time.Second), Outcome: uptime.OutcomeUp, Status: 200,
		Total: ms(102), Next: at.Add(39 * time.Second), Day: share(day, 0), Cert: certificate()}
}

func wwwDetail() *uptime.Detail {
	d := &uptime.Detail{State: wwwState(), Span: day, P50: ms(171), P95: ms(240), P99: ms(300), Max: ms(420)}
	for i := range 8 {
		r := good(at.Add(-52*time.Second - time.Duration(i)*5*time.Minute))
		r.Monitor = d.State.Name
		d.Recent = append(d.Recent, r)
	}
	d.LastGood = &d.Recent[0]
	for _, b := range latencyOf(day) {
		if b.Failed == 0 {
			d.Latency = append(d.Latency, b)
		}
	}
	for _, n := range []time.Duration{1, 7, 30, 90} {
		d.Uptime = append(d.Uptime, uptime.SpanShare{Span: n * day, Share: share(n*day, 0)})
	}
	for range 90 {
		d.Days = append(d.Days, share(day, 0))
	}
	return d
}

// hostile is text that a target or a foreign configuration might send.
const hostile = "\x1b[31mred\x1b[m \x07 \u202eevil\u202c 漢字漢字 a\u0300\u0301\u0302\u0303 \U0001F3F3\ufe0f\u200d\U0001F308 \U0001F468\u200d\U0001F469 \xff\xfe\t\r\n end"

// hostileState is everything at its worst.
func hostileState() *uptime.State {
	long := strings.Repeat("漢字.very-long-name-", 20) + hostile
	st := checkoutState()
	m := *st.Monitor
	m.Name, m.Target, m.Expect, m.Group, m.Note = "zz "+long, long, long, long, long
	m.Tags = []string{long, hostile}
	st.Monitor, st.Message, st.Witness, st.Ack = &m, long, hostile, &uptime.Ack{By: hostile, Note: long}
	st.Cert = &uptime.Certificate{Names: []string{long, hostile}, Issuer: long, Chain: hostile, Version: hostile}
	return st
}

// pageSource answers like an engine, from memory.
type pageSource struct {
	snap      *uptime.Snapshot
	link      uptime.Link
	details   map[string]func(span time.Duration) *uptime.Detail
	events    []uptime.Event // oldest first
	incidents []uptime.Incident
	err       error
	asked     []string
	acted     []uptime.Action
	voted     []string // "exclude PROBE: NOTE"
}

func (f *pageSource) Snapshot() *uptime.Snapshot { return f.snap }
func (f *pageSource) Link() uptime.Link          { return f.link }

func (f *pageSource) Detail(_ context.Context, name string, span time.Duration) (*uptime.Detail, error) {
	f.asked = append(f.asked, fmt.Sprintf("detail %s %s", name, spanName(span)))
	if f.err != nil {
		return nil, f.err
	}
	if d := f.details[name]; d != nil {
		return d(span), nil
	}
	return nil, uptime.ErrNoMonitor
}

func (f *pageSource) Events(_ context.Context, q uptime.EventQuery) (out []uptime.Event, err error) {
	f.asked = append(f.asked, fmt.Sprintf("events after %d before %d", q.After, q.Before))
	if f.err != nil {
		return nil, f.err
	}
	meant := func(e uptime.Event) bool {
		return len(out) < q.Limit && (len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) &&
			!e.Time.Before(q.Since) && (q.Until.IsZero() || e.Time.Before(q.Until))
	}
	for _, e := range f.events {
		if q.Before == 0 && e.ID > q.After && meant(e) {
			out = append(out, e)
		}
	}
	for i := len(f.events) - 1; i >= 0 && q.Before > 0; i-- {
		if f.events[i].ID < q.Before && meant(f.events[i]) {
			out = append(out, f.events[i])
		}
	}
	return out, nil
}

func (f *pageSource) Incidents(_ context.Context, q uptime.IncidentQuery) (out []uptime.Incident, err error) {
	f.asked = append(f.asked, fmt.Sprintf("incidents %s since %s", q.Monitor, at.Sub(q.Since)))
	for _, in := range f.incidents {
		if q.Monitor == "" || in.Monitor == q.Monitor {
			out = append(out, in)
		}
	}
	return out, f.err
}

func (f *pageSource) Act(_ context.Context, a uptime.Action) ([]string, error) {
	f.acted = append(f.acted, a)
	return a.Targets, nil
}
func (f *pageSource) Exclude(_ context.Context, probe, note string) error {
	f.voted = append(f.voted, "exclude "+probe+": "+note)
	return f.err
}

func (f *pageSource) Include(_ context.Context, probe, note string) error {
	f.voted = append(f.voted, "include "+probe+": "+note)
	return f.err
}

func (f *pageSource) Reload(context.Context) (string, error) { return "", nil }
func (f *pageSource) Stop(context.Context) error             { return nil }

func event(id uint64, when string, kind uptime.EventKind, monitor, message string) uptime.Event {
	t, err := time.Parse("2006-01-02 15:04:05", when)
	if err != nil {
		panic(err)
	}
	return uptime.Event{ID: id, Time: t, Kind: kind, Monitor: monitor, Message: message, By: "engine"}
}

// pagesSource is the example world.
func pagesSource() *pageSource {
	mx2, api, vpn := "mx2.example.net:25", "api.example.com/v2/search", "vpn.example.com:1194"
	state := func(name string, v uptime.Verdict, f uptime.Fault, msg string, since string, number uint64, ack *uptime.Ack) *uptime.State {
		m := &uptime.Monitor{Name: name, Type: "tcp", Target: "tcp://" + name, Interval: time.Minute, Timeout: 10 * time.Second}
		return &uptime.State{Monitor: m, Verdict: v, Since: clock(since), Fault: f, Message: msg, Incident: number, Ack: ack,
			Last: at.Add(-9 * time.Second), Next: at.Add(6 * time.Second), Day: share(day, 11*time.Minute)}
	}
	ack := &uptime.Ack{By: "jo", Note: "ISP ticket 8830", Until: clock("14:00:00.000")}
	f := &pageSource{details: map[string]func(time.Duration) *uptime.Detail{shop: checkoutDetail,
		"www.example.com": func(time.Duration) *uptime.Detail { return wwwDetail() }}}
	f.snap = &uptime.Snapshot{Seq: 1, Time: at, Instance: "web-1", Events: 14, Unacked: 1,
		States: []*uptime.State{state(api, uptime.Degraded, uptime.FaultHTTPTooSlow, "2.41 s is over 800 ms", "12:29:40.000", 4710, nil),
			state(mx2, uptime.Down, uptime.FaultTCPTimeout, "TCP connect 198.51.100.25:25: no answer in 10 s", "12:24:31.000", 4709, ack),
			checkoutState(), state(vpn, uptime.Up, uptime.NoFault, "", "09:14:07.000", 0, nil), wwwState()},
		Open: []*uptime.Incident{incident4711(),
			{Number: 4710, Monitor: api, Start: clock("12:29:40.000"), Verdict: uptime.Degraded, Fault: uptime.FaultHTTPTooSlow, Message: "2.41 s is over 800 ms"},
			{Number: 4709, Monitor: mx2, Start: clock("12:24:31.000"), Verdict: uptime.Down, Fault: uptime.FaultTCPTimeout, Ack: ack,
				Message: "TCP connect 198.51.100.25:25: no answer in 10 s", ConfirmedBy: []string{"fra", "nyc"}}}}
	past := func(n uint64, name string, start string, lasted time.Duration, fault uptime.Fault, msg, behind string) uptime.Incident {
		t := clock(start)
		return uptime.Incident{Number: n, Monitor: name, Start: t, End: t.Add(lasted), Verdict: uptime.Down, Fault: fault, Message: msg, Behind: behind}
	}
	f.incidents = []uptime.Incident{past(4706, vpn, "09:12:02.000", 2*time.Minute, uptime.FaultTCPTimeout, "no answer in 10 s", ""),
		past(4705, "gw-sgp.example.net", "07:40:44.000", 391*time.Second, uptime.FaultICMPTimeout, "100% loss", "office uplink"),
		past(4704, "db-backup.example.com", "03:00:10.000", 365*time.Second, uptime.FaultTCPRefused, "TCP connect refused", "")}
	f.incidents[2].Ended = uptime.EndedUnwatched
	yesterday := past(4692, "git.example.com", "11:02:41.000", time.Minute, uptime.FaultHTTPStatus, "HTTP status 502, expected 200-299", "")
	yesterday.Start, yesterday.End = yesterday.Start.Add(-2*day), yesterday.End.Add(-2*day)
	f.incidents = append(f.incidents, yesterday)
	verdict := func(e uptime.Event, from, to uptime.Verdict, fault uptime.Fault) uptime.Event {
		e.From, e.To, e.Fault = from, to, fault
		return e
	}
	down := verdict(event(10, "2026-11-22 12:31:28", uptime.EventVerdict, shop, "TCP connect 203.0.113.9:443 refused; fra and nyc agree"), uptime.Suspect, uptime.Down, uptime.FaultTCPRefused)
	down.Evidence = incident4711().Evidence
	opened := event(11, "2026-11-22 12:31:28", uptime.EventIncident, shop, "#4711 opened: TCP connect 203.0.113.9:443 refused")
	opened.Incident, opened.Note = 4711, uptime.IncidentOpened
	acked := event(7, "2026-11-22 12:26:40", uptime.EventAck, mx2, "#4709 acknowledged")
	acked.By, acked.Note, acked.Until = "jo", "ISP ticket 8830", clock("14:00:00.000")
	paused := event(2, "2026-11-21 17:04:00", uptime.EventPause, "old.example.com", "paused")
	paused.Mode, paused.By = uptime.Paused, "ann"
	f.events = []uptime.Event{event(1, "2026-11-21 08:00:00", uptime.EventNode, "", "lookout 1.4 started with 5 monitors"),
		paused, event(3, "2026-11-22 09:00:00", uptime.EventStore, "", "last page of week 2026-W34 freed (90 d kept), 41 ms"),
		verdict(event(5, "2026-11-22 09:12:02", uptime.EventVerdict, vpn, "TCP connect 192.0.2.4:1194: no answer in 10 s"), uptime.Up, uptime.Suspect, uptime.FaultTCPTimeout),
		verdict(event(6, "2026-11-22 09:14:07", uptime.EventVerdict, vpn, "up again after 2m00s"), uptime.Down, uptime.Up, uptime.NoFault),
		acked, verdict(event(8, "2026-11-22 12:29:40", uptime.EventVerdict, api, "2.41 s is over 800 ms"), uptime.Up, uptime.Degraded, uptime.FaultHTTPTooSlow),
		verdict(event(9, "2026-11-22 12:31:07", uptime.EventVerdict, shop, "TCP connect 203.0.113.9:443 refused"), uptime.Up, uptime.Suspect, uptime.FaultTCPRefused),
		down, opened, event(13, "2026-11-22 12:34:56", uptime.EventClock, "", "the clock was set back by 3.1 s"),
		event(14, "2026-11-22 12:35:02", uptime.EventConfig, "", "reload ok: 5 monitors (+1 new-site.example.io)")}
	return f
}

// pagesShell is a console on such a source, with the snapshot taken in.
func pagesShell(f *pageSource, w, h int, th *theme.Theme) *shell {
	s := newShell(context.Background(), Options{Source: f, Version: "1.4.2", Now: func() time.Time { return at }}, th)
	s.w, s.h, s.loc = w, h, time.UTC
	s.pull()
	return s
}

// visit opens a page and lets its commands run until there are none.
func visit(t *testing.T, s *shell, p page) {
	t.Helper()
	settle(t, s, s.open(p))
}

// settle runs a command and what follows from it, but what only waits.
func settle(t *testing.T, s *shell, cmd tea.Cmd) {
	t.Helper()
	queue := []tea.Cmd{cmd}
	for n := 0; len(queue) > 0; n++ {
		if n > 10_000 {
			t.Fatal("the commands never end")
		}
		c := queue[0]
		queue = queue[1:]
		if c == nil {
			continue
		}
		switch m := c().(type) {
		case tea.BatchMsg:
			queue = append(queue, m...)
		case nil:
		default:
			_, next := s.Update(m)
			queue = append(queue, next)
		}
	}
}

// keyOf makes the key that a name in a key table means.
func keyOf(name string) tea.KeyPressMsg {
	k := tea.Key{}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	codes := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"backspace": tea.KeyBackspace, "delete": tea.KeyDelete}
	if c, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	k.Code, k.Text = []rune(name)[0], name
	return tea.KeyPressMsg(k)
}

// press types keys by their names.
func press(t *testing.T, s *shell, names ...string) {
	t.Helper()
	for _, n := range names {
		_, cmd := s.Update(keyOf(n))
		settle(t, s, cmd)
	}
}

// pageSizes are those of the golden files.
var pageSizes = []struct{ w, h int }{{120, 40}, {80, 24}, {40, 12}, {20, 5}}

// goldenPage compares a page with its files at all sizes, and without colour and in ASCII at 80 × 24.
func goldenPage(t *testing.T, name string, source func() *pageSource, open func() page, then ...string) {
	t.Helper()
	draw := func(w, h int, th *theme.Theme) string {
		s := pagesShell(source(), w, h, th)
		visit(t, s, open())
		s.render() // a page learns how high it is when it is drawn
		press(t, s, then...)
		return s.render()
	}
	for _, size := range pageSizes {
		screen := draw(size.w, size.h, theme.New(theme.Many, false, false))
		file := fmt.Sprintf("%s-%dx%d", name, size.w, size.h)
		checkGolden(t, file, plainText(screen))
		if *ansiPages != "" {
			write(t, filepath.Join(*ansiPages, file+".ansi"), screen)
		}
		withinScreen(t, file, screen, size.w, size.h)
	}
	screen := draw(80, 24, theme.New(theme.None, false, true))
	for i := range len(screen) {
		if screen[i] >= 0x80 {
			t.Errorf("%s in ASCII has the byte %#x in %q", name, screen[i], screen[max(0, i-20):min(len(screen), i+20)])
			break
		}
	}
	checkGolden(t, name+"-vt100", plainText(screen))
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *updatePages {
		write(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -pages writes it anew):\n%s", file, got)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// withinScreen holds a drawn screen to its size.
func withinScreen(t *testing.T, name, screen string, w, h int) {
	t.Helper()
	lines := strings.Split(screen, "\n")
	if len(lines) > max(h, 1) {
		t.Errorf("%s: %d lines on %dx%d", name, len(lines), w, h)
	}
	for i, l := range lines {
		if n := ansi.StringWidth(l); n > w {
			t.Errorf("%s: line %d takes %d cells on %dx%d: %q", name, i+1, n, w, h, l)
		}
	}
}

// everySize draws a page at all small and some large sizes.
func everySize(t *testing.T, source *pageSource, open func() page) {
	t.Helper()
	for _, ascii := range []bool{false, true} {
		s := pagesShell(source, 80, 24, theme.New(theme.Many, false, ascii))
		visit(t, s, open())
		for w := 1; w <= 130; w += 1 + w/12 {
			for h := 1; h <= 50; h += 1 + h/6 {
				s.w, s.h = w, h
				withinScreen(t, "page", s.render(), w, h)
				if t.Failed() {
					return
				}
			}
		}
	}
}

var errSource = errors.New("read results: the file is closed")
