package letter

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"lookout/engine/uptime"
)

var write = flag.Bool("letters", false, "write the golden letters anew; read the difference like code")

var (
	noon   = time.Date(2026, 11, 22, 12, 31, 7, 0, time.UTC)
	down   = uptime.OutcomeDown
	up     = uptime.OutcomeUp
	refuse = "TCP connect 203.0.113.9:443 refused"
)

func incident(number uint64, monitor string) uptime.Incident {
	return uptime.Incident{Number: number, Monitor: monitor, Start: noon, Verdict: uptime.Down, Fault: uptime.FaultTCPRefused,
		Message: refuse, Witness: "fra and nyc agree", ConfirmedBy: []string{"fra", "nyc"},
		Evidence: []uptime.Evidence{
			{Time: noon, Location: "local", Step: "check", Outcome: down, Fault: uptime.FaultTCPRefused, Message: refuse, Vote: true},
			{Time: noon.Add(2 * time.Second), Location: "fra", Step: "wave 1", Outcome: down, Fault: uptime.FaultTCPRefused, Message: refuse, Vote: true},
			{Time: noon.Add(2 * time.Second), Location: "nyc", Step: "wave 1", Outcome: up, Total: 18 * time.Millisecond, Vote: true},
			{Time: noon.Add(3 * time.Second), Location: "sgp", Step: "wave 1", Outcome: uptime.OutcomeUnknown, Message: "no answer"},
			{Time: noon.Add(21 * time.Second), Location: "local", Step: "last", Outcome: down, Fault: uptime.FaultTCPRefused, Message: refuse, Vote: true},
		}}
}

func ended(in uptime.Incident, after time.Duration) uptime.Incident {
	in.End = in.Start.Add(after)
	return in
}

func snapshot() *uptime.Snapshot {
	return &uptime.Snapshot{States: []*uptime.State{
		{Monitor: &uptime.Monitor{Name: "mail", Type: "smtp", Target: "smtp://mx.example.com:25"}},
		{Monitor: &uptime.Monitor{Name: "shop", Type: "http", Target: "https://shop.example.com/checkout", Group: "shop",
			Tags: []string{"prod", "eu"}, Note: "call the hosting desk: +31 20 555 0100"}},
	}}
}

