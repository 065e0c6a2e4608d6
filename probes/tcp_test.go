package probes

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

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
		return once(t, soon(made(t, testSystem(), "tcp", "tcp://"+probetest.Serve(t, serve), keys{"send": "hi\r\n"}, expect)))
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
	{uptime.FaultReplyUnexpected, `does not match "^220 ": "55"`, talking(banner, replies("55", func(c net.Conn) { c.Read(make([]byte, 1)) }))},
	{uptime.FaultReplyUnexpected, "no match", talking(banner, replies(strings.Repeat("x", 2*maxReply), nil))},
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

// TestQuiet has a wrong line reported long before the time-out.
func TestQuiet(t *testing.T) {
	to := probetest.Serve(t, func(c net.Conn) { replies("554 no\r\n", func(c net.Conn) { c.Read(make([]byte, 1)) })(c) })
	r := once(t, made(t, testSystem(), "tcp", "tcp://"+to, keys{"send": "hi\r\n"}, banner))
	if r.Fault != uptime.FaultReplyUnexpected || r.Total > 4*quiet {
		t.Errorf("%s after %s", r.Fault, r.Total)
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
		re := form.pattern("expect.banner", pattern)
		if form.mistakes != nil {
			return
		}
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			io.WriteString(theirs, text)
			theirs.Close()
		}()
		k := talk{conn: ours}
		tr := newTrace()
		res := tr.end(k.run(t.Context(), tr, []turn{{expect: re}}))
		clean(&res)
		if matched := len(text) <= maxReply && re.MatchString(text); matched && res.Outcome != uptime.OutcomeUp && !re.MatchString("") {
			t.Errorf("%q matches %q: %s", text, pattern, res.Message)
		}
	})
}
