package uptime

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// The JSON of the public interface, to the letter.
func TestJSON(t *testing.T) {
	when := time.Date(2026, 11, 22, 12, 31, 7, 114_900_000, time.UTC)
	ms := time.Date(2026, 11, 22, 12, 31, 7, 114_000_000, time.UTC)
	for _, tc := range []struct {
		name string
		in   any
		back any // a pointer to read it into; nil: it is only written
		want string
	}{
		{"result", Result{Time: when, Monitor: "shop", Type: "http", Target: "https://shop.example.com/", Location: Local, Outcome: OutcomeDown,
			Fault: FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", Address: "203.0.113.9:443", Total: 3100 * time.Microsecond,
			Measures: []Measure{{"connect", 1000}, {"dns", 2100}, {"loss", 250000}},
			Steps:    []Step{{Step: "connect", Took: time.Millisecond, Address: "203.0.113.9:443", Error: "connection refused", Errno: "ECONNREFUSED"}}}, &Result{},
			`{"version":1,"kind":"result","time":"2026-11-22T12:31:07.114Z","monitor":"shop","type":"http","target":"https://shop.example.com/","location":"local","outcome":"down","fault":"tcp.refused","message":"TCP connect 203.0.113.9:443 refused","address":"203.0.113.9:443","status":0,"measures":{"connect_ms":1,"dns_ms":2.1,"loss":0.25},"total_ms":3.1,"steps":[{"step":"connect","ms":1,"address":"203.0.113.9:443","error":"connection refused","errno":"ECONNREFUSED"}]}`},
		{"result with a body", Result{Time: when, Monitor: "shop", Type: "http", Target: "https://shop.example.com/", Location: Local, Outcome: OutcomeUp, Status: 200, Size: 1234, Content: "00ff00ff00ff00ff"}, &Result{},
			`{"version":1,"kind":"result","time":"2026-11-22T12:31:07.114Z","monitor":"shop","type":"http","target":"https://shop.example.com/","location":"local","outcome":"up","fault":"","message":"","address":"","status":200,"size":1234,"content":"00ff00ff00ff00ff","measures":{},"total_ms":0}`},
		{"result with a certificate", Result{Time: when, Monitor: "shop", Type: "tls", Target: "tls://shop.example.com:443", Location: Local, Outcome: OutcomeUp,
			Cert: &Certificate{Names: []string{"shop.example.com"}, Issuer: "Example CA", Serial: "4f", NotBefore: ms, NotAfter: ms, Version: "1.3", Chain: "ok",
				Cipher: "TLS_AES_128_GCM_SHA256", KeyExchange: "X25519MLKEM768", Fingerprint: Hash{0xab, 31: 1}, KeyHash: Hash{31: 2}}}, &Result{},
			`{"version":1,"kind":"result","time":"2026-11-22T12:31:07.114Z","monitor":"shop","type":"tls","target":"tls://shop.example.com:443","location":"local","outcome":"up","fault":"","message":"","address":"","status":0,"measures":{},"total_ms":0,"certificate":{"names":["shop.example.com"],"issuer":"Example CA","serial":"4f","not_before":"2026-11-22T12:31:07.114Z","not_after":"2026-11-22T12:31:07.114Z","tls_version":"1.3","chain":"ok","cipher":"TLS_AES_128_GCM_SHA256","key_exchange":"X25519MLKEM768","sha256":"ab00000000000000000000000000000000000000000000000000000000000001","key_sha256":"0000000000000000000000000000000000000000000000000000000000000002"}}`},
		{"event", Event{ID: 90210, Time: ms, Kind: EventVerdict, Monitor: "shop", From: Suspect, To: Down, Fault: FaultTCPRefused, Message: "refused",
			Incident: 4711, By: "engine", Evidence: []Evidence{{Time: ms, Location: "fra", Step: "wave 1", Outcome: OutcomeDown, Fault: FaultTCPRefused,
				Message: "refused", Address: "203.0.113.9:443", Total: 19 * time.Millisecond, Weight: 3, Vote: true}}}, &Event{},
			`{"version":1,"kind":"event","id":90210,"time":"2026-11-22T12:31:07.114Z","event":"verdict","monitor":"shop","from":"suspect","to":"down","fault":"tcp.refused","message":"refused","incident":4711,"by":"engine","evidence":[{"time":"2026-11-22T12:31:07.114Z","location":"fra","step":"wave 1","outcome":"down","fault":"tcp.refused","message":"refused","address":"203.0.113.9:443","total_ms":19,"weight":3,"vote":true}]}`},
		{"ack taken back", Event{ID: 2, Time: ms, Kind: EventAck, Monitor: "shop", Message: "#7 no longer acknowledged", Incident: 7, By: "jo", TakenBack: true}, &Event{},
			`{"version":1,"kind":"event","id":2,"time":"2026-11-22T12:31:07.114Z","event":"ack","monitor":"shop","message":"#7 no longer acknowledged","incident":7,"by":"jo","taken_back":true}`},
		{"pause", Event{ID: 1, Time: ms, Kind: EventPause, Monitor: "shop", Mode: Paused, Message: "paused", By: "jo", Note: "x", Until: ms}, &Event{},
			`{"version":1,"kind":"event","id":1,"time":"2026-11-22T12:31:07.114Z","event":"pause","monitor":"shop","mode":"paused","message":"paused","by":"jo","note":"x","until":"2026-11-22T12:31:07.114Z"}`},
		{"incident", Incident{Number: 4711, Monitor: "shop", Start: ms, Verdict: Down, Fault: FaultTCPRefused, Message: "refused",
			ConfirmedBy: []string{"fra", "nyc"}, Ack: &Ack{By: "jo", Note: "on it", Until: ms}}, &Incident{},
			`{"version":1,"kind":"incident","incident":4711,"monitor":"shop","start":"2026-11-22T12:31:07.114Z","end":null,"verdict":"down","fault":"tcp.refused","message":"refused","confirmed_by":["fra","nyc"],"behind":null,"ack":{"by":"jo","note":"on it","until":"2026-11-22T12:31:07.114Z"},"evidence":[]}`},
		{"status", Status{Snapshot: &Snapshot{Time: ms, Instance: "web-1", Counts: Counts{Up: 995, Down: 2}, States: []*State{{
			Monitor: &Monitor{Name: "shop", Type: "http", Target: "https://shop.example.com/", Group: "shop", Tags: []string{"prod"}, Interval: time.Minute},
			Verdict: Down, Since: ms, Fault: FaultTCPRefused, Message: "refused", Incident: 4711, Last: ms, Total: 3100 * time.Microsecond,
			Day: Share{Up: 9949 * time.Second, Down: 51 * time.Second, Span: 10000 * time.Second}}}}}, nil,
			`{"version":1,"kind":"status","time":"2026-11-22T12:31:07.114Z","instance":"web-1","counts":{"degraded":0,"down":2,"maintenance":0,"paused":0,"pending":0,"suspect":0,"unknown":0,"up":995},"monitors":[{"monitor":"shop","type":"http","target":"https://shop.example.com/","verdict":"down","mode":"active","since":"2026-11-22T12:31:07.114Z","fault":"tcp.refused","message":"refused","last_check":"2026-11-22T12:31:07.114Z","total_ms":3.1,"uptime":{"24h":{"up":0.9949,"coverage":1}},"group":"shop","tags":["prod"],"incident":4711,"interval_ms":60000}]}`},
		{"probe", Probe{Location: "fra", Name: "hetzner-1", Network: "AS24940", State: ProbeLive, Since: ms, Version: "1.4.2", Seen: when, Connected: ms,
			RTT: 9 * time.Millisecond, Skew: -40 * time.Millisecond, Lag: 4100 * time.Millisecond, Waiting: 2, Spool: 3, Lost: 4, Monitors: 68, Rate: 1.6, Failing: 0.25, Alone: 0.001}, &Probe{},
			`{"probe":"fra/hetzner-1","location":"fra","name":"hetzner-1","network":"AS24940","state":"live","since":"2026-11-22T12:31:07.114Z","votes":true,"lookout":"1.4.2","seen":"2026-11-22T12:31:07.114Z","connected":"2026-11-22T12:31:07.114Z","rtt_ms":9,"skew_ms":-40,"lag_ms":4100,"waiting":2,"spool":3,"lost":4,"monitors":68,"checks_per_second":1.6,"failing":0.25,"alone":0.001}`},
		{"a probe that is gone", Probe{Location: "syd", Name: "1", Network: "syd", Why: "nothing heard", Excluded: "jo", Warning: "old", Alone: -1}, &Probe{},
			`{"probe":"syd/1","location":"syd","name":"1","network":"syd","state":"gone","since":null,"votes":false,"why":"nothing heard","excluded_by":"jo","warning":"old","lookout":"","seen":null,"connected":null,"rtt_ms":0,"skew_ms":0,"lag_ms":0,"waiting":0,"spool":0,"lost":0,"monitors":0,"checks_per_second":0,"failing":0,"alone":null}`},
		{"probes", Remotes{Time: when, Instance: "web-1", Broker: Broker{URL: "amqps://b/v", Since: ms, Error: "refused", Rate: 4.2, Batches: 0.3, Dead: 1}}, &Remotes{},
			`{"version":1,"kind":"probes","time":"2026-11-22T12:31:07.114Z","instance":"web-1","probes_live":1,"probes_total":1,"broker":{"url":"amqps://b/v","connected":false,"since":"2026-11-22T12:31:07.114Z","error":"refused","results_per_second":4.2,"batches_per_second":0.3,"unreadable":1},"probes":[]}`},
		{"no broker", Remotes{Time: ms, Instance: "web-1"}, &Remotes{},
			`{"version":1,"kind":"probes","time":"2026-11-22T12:31:07.114Z","instance":"web-1","probes_live":1,"probes_total":1,"broker":null,"probes":[]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := json.Marshal(tc.in)
			if err != nil || string(b) != tc.want {
				t.Fatalf("got  %s (%v)\nwant %s", b, err, tc.want)
			}
			if tc.back == nil {
				return
			}
			if err := json.Unmarshal(b, tc.back); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(reflect.ValueOf(tc.back).Elem().Interface())
			if err != nil || string(again) != tc.want {
				t.Errorf("read and written again: %s (%v)", again, err)
			}
		})
	}
}

func FuzzEvent(f *testing.F) {
	b, _ := json.Marshal(Event{ID: 1, Kind: EventVerdict, From: Up, To: Suspect, Fault: FaultDNSTimeout})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		if _, err := json.Marshal(e); err != nil {
			t.Fatalf("read, but not written again: %v", err)
		}
	})
}

func TestFaultWords(t *testing.T) {
	seen := map[string]Fault{}
	for f, c := range faultClasses {
		if other, twice := seen[c.word]; twice {
			t.Errorf("%q is %d and %d", c.word, f, other)
		}
		seen[c.word] = f
		if got, err := ParseFault(f.String()); err != nil || got != f {
			t.Errorf("%v: %v, %v", f, got, err)
		}
		if c.degraded && f.Outcome() != OutcomeDegraded || f.Side() == Ours && f.Outcome() != OutcomeUnknown {
			t.Errorf("%v has outcome %v", f, f.Outcome())
		}
	}
	// Numbers are stored: these must never move.
	for word, number := range map[string]Fault{"local.fd_limit": 101, "dns.nxdomain": 210, "tcp.refused": 307, "tls.expired": 411, "http.status": 510, "icmp.loss": 804} {
		if got, err := ParseFault(word); err != nil || got != number {
			t.Errorf("%s is %d (%v), was %d", word, got, err, number)
		}
	}
	if got, err := ParseFault("fault.9999"); err != nil || got.String() != "fault.9999" {
		t.Errorf("a class of a later version: %v, %v", got, err)
	}
}

// TestJSONForPeople: what is encoded without HTML's escapes has none.
func TestJSONForPeople(t *testing.T) {
	const text = `body has 5 < 10 & "x"`
	for name, v := range map[string]any{
		"result":   Result{Message: text},
		"event":    Event{Message: text},
		"incident": Incident{Message: text},
		"status":   Status{Snapshot: &Snapshot{States: []*State{{Monitor: &Monitor{}, Message: text}}}},
	} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil || !strings.Contains(b.String(), `body has 5 < 10 & \"x\"`) {
			t.Errorf("%s: %v, %s", name, err, b.String())
		}
	}
}