// letters are one of every kind.
func letters(t *testing.T) []uptime.Letter {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	many := func(n int, end time.Duration) (out []uptime.Incident) {
		for i := range n {
			in := incident(uint64(4711+i), fmt.Sprintf("site-%02d", i+1))
			if end > 0 {
				in = ended(in, end+time.Duration(i)*time.Second)
			}
			out = append(out, in)
		}
		return out
	}
	shop := incident(4711, "shop")
	recovery := []uptime.Evidence{
		{Time: noon.Add(14 * time.Minute), Location: "local", Step: "check", Outcome: up, Total: 20 * time.Millisecond, Vote: true},
		{Time: noon.Add(14*time.Minute + 5*time.Second), Location: "local", Step: "last", Outcome: up, Total: 19 * time.Millisecond, Vote: true},
	}
	soon := incident(12, "shop")
	soon.Verdict, soon.Fault, soon.Message, soon.Witness = uptime.Degraded, uptime.FaultTLSExpiresSoon, "certificate of shop.example.com expires in 9d04h, at 2026-12-01 16:00 UTC", ""
	host := uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}
	var out []uptime.Letter
	write := func(p uptime.Parcel, f Facts) {
		p.Number, p.Channel, p.At = uint64(len(out)+1), "ops", noon.Add(22*time.Second)
		if f.Now.IsZero() {
			f.Now = noon.Add(23 * time.Second)
		}
		f.Instance, f.Zone, f.Snapshot = "web-1", zone, snapshot()
		f.Targets = map[string]string{"sms": "+31 6 5550 1000 by sms.example.com"}
		if p.Count == 0 {
			p.Count = len(f.Incidents)
		}
		out = append(out, Write(&p, &f, nil))
	}
	write(uptime.Parcel{Kind: uptime.AlertOpened, Thread: 4711, Also: []string{"sms"}, Why: "route 2 (tags prod)"}, Facts{Incidents: []uptime.Incident{shop}})
	write(uptime.Parcel{Kind: uptime.AlertReminder, Thread: 4711}, Facts{Incidents: []uptime.Incident{shop}, Now: noon.Add(26 * time.Hour)})
	write(uptime.Parcel{Kind: uptime.AlertEscalated, Thread: 4711, Why: "nobody acknowledged it for 15m"}, Facts{Incidents: []uptime.Incident{shop}, Now: noon.Add(16 * time.Minute)})
	write(uptime.Parcel{Kind: uptime.AlertRecovered, Thread: 4711}, Facts{Incidents: []uptime.Incident{ended(shop, 14*time.Minute)}, Evidence: recovery, Now: noon.Add(15 * time.Minute)})
	write(uptime.Parcel{Kind: uptime.AlertCollapsed, Thread: 4711}, Facts{Incidents: []uptime.Incident{ended(shop, 14*time.Minute)}, Failed: 7, First: noon.Add(22 * time.Second), Now: noon.Add(3 * time.Hour)})
	gone := ended(shop, time.Hour)
	gone.Ended = uptime.EndedUnwatched
	write(uptime.Parcel{Kind: uptime.AlertRecovered, Thread: 4711}, Facts{Incidents: []uptime.Incident{gone}, Now: noon.Add(2 * time.Hour)})
	write(uptime.Parcel{Kind: uptime.AlertFlapping, Thread: 4711}, Facts{Incidents: []uptime.Incident{shop}})
	write(uptime.Parcel{Kind: uptime.AlertOpened, Thread: 4711, Cause: host, Count: 300}, Facts{Incidents: many(uptime.MaxNamed, 0)})
	write(uptime.Parcel{Kind: uptime.AlertJoined, Thread: 4711, Cause: uptime.Cause{Kind: uptime.CauseParent, Key: "office uplink"}}, Facts{Incidents: many(3, 0), Now: noon.Add(10 * time.Minute)})
	write(uptime.Parcel{Kind: uptime.AlertOpened, Thread: 4711, Cause: host, Failing: 39}, Facts{Incidents: many(1, 0)})
	write(uptime.Parcel{Kind: uptime.AlertJoined, Thread: 4711, Cause: host, Count: 40, Over: 12}, Facts{Incidents: many(2, 0), Now: noon.Add(20 * time.Minute)})
	write(uptime.Parcel{Kind: uptime.AlertRecovered, Thread: 4711, Cause: host, Count: 300}, Facts{Incidents: many(uptime.MaxNamed, 14*time.Minute), Now: noon.Add(15 * time.Minute)})
	write(uptime.Parcel{Kind: uptime.AlertMore, Count: 27}, Facts{Incidents: many(4, 0)})
	write(uptime.Parcel{Kind: uptime.AlertCertificate, Thread: 12}, Facts{Incidents: []uptime.Incident{soon}})
	write(uptime.Parcel{Kind: uptime.AlertNode, Says: "web-1 was offline for 12m03s, from 12:40 on: no anchor answered; nothing is known of that time"}, Facts{})
	write(uptime.Parcel{Kind: uptime.AlertProbe, Says: "probe sgp/1 is gone: nothing heard for 3m00s"}, Facts{})
	write(uptime.Parcel{Kind: uptime.AlertBlind, Says: "the engine of web-1 has not been heard of for 3m00s, seen from fra/1"}, Facts{})
	write(uptime.Parcel{Kind: uptime.AlertTest}, Facts{})
	return out
}

// What is about no incident is in one thread with the letter whose end it tells.
func TestThread(t *testing.T) {
	gone := Write(&uptime.Parcel{Number: 15, Channel: "ops", Kind: uptime.AlertProbe, At: noon, Says: "probe sgp/1 is gone."}, &Facts{Instance: "web-1"}, nil)
	back := Write(&uptime.Parcel{Number: 19, Ends: 15, Channel: "ops", Kind: uptime.AlertProbe, At: noon.Add(time.Hour), Says: "probe sgp/1 is back."}, &Facts{Instance: "web-1"}, nil)
	other := Write(&uptime.Parcel{Number: 20, Channel: "ops", Kind: uptime.AlertProbe, At: noon.Add(time.Hour), Says: "probe fra/1 is gone."}, &Facts{Instance: "web-1"}, nil)
	var more [2]uptime.Letter
	for i := range more {
		more[i] = Write(&uptime.Parcel{Number: uint64(21 + i), Channel: "ops", Kind: uptime.AlertMore, At: noon, Count: 27}, &Facts{Instance: "web-1"}, nil)
	}
	if more[0].Thread != more[1].Thread || more[0].Thread == other.Thread || more[0].ID == more[1].ID {
		t.Errorf("%q %q", more[0].Thread, more[1].Thread)
	}
	if gone.Thread != back.Thread || gone.Thread == other.Thread || gone.ID == back.ID || !back.Over {
		t.Errorf("%q %q %q", gone.Thread, back.Thread, other.Thread)
	}
}

