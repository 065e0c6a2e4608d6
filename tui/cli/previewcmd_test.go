package cli

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

func TestAlertPreview(t *testing.T) {
	start := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC) // a Wednesday
	now := start.Add(10 * time.Minute)
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
subject = "{{.Word}} for the boss"
[[channel]]
name = "night"
type = "terminal"
[[route]]
tags = ["prod"]
hours = ["18:00-08:00"]
channels = ["night"]
[[route]]
tags = ["prod"]
channels = ["ops"]
delay = "15m"
remind = "1h"
escalate_to = ["boss"]
[[route]]
names = ["toy"]
channels = []
[[monitor]]
name = "shop"
url = "tcp://127.0.0.1:9"
tags = ["prod"]
[[monitor]]
name = "toy"
url = "tcp://127.0.0.1:9"
[[monitor]]
name = "other"
url = "tcp://127.0.0.1:9"
`
	c := &call{now: func() time.Time { return now }}
	path := filepath.Join(t.TempDir(), "lookout.toml")
	cfg, err := config.Load(write(t, path, text), c.options())
	if err != nil {
		t.Fatal(err)
	}
	incident := func(change func(*uptime.Incident)) *uptime.Incident {
		in := &uptime.Incident{Number: 4711, Monitor: "shop", Start: start, Verdict: uptime.Down, Fault: uptime.FaultTCPRefused, Message: "TCP connect 127.0.0.1:9 refused"}
		change(in)
		return in
	}
	told := uptime.Outbox{Told: []uptime.Told{{Channel: "ops", Incident: 4711, Kind: uptime.AlertOpened, State: uptime.ToldSent, Done: start.Add(time.Minute), Reply: "250 ok"}}}
	for _, tt := range []struct {
		name   string
		in     *uptime.Incident
		mode   uptime.Mode
		has    []string
		hasNot []string
	}{
		{"down by day", incident(func(*uptime.Incident) {}), uptime.Active, []string{
			"#4711  shop  DOWN since 09:00:00  tcp.refused\nroute      route 2 (tags prod)", "delay      it has to last 15m: to 09:15:00\n", "reminders  every 1h, until somebody acknowledges it\n",
			"\nops  file  /var/log/ops\nso far     opened, sent 09:01:00: 250 ok\nsubject    DOWN shop: TCP connect 127.0.0.1:9 refused [web-1]\n\n  shop is down",
			"\nboss  file  /var/log/boss\nwhen       only if nobody acknowledges it for 15m, or nobody else could be told\nsubject    DOWN for the boss\n"}, []string{"nobody     is", "night"}},
		{"at night, and over", incident(func(in *uptime.Incident) { in.Start, in.End = start.Add(-8*time.Hour), start.Add(-7*time.Hour) }), uptime.Active, []string{
			"DOWN from 01:00:00 to 02:00:00", "route 1 (", "\nnight  terminal  ", "subject    up again: shop, after 1h00m [web-1]"}, []string{"ops", "boss"}},
		{"acknowledged", incident(func(in *uptime.Incident) { in.Ack = &uptime.Ack{By: "jo"} }), uptime.Active, []string{"reminders  none: acknowledged by jo\n"}, nil},
		{"behind another", incident(func(in *uptime.Incident) { in.Behind = "uplink" }), uptime.Active, []string{"nobody     is told: it is behind uplink, which is down\n           else it would be as follows\n"}, nil},
		{"in maintenance", incident(func(*uptime.Incident) {}), uptime.Maintenance, []string{"nobody     is told: it is in maintenance\n"}, nil},
		{"paused", incident(func(*uptime.Incident) {}), uptime.Paused, []string{"nobody     is told: it is paused\n"}, nil},
		{"dropped by a route", incident(func(in *uptime.Incident) { in.Monitor = "toy" }), uptime.Active, []string{"route 3 (names toy)", "nobody     is told: that route tells nobody\n"}, []string{"subject"}},
		{"of no route", incident(func(in *uptime.Incident) { in.Monitor = "other" }), uptime.Active, []string{"no [[route]] takes it: every channel", "\nops  ", "\nboss  ", "\nnight  "}, []string{"when"}},
		{"degraded", incident(func(in *uptime.Incident) { in.Monitor, in.Verdict = "other", uptime.Degraded }), uptime.Active, []string{"nobody     is told: no route takes what is degraded\n"}, []string{"subject"}},
		{"a certificate", incident(func(in *uptime.Incident) {
			in.Monitor, in.Verdict, in.Fault = "other", uptime.Degraded, uptime.FaultTLSExpiresSoon
		}), uptime.Active, []string{"every channel", "\nops  "}, []string{"nobody     is"}},
		{"of a monitor that is gone, told before", incident(func(in *uptime.Incident) { in.Monitor, in.End, in.Ended = "gone", now, uptime.EndedUnwatched }), uptime.Active, []string{"route      whoever was told of it: ", "\nops  file", "so far     opened, sent", "subject    "}, []string{"boss", "nobody     is"}},
		{"of a monitor that is gone", incident(func(in *uptime.Incident) { in.Monitor, in.Number = "gone", 5 }), uptime.Active, []string{"nobody     is told: it is not in the configuration any more\n"}, []string{"subject"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &uptime.Snapshot{Outbox: told}
			for _, j := range cfg.Jobs {
				s.States = append(s.States, &uptime.State{Monitor: j.Monitor, Mode: tt.mode})
			}
			p, err := previewOf(tt.in, cfg, s, now)
			if err != nil {
				t.Fatal(err)
			}
			got := p.String()
			for _, want := range tt.has {
				if !strings.Contains(got, want) {
					t.Errorf("lacks %q:\n%s", want, got)
				}
			}
			for _, word := range tt.hasNot {
				if strings.Contains(got, word) {
					t.Errorf("has %q:\n%s", word, got)
				}
			}
		})
	}
}

// Without an engine there is the file; without either there is no incident.
func TestAlertPreviewUsage(t *testing.T) {
	b := newBench(t)
	write(t, "lookout.toml", "data_dir = \"data\"\n[[monitor]]\nname = \"shop\"\nurl = \"tcp://127.0.0.1:9\"\n")
	for _, tt := range []struct{ arg, says string }{
		{"#4711", "there is no incident #4711; lookout history lists them"},
		{"4711", "there is no incident #4711"},
		{"shop", `"shop" is no number of an incident, such as '#4711'; lookout history lists them`},
	} {
		if got := b.call("", "alert", "preview", tt.arg); got.code != 64 || !strings.Contains(got.stderr, tt.says) {
			t.Errorf("%s: %+v", tt.arg, got)
		}
	}
}
