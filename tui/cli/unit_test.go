package cli

import (
	"strings"
	"testing"
)

func TestUnit(t *testing.T) {
	u := unitFor("/usr/local/bin/lookout")
	for _, want := range []string{
		"ExecStart=/usr/local/bin/lookout engine --config /etc/lookout/lookout.toml\n",
		"ExecReload=/usr/local/bin/lookout reload --config /etc/lookout/lookout.toml\n",
		"Type=notify\n", "AF_NETLINK", "WatchdogSec=", "LimitNOFILE=",
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

// TestUnitsAreConfinedAlike: what the one service may do, the other may too, and
// no more; a line that is there twice would be in force as the later one says.
func TestUnitsAreConfinedAlike(t *testing.T) {
	for name, u := range map[string]string{"engine": unitFor("/x/lookout"), "probe": probeUnitFor("/x/lookout")} {
		own, ok := strings.CutSuffix(u, confined)
		if !ok {
			t.Errorf("%s does not end as both do", name)
		}
		for _, line := range strings.Split(confined, "\n") {
			key, _, set := strings.Cut(line, "=")
			if set && key[0] != '#' && strings.Contains(own, "\n"+key+"=") {
				t.Errorf("%s sets %s itself too", name, key)
			}
		}
	}
}
