package cli

import (
	"context"
	"net"
	"strings"
	"testing"
)

func TestIsURL(t *testing.T) {
	for s, want := range map[string]bool{
		"https://example.com": true, "tcp://h:1": true, "dns:example.com?type=MX": true, "smtp+starttls://h:25": true,
		"shop": false, "example.com:25": false, "host:name": false, ":": false, "//h": false, "": false, "a b://c": false,
	} {
		if got := isURL(s); got != want {
			t.Errorf("isURL(%q) = %v", s, got)
		}
	}
}

func TestCheck(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		name, args     string
		code           int
		stdout, stderr string
	}{
		{"refused", "tcp://127.0.0.1:1", 2, "tcp.refused", ""},
		{"as JSON", "tcp://127.0.0.1:1 --format json", 2, `"errno":"ECONNREFUSED"`, ""},
		{"two", "tcp://127.0.0.1:1 https://127.0.0.1:1/", 2, "https://127.0.0.1:1/", ""},
		{"nothing", "", 64, "", "lookout: lookout check needs a NAME, a URL or --all; see lookout check --help\n"},
		{"all and one", "--all x", 64, "", "lookout: lookout check needs a NAME, a URL or --all; see lookout check --help\n"},
		{"a scheme that is not", "gopher://127.0.0.1/", 64, "", "gopher"},
		{"a name without a configuration", "shop", 64, "", "a URL needs none, and looks like https://shop\n"},
		{"a host and port without a configuration", "shop:25", 64, "", "a URL needs none, and looks like tcp://shop:25\n"},
		{"no URL at all without a configuration", "a:b", 64, "", "a URL needs none, and looks like https://example.com\n"},
		{"all without a configuration", "--all", 3, "", "lookout config init"},
		{"a resolver of one's own", "tcp://shop.example:1 --resolver 127.0.0.1:1", 3, "nothing listens at the resolver 127.0.0.1:1", ""},
		{"a resolver that is a name", "tcp://shop.example:1 --resolver dns.example", 64, "", "lookout: --resolver: \"dns.example\" is no address of a name server; write it like 192.0.2.53 or [2001:db8::1]:53\n"},
		{"an unknown flag", "--nope", 64, "", "lookout: unknown flag: --nope; see lookout check --help\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.call("", append([]string{"check"}, strings.Fields(tt.args)...)...)
			if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) || tt.stderr == "" && got.stderr != "" {
				t.Errorf("got %+v, want %+v", got, tt)
			}
		})
	}
}

// TestCheckAll has every enabled monitor: one that only an engine can judge is unknown, and says so.
func TestCheckAll(t *testing.T) {
	b := newBench(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	write(t, b.dir+"/lookout.toml", "[[monitor]]\nname = \"shop\"\nurl = \"tcp://"+l.Addr().String()+"\"\n"+
		"[[monitor]]\nname = \"nightly\"\nurl = \"beat:\"\nperiod = \"1d\"\n")
	got := b.call("", "check", "--all")
	if got.code != 3 || !strings.Contains(got.stdout, "shop") || !strings.Contains(got.stdout, "nightly") || !strings.Contains(got.stdout, "lookout status") {
		t.Errorf("%+v", got)
	}
}

func TestCheckOfADisabledMonitor(t *testing.T) {
	b := newBench(t)
	config := write(t, b.dir+"/lookout.toml", "[[monitor]]\nname = \"old shop\"\nurl = \"tcp://127.0.0.1:1\"\nenabled = false\n")
	got := b.call("", "check", "old shop")
	if want := "lookout: old shop is disabled in " + config + " (enabled = false); to check it all the same, give its URL\n"; got.code != 64 || got.stderr != want {
		t.Errorf("got %+v, want %s", got, want)
	}
}

func TestCheckThatIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got := newBench(t).callContext(ctx, "", "check", "tcp://127.0.0.1:1", "--format", "json")
	if got.code != 3 || !strings.Contains(got.stdout, `"fault":"local.cancelled"`) {
		t.Errorf("got %+v", got)
	}
}
