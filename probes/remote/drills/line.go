//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"lookout/probes/remote/brokertest"
	"lookout/probes/remote/link"
)

// line has the network swallow everything between a link and its broker, with
// nothing on the way and with buffers that are full: when does the link know,
// and does anything hold up its end?
func (d *drill) line(ctx context.Context) error {
	const starts, tries = 3, 4
	var b *brokertest.Broker
	var slowest time.Duration
	for i := range starts {
		d.say("line: starting a broker, %d of %d", i+1, starts)
		began := time.Now()
		var err error
		if b, err = brokertest.Launch(ctx, brokertest.Options{}); err != nil {
			return err
		}
		slowest = max(slowest, time.Since(began))
		if i < starts-1 {
			b.Close()
		}
	}
	defer b.Close()
	d.most("remote_broker_start", slowest.Seconds(), "s", 5, "the slowest of %d starts of a private broker, until it takes connections", starts)
	proxy, err := brokertest.NewProxy(b.Addr())
	if err != nil {
		return err
	}
	defer proxy.Close()
	l := link.New(link.Options{URL: proxy.URL("guest", "guest", "/"), Name: "drill"})
	inner, end := context.WithCancel(ctx)
	ended := make(chan struct{}) // closed when Run has returned
	go func() {
		defer close(ended)
		_ = l.Run(inner) // it returns nil when inner ends
	}()
	defer func() {
		end()
		<-ended
	}()
	connected := func() bool { return l.State().Connected }
	var known time.Duration
	for i := range tries {
		if err := until(ctx, time.Minute, "connection", connected); err != nil {
			return err
		}
		d.say("line: it stands still, %d of %d", i+1, tries)
		proxy.Stall()
		began := time.Now()
		if i%2 == 1 {
			fill(l)
		}
		if err := until(ctx, time.Minute, "end of a dead connection", func() bool { return !connected() }); err != nil {
			return err
		}
		known = max(known, time.Since(began))
		proxy.Pass()
	}
	d.most("remote_dead_line_known", known.Seconds(), "s", 15, "the slowest of %d lines that swallow everything and say nothing, half of them with full buffers; one and a half heartbeats of 10 s", tries)
	if err := until(ctx, time.Minute, "connection", connected); err != nil {
		return err
	}
	d.say("line: it stands still once more, and the link is to end")
	proxy.Stall()
	fill(l)
	began := time.Now()
	end()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		return fmt.Errorf("the link has not ended after %v", time.Since(began))
	}
	d.most("remote_dead_line_end", time.Since(began).Seconds(), "s", 6, "until a link with full buffers on such a line has ended, and with it each of its goroutines")
	return nil
}

// fill publishes more than the buffers on the way take.
func fill(l *link.Link) {
	for range 900 {
		l.Publish(link.Message{Key: "nobody", Body: make([]byte, 60_000)}, func(error) {})
	}
}
