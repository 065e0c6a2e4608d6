package worker

import (
	"context"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// TestCanary is answered by a check of an anchor.
func TestCanary(t *testing.T) {
	tests := []struct {
		name   string
		answer uptime.Answer
		want   uptime.Outcome
		said   string
	}{
		{"online", uptime.AnswerGood, uptime.OutcomeUp, ""},
		{"offline", uptime.AnswerNone, uptime.OutcomeUnknown, "0 of 2 anchors answer"},
		{"without file descriptors", uptime.AnswerVoid, uptime.OutcomeUnknown, "it lacks file descriptors or ports to check anything"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				o.anchors = tt.answer
				p := o.start(nil)
				for n := range byte(3) {
					seal := o.seal(version(1, 1))
					seal.Nonce = wire.Nonce{n}
					if !o.deliver(o.own(), topology.TypeCanary, o.must(o.signer.Canary(wire.Canary{Seal: seal}))) {
						t.Error("the canary is refused")
					}
				}
				after(10 * time.Second)
				answers := o.answers()
				if len(answers) != 3 {
					t.Fatalf("%d answers", len(answers))
				}
				for n, a := range answers {
					if a.Nonce != (wire.Nonce{byte(n)}) || a.Outcome != tt.want || a.Message != tt.said {
						t.Errorf("%+v", a)
					}
				}
				p.stop()
			})
		})
	}
}

func TestCanaryRefused(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		seal := o.seal(version(1, 1))
		seal.Probe = "b"
		if o.deliver(o.own(), topology.TypeCanary, o.must(o.signer.Canary(wire.Canary{Seal: seal}))) {
			t.Error("another probe's canary is answered")
		}
		p.stop()
	})
}

// TestUnhealthy marks what a bad line may have made, and nothing else.
func TestUnhealthy(t *testing.T) {
	tests := []struct {
		name    string
		anchors uptime.Answer
		result  uptime.Result
		want    bool
	}{
		{"a time-out, online", uptime.AnswerGood, failed(uptime.FaultTCPTimeout), false},
		{"a time-out, offline", uptime.AnswerNone, failed(uptime.FaultTCPTimeout), true},
		{"refused, offline", uptime.AnswerNone, failed(uptime.FaultTCPRefused), true},
		{"up, offline", uptime.AnswerNone, uptime.Result{Outcome: uptime.OutcomeUp}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				o.anchors = tt.anchors
				o.check = func(_ context.Context, name string) uptime.Result {
					r := tt.result
					if name == "ma-0s" {
						r = failed(uptime.FaultDNSTimeout) // whose time-out has the line looked at
					}
					time.Sleep(30 * time.Millisecond)
					r.Total = 30 * time.Millisecond
					return r
				}
				p := o.start(nil)
				monitors := regular(0, 6)
				for i := range monitors {
					monitors[i].Interval = time.Second
				}
				o.assign(version(1, 1), []string{"a"}, monitors)
				after(30 * time.Second)
				p.stop()
				marked, all := 0, 0
				for _, row := range o.rows() {
					if row.Monitor != 0 && row.Result.Outcome == tt.result.Outcome {
						if all++; row.Unhealthy {
							marked++
						}
					}
				}
				// What targets themselves answer is marked once the line is known to be bad.
				if tt.want && marked < all/2 || !tt.want && marked > 0 || all < 100 {
					t.Errorf("%d of %d results are marked", marked, all)
				}
			})
		})
	}
}

// TestUnhealthyReply tells a request the same.
func TestUnhealthyReply(t *testing.T) {
	for _, online := range []bool{true, false} {
		bubble(t, func(t *testing.T, o *office) {
			if !online {
				o.anchors = uptime.AnswerNone
			}
			o.check = func(context.Context, string) uptime.Result { return failed(uptime.FaultTCPTimeout) }
			p := o.start(nil)
			o.assign(version(1, 1), []string{"a"}, asked(regular(0, 1)))
			o.deliver(o.shared(), topology.TypeRequest, o.request(nil))
			after(5 * time.Second)
			if r := o.replies(); len(r) != 1 || r[0].Row.Unhealthy == online || r[0].Row.Result.Fault != uptime.FaultTCPTimeout {
				t.Errorf("online %v: %+v", online, r)
			}
			p.stop()
		})
	}
}

func failed(f uptime.Fault) uptime.Result {
	return uptime.Result{Outcome: f.Outcome(), Fault: f, Message: "failed", Total: time.Millisecond}
}
