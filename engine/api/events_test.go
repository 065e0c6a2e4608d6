package api

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestFollowEvents(t *testing.T) {
	f := newFake()
	c := dial(t, serveFake(t, f))
	ctx, cancel := context.WithCancel(t.Context())
	var ids []uint64
	err := c.FollowEvents(ctx, 3, func(e uptime.Event) error {
		ids = append(ids, e.ID)
		if e.ID < 8 && e.ID >= 5 {
			f.emit(uptime.Event{Time: at(9), Kind: uptime.EventAck, Monitor: "shop"})
		}
		if e.ID == 8 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(ids) != 5 || ids[0] != 4 || ids[4] != 8 {
		t.Errorf("%v, %v", ids, err)
	}
	stop := errors.New("enough")
	if err := c.FollowEvents(t.Context(), 0, func(uptime.Event) error { return stop }); err != stop {
		t.Errorf("the callback's error: %v", err)
	}
}

// TestFollowFilter checks that events which are left out are not waited for again and again.
func TestFollowFilter(t *testing.T) {
	f := newFake()
	path := serveFake(t, f)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET /v1/events?follow=1&monitor=mail HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 8192)
	n, err := conn.Read(buf) // the header: from here on events are followed
	if err != nil || !strings.Contains(string(buf[:n]), "application/x-ndjson") {
		t.Fatalf("%s, %v", buf[:n], err)
	}
	f.emit(uptime.Event{Time: at(1), Kind: uptime.EventAck, Monitor: "shop"})
	f.emit(uptime.Event{Time: at(2), Kind: uptime.EventAck, Monitor: "mail", Message: "hello"})
	got := ""
	for !strings.Contains(got, "hello") {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		got += string(buf[:n])
	}
	if strings.Contains(got, `"monitor":"shop"`) {
		t.Errorf("%s", got)
	}
}

func TestFollowEndsWithTheServer(t *testing.T) {
	f := newFake()
	path := socketPath(t)
	stop := start(t, path, testOptions(f), testLimits())
	c := dial(t, path)
	var last uptime.Event
	err := c.FollowEvents(t.Context(), 4, func(e uptime.Event) error {
		last = e
		if e.ID == 5 {
			f.mu.Lock()
			f.events = append(f.events, uptime.Event{ID: 6, Time: at(9), Kind: uptime.EventNode, Message: "stopped"}) // in no snapshot
			f.mu.Unlock()
			go stop()
		}
		return nil
	})
	if !errors.Is(err, uptime.ErrNoEngine) || last.Message != "stopped" {
		t.Errorf("the last is %+v, %v", last, err)
	}
}

func TestEventsQuery(t *testing.T) {
	f := newFake()
	c := dial(t, serveFake(t, f))
	got, err := c.Events(t.Context(), uptime.EventQuery{After: 1, Monitor: "shop", Kinds: []uptime.EventKind{uptime.EventVerdict, uptime.EventAck}, Limit: 2, Since: at(0), Until: at(10)})
	if err != nil || len(got) != 2 || got[0].ID != 2 || got[0].Message != f.events[1].Message || !got[0].Time.Equal(f.events[1].Time) {
		t.Errorf("%+v, %v", got, err)
	}
}
