package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// curl asks the engine of a bench as `curl --unix-socket` does.
func (b *bench) curl(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", b.dir+"/data/lookout.sock")
	}}}
	req, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestManagedFile(t *testing.T) {
	b, _ := engineBench(t)
	config := b.dir + "/lookout.toml"
	for _, tt := range []struct {
		name, request, body string
		status              int
		answer              string // a pattern
		monitors            string // that the engine has afterwards
	}{
		{"add", "POST /v1/monitors", `{"url":"tcp://127.0.0.1:2","name":"a/b","tags":["x","y"],"failures":2,"rule":"consecutive","enabled":true}`, 201, `"monitors":\["a/b"\]`, "a/b bad good"},
		{"add without a name", "POST /v1/monitors", `{"url":"tcp://127.0.0.1:3"}`, 201, `"monitors":\["127.0.0.1:3"\]`, "127.0.0.1:3 a/b bad good"},
		{"add again", "POST /v1/monitors", `{"url":"tcp://127.0.0.1:2","name":"a/b"}`, 409, `^\{"error":"a monitor of that name exists: \\"a/b\\" is at .*managed.toml:\d+","hint":"nothing was changed"\}\n$`, "127.0.0.1:3 a/b bad good"},
		{"add what is written by hand", "POST /v1/monitors", `{"url":"tcp://127.0.0.1:2","name":"bad"}`, 409, regexp.QuoteMeta(config) + `:\d+"`, "127.0.0.1:3 a/b bad good"},
		{"a key that is none", "POST /v1/monitors", `{"url":"tcp://127.0.0.1:2","name":"c","intervall":"5s"}`, 422, `intervall.*interval`, "127.0.0.1:3 a/b bad good"},
		{"two mistakes", "POST /v1/monitors", `{"url":"htp://a:1","name":"tag:c"}`, 422, `"error":"monitor \\"tag:c\\": name begins with tag:, which commands take for something else; monitor \\"tag:c\\": unknown scheme \\"htp\\"\.`, "127.0.0.1:3 a/b bad good"},
		{"a bare number", "PUT /v1/monitors/a%2Fb", `{"url":"tcp://127.0.0.1:2","interval":5}`, 422, `interval`, "127.0.0.1:3 a/b bad good"},
		{"null", "PUT /v1/monitors/a%2Fb", `{"url":"tcp://127.0.0.1:2","note":null}`, 400, `^\{"error":"note: null is no value; leave the key out","hint":"nothing was changed"\}\n$`, "127.0.0.1:3 a/b bad good"},
		{"put", "PUT /v1/monitors/a%2Fb", `{"url":"tcp://127.0.0.1:4","note":"n"}`, 200, `"monitors":\["a/b"\]`, "127.0.0.1:3 a/b bad good"},
		{"what was put", "GET /v1/monitors/a%2Fb", ``, 200, `"target":"tcp://127.0.0.1:4"`, "127.0.0.1:3 a/b bad good"},
		{"put what is not there", "PUT /v1/monitors/nope", `{"url":"tcp://127.0.0.1:4"}`, 404, `^\{"error":"no such monitor: .*nope.*managed.toml","hint":"nothing was changed"\}\n$`, "127.0.0.1:3 a/b bad good"},
		{"put what is written by hand", "PUT /v1/monitors/bad", `{"url":"tcp://127.0.0.1:4"}`, 409, `"error":"the monitor is written by hand: .*edit it there`, "127.0.0.1:3 a/b bad good"},
		{"delete", "DELETE /v1/monitors/a%2Fb", ``, 204, `^$`, "127.0.0.1:3 bad good"},
		{"delete again", "DELETE /v1/monitors/a%2Fb", ``, 404, `"error":"no such monitor`, "127.0.0.1:3 bad good"},
		{"delete what is written by hand", "DELETE /v1/monitors/good", ``, 409, `written by hand`, "127.0.0.1:3 bad good"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.request, " ")
			if tt.name == "what was put" {
				b.eventually(t, "tcp://127.0.0.1:4", "status", "--format", "json")
			}
			status, answer := b.curl(t, method, path, tt.body)
			if status != tt.status || !regexp.MustCompile(tt.answer).MatchString(answer) {
				t.Errorf("answers %d %s, want %d %s", status, answer, tt.status, tt.answer)
			}
			for name := range strings.FieldsSeq(tt.monitors) {
				b.eventually(t, `"monitor":"`+name+`"`, "status", "--format", "json")
			}
			b.eventually(t, "+0 monitors  ~0 changed  -0 removed", "config", "diff")
		})
	}
	text, err := os.ReadFile("managed.toml")
	if err != nil || strings.Contains(string(text), "a/b") || strings.Count(string(text), "[[monitor]]") != 1 {
		t.Errorf("the managed file says %s, %v", text, err)
	}
	if got := b.call("", "add", "tcp://127.0.0.1:5", "--name", "good"); got.code != 64 || got.stderr != "lookout: not added: a monitor of that name exists: \"good\" is at "+config+":13\n" {
		t.Errorf("the hint is for requests: %+v", got)
	}
}