// TestLetters keeps what people read: every kind, as a golden file.
func TestLetters(t *testing.T) {
	var b bytes.Buffer
	for _, l := range letters(t) {
		fmt.Fprintf(&b, "=== %s  id %s  thread %s  urgent %v  over %v\nSubject: %s\n\n%s", l.Kind, l.ID, l.Thread, l.Urgent, l.Over, l.Subject, l.Text)
		check(t, &l)
	}
	golden := filepath.Join("testdata", "letters.golden")
	if *write {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(want, b.Bytes()) {
		t.Errorf("the letters are not those of %s (%v); go test ./engine/alert/letter -letters writes it anew:\n%s", golden, err, b.Bytes())
	}
}

// check is what holds of every letter, whatever it was made of.
func check(t *testing.T, l *uptime.Letter) {
	t.Helper()
	for _, id := range []string{l.ID, l.Thread} {
		if id == "" || len(id) > 200 || strings.Count(id, "@") != 1 || strings.Contains(id, "..") {
			t.Errorf("identifier %q", id)
		}
		for _, r := range id {
			if r <= ' ' || r > '~' || strings.ContainsRune(`<>()[]\,;:"`, r) {
				t.Errorf("identifier %q has %q", id, r)
			}
		}
	}
	if n := utf8.RuneCountInString(l.Subject); n == 0 || n > maxSubject {
		t.Errorf("subject of %d characters", n)
	}
	if most := maxText; !l.Custom && len(l.Text) > most || len(l.Text) > maxOutput {
		t.Errorf("text of %d bytes", len(l.Text))
	}
	for what, s := range map[string]string{"subject": l.Subject, "text": strings.ReplaceAll(l.Text, "\n", "")} {
		if !utf8.ValidString(s) {
			t.Errorf("%s is no UTF-8: %q", what, s)
		}
		for _, r := range s {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Errorf("%s has %U: %q", what, r, s)
			}
		}
	}
	if len(l.JSON) > maxObject || !json.Valid(l.JSON) || bytes.ContainsAny(l.JSON, "\n\x1b") {
		t.Errorf("object of %d bytes, valid %v", len(l.JSON), json.Valid(l.JSON))
	}
}

// TestSame: an identifier is the same whenever a letter is written, and of no other.
func TestSame(t *testing.T) {
	in := incident(4711, "shop")
	p := uptime.Parcel{Number: 7, Channel: "öps\r\nBcc: x", Kind: uptime.AlertOpened, At: noon, Incidents: []uint64{4711}, Thread: 4711}
	one := Write(&p, &Facts{Instance: "web-1", Now: noon, Incidents: []uptime.Incident{in}}, nil)
	later := Write(&p, &Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{ended(in, time.Minute)}}, nil)
	if one.ID != later.ID || one.Thread != later.Thread {
		t.Errorf("%s, %s; later %s, %s", one.ID, one.Thread, later.ID, later.Thread)
	}
	check(t, &one)
	over := p
	over.Number, over.Kind, over.At = 8, uptime.AlertRecovered, noon.Add(time.Minute)
	end := Write(&over, &Facts{Instance: "web-1", Now: noon.Add(time.Hour), Incidents: []uptime.Incident{ended(in, time.Minute)}}, nil)
	if end.ID == one.ID || end.Thread != one.Thread {
		t.Errorf("the end: id %s beside %s, thread %s beside %s", end.ID, one.ID, end.Thread, one.Thread)
	}
	again := p // of a data file that was restored
	again.At = noon.Add(time.Hour)
	if l := Write(&again, &Facts{Instance: "web-1", Now: noon}, nil); l.ID == one.ID {
		t.Error("two letters with one identifier")
	}
	if l := Write(&p, &Facts{Instance: "web-2", Now: noon}, nil); l.ID == one.ID {
		t.Error("two instances with one identifier")
	}
}

var hostile = []string{
	"\r\nBcc: victim@example.com\r\n\r\nhello", "\x1b]0;owned\x07\x1b[2J", "abc\u202edef\u2066", "{{.Fault}}{{range}}", "<!channel> @everyone <b>",
	strings.Repeat("A", 1<<20), strings.Repeat("é\n", 1<<16), "\x00\xff\xfe", "", "\u0301\u0301\u0301\u0301", "a\u2028b\u0085c", "-- \n.\n.\r\n",
}

