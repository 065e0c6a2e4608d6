package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lookout/engine/alert/desk"
	"lookout/engine/alert/letter"
	"lookout/engine/config"
	"lookout/engine/uptime"
)

// A preview shows the letter that leaves, to whom it leaves.
func TestPreviewIsSent(t *testing.T) {
	start := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	text := `instance = "web-1"
timezone = "UTC"
[[channel]]
name = "ops"
type = "file"
path = "/var/log/ops"
[[channel]]
name = "boss"
type = "file"
path = "/var/log/boss"
subject = "{{.Word}} {{.Count}} for the boss"
[[channel]]
name = "web"
type = "file"
path = "/var/log/web"
[[route]]
names = ["slow"]
verdicts = ["down", "degraded"]
channels = ["web"]
[[route]]
names = ["site*", "alone"]
channels = ["ops", "boss"]
`
	text = strings.Replace(text, `"site*"`, `"site0", "site1", "site2"`, 1)
	for i, name := range []string{"alone", "cert", "other0", "other1", "other2", "slow"} {
		text += fmt.Sprintf("[[monitor]]\nname = %q\nurl = \"tls://192.0.%d.1:443\"\n", name, 2+i)
	}
	for i := range 3 {
		text += fmt.Sprintf("[[monitor]]\nname = \"site%d\"\nurl = \"tcp://203.0.113.7:%d\"\n", i, 80+i)
	}
	c := &call{now: func() time.Time { return start }}
	cfg, err := config.Load(write(t, filepath.Join(t.TempDir(), "lookout.toml"), text), c.options())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		monitors []string
		verdict  uptime.Verdict
		fault    uptime.Fault
		over     bool
		to       string
		subject  string // to the first of them
	}{
		{"single", []string{"alone"}, uptime.Down, uptime.FaultTCPRefused, false, "boss ops", "DOWN 1 for the boss"},
		{"of no route", []string{"other0"}, uptime.Down, uptime.FaultTCPRefused, false, "boss ops web", "DOWN 1 for the boss"},
		{"cause", []string{"site0", "site1", "site2"}, uptime.Down, uptime.FaultTCPRefused, false, "boss ops", "DOWN 3 for the boss"},
		{"degraded", []string{"slow"}, uptime.Degraded, uptime.FaultHTTPStatus, false, "web", "WARN slow: "},
		{"recovery", []string{"alone"}, uptime.Down, uptime.FaultTCPRefused, true, "boss ops", "up again 1 for the boss"},
		{"certificate", []string{"cert"}, uptime.Degraded, uptime.FaultTLSExpiresSoon, false, "boss ops web", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, now := &uptime.Snapshot{}, start
			for _, j := range cfg.Jobs {
				s.States = append(s.States, &uptime.State{Monitor: j.Monitor, Mode: uptime.Active, Verdict: uptime.Up})
			}
			slices.SortFunc(s.States, func(a, b *uptime.State) int { return cmp.Compare(a.Name, b.Name) })
			o := desk.Options{Instance: cfg.Instance, Zone: cfg.Timezone, Routes: cfg.Routes}
			targets := map[string]string{}
			for _, ch := range cfg.Channels {
				o.Channels = append(o.Channels, ch.Name)
				targets[ch.Name] = ch.Channel.Target()
			}
			d, err := desk.New(o, nil)
			if err != nil {
				t.Fatal(err)
			}
			d.Begin(0, s, now)
			var all []*uptime.Incident
			event := func(in *uptime.Incident, note string) {
				s.Events++
				d.Take(&uptime.Event{ID: s.Events, Time: now, Kind: uptime.EventIncident, Monitor: in.Monitor, Incident: in.Number, To: in.Verdict, Note: note,
					Fault: in.Fault, Message: in.Message, Since: in.Start}, s, now)
			}
			var parcels []uptime.Parcel
			wait := func(so time.Duration) {
				for end := now.Add(so); now.Before(end); now = now.Add(time.Second) {
					d.Tick(s, now)
					parcels = append(parcels, d.Out().Parcels...)
				}
			}
			for i, name := range tt.monitors {
				in := &uptime.Incident{Number: uint64(i + 1), Monitor: name, Start: now, Verdict: tt.verdict, Fault: tt.fault, Message: "it fails", ConfirmedBy: []string{"fra"}}
				st := s.States[slices.IndexFunc(s.States, func(st *uptime.State) bool { return st.Name == name })]
				st.Verdict, st.Incident, st.Since, st.Fault = tt.verdict, in.Number, now, tt.fault
				all, s.Open = append(all, in), append([]*uptime.Incident{in}, s.Open...)
				event(in, uptime.IncidentOpened)
				wait(5 * time.Second)
			}
			wait(2 * time.Minute) // what is held, and certificates
			in := all[len(all)-1]
			if tt.over {
				in.End, s.Open = now, nil
				event(in, uptime.IncidentClosed)
				parcels = d.Out().Parcels
			}
			for i := range parcels { // as the office tells of them
				p := &parcels[i]
				s.Outbox.Told = append(s.Outbox.Told, uptime.Told{Number: p.Number, Channel: p.Channel, Kind: p.Kind, State: uptime.ToldSent, Incident: p.Incidents[0], Count: p.Count, Cause: p.Cause, At: p.At})
			}
			preview, err := previewOf(in, cfg, s, now)
			if err != nil {
				t.Fatal(err)
			}
			var sent, shown []string
			for i := range parcels {
				p := &parcels[i]
				facts := letter.Facts{Instance: cfg.Instance, Zone: cfg.Timezone, Now: now, Snapshot: s, Targets: targets}
				for _, n := range p.Incidents {
					facts.Incidents = append(facts.Incidents, *all[n-1])
				}
				ch := cfg.Channels[slices.Index(o.Channels, p.Channel)]
				templates, err := letter.Compile(ch.Subject, ch.Body)
				if err != nil {
					t.Fatal(err)
				}
				sent = append(sent, p.Channel+": "+letter.Write(p, &facts, templates).Subject)
			}
			for _, l := range preview.Letters {
				shown = append(shown, l.Channel+": "+l.Subject)
			}
			slices.Sort(sent)
			slices.Sort(shown)
			var to []string
			for _, line := range sent {
				name, _, _ := strings.Cut(line, ": ")
				to = append(to, name)
			}
			if !slices.Equal(sent, shown) || preview.Silent != "" || strings.Join(to, " ") != tt.to || !strings.Contains(sent[0], ": "+tt.subject) {
				t.Errorf("sent  %q\nshown %q, silent: %q", sent, shown, preview.Silent)
			}
		})
	}
}
