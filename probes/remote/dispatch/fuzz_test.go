package dispatch

import (
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/link"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// FuzzArrives gives the dispatcher messages that anybody might have made: it
// settles each of them exactly once, holds no more than it may, and what it
// publishes is in order. The loop is played by hand.
func FuzzArrives(f *testing.F) {
	codec := wire.New()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	add := func(key, typ string, body []byte, err error) {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key, typ, "", "", body)
	}
	body, err := codec.Hello(wire.Hello{Epoch: 1, Majors: []uint8{1}, Clock: now, Software: "1.4.2"})
	add("hello.fra.1", topology.TypeHello, body, err)
	body, err = codec.Hello(wire.Hello{Obeyed: wire.Version{Engine: 1 << 60}, Clock: now.Add(1e6 * time.Hour), Goodbye: true})
	add("hello.fra.1", topology.TypeHello, body, err)
	body, err = codec.Batch(wire.Batch{Epoch: 1, From: 1, Clock: now, Counters: wire.Counters{Scheduled: 1<<64 - 1, Finished: 1<<64 - 1, Skipped: 1},
		Rows: []wire.Row{{Monitor: 1, Result: uptime.Result{Time: now, Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Total: time.Second}}}})
	add("result.fra.1", topology.TypeResult, body, err)
	body, err = codec.Reply(wire.Reply{Nonce: wire.Nonce{1}, Clock: now, Refusal: "no"})
	add("reply.fra.1", topology.TypeReply, body, err)
	body, err = codec.Answer(wire.Answer{Nonce: wire.Nonce{1}, Clock: now, Total: time.Hour, Outcome: uptime.OutcomeUp})
	add("reply.fra.1", topology.TypeAnswer, body, err)
	f.Add("fra", topology.TypeRequest, "00112233445566778899aabbccddeeff", "expired", []byte{})

	f.Fuzz(func(t *testing.T, key, typ, id, dead string, body []byte) {
		b := newMemory(now, "fra")
		d := New(Options{Vhost: vhost, Key: make([]byte, 64), Locations: places[:1], Broker: b})
		d.Serve(new(engineFake))
		d.arrivals = make(chan func(time.Time), 16) // more than one message makes of them
		d.begin(now)
		d.look(now)
		settled := 0
		for i, c := range d.consumers() {
			settled = 0
			c.Take(link.Delivery{Key: key, Type: typ, ID: id, Dead: dead, Body: body, Done: func(bool) { settled++ }})
			for len(d.arrivals) > 0 {
				(<-d.arrivals)(now)
			}
			d.settleAll()
			held := len(d.outgoing) + len(d.held)
			if settled+held != 1 {
				t.Fatalf("consumer %d: settled %d times, %d held", i, settled, held)
			}
			d.outgoing, d.held = nil, nil
			for range 20 {
				now := now.Add(time.Duration(i+1) * 10 * time.Second)
				d.look(now)
			}
		}
		broker, all := d.Status()
		if len(all) > 1 || broker.Rate != broker.Rate {
			t.Fatalf("%+v, %+v", broker, all)
		}
		for _, p := range all {
			if _, err := p.MarshalJSON(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
