package report

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func events() []uptime.Event {
	return []uptime.Event{
		{ID: 1, Time: at("12:00:00"), Kind: uptime.EventNode, Message: "started, version 0.1.0", By: "engine"},
		{ID: 2, Time: at("12:31:07"), Kind: uptime.EventVerdict, Monitor: "shop", To: uptime.Suspect, From: uptime.Up, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", By: "engine"},
		{ID: 3, Time: at("12:31:27"), Kind: uptime.EventVerdict, Monitor: "shop", From: uptime.Suspect, To: uptime.Down, Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused; fra and nyc agree", Incident: 4711, By: "engine"},
		{ID: 4, Time: at("12:31:27"), Kind: uptime.EventIncident, Monitor: "shop", Fault: uptime.FaultTCPRefused, Message: "#4711 opened: TCP connect 203.0.113.9:443 refused", Incident: 4711, By: "engine", Note: uptime.IncidentOpened},
		{ID: 5, Time: at("12:32:00"), Kind: uptime.EventAck, Monitor: "shop", Incident: 4711, By: "jo", Note: "unack", Until: at("14:00:00")},
		{ID: 6, Time: at("12:33:00"), Kind: uptime.EventAck, Monitor: "shop", Incident: 4711, By: "jo", TakenBack: true},
		{ID: 7, Time: at("12:34:00"), Kind: uptime.EventPause, Monitor: "bücher", Mode: uptime.Paused, By: "jo", Until: at("12:34:00").Add(day), Note: "moves"},
		{ID: 8, Time: at("12:34:10"), Kind: uptime.EventPause, Monitor: "bücher", Mode: uptime.Active, By: "engine"},
		{ID: 9, Time: at("12:34:20"), Kind: uptime.EventMaintenance, Monitor: "db", Mode: uptime.Maintenance, By: "root", Until: at("13:00:00")},
		{ID: 10, Time: at("12:34:30"), Kind: uptime.EventMaintenance, Monitor: "db", Mode: uptime.Active, By: "root"},
		{ID: 90210, Time: at("12:34:40"), Kind: uptime.EventConfig, Message: "2 monitors added", By: "root"},
		{ID: 90211, Time: at("12:34:50"), Kind: uptime.EventVerdict, Monitor: "shop", From: uptime.Down, To: uptime.Up, By: "engine"},
		{ID: 90212, Time: at("12:34:56"), Kind: uptime.EventProbe, Message: "sgp/1 lagging: no proof of work for 25 s, its votes do not count", By: "engine", Note: "lagging"},
		{ID: 90213, Time: at("12:34:57"), Kind: uptime.EventProbe, Message: "sgp/1 excluded: its vote does not count", By: "jo", Note: "a bad line"},
		{ID: 90214, Time: at("12:34:58"), Kind: uptime.EventAlert, Monitor: "shop", Incident: 4711, By: "engine", Channel: "ops", Note: string(uptime.ToldSent),
			Message: "mail to ops@example.com taken by smtp.example.com: 250 2.0.0 queued as 4bT1x"},
		{ID: 90215, Time: at("12:34:59"), Kind: uptime.EventAlert, By: "engine", Channel: "ops", Note: string(uptime.ToldLost), Message: "2 letters to ops dropped: it is no channel any more"},
	}
}

func remotes() uptime.Remotes {
	return uptime.Remotes{Time: at("12:35:19"), Instance: "web-1",
		Broker: uptime.Broker{URL: "amqps://probe.example.com/lookout", Connected: true, Since: at("12:00:00"), Rate: 4.2, Batches: 0.3, Dead: 2},
		Probes: []uptime.Probe{
			{Location: "fra", Name: "1", Network: "AS24940", State: uptime.ProbeLive, Version: "1.4.2", Seen: at("12:35:18"), RTT: 9 * time.Millisecond,
				Skew: -12 * time.Millisecond, Lag: 4100 * time.Millisecond, Waiting: 2, Monitors: 68, Rate: 1.6, Failing: 0.002, Alone: 0.0001},
			{Location: "nyc", Name: "hetzner-1", Network: "AS3356", State: uptime.ProbeLive, Excluded: "jo", Version: "1.4.1", Seen: at("12:35:10"), Alone: -1},
			{Location: "sgp", Name: "1", Network: "AS16509", State: uptime.ProbeLagging, Why: "no proof of work since 12:34:31", Version: "1.4.2",
				Seen: at("12:35:19"), Skew: 3100 * time.Millisecond, Lag: 48 * time.Second, Waiting: 1204, Lost: 17, Warning: "its clock is 3.1 s ahead", Alone: 0.0061},
			{Location: "syd", Name: "1", Network: "syd", State: uptime.ProbeGone, Why: "nothing heard since 12:21:02", Version: "1.3.9", Seen: at("12:21:02"), Spool: 8412, Alone: -1},
			{Location: "ams", Network: "AS1103", Place: "Amsterdam", State: uptime.ProbeUnseen, Why: "never seen since the engine began: start lookout probe there", Alone: -1},
			{Location: "tyo", Name: "1", Network: "tyo", Why: "it never said hello", Alone: -1}}}
}

// TestProbesIll: without a broker that is said, and why one cannot be reached.
func TestProbesIll(t *testing.T) {
	for name, tt := range map[string]struct {
		broker uptime.Broker
		want   string
	}{
		"none":  {uptime.Broker{}, "# no broker is configured: no probe can be reached\n"},
		"wrong": {uptime.Broker{URL: "amqps://b/v", Since: at("12:34:00"), Error: "wrong password"}, "# broker amqps://b/v NOT CONNECTED since 12:34:00\n# broker: wrong password\n"},
	} {
		var b bytes.Buffer
		if err := Probes(&b, uptime.Remotes{Instance: "web-1", Broker: tt.broker}, options()); err != nil || !strings.HasSuffix(b.String(), "probes 1 of 1, this node among them\n"+tt.want) {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
	}
}

func incidents() []uptime.Incident {
	return []uptime.Incident{
		{Number: 4711, Monitor: "shop.example.com/checkout", Start: at("12:31:07"), Verdict: uptime.Down, Fault: uptime.FaultTCPRefused,
			Message: "TCP connect 203.0.113.9:443 refused", ConfirmedBy: []string{"fra"}, Ack: &uptime.Ack{By: "jo", Until: at("14:00:00")}},
		{Number: 4710, Monitor: "cdn", Start: at("11:00:00"), Verdict: uptime.Degraded, Fault: uptime.FaultHTTPTooSlow, Message: "took 1.2 s", Witness: "unreachable from web-1; nobody else was asked"},
		{Number: 9, Monitor: "db", Start: at("01:00:00"), End: at("01:04:12"), Verdict: uptime.Down, Fault: uptime.FaultDNSTimeout,
			Message: "no answer", Behind: "office uplink", Reopened: 2, ConfirmedBy: []string{"fra", "nyc"}},
		{Number: 8, Monitor: "old", Start: at("00:00:00"), End: at("00:10:00"), Ended: uptime.EndedUnwatched, Verdict: uptime.Down,
			Fault: uptime.FaultTCPRefused, Message: "refused"},
		{Number: 7, Monitor: "db", Start: at("00:00:00"), End: at("00:10:00"), Verdict: uptime.Down, Fault: uptime.FaultTCPRefused, Message: "refused", Silenced: true},
		{Number: 6, Monitor: "branch", Start: at("12:31:09"), Verdict: uptime.Down, Fault: uptime.FaultTCPTimeout, Message: "no answer in 10 s", Behind: "office uplink"},
	}
}

func results() []uptime.Result {
	return []uptime.Result{
		{Time: at("12:30:07"), Monitor: "shop", Type: "http", Target: "https://shop.example.com/", Location: "local", Outcome: uptime.OutcomeUp,
			Status: 200, Address: "203.0.113.9:443", Total: 18 * time.Millisecond,
			Measures: []uptime.Measure{{Name: "dns", Value: 2100}, {Name: "connect", Value: 1000}, {Name: "tls", Value: 5000}, {Name: "ttfb", Value: 9900}},
			Steps: []uptime.Step{{Step: "dns", Took: 2100 * time.Microsecond, Detail: "A 203.0.113.9"},
				{Step: "connect", Took: time.Millisecond, Address: "203.0.113.9:443"}, {Step: "tls", Took: 5 * time.Millisecond, Detail: "TLS 1.3"},
				{Step: "ttfb", Took: 9900 * time.Microsecond, Detail: "200 OK"}},
			Cert: &uptime.Certificate{Names: []string{"shop.example.com", "a.example.com", "b.example.com", "c.example.com", "d.example.com"},
				Issuer: "Example CA", NotAfter: at("12:00:00").Add(31 * day), Version: "1.3", Chain: "ok", KeyExchange: "X25519MLKEM768",
				Cipher: "TLS_AES_128_GCM_SHA256", Fingerprint: uptime.Hash{1, 2, 31: 0xff}, KeyHash: uptime.Hash{3}}},
		{Time: at("12:31:07"), Monitor: "shop", Type: "http", Target: "https://shop.example.com/", Location: "fra", Outcome: uptime.OutcomeDown,
			Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", Address: "203.0.113.9:443", Total: 3100 * time.Microsecond,
			Measures: []uptime.Measure{{Name: "dns", Value: 2100}, {Name: "connect", Value: 1000}},
			Steps: []uptime.Step{{Step: "dns", Took: 2100 * time.Microsecond}, {Step: "connect", Took: time.Millisecond,
				Address: "203.0.113.9:443", Error: "connection refused", Errno: "ECONNREFUSED"}}},
		{Time: at("12:32:07"), Monitor: "gw", Type: "icmp", Target: "icmp://gw", Location: "local", Outcome: uptime.OutcomeDegraded,
			Fault: uptime.FaultICMPLoss, Message: "25% of the packets were lost", Total: 12 * time.Millisecond, Measures: []uptime.Measure{{Name: "rtt_min", Value: 900}, {Name: "loss", Value: 250_000}}},
		{Time: at("12:33:07"), Monitor: "gw", Type: "icmp", Target: "icmp://gw", Location: "local", Fault: uptime.FaultLocalNoRoute, Message: "no route",
			Cert: &uptime.Certificate{Names: []string{"x"}, NotAfter: at("12:00:00")}},
		{Time: at("12:33:37"), Monitor: "time", Type: "ntp", Target: "ntp://time", Location: "local", Outcome: uptime.OutcomeUp, Total: time.Millisecond,
			Measures: []uptime.Measure{{Name: "dns", Value: 0}, {Name: "offset", Value: -3200}}, Cert: &uptime.Certificate{Issuer: "y", NotAfter: at("12:00:00")}},
		{Time: at("12:34:07"), Monitor: "https://x.example/", Target: "https://x.example/", Outcome: uptime.OutcomeUp, Total: time.Second},
	}
}

func TestListsGolden(t *testing.T) {
	for _, c := range []struct {
		file  string
		write func(io.Writer, Options) error
	}{
		{"events", func(w io.Writer, o Options) error { return Events(w, events(), o) }},
		{"incidents", func(w io.Writer, o Options) error { return Incidents(w, incidents(), o) }},
		{"probes", func(w io.Writer, o Options) error { return Probes(w, remotes(), o) }},
		{"results", func(w io.Writer, o Options) error { return Results(w, results(), o) }},
		{"checks", func(w io.Writer, o Options) error { return Checks(w, results(), o) }},
	} {
		for f, ext := range map[Format]string{Text: ".txt", JSON: ".json", CSV: ".csv"} {
			if f == CSV && (c.file == "events" || c.file == "checks" || c.file == "probes") {
				continue
			}
			opt := options()
			opt.Format = f
			var b bytes.Buffer
			if err := c.write(&b, opt); err != nil {
				t.Fatal(err)
			}
			golden(t, c.file+ext, b.String())
			if err := c.write(broken{}, opt); err != io.ErrClosedPipe {
				t.Errorf("%s%s: %v", c.file, ext, err)
			}
		}
		for _, f := range []Format{Prometheus, 9} {
			opt := options()
			opt.Format = f
			if err := c.write(io.Discard, opt); err != ErrFormat {
				t.Errorf("%s as %v: %v", c.file, f, err)
			}
		}
	}
}

// TestListsHostile checks that no list can be made to hold one line more.
func TestListsHostile(t *testing.T) {
	const x = "x\nDOWN  forged\x1b[2K\r\u2028  y\u202e"
	in := incidents()
	for i := range in {
		in[i].Monitor, in[i].Message, in[i].Behind, in[i].Witness, in[i].ConfirmedBy = x, x, x, x, []string{x}
		in[i].Ack = &uptime.Ack{By: x, Note: x}
	}
	ev := events()
	for i := range ev {
		ev[i].Monitor, ev[i].Message, ev[i].By, ev[i].Note, ev[i].Kind = x, x, x, x, ev[i].Kind+x
	}
	far := remotes()
	far.Instance, far.Broker.URL = x, x
	for i := range far.Probes {
		p := &far.Probes[i]
		p.Location, p.Name, p.Network, p.Version, p.Why, p.Excluded, p.Warning = x, x, x, x, x, x, x
	}
	rs := results()
	for i := range rs {
		rs[i].Monitor, rs[i].Message, rs[i].Target, rs[i].Location, rs[i].Address = x, x, x, x, x
		for j := range rs[i].Steps {
			rs[i].Steps[j] = uptime.Step{Step: x, Address: x, Error: x, Errno: x, Detail: x}
		}
		if c := rs[i].Cert; c != nil {
			c.Names, c.Issuer, c.Version, c.Chain = []string{x}, x, x, x
		}
	}
	for name, c := range map[string]struct {
		lines int
		write func(io.Writer) error
	}{
		"incidents": {2 * len(in), func(w io.Writer) error { return Incidents(w, in, options()) }},
		"events":    {len(ev), func(w io.Writer) error { return Events(w, ev, options()) }},
		"probes":    {3 + 3 + 3 + 4 + 4 + 4 + 4, func(w io.Writer) error { return Probes(w, far, options()) }},
		"results":   {len(rs), func(w io.Writer) error { return Results(w, rs, options()) }},
		"checks":    {5 + 4 + 4 + 2 + 2 + 3 + 1, func(w io.Writer) error { return Checks(w, rs, options()) }},
	} {
		var b bytes.Buffer
		if err := c.write(&b); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "\n"); n != c.lines || strings.ContainsAny(b.String(), "\x1b\r\u2028\u202e") {
			t.Errorf("%s: %d lines, want %d:\n%s", name, n, c.lines, b.String())
		}
	}
}
