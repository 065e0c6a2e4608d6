package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"lookout/engine/uptime"
)

const day = 24 * time.Hour

func share(up float64) uptime.Share {
	u := time.Duration(up * float64(day))
	return uptime.Share{Up: u, Down: day - u, Span: day}
}

func state(name string, v uptime.Verdict, since time.Time) *uptime.State {
	return &uptime.State{Monitor: &uptime.Monitor{Name: name, Type: "http", Target: "https://" + name,
		Group: "web", Tags: []string{"prod", "eu"}, Interval: time.Minute},
		Verdict: v, Since: since, Day: share(1), Last: at("12:35:10"), Outcome: uptime.OutcomeUp, Total: 18 * time.Millisecond}
}

// snapshot is the example of the public interface, and one of each other kind.
func snapshot() *uptime.Snapshot {
	shop := state("shop.example.com/checkout", uptime.Down, at("12:31:07"))
	shop.Day, shop.Incident, shop.Outcome = share(0.99499), 4711, uptime.OutcomeDown
	shop.Fault, shop.Message = uptime.FaultTCPRefused, "TCP connect 203.0.113.9:443 refused"
	cdn := state("cdn.example.org", uptime.Suspect, at("12:35:18"))
	cdn.Day, cdn.Before, cdn.Outcome = share(0.999005), uptime.Up, uptime.OutcomeDown
	cdn.Fault, cdn.Message = uptime.FaultHTTPStatus, "HTTP status 503, expected 200-299"
	api := state("api.example.com/v1/health", uptime.Up, at("12:35:19").Add(-6*day-2*time.Hour))
	slow := state("old.example.com", uptime.Degraded, at("12:35:19").Add(-13*time.Hour))
	slow.Incident, slow.Fault, slow.Message = 4700, uptime.FaultHTTPTooSlow, "took 1.2 s, more than 800 ms"
	slow.Total = 1200 * time.Millisecond
	slow.Ack = &uptime.Ack{By: "jo", Note: "disk is being replaced", Until: at("14:00:00")}
	blind := state("db.example.com", uptime.Unknown, at("12:33:00"))
	blind.Day, blind.Message, blind.Outcome = uptime.Share{Up: 20 * time.Hour, Span: day}, "no result for two intervals", 0
	mnt := state("mail.example.com", uptime.Down, at("12:00:00"))
	mnt.Mode, mnt.Until, mnt.Outcome = uptime.Maintenance, at("13:00:00"), uptime.OutcomeDown
	off := state("ftp.example.com", uptime.Up, at("12:35:19").Add(-400*day))
	off.Mode, off.Until = uptime.Paused, at("12:35:19").Add(day)
	fresh := state("neu.bücher.example", uptime.Pending, time.Time{})
	fresh.Day, fresh.Last, fresh.Total, fresh.Outcome = uptime.Share{Span: day}, time.Time{}, 0, 0
	branch := state("branch.example.com", uptime.Down, at("12:34:07"))
	branch.Day, branch.Incident, branch.Behind, branch.Outcome = share(0.999), 4712, "office uplink", uptime.OutcomeDown
	branch.Fault, branch.Message = uptime.FaultTCPTimeout, "TCP connect 203.0.113.77:443: no answer in 10 s"
	s := &uptime.Snapshot{Seq: 9, Time: at("12:35:18"), Instance: "web-1",
		Config: uptime.ConfigState{Path: "lookout.toml", Loaded: at("12:01:00")},
		States: []*uptime.State{api, cdn, blind, off, mnt, fresh, slow, shop, branch},
		Open: []*uptime.Incident{{Number: 4711, ConfirmedBy: []string{"fra", "nyc"}},
			{Number: 4712, Behind: "office uplink", Witness: "unreachable from web-1; nobody else was asked"}, {Number: 4700}},
		Health: uptime.Health{Rate: 16.66, Lag: 200 * time.Millisecond, ProbesLive: 3, Probes: 5}}
	for _, st := range s.States {
		s.Counts.Add(st.Verdict, st.Mode)
	}
	return s
}

