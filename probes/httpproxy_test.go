package probes

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// proxyServer is an HTTP proxy that wants these credentials, "" for none. It
// notes what it was asked for.
type proxyServer struct {
	*httptest.Server
	auth string
	mu   sync.Mutex
	seen []string
}

func newProxy(t testing.TB, auth string) *proxyServer {
	t.Helper()
	p := &proxyServer{auth: auth}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *proxyServer) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	if r.Header.Get("Proxy-Authorization") != p.auth {
		w.Header().Set("Proxy-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	r.Header.Del("Proxy-Authorization")
	if r.Method != http.MethodConnect {
		r.RequestURI = ""
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
		return
	}
	to, err := net.Dial("tcp", strings.Replace(r.Host, "good.test", "127.0.0.1", 1))
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	w.WriteHeader(http.StatusOK)
	from, ahead, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	go io.Copy(to, ahead) // ends with from
	io.Copy(from, to)
}

// through makes an http check that goes through a proxy.
func through(proxy, target string) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "http", target, keys{"proxy": uptime.Secret(proxy)}, nil))
	}
}

var proxyFaults = []produced{
	{uptime.FaultProxyConnect, "cannot be reached: TCP connect 127.0.0.1:", func(t *testing.T) uptime.Result {
		return through("http://"+probetest.Closed(t), "https://good.test")(t)
	}},
	{uptime.FaultProxyConnect, "does not answer as one", func(t *testing.T) uptime.Result {
		return through("http://"+rawServer(t, sends("SSH-2.0-x\r\n")), "https://good.test")(t)
	}},
	{uptime.FaultProxyConnect, "does not answer as one: closed", func(t *testing.T) uptime.Result {
		return through("http://"+rawServer(t, sends("")), "https://good.test")(t)
	}},
	{uptime.FaultProxyConnect, "gave no tunnel to good.test:443 within", func(t *testing.T) uptime.Result {
		return through("http://"+rawServer(t, hangs("HTTP/1.1 200")), "https://good.test")(t)
	}},
	{uptime.FaultProxyConnect, "header too large", func(t *testing.T) uptime.Result {
		return through("http://"+rawServer(t, sends("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 2*maxHeader))), "https://good.test")(t)
	}},
	{uptime.FaultProxyAuthRequired, `wants credentials (Basic realm="test"), add them`, func(t *testing.T) uptime.Result {
		return through(newProxy(t, "Basic am86aHVzaA==").URL, "https://good.test")(t)
	}},
	{uptime.FaultProxyAuthRequired, "does not take the credentials", func(t *testing.T) uptime.Result {
		return through(strings.Replace(newProxy(t, "Basic am86aHVzaA==").URL, "//", "//jo:wrong@", 1), "http://good.test")(t)
	}},
	{uptime.FaultProxyRefusedTunnel, "gives no tunnel to 127.0.0.1:9: HTTP status 502 Bad Gateway", func(t *testing.T) uptime.Result {
		return through(newProxy(t, "").URL, "https://127.0.0.1:9")(t)
	}},
}

// TestProxy goes through a proxy, which resolves the name, in the way of each scheme.
func TestProxy(t *testing.T) {
	hello := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprint(w, "hello")
	}
	web := httptest.NewServer(http.HandlerFunc(hello))
	defer web.Close()
	secure, ca := webServer(t, hello)
	port := func(s *httptest.Server) string {
		_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
		return port
	}
	for _, tt := range []struct{ target, want string }{
		{"https://good.test:" + port(secure) + "/x", "CONNECT good.test:" + port(secure)},
		{web.URL + "/x", "GET " + web.URL + "/x"},
	} {
		p := newProxy(t, "Basic am86aHVzaA==")
		job := made(t, asking("127.0.0.1:9"), "http", tt.target, keys{"proxy": uptime.Secret(strings.Replace(p.URL, "//", "//jo:hush@", 1)), "ca_file": ca.pem()}, has("hello"))
		r := once(t, job)
		if r.Outcome != uptime.OutcomeUp || fmt.Sprint(p.seen) != "["+tt.want+"]" || strings.Contains(fmt.Sprintf("%+v", r), "hush") {
			t.Errorf("%s: %+v, the proxy saw %v", tt.target, r, p.seen)
		}
	}
}

// TestProxyOfTheMonitorOnly has the environment name a proxy that is none.
func TestProxyOfTheMonitorOnly(t *testing.T) {
	dead := "http://" + probetest.Closed(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, dead)
	}
	srv := httptest.NewServer(says("hello"))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	if r := once(t, made(t, testSystem(), "http", "http://good.test:"+port, nil, nil)); r.Outcome != uptime.OutcomeUp {
		t.Error(r.Message)
	}
}
