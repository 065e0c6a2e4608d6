package probes

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// redisServer answers each command, in the text form of its words, with what
// the table has for it; commands that it does not have with those words.
func redisServer(answers map[string]string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			words, err := readCommand(r)
			if err != nil {
				return
			}
			answer, ok := answers[words]
			if !ok {
				answer = "-ERR unknown command, with args beginning with: " + words
			}
			io.WriteString(c, answer+"\r\n")
		}
	}
}

// readCommand reads an array of strings.
func readCommand(r *bufio.Reader) (string, error) {
	line := func() (string, error) {
		s, err := r.ReadString('\n')
		return strings.TrimSpace(s), err
	}
	head, err := line()
	if err != nil || !strings.HasPrefix(head, "*") {
		return head, err
	}
	var words []string
	for len(words) < int(head[1]-'0') {
		if _, err := line(); err != nil { // its length
			return "", err
		}
		w, err := line()
		if err != nil {
			return "", err
		}
		words = append(words, w)
	}
	return strings.Join(words, " "), nil
}

var pongs = map[string]string{"PING": "+PONG", "AUTH hunter2": "+OK", "AUTH jo hunter2": "+OK"}

// asksRedis makes a redis check of a server that does this.
func asksRedis(values keys, serve func(net.Conn)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "redis", "redis://"+probetest.Serve(t, serve), values, nil))
	}
}

// answersPing is a server that says this to a PING.
func answersPing(text string) func(*testing.T) uptime.Result {
	return asksRedis(nil, redisServer(map[string]string{"PING": text}))
}

var withPassword = keys{"password": uptime.Secret("hunter2")}

var redisFaults = []produced{
	{uptime.FaultReplyRefusedLogin, `refuses the password: "-WRONGPASS invalid username-password pair`, asksRedis(withPassword, redisServer(map[string]string{"AUTH hunter2": "-WRONGPASS invalid username-password pair or user is disabled."}))},
	{uptime.FaultReplyRefusedLogin, `refuses the password: "- and words that repeat the password"`, asksRedis(withPassword, redisServer(nil))},
	{uptime.FaultReplyMalformed, "does not speak redis: it repeats the password", asksRedis(withPassword, func(c net.Conn) { io.Copy(c, c) })},
	{uptime.FaultReplyUnexpected, `answers PING with "-LOADING Redis is loading the dataset in memory"`, answersPing("-LOADING Redis is loading the dataset in memory")},
	{uptime.FaultReplyUnexpected, `answers AUTH with "-LOADING`, asksRedis(withPassword, redisServer(map[string]string{"AUTH hunter2": "-LOADING Redis is loading"}))},
	{uptime.FaultReplyUnexpected, `answers PING with "-ERR max number of clients reached"`, answersPing("-ERR max number of clients reached")},
	{uptime.FaultReplyUnexpected, `answers PING with "+PANG"`, answersPing("+PANG")},
	{uptime.FaultReplyMalformed, "does not speak redis, it sent", answersPing("HTTP/1.1 400 Bad Request")},
	{uptime.FaultReplyMalformed, "does not speak redis, it sent", answersPing("$4\r\nPONG")},
	{uptime.FaultReplyTimeout, "no reply from", asksRedis(nil, utters(""))},
	{uptime.FaultReplyClosed, "closed the connection", asksRedis(nil, func(c net.Conn) { c.Read(make([]byte, 100)) })},
}

func TestRedis(t *testing.T) {
	for _, tt := range []struct {
		name, user string
		values     keys
		answers    map[string]string
		steps      string
	}{
		{"in the open", "", nil, pongs, "ping +PONG"},
		{"with a password", "", withPassword, pongs, "auth +OK, ping +PONG"},
		{"with a user", "jo@", withPassword, pongs, "auth +OK, ping +PONG"},
		{"with both in the URL", "jo:hunter2@", nil, pongs, "auth +OK, ping +PONG"},
		{"with a password that is like an answer", "", keys{"password": uptime.Secret("OK")}, map[string]string{"AUTH OK": "+OK", "PING": "+PONG"}, "auth +OK, ping +PONG"},
		{"a password is wanted", "", nil, map[string]string{"PING": "-NOAUTH Authentication required."}, "ping -NOAUTH Authentication required."},
		{"may not ping", "", nil, map[string]string{"PING": "-NOPERM no permission"}, "ping -NOPERM no permission"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := once(t, made(t, testSystem(), "redis", "redis://"+tt.user+probetest.Serve(t, redisServer(tt.answers)), tt.values, nil))
			var steps []string
			for _, s := range r.Steps[1:] {
				steps = append(steps, s.Step+" "+s.Detail)
			}
			if _, measured := r.Measured("ttfb"); r.Outcome != uptime.OutcomeUp || strings.Join(steps, ", ") != tt.steps || !measured {
				t.Errorf("%s %s, %q", r.Outcome, r.Message, steps)
			}
		})
	}
}

// TestRedisTLS speaks within TLS, and keeps the password to itself where the
// certificate is not good.
func TestRedisTLS(t *testing.T) {
	ca := newCA(t, "root", nil)
	config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}
	to := probetest.Serve(t, func(c net.Conn) { redisServer(pongs)(tls.Server(c, config)) })
	if r := once(t, made(t, testSystem(), "redis", "rediss://"+to, keys{"password": uptime.Secret("hunter2"), "ca_file": ca.pem()}, nil)); r.Outcome != uptime.OutcomeUp {
		t.Error(r.Message)
	}
	r := once(t, made(t, testSystem(), "redis", "rediss://"+to, withPassword, nil))
	if r.Fault.Group() != "tls" || r.Steps[len(r.Steps)-1].Step == "auth" {
		t.Errorf("%s: %+v", r.Fault, r.Steps)
	}
}

// TestRedisNoLeak has no text with the password in it, whatever the server says.
func TestRedisNoLeak(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"an echo":    func(c net.Conn) { io.Copy(c, c) },
		"no AUTH":    redisServer(nil),
		"a long one": redisServer(map[string]string{"AUTH hunter2": "-ERR " + strings.Repeat("x", 70) + "hunter2"}),
	} {
		r := asksRedis(withPassword, serve)(t)
		for _, text := range append([]string{r.Message, r.Address}, r.Steps[1].Detail, r.Steps[1].Error) {
			if strings.Contains(text, "hunt") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
}

func TestRedisMistakes(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		values    keys
		key       string
	}{
		{"a database", "redis://a/3", nil, "url"},
		{"two passwords", "redis://a:b@c", withPassword, "password"},
		{"a user alone", "redis://a@c", nil, "url"},
	} {
		if m := mistaken(t, "redis", tt.url, tt.values, nil); len(m) != 1 || m[0].Key != tt.key {
			t.Errorf("%s: %v", tt.name, m)
		}
	}
}