// outbox has a channel of each kind: one that fails, one that works, one that is full.
func outbox() uptime.Outbox {
	return uptime.Outbox{Held: 2, Channels: []uptime.ChannelState{
		{Name: "ops", Type: "email", Target: "ops@example.com by smtp.example.com:25", Pending: 3, Oldest: at("12:31:29"), Tries: 4,
			Error: "451 4.7.1 greylisted \x1b[31m", Failing: at("12:31:30"), Next: at("12:35:59"), Sent: 12, Last: at("12:20:00")},
		{Name: "hook", Type: "webhook", Target: "https://hooks.example.com/***", Sent: 4, Last: at("12:31:29")},
		{Name: `chat "a"`, Type: "ntfy", Target: "ntfy.example.com", Pending: 40, Oldest: at("12:30:00"), Capped: 40, Sent: 60, Last: at("12:29:59")},
	}, Heartbeat: uptime.HeartbeatState{Error: "404 Not Found", Failing: at("12:00:00"), Last: at("11:59:00")},
		Told: []uptime.Told{{Number: 7, Channel: "ops", State: uptime.ToldSent, Incident: 4711}}}
}

func statusOf(t *testing.T, s uptime.Status, opt Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Status(&b, s, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestStatusGolden(t *testing.T) {
	whole := uptime.Status{Snapshot: snapshot()}
	ill := uptime.Status{Snapshot: snapshot(), Page: "public"}
	ill.Snapshot.Node = "offline: 1 of 4 anchors answers"
	ill.Snapshot.Config.Error = `lookout.toml:214: interval = "5" needs a unit`
	ill.Snapshot.Health.StoreError = "no space left on device"
	ill.Snapshot.Broker = uptime.Broker{URL: "amqps://probe.example.com/lookout", Error: "the name probe.example.com in the broker's url does not exist"}
	ill.Snapshot.Time = at("12:33:18")
	behind := uptime.Status{Snapshot: snapshot()}
	behind.Snapshot.Outbox = outbox()
	page := uptime.Status{Snapshot: behind.Snapshot, Page: "public"}
	left := snapshot()
	left.Outbox = outbox()
	left.Outbox.Channels[0].Next = time.Time{} // nobody tries
	for _, c := range []struct {
		file string
		s    uptime.Status
		opt  func(*Options)
	}{
		{"status-alerts.txt", behind, func(o *Options) { o.Problems = true }},
		{"status-alerts.json", behind, func(o *Options) { o.Format = JSON }},
		{"status-alerts.prom", behind, func(o *Options) { o.Format = Prometheus }},
		{"status-alerts-page.txt", page, func(o *Options) { o.Problems = true }},
		{"status-alerts-page.json", page, func(o *Options) { o.Format = JSON }},
		{"status-alerts-stale.txt", uptime.Status{Snapshot: left, Stale: true}, func(o *Options) { o.Problems = true }},
		{"status.txt", whole, func(*Options) {}},
		{"status-problems.txt", whole, func(o *Options) { o.Problems = true }},
		{"status-ascii.txt", whole, func(o *Options) { o.ASCII = true }},
		{"status-width.txt", whole, func(o *Options) { o.Width = 72 }},
		{"status-stale.txt", uptime.Status{Snapshot: snapshot(), Stale: true}, func(o *Options) { o.Now = o.Now.Add(26 * time.Hour) }},
		{"status-ill.txt", ill, func(o *Options) { o.Problems = true }},
		{"status-none.txt", uptime.Status{Snapshot: &uptime.Snapshot{Instance: "web-1"}, Stale: true}, func(*Options) {}},
		{"status.json", whole, func(o *Options) { o.Format = JSON }},
		{"status-problems.json", whole, func(o *Options) { o.Format, o.Problems = JSON, true }},
		{"status.csv", whole, func(o *Options) { o.Format = CSV }},
		{"status.prom", whole, func(o *Options) { o.Format = Prometheus }},
	} {
		opt := options()
		c.opt(&opt)
		golden(t, c.file, statusOf(t, c.s, opt))
		golden(t, c.file, statusOf(t, over(t, uptime.FullStatus(c.s)), opt)) // and as another process reads it
	}
}

// over reads what another process writes.
func over(t *testing.T, v any) uptime.Status {
	t.Helper()
	b, err := json.Marshal(v)
	var full uptime.FullStatus
	if err == nil {
		err = json.Unmarshal(b, &full)
	}
	if err != nil {
		t.Fatal(err)
	}
	return uptime.Status(full)
}

// TestStatusOfAnotherVersion: an engine that says less is read for what it says.
func TestStatusOfAnotherVersion(t *testing.T) {
	s := uptime.Status{Snapshot: snapshot()}
	old := over(t, s)
	if old.Snapshot.States[7].Witness = "fra and nyc agree"; !old.Bare {
		t.Error("it says nothing of itself")
	}
	want := strings.Replace(statusOf(t, s, options()), "# truth 1 s old, 16.7 checks/s, lag 0.2 s, probes 3 of 5, config of 12:01:00\n", "# truth 1 s old\n", 1)
	want = strings.Replace(want, "; unreachable from web-1; nobody else was asked", "", 1) // of the incident
	if got := statusOf(t, old, options()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if StatusExit(old) != StatusExit(s) {
		t.Errorf("exit %d", StatusExit(old))
	}
	b, err := json.Marshal(uptime.FullStatus(s))
	if err != nil {
		t.Fatal(err)
	}
	var full uptime.FullStatus
	if err := json.Unmarshal(bytes.ReplaceAll(b, []byte(`"tcp.refused"`), []byte(`"tcp.of_tomorrow"`)), &full); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, uptime.Status(full), options()); !strings.Contains(got, "TCP connect 203.0.113.9:443 refused (tcp.of_tomorrow); fra and nyc agree") {
		t.Errorf("a fault of a newer version:\n%s", got)
	}
}

// TestStatusExample holds the text to the letter of the public interface.
func TestStatusExample(t *testing.T) {
	s := snapshot()
	s.States = []*uptime.State{s.States[0], s.States[1], s.States[7]}
	s.Counts = uptime.Counts{Down: 2, Suspect: 1, Degraded: 1, Unknown: 1, Up: 995, Maintenance: 1, Paused: 1, Pending: 1}
	want := `# web-1  Sun 2026-11-22 12:35:19 CET  DOWN 2  chk? 1  WARN 1  UNKN 1  up 995  mnt 1  off 1  new 1
# truth 1 s old, 16.7 checks/s, lag 0.2 s, probes 3 of 5, config of 12:01:00

DOWN  shop.example.com/checkout  4m12s  since 12:31:07  24h 99.49%  cover 100%
      TCP connect 203.0.113.9:443 refused (tcp.refused); fra and nyc agree; #4711, not acknowledged
chk?  cdn.example.org            1s     since 12:35:18  24h 99.90%  cover 100%
      HTTP status 503, expected 200-299 (http.status); being confirmed, counts as up
up    api.example.com/v1/health  6d02h  since 16 Nov    24h 100%    cover 100%  18ms
`
	if got := statusOf(t, uptime.Status{Snapshot: s}, options()); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestStatusHostile checks that nothing from outside can begin a line or a field.
func TestStatusHostile(t *testing.T) {
	s := snapshot()
	clean := statusOf(t, uptime.Status{Snapshot: s}, options())
	const attack = "x\nDOWN  forged  1s\r\x1b[2K\u2028up  forged\u0085\u202eevil\x00 \t  up"
	for _, st := range s.States {
		st.Message, st.Name = attack, st.Name+attack
		if st.Ack != nil {
			st.Ack.Note, st.Ack.By = attack, attack
		}
	}
	s.Open[0].ConfirmedBy, s.Open[1].Behind, s.Instance = []string{attack}, attack, attack
	s.Node, s.Config.Error = attack, attack
	got := statusOf(t, uptime.Status{Snapshot: s}, options())
	if a, b := strings.Count(clean, "\n")+2, strings.Count(got, "\n"); a != b {
		t.Errorf("%d lines became %d:\n%s", a, b, got)
	}
	if i := strings.IndexFunc(got, func(r rune) bool {
		return r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e || r == 0x2028
	}); i >= 0 {
		t.Errorf("%q is left in the output", got[i:i+3])
	}
	for line := range strings.Lines(got) {
		label := strings.Fields(line + " -")[0]
		if line[0] != ' ' && !strings.Contains("# DOWN chk? WARN UNKN up mnt off new -", label) {
			t.Errorf("a forged line: %q", line)
		}
		if line[0] != ' ' && line[0] != '#' && len(line) > 1 && strings.Count(strings.Join(strings.Fields(line), " "), "since") != 1 {
			t.Errorf("a forged field: %q", line)
		}
	}
}

func TestStatusFieldsParse(t *testing.T) {
	got := statusOf(t, uptime.Status{Snapshot: snapshot()}, options())
	rows := 0
	for line := range strings.Lines(got) {
		if line[0] == '#' || line[0] == ' ' || line == "\n" {
			continue
		}
		rows++
		fields := strings.FieldsFunc(strings.ReplaceAll(strings.TrimSpace(line), "  ", "\x00"), func(r rune) bool { return r == 0 })
		if len(fields) < 6 || !strings.HasPrefix(strings.TrimSpace(fields[3]), "since ") {
			t.Errorf("%d fields in %q: %q", len(fields), line, fields)
		}
	}
	if rows != 9 {
		t.Errorf("%d rows, want 9", rows)
	}
}

func TestStatusReportsWriteErrors(t *testing.T) {
	for _, f := range []Format{Text, JSON, CSV, Prometheus} {
		opt := options()
		opt.Format = f
		if err := Status(broken{}, uptime.Status{Snapshot: snapshot()}, opt); err != io.ErrClosedPipe {
			t.Errorf("%v: %v", f, err)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func many(n int) *uptime.Snapshot {
	s := &uptime.Snapshot{Time: at("12:35:18"), Instance: "web-1"}
	now := at("12:35:19")
	for i := range n {
		v := uptime.Up
		if i%100 == 7 {
			v = uptime.Down
		}
		st := state(fmt.Sprintf("customer-%06d.example.com/health", i), v, now.Add(-time.Duration(i*i%(20*86400))*time.Second))
		st.Day, st.Message, st.Fault = share(1-float64(i%50)/1e4), "", 0
		if v == uptime.Down {
			st.Message, st.Fault, st.Incident = "TCP connect 203.0.113.9:443 refused", uptime.FaultTCPRefused, uint64(i)
		}
		s.States = append(s.States, st)
		s.Counts.Add(st.Verdict, st.Mode)
	}
	return s
}

func BenchmarkStatusText(b *testing.B) {
	for _, n := range []int{1000, 10_000, 180_000} {
		s := uptime.Status{Snapshot: many(n)}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if err := Status(io.Discard, s, options()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestCaution: what a check leaves unverified is said on its line, whatever its state.
func TestCaution(t *testing.T) {
	up, off := state("a.example", uptime.Up, at("12:00:00")), state("b.example", uptime.Up, at("12:00:00"))
	up.Caution, off.Caution = "certificate not verified", "certificate not verified"
	off.Mode, off.Until = uptime.Paused, at("13:00:00")
	s := uptime.Status{Snapshot: &uptime.Snapshot{Time: at("12:35:18"), States: []*uptime.State{up, off}}}
	text := statusOf(t, s, Options{Now: at("12:35:19")})
	for _, want := range []string{"  18ms  certificate not verified\n", "  until 12:00  certificate not verified\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestStatusFits holds every row to the width of a terminal, as far as names can be cut.
func TestStatusFits(t *testing.T) {
	s := snapshot()
	for _, st := range s.States {
		st.Name = strings.Repeat(st.Name, 3)
	}
	opt := options()
	opt.Width = 84
	for _, line := range strings.Split(statusOf(t, uptime.Status{Snapshot: s}, opt), "\n") {
		if strings.Contains(line, "  24h ") && !strings.Contains(line, "  until ") && ansi.StringWidth(line) > opt.Width {
			t.Errorf("%d columns: %s", ansi.StringWidth(line), line)
		}
	}
}

func TestCoverageIsRoundedDown(t *testing.T) {
	for want, up := range map[string]time.Duration{"0%": 0, "<1%": time.Second, "29%": day * 29 / 100, "57%": day * 57 / 100, "99%": day - time.Second, "100%": day} {
		s := snapshot()
		s.States = s.States[:1]
		s.States[0].Day = uptime.Share{Up: up, Span: day}
		if got := statusOf(t, uptime.Status{Snapshot: s}, options()); !strings.Contains(got, "  cover "+want+"  ") {
			t.Errorf("%v of a day is not %s: %s", up, want, got)
		}
	}
}
