package probes

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// greet is a server with a banner.
func greet(c net.Conn) {
	io.WriteString(c, "220 hello there\r\n")
	c.Read(make([]byte, 1))
}

// talking makes a tcp check of a server that does this.
func talking(expect keys, serve func(net.Conn)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "tcp", "tcp://"+probetest.Serve(t, serve), keys{"send": "hi\r\n"}, expect))
	}
}

// replies reads what was sent and says something.
func replies(text string, then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		bufio.NewReader(c).ReadString('\n')
		io.WriteString(c, text)
		if then != nil {
			then(c)
		}
	}
}

var banner = keys{"banner": "^220 "}

var replyFaults = []produced{
	{uptime.FaultReplyTimeout, "no reply from 127.0.0.1:", talking(banner, replies("", func(c net.Conn) { c.Read(make([]byte, 1)) }))},
	{uptime.FaultReplyClosed, "closed the connection", talking(banner, replies("", nil))},
	{uptime.FaultReplyClosed, "reset the connection", talking(banner, replies("", func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }))},
	{uptime.FaultReplyUnexpected, `does not match "^220 ": "554 go away"`, talking(banner, replies("554 go away\r\n", nil))},
	{uptime.FaultReplyUnexpected, `does not match "^220 ": "421 too many"`, talking(banner, replies("421 too many\r\n", func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }))},
	{uptime.FaultReplyClosed, "reset the connection", talking(banner, replies("42", func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }))},
	{uptime.FaultReplyUnexpected, `does not match "^220 ": "55"`, talking(banner, replies("55", nil))},
	{uptime.FaultReplyTimeout, `no end of the reply from 127.0.0.1:`, talking(banner, replies("220-teaser\r\n", func(c net.Conn) { c.Read(make([]byte, 1)) }))},
	{uptime.FaultReplyTimeout, `no end of the reply from 127.0.0.1:`, talking(banner, replies("55", func(c net.Conn) { c.Read(make([]byte, 1)) }))},
	{uptime.FaultReplyUnexpected, "no match", talking(banner, replies(strings.Repeat("x", 2*maxReply), nil))},
	{uptime.FaultReplyMalformed, "sent more than 1024 KiB", talking(keys{"banner": "^220 ", "dialogue": []map[string]string{{"expect": "^221 "}}}, replies("220 ", func(c net.Conn) {
		io.WriteString(c, strings.Repeat("x", 2*maxTalk))
	}))},
}

func TestDialogue(t *testing.T) {
	to := probetest.Serve(t, func(c net.Conn) {
		io.WriteString(c, "220-one\r\n220 two\r\n")
		r := bufio.NewReader(c)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line == "QUIT\r\n" {
				io.WriteString(c, "221 bye\r\n")
				return
			}
			io.WriteString(c, "250 "+line)
		}
	})
	turns := []map[string]string{{"expect": "(?m)^220 .*\r\n", "send": "EHLO x\r\n"}, {"expect": "^250 EHLO x\r\n"}, {"send": "QUIT\r\n"}, {"expect": "^221 "}}
	job := made(t, testSystem(), "tcp", "tcp://"+to, nil, keys{"banner": "^220-one\r\n", "dialogue": turns})
	r := once(t, job)
	if r.Outcome != uptime.OutcomeUp {
		t.Fatal(r.Message)
	}
	var steps []string
	for _, s := range r.Steps {
		steps = append(steps, s.Step)
	}
	if got := strings.Join(steps, " "); got != "connect expect expect send expect send expect" {
		t.Error(got)
	}
}

// TestLines has a dialogue go by lines, however they come.
func TestLines(t *testing.T) {
	type turns = []map[string]string
	quit := turns{{"expect": "^220 ", "send": "QUIT\r\n"}, {"expect": "^221 "}}
	tests := []struct {
		name, greeting, reply string
		expect                keys
		fault                 uptime.Fault
	}{
		{"as documented", "220 mx.example.com ESMTP\r\n", "221 Bye\r\n", keys{"dialogue": quit}, 0},
		{"after other lines", "220-mx\r\n220 mx\r\n", "250 ok\r\n221 Bye\r\n", keys{"dialogue": quit}, 0},
		{"a line each", "220 one\r\n221 two\r\n", "", keys{"banner": "^220 ", "dialogue": turns{{"expect": "^221 "}}}, 0},
		{"end of a line", "220 one ESMTP\r\n220 two\r\n", "", keys{"banner": "^220 .* ESMTP$"}, 0},
		{"not the midst of a line", "220 221 one\r\n", "", keys{"banner": "^220 ", "dialogue": turns{{"expect": "^221 "}}}, uptime.FaultReplyTimeout},
		{"a prompt", "login: ", "secret: ", keys{"banner": "^login: ", "dialogue": turns{{"send": "me\r\n"}, {"expect": "^secret: $"}}}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := probetest.Serve(t, func(c net.Conn) {
				io.WriteString(c, tt.greeting)
				r := bufio.NewReader(c)
				r.ReadString('\n')
				io.WriteString(c, tt.reply)
				r.ReadString('\n')
			})
			r := quickly(t, made(t, testSystem(), "tcp", "tcp://"+to, nil, tt.expect))
			if r.Fault != tt.fault {
				t.Errorf("%q: %s, want %q", r.Fault, r.Message, tt.fault)
			}
		})
	}
}

