package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestDial(t *testing.T) {
	path := serveFake(t, newFake())
	c := dial(t, path)
	h, err := c.Hello(t.Context())
	if err != nil || h.Lookout != "0.1.0" || h.PID != 4242 || h.Config != "/etc/lookout/lookout.toml" || h.Instance != "web-1" || !h.Started.Equal(at(-100)) || !h.MayAct {
		t.Errorf("%+v, %v", h, err)
	}
	_, err = Dial(t.Context(), filepath.Join(filepath.Dir(path), "none"), ClientOptions{})
	if !errors.Is(err, uptime.ErrNoEngine) || !strings.HasSuffix(err.Error(), "none: there is no socket") {
		t.Errorf("no socket: %v", err)
	}
}

// TestDialNobody meets a socket of an engine that was killed, and one behind which nothing moves.
func TestDialNobody(t *testing.T) {
	path := socketPath(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, path, ClientOptions{}); !errors.Is(err, uptime.ErrNoEngine) || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("a dumb socket: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if _, err := Dial(t.Context(), path, ClientOptions{}); !errors.Is(err, uptime.ErrNoEngine) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("a dead socket: %v", err)
	}
}

func TestDialOption(t *testing.T) {
	path := serveFake(t, newFake())
	dials := 0
	c, err := Dial(t.Context(), "", ClientOptions{Where: "ssh://web-1", ReadOnly: true, Dial: func(context.Context) (net.Conn, error) {
		dials++
		return net.Dial("unix", path)
	}})
	if err != nil || dials != 1 {
		t.Fatalf("%d dials, %v", dials, err)
	}
	defer c.Close()
	if l := c.Link(); l.Where != "ssh://web-1" || !l.ReadOnly {
		t.Errorf("link %+v", l)
	}
	for name, err := range map[string]error{
		"act":    second(c.Act(t.Context(), uptime.Action{Verb: uptime.VerbAck, Targets: []string{"shop"}})),
		"reload": second(c.Reload(t.Context())),
		"stop":   c.Stop(t.Context()),
		"add":    second(c.Add(t.Context(), nil)),
	} {
		if !errors.Is(err, uptime.ErrNotAllowed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestQuestions(t *testing.T) {
	f := newFake()
	c := dial(t, serveFake(t, f))
	want, _ := f.Detail(t.Context(), "shop", time.Hour)
	if got, err := c.Detail(t.Context(), "shop", time.Hour); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("detail %v\n%+v\n%+v", err, got, want)
	}
	if _, err := c.Detail(t.Context(), "nope", time.Hour); !errors.Is(err, uptime.ErrNoMonitor) {
		t.Errorf("detail of none: %v", err)
	}
	if got, err := c.Results(t.Context(), uptime.ResultQuery{Monitor: "shop", Since: at(0), Limit: 7}); err != nil || !reflect.DeepEqual(got, []uptime.Result{testResult()}) {
		t.Errorf("results %v\n%+v", err, got)
	}
	for _, q := range []uptime.IncidentQuery{{}, {Number: 4711}, {Monitor: "shop"}} {
		got, err := c.Incidents(t.Context(), q)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(&got[0], testIncident()) {
			t.Errorf("incidents of %+v: %v\n%+v", q, err, got)
		}
	}
	if got, err := c.Incidents(t.Context(), uptime.IncidentQuery{Number: 9}); err != nil || len(got) != 0 {
		t.Errorf("no such incident: %v, %v", got, err)
	}
}

// TestActOnMany acts on more monitors than fit into one request.
func TestActOnMany(t *testing.T) {
	f := newFake()
	s := many(5000)
	f.publish(s)
	c := dial(t, serveFake(t, f))
	a := uptime.Action{Verb: uptime.VerbPause, Until: time.Now().Add(time.Hour), Note: "move"}
	for _, st := range s.States {
		a.Targets = append(a.Targets, st.Name)
	}
	names, err := c.Act(t.Context(), a)
	if err != nil || !reflect.DeepEqual(names, a.Targets) || len(f.acts) < 2 {
		t.Errorf("%d of %d names in %d requests, %v", len(names), len(a.Targets), len(f.acts), err)
	}
	if got := f.last(t); !got.Until.Equal(a.Until) || got.Note != "move" || got.Verb != a.Verb {
		t.Errorf("%+v", got)
	}
}

// TestNotLookout meets a server that is none of ours.
func TestNotLookout(t *testing.T) {
	for _, answer := range []string{"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n\x1b[", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\noops", "SSH-2.0-x\r\n", ""} {
		path := socketPath(t)
		l, err := Listen(path, "")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{}) // closed when the server has answered
		go func() {
			defer close(done)
			c, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			if _, err := c.Read(buf); err == nil {
				fmt.Fprint(c, answer)
			}
			c.Close()
		}()
		_, err = Dial(t.Context(), path, ClientOptions{})
		if err == nil || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%q: %q", answer, err)
		}
		l.Close()
		<-done
	}
}
