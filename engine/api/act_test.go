package api

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\nHost: x\nConnection: close\nContent-Length: %d\n\n%s", path, len(body), body)
}

func TestActOverHTTP(t *testing.T) {
	f := newFake()
	path := serveFake(t, f)
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, c := range []struct {
		name, path, body string
		status           string
		want             string // in the answer
		target           string // "": nothing is done
		verb             uptime.Verb
	}{
		{"no body", "/v1/monitors/shop/check", "", "200", `"monitors":["shop"]`, "shop", uptime.VerbCheck},
		{"an end", "/v1/monitors/shop/ack", `{"until":"` + until.Format(time.RFC3339) + `","note":"on it"}`, "200", `"kind":"done"`, "shop", uptime.VerbAck},
		{"a length", "/v1/monitors/shop/pause", `{"for_ms":60000}`, "200", "shop", "shop", uptime.VerbPause},
		{"a tag", "/v1/monitors/tag:prod/maintain", `{}`, "200", `"mail"`, "tag:prod", uptime.VerbMaintain},
		{"a group", "/v1/monitors/group%3Aweb/unmaintain", "", "200", `"mail"`, "group:web", uptime.VerbUnmaintain},
		{"a name with a slash", "/v1/monitors/api%2Fv1%20health%3F/resume", "", "200", `"api/v1 health?"`, "api/v1 health?", uptime.VerbResume},
		{"no such monitor", "/v1/monitors/nope/check", "", "404", `"error":"no such monitor: nope"`, "nope", uptime.VerbCheck},
		{"no such incident", "/v1/monitors/%230/ack", "", "400", "is no incident number", "", ""},
		{"an end that is none", "/v1/monitors/shop/check", `{"for_ms":5}`, "400", "check has no end", "", ""},
		{"an end in the past", "/v1/monitors/shop/ack", `{"until":"2020-01-01T00:00:00Z"}`, "400", "not in the next ten years", "", ""},
		{"a length of nothing", "/v1/monitors/shop/ack", `{"for_ms":0}`, "400", "not in the next ten years", "", ""},
		{"an endless length", "/v1/monitors/shop/ack", `{"for_ms":1e300}`, "400", "more than ten years", "", ""},
		{"both", "/v1/monitors/shop/ack", `{"for_ms":5,"until":"2030-01-01T00:00:00Z"}`, "400", "exclude each other", "", ""},
		{"an unknown key", "/v1/monitors/shop/ack", `{"till":5}`, "400", "unknown field", "", ""},
		{"no JSON", "/v1/monitors/shop/ack", `until=5`, "400", "no such JSON object", "", ""},
		{"two objects", "/v1/monitors/shop/ack", `{} {}`, "400", "something follows", "", ""},
		{"targets in the body", "/v1/monitors/shop/ack", `{"targets":["mail"]}`, "400", "in the path", "", ""},
		{"too long", "/v1/monitors/shop/ack", `{"note":"` + strings.Repeat("x", maxBody) + `"}`, "413", "longer than", "", ""},
		{"many", "/v1/act", `{"verb":"check","targets":["shop"]}`, "200", `"shop"`, "shop", uptime.VerbCheck},
		{"many of none", "/v1/act", `{"verb":"check"}`, "400", "no monitor is named", "", ""},
		{"no such verb", "/v1/act", `{"verb":"explode","targets":["shop"]}`, "400", `no verb`, "", ""},
		{"no hook, no route", "/v1/reload", "", "404", "there is no /v1/reload", "", ""},
	} {
		f.mu.Lock()
		f.acts = nil
		f.mu.Unlock()
		got := curl(t, path, post(c.path, c.body))
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
		if c.target == "" {
			if len(f.acts) > 0 {
				t.Errorf("%s: did %+v", c.name, f.acts)
			}
			continue
		}
		a := f.last(t)
		if a.Targets[0] != c.target || a.Verb != c.verb || a.By == "" {
			t.Errorf("%s: did %+v", c.name, a)
		}
		if c.name == "an end" && (!a.Until.Equal(until) || a.Note != "on it") {
			t.Errorf("%s: did %+v", c.name, a)
		}
		if left := time.Until(a.Until); c.name == "a length" && (left < 50*time.Second || left > time.Minute) {
			t.Errorf("%s: ends in %v", c.name, left)
		}
	}
}

func TestNoteIsCleaned(t *testing.T) {
	f := newFake()
	curl(t, serveFake(t, f), post("/v1/monitors/shop/ack", `{"note":"a\u001b[2K\nDOWN forged"}`))
	if got := f.last(t).Note; got != "a[2K DOWN forged" {
		t.Errorf("%q", got)
	}
}

func TestControl(t *testing.T) {
	f := newFake()
	path, opt := socketPath(t), testOptions(f)
	var added map[string]any
	stopped := make(chan struct{}) // closed by the hook
	broken := errors.New(`lookout.toml:214: interval = "5" needs a unit`)
	reloads := []error{nil, broken}
	opt.Reload = func(context.Context) (string, error) {
		err := reloads[0]
		reloads = reloads[1:]
		return "2 monitors added", err
	}
	diffs := []error{nil, broken}
	opt.Diff = func(context.Context) (any, error) {
		err := diffs[0]
		diffs = diffs[1:]
		return map[string]int{"changed": 2}, err
	}
	opt.Stop = func() { close(stopped) }
	opt.Add = func(_ context.Context, fields map[string]any) (string, error) {
		if fields["name"] == "shop" {
			return "", uptime.Invalid("lookout.toml:3 has a monitor of this name")
		}
		added = fields
		return "new", nil
	}
	start(t, path, opt, testLimits())
	c := dial(t, path)

	if got, err := c.Reload(t.Context()); got != "2 monitors added" || err != nil {
		t.Errorf("reload: %q, %v", got, err)
	}
	if _, err := c.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), broken.Error()+"; the configuration in force stays") {
		t.Errorf("a bad reload: %v", err)
	}
	var differs map[string]int
	if err := c.Diff(t.Context(), &differs); err != nil || differs["changed"] != 2 {
		t.Errorf("diff: %v, %v", differs, err)
	}
	if err := c.Diff(t.Context(), &differs); err == nil || !strings.Contains(err.Error(), broken.Error()+"; the configuration in force stays") {
		t.Errorf("diff of a bad file: %v", err)
	}
	fields := map[string]any{"name": "new", "url": "https://x.example", "failures": 3, "weight": 0.5, "tags": []any{"a", 7}, "expect": map[string]any{"size_min": 9}}
	if name, err := c.Add(t.Context(), fields); name != "new" || err != nil {
		t.Errorf("add: %q, %v", name, err)
	}
	want := map[string]any{"name": "new", "url": "https://x.example", "failures": int64(3), "weight": 0.5, "tags": []any{"a", int64(7)}, "expect": map[string]any{"size_min": int64(9)}}
	if !reflect.DeepEqual(added, want) {
		t.Errorf("added %#v, want %#v", added, want)
	}
	if _, err := c.Add(t.Context(), map[string]any{"name": "shop"}); !errors.Is(err, uptime.ErrInvalid) {
		t.Errorf("add twice: %v", err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	<-stopped
}
