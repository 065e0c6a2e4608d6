package cli

import (
	"strings"
	"testing"
)

func TestUnit(t *testing.T) {
	u := unitFor("/usr/local/bin/lookout")
	for _, want := range []string{
		"ExecStart=/usr/local/bin/lookout engine --config /etc/lookout/lookout.toml\n",
		"Type=notify-reload\n", "AF_NETLINK", "WatchdogSec=", "LimitNOFILE=",
	} {
		if !strings.Contains(u, want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
	if strings.Contains(u, "@EXE@") {
		t.Error("a place was not filled in")
	}
	for _, line := range strings.Split(u, "\n") {
		if len(line) > 100 {
			t.Errorf("too long to read: %q", line)
		}
	}
}
