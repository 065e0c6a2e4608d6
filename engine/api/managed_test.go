package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// send is a request with a body, as post makes one.
func send(method, path, body string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\nHost: x\nConnection: close\nContent-Length: %d\n\n%s", method, path, len(body), body)
}

func TestManaged(t *testing.T) {
	const body = `{"url":"tcp://h:1","failures":3,"expect":{"size_max":0.5}}`
	fields := map[string]any{"url": "tcp://h:1", "failures": int64(3), "expect": map[string]any{"size_max": 0.5}}
	taken := &Error{http.StatusConflict, "a monitor of that name exists", "look at lookout.toml:3"}
	for _, tt := range []struct {
		name, method, path, body string
		err                      error  // of the hook
		status, answer           string // what it begins with, what it holds
		calls                    string // of the hook
	}{
		{"add", "POST", "/v1/monitors", body, nil, "201 Created", `{"version":1,"kind":"done","monitors":["h:1/a b"]}`, "add "},
		{"add says where", "POST", "/v1/monitors", body, nil, "201", "Location: /v1/monitors/h:1%2Fa%20b\r\n", "add "},
		{"put", "PUT", "/v1/monitors/a%2Fb", body, nil, "200 OK", `"monitors":["a/b"]`, "put a/b"},
		{"delete", "DELETE", "/v1/monitors/c%2Fd", "", nil, "204 No Content", "", "delete c/d"},
		{"a name that is taken", "POST", "/v1/monitors", body, taken, "409", `{"error":"a monitor of that name exists","hint":"look at lookout.toml:3"}`, "add "},
		{"no such monitor", "PUT", "/v1/monitors/x", body, fmt.Errorf("%w: x", uptime.ErrNoMonitor), "404", `{"error":"no such monitor: x","hint":"nothing was changed"}`, "put x"},
		{"delete none", "DELETE", "/v1/monitors/x", "", fmt.Errorf("%w: x", uptime.ErrNoMonitor), "404", `{"error":"no such monitor: x",`, "delete x"},
		{"what cannot be written", "PUT", "/v1/monitors/x", body, uptime.Invalid("note: null is no value"), "400", `{"error":"note: null is no value",`, "put x"},
		{"a full disk", "PUT", "/v1/monitors/x", body, uptime.ErrFull, "507", `"error":"no space left on device"`, "put x"},
		{"another fault", "POST", "/v1/monitors", body, errors.New("rename: input/output error"), "500", `"error":"rename: input/output error"`, "add "},
		{"no body", "POST", "/v1/monitors", "", nil, "400", `"error":"the body has no keys of a monitor"`, ""},
		{"null", "PUT", "/v1/monitors/x", "null", nil, "400", `"error":"the body has no keys of a monitor"`, ""},
		{"a list", "POST", "/v1/monitors", "[]", nil, "400", `"error":"the body is no such JSON object`, ""},
		{"a large one", "POST", "/v1/monitors", `{"url":"` + strings.Repeat("x", maxBody) + `"}`, nil, "413", "longer than", ""},
		{"no name", "PUT", "/v1/monitors", body, nil, "405", `"hint":"it takes GET, HEAD, POST"`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var calls string
			called := func(ctx context.Context, what string, got map[string]any) error {
				calls = what
				if _, ok := ctx.Deadline(); !ok {
					t.Error("it may take for ever")
				}
				if got != nil && !reflect.DeepEqual(got, fields) {
					t.Errorf("got %#v", got)
				}
				return tt.err
			}
			path, opt := socketPath(t), testOptions(newFake())
			opt.Add = func(ctx context.Context, f map[string]any) (string, error) { return "h:1/a b", called(ctx, "add ", f) }
			opt.Put = func(ctx context.Context, name string, f map[string]any) error { return called(ctx, "put "+name, f) }
			opt.Delete = func(ctx context.Context, name string) error { return called(ctx, "delete "+name, nil) }
			start(t, path, opt, testLimits())
			got := curl(t, path, send(tt.method, tt.path, tt.body))
			if !strings.HasPrefix(got, "HTTP/1.1 "+tt.status) || !strings.Contains(got, tt.answer) || calls != tt.calls {
				t.Errorf("called %q, answers %s", calls, got)
			}
			if _, sent, _ := strings.Cut(got, "\r\n\r\n"); tt.method == "DELETE" && tt.err == nil && sent != "" {
				t.Errorf("no content, and %q", sent)
			}
		})
	}
}

// TestManagedIsTheOwners refuses those who may act and not change what is watched.
func TestManagedIsTheOwners(t *testing.T) {
	opt := testOptions(newFake())
	never := func(context.Context, string, map[string]any) error { t.Error("it was changed"); return nil }
	opt.Add = func(ctx context.Context, f map[string]any) (string, error) { return "", never(ctx, "", f) }
	opt.Put = never
	opt.Delete = func(ctx context.Context, name string) error { return never(ctx, name, nil) }
	opt.Config = func() Config { return Config{Operators: []string{"uid 54321"}} }
	s := newServer(t.Context(), opt, testLimits())
	for _, tt := range []struct {
		request string
		status  int
	}{
		{"POST /v1/monitors", 403}, {"PUT /v1/monitors/shop", 403}, {"DELETE /v1/monitors/shop", 403}, {"POST /v1/monitors/shop/check", 200},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		r := httptest.NewRequest(method, path, strings.NewReader("{}"))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, peer{54321, true})))
		if w.Code != tt.status || w.Code == 403 && !strings.Contains(w.Body.String(), "only the owner of the engine") {
			t.Errorf("%s: %d %s", tt.request, w.Code, w.Body)
		}
	}
}