// TestHostile: no text from outside, in any place, gets through as more than text.
func TestHostile(t *testing.T) {
	own, err := Compile("{{.Word}} {{.Monitor}} {{.Message}}", "{{.Message}}\n{{.Note}}\n{{range .Incidents}}{{.Monitor}} {{range .Evidence}}{{.Message}}{{end}}{{end}}\n{{json .Message}}")
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range hostile {
		in := incident(1, s)
		in.Message, in.Witness, in.ConfirmedBy = s, s, []string{s}
		in.Evidence = append(in.Evidence, uptime.Evidence{Location: s, Step: s, Message: s, Address: s})
		in.Story = []uptime.Phase{{Phase: s, Message: s}}
		in.Ack = &uptime.Ack{By: s, Note: s}
		m := &uptime.Monitor{Name: s, Target: s, Type: "http", Group: s, Tags: []string{s}, Note: s}
		for _, k := range []uptime.AlertKind{uptime.AlertOpened, uptime.AlertRecovered, uptime.AlertMore, uptime.AlertNode, uptime.AlertCertificate} {
			p := uptime.Parcel{Number: 1, Channel: s, Kind: k, At: noon, Incidents: []uint64{1}, Count: 1, Thread: 1, Why: s, Also: []string{s}, Says: s,
				Cause: uptime.Cause{Kind: uptime.CauseHost, Key: s}}
			f := Facts{Instance: s, Now: noon, Incidents: []uptime.Incident{in, in}, Snapshot: &uptime.Snapshot{States: []*uptime.State{{Monitor: m}}},
				Targets: map[string]string{s: s}, Evidence: in.Evidence}
			for _, tmpl := range []*Templates{nil, own} {
				l := Write(&p, &f, tmpl)
				check(t, &l)
				if i == 3 && (!strings.Contains(l.Text, s) || !strings.Contains(l.Subject, "{{.Fault}}") && len(p.Incidents) == 0) {
					t.Errorf("%q became %q\n%s", s, l.Subject, l.Text)
				}
			}
		}
	}
}

// TestTooMuch: an object that is too large loses what is least.
func TestTooMuch(t *testing.T) {
	in := incident(1, "shop")
	for range 3000 {
		in.Evidence = append(in.Evidence, in.Evidence[0])
	}
	l := Write(&uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertOpened, At: noon, Count: 1}, &Facts{Instance: "web-1", Now: noon, Incidents: []uptime.Incident{in}}, nil)
	check(t, &l)
	var got struct{ Incidents []uptime.Incident }
	if err := json.Unmarshal(l.JSON, &got); err != nil || len(got.Incidents) != 1 || len(got.Incidents[0].Evidence) == 0 {
		t.Errorf("%v, %d incidents", err, len(got.Incidents))
	}
}

func FuzzLetter(f *testing.F) {
	for _, s := range hostile {
		f.Add(s[:min(len(s), 200)], "web-1", uint8(0))
	}
	kinds := []uptime.AlertKind{uptime.AlertOpened, uptime.AlertJoined, uptime.AlertRecovered, uptime.AlertCollapsed, uptime.AlertMore, uptime.AlertNode}
	f.Fuzz(func(t *testing.T, s, instance string, kind uint8) {
		in := incident(1, s)
		in.Message, in.Evidence[0].Message, in.Evidence[0].Location = s, s, s
		p := uptime.Parcel{Number: 1, Channel: s, Kind: kinds[int(kind)%len(kinds)], At: noon, Count: 2, Thread: 1, Why: s, Says: s, Cause: uptime.Cause{Kind: uptime.CauseName, Key: s}}
		l := Write(&p, &Facts{Instance: instance, Now: noon, Incidents: []uptime.Incident{in, in}}, nil)
		check(t, &l)
	})
}

// TestLongNames: where there is no room for the names, there are fewer of them,
// and the numbers stay.
func TestLongNames(t *testing.T) {
	host := uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}
	sites := func(n int, over bool) (out []uptime.Incident) {
		for i := range n {
			in := incident(uint64(4711+i), fmt.Sprintf("www.shop-%d.long-name-of-a-customer.example.com", i))
			if over {
				in = ended(in, 14*time.Minute)
			}
			out = append(out, in)
		}
		return out
	}
	for _, tt := range []struct {
		p    uptime.Parcel
		over bool
		want string
	}{
		{uptime.Parcel{Kind: uptime.AlertOpened, Failing: 279}, false, "DOWN host 192.0.2.7: 21 monitors (www.shop-0.long-name-of-a-customer.example.com and 20 more), 279 more failing [web-1]"},
		{uptime.Parcel{Kind: uptime.AlertRecovered}, true, "up again: host 192.0.2.7: 21 monitors (www.shop-0.long-name-of-a-customer.example.com and 20 more), after 14m00s [web-1]"},
		{uptime.Parcel{Kind: uptime.AlertJoined, Over: 7}, false, "DOWN host 192.0.2.7: 21 monitors, 7 of them up again [web-1]"},
		{uptime.Parcel{Kind: uptime.AlertReminder, Failing: 279}, false, "still DOWN host 192.0.2.7: 21 monitors, 279 more failing [web-1]"},
	} {
		tt.p.Number, tt.p.Channel, tt.p.Cause, tt.p.Count, tt.p.At = 1, "ops", host, 21, noon
		l := Write(&tt.p, &Facts{Instance: "web-1", Zone: time.UTC, Now: noon.Add(15 * time.Minute), Incidents: sites(5, tt.over)}, nil)
		if l.Subject != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.p.Kind, l.Subject, tt.want)
		}
	}
}
