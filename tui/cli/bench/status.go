package main

import (
	"bytes"
	"fmt"
	"time"

	"lookout/engine/report"
	"lookout/engine/uptime"
)

// status measures how long it takes to write 10,000 monitors as text, 10 of them down.
func (b *bench) status() error {
	const n = 10_000
	b.say("writing the status of %d monitors as text", n)
	now := time.Date(2026, 11, 22, 12, 35, 19, 0, time.UTC)
	snap := &uptime.Snapshot{Time: now, Instance: "bench", Started: now.Add(-time.Hour)}
	for i := range n {
		s := &uptime.State{
			Monitor: &uptime.Monitor{Name: fmt.Sprintf("host-%05d.example.com/health", i), Type: "http",
				Target: "https://example.com/", Interval: time.Minute},
			Verdict: uptime.Up, Since: now.Add(-time.Duration(i) * time.Minute), Last: now.Add(-time.Second),
			Outcome: uptime.OutcomeUp, Status: 200, Total: time.Duration(i%400) * time.Millisecond,
		}
		if i%1000 == 7 {
			s.Verdict, s.Fault, s.Message = uptime.Down, uptime.FaultTCPRefused, "TCP connect 203.0.113.9:443 refused"
		}
		snap.Counts.Add(s.Verdict, s.Mode)
		snap.States = append(snap.States, s)
	}
	var out bytes.Buffer
	took, err := median(21, func() error {
		out.Reset()
		return report.Status(&out, uptime.Status{Snapshot: snap}, report.Options{Now: now, Location: time.UTC})
	})
	if err == nil && bytes.Count(out.Bytes(), []byte("\n")) < n {
		err = fmt.Errorf("a status of %d monitors has %d lines", n, bytes.Count(out.Bytes(), []byte("\n")))
	}
	if err == nil {
		b.figure("status_text_10k", millis(took), "ms", 10)
	}
	return err
}