// TestTakeLine has the rest of a matched line come later.
func TestTakeLine(t *testing.T) {
	k := talk{seen: []byte("220 221")}
	k.takeLine(4)
	if !k.rest || len(k.seen) > 0 {
		t.Errorf("%+v", k)
	}
	k.seen = []byte(" x\r\n221 y")
	k.takeLine(0)
	if k.rest || string(k.seen) != "221 y" {
		t.Errorf("%+v", k)
	}
}

// TestQuiet has a wrong line reported long before the time-out.
func TestQuiet(t *testing.T) {
	to := probetest.Serve(t, func(c net.Conn) { replies("554 no\r\n", func(c net.Conn) { c.Read(make([]byte, 1)) })(c) })
	r := once(t, made(t, testSystem(), "tcp", "tcp://"+to, keys{"send": "hi\r\n"}, banner))
	if r.Fault != uptime.FaultReplyUnexpected || r.Total > 4*quiet {
		t.Errorf("%s after %s", r.Fault, r.Total)
	}
}

// TestContinued has more of a reply come long after a line that announces it.
func TestContinued(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	pause := time.NewTimer(quiet + quiet/4)
	go func() {
		io.WriteString(theirs, "220-teaser\r\n")
		<-pause.C
		io.WriteString(theirs, "220 mx\r\n")
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	k := talk{conn: ours, t: newTrace()}
	form := form{}
	if f := k.run(ctx, []turn{{expect: form.linePattern("expect.banner", "^220 ")}}); f != nil {
		t.Errorf("%+v", f)
	}
}

func TestTCPMistakes(t *testing.T) {
	for url, key := range map[string]string{"tcp://a": "url", "tcp://a:1/x": "url", "tcp://a:1?x": "url"} {
		if m := mistaken(t, "tcp", url, nil, nil); len(m) != 1 || m[0].Key != key {
			t.Errorf("%s: %v", url, m)
		}
	}
	for _, expect := range []keys{{"banner": "("}, {"dialogue": []map[string]string{{}}}, {"dialogue": []map[string]string{{"expect": "("}}}, {"dialogue": []map[string]string{{"wait": "x"}}}} {
		if m := mistaken(t, "tcp", "tcp://a:1", nil, expect); len(m) == 0 || !strings.HasPrefix(m[0].Key, "expect.") {
			t.Errorf("%v: %v", expect, m)
		}
	}
}

func FuzzDialogue(f *testing.F) {
	f.Add("220 hello\r\n", "^220 ")
	f.Add(probetest.Hostile, "evil")
	f.Fuzz(func(t *testing.T, text, pattern string) {
		form := form{}
		re := form.linePattern("expect.banner", pattern)
		if form.mistakes != nil {
			return
		}
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			io.WriteString(theirs, text)
			theirs.Close()
		}()
		k := talk{conn: ours, t: newTrace()}
		res := k.t.end(k.run(t.Context(), []turn{{expect: re}}))
		clean(&res)
		if matched := len(text) <= maxReply && re.MatchString(text); matched && res.Outcome != uptime.OutcomeUp && !re.MatchString("") {
			t.Errorf("%q matches %q: %s", text, pattern, res.Message)
		}
	})
}

// TestSearchIsBounded has a reply come in tiny pieces, which must not each cost a search through all of it.
func TestSearchIsBounded(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		for range maxReply {
			if _, err := theirs.Write([]byte("x")); err != nil {
				return
			}
		}
		theirs.Close()
	}()
	form := form{}
	k := talk{conn: ours, t: newTrace()}
	if f := k.run(t.Context(), []turn{{expect: form.linePattern("expect.banner", "(x|y)+z")}}); f == nil || f.fault != uptime.FaultReplyUnexpected {
		t.Errorf("%+v", f)
	}
}
