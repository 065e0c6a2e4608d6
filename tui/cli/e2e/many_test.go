//go:build linux

package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestManyFail: what fails together is told in one letter, which names what it is
// about, and so is its end: a rack behind its switch, names of one host, and one
// monitor beside them that is alone.
func TestManyFail(t *testing.T) {
	t.Parallel()
	c := newCable(t)
	check(t, c.Reach("10.64.0.0/10"))
	var mail *postOffice
	check(t, c.Near.Open(func() error {
		mail = newPostOffice(t)
		return nil
	}))
	const racked, hosted, others = 8, 12, 100
	var config strings.Builder
	fmt.Fprintf(&config, "instance = \"web-1\"\n[self_check]\nanchors = [\"192.0.2.1:80\", \"198.51.100.1:80\", \"203.0.113.1:80\", \"203.0.114.1:80\"]\n"+
		"[[channel]]\nname = \"ops\"\ntype = \"email\"\nto = [\"ops@example.com\"]\nfrom = \"lookout@example.com\"\nsmtp = \"smtp://%s\"\n[defaults]\ninterval = \"2s\"\ntimeout = \"1s\"\n", mail.Address())
	monitor := func(name, host, more string) {
		fmt.Fprintf(&config, "[[monitor]]\nname = %q\nurl = \"tcp://%s:80\"\n%s", name, host, more)
	}
	monitor("switch", "10.70.8.1", "")
	for i := range racked {
		monitor(fmt.Sprintf("rack%d", i), fmt.Sprintf("10.70.0.%d", 10+i), "parent = \"switch\"\n")
	}
	for i := range hosted {
		name := fmt.Sprintf("www.site%d.example", i)
		c.Name(name, netip.MustParseAddr("10.71.0.7"))
		monitor(name, name, "")
	}
	for i := range others {
		monitor(fmt.Sprintf("other%d", i), fmt.Sprintf("10.71.%d.%d", i/4, 10+i%4), "")
	}
	const all = 1 + racked + hosted + others
	h := home(t, config.String())
	p, err := h.EngineIn(c.Near.Enter()...)
	check(t, err)
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	down := func(n int) {
		t.Helper()
		until(t, h, fmt.Sprintf("%d down", n), 4*patience, func(s status) bool { return s.Counts["down"] == n && s.Counts["up"] == all-n })
	}
	down(0)
	check(t, c.Swallow("10.70.0.0/16"))
	mail.wait(t, 1, "DOWN switch: ")
	down(1 + racked)
	check(t, c.Swallow("10.71.0.7"))
	host := mail.wait(t, 2, "DOWN host 10.71.0.7: ")
	down(1 + racked + hosted)
	_, how, _ := strings.Cut(host.body, "lookout ack '") // the first number of those that it says
	number, _, _ := strings.Cut(how, "'")
	says(t, "what the letter says", run(t, h, 0, "ack", number).Stdout, fmt.Sprintf("acknowledged  %d monitors: ", hosted))
	check(t, c.Swallow("10.71.20.10")) // one of 100
	mail.wait(t, 3, "DOWN other80: ")
	check(t, c.Release("10.71.0.7"))
	mail.wait(t, 4, "up again: host 10.71.0.7: 12 monitors")
	check(t, c.Release("10.70.0.0/16"))
	mail.wait(t, 5, "up again: switch")
	check(t, c.Release("10.71.20.10"))
	mail.wait(t, 6, "up again: other80")
	down(0)
	if n := len(mail.Mails()); n != 6 {
		t.Errorf("%d letters, want 6", n)
	}
}
