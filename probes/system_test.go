package probes

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestParseResolvConf(t *testing.T) {
	tests := []struct {
		name, text string
		servers    []string
		search     []string
		ndots      int
		tcp        bool
	}{
		{"none", "", []string{"127.0.0.1:53", "[::1]:53"}, nil, 1, false},
		{"usual", "# ours\nnameserver 192.0.2.1 ; first\nnameserver 2001:db8::1\nsearch a.test b.test\n", []string{"192.0.2.1:53", "[2001:db8::1]:53"}, []string{"a.test", "b.test"}, 1, false},
		{"three at most", "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n", []string{"192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"}, nil, 1, false},
		{"last of domain and search", "domain c.test\nsearch\nnameserver x\nnameserver fe80::1%eth0", []string{"[fe80::1%eth0]:53"}, []string{"c.test"}, 1, false},
		{"options", "nameserver 192.0.2.1\noptions timeout:1 ndots:5 rotate\noptions use-vc", []string{"192.0.2.1:53"}, nil, 5, true},
		{"bad options", "nameserver 192.0.2.1\noptions ndots:x ndots:99999 ndots", []string{"192.0.2.1:53"}, nil, 15, false},
		{"a long search list", "nameserver 192.0.2.1\nsearch a b c d e f g h", []string{"192.0.2.1:53"}, []string{"a", "b", "c", "d", "e", "f"}, 1, false},
	}
	for _, tt := range tests {
		c := parseResolvConf(tt.text)
		var got []string
		for _, s := range c.servers {
			got = append(got, s.String())
		}
		if !slices.Equal(got, tt.servers) || !slices.Equal(c.domains, tt.search) || c.ndots != tt.ndots || c.tcp != tt.tcp {
			t.Errorf("%s: %v, %+v", tt.name, got, c)
		}
	}
}

// TestFilesChange has a laptop come into another network.
func TestFilesChange(t *testing.T) {
	dir := t.TempDir()
	resolv, hosts := filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "hosts")
	sys := newSystem(resolv, hosts)
	if n := sys.naming(); len(n.servers) != 2 {
		t.Errorf("without a file: %v", n.servers)
	}
	if err := os.WriteFile(resolv, []byte("nameserver 192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := sys.naming(); len(n.servers) != 2 {
		t.Errorf("looked at again at once: %v", n.servers)
	}
	old := *sys.names.Load()
	old.read = time.Now().Add(-2 * fileAge)
	sys.names.Store(&old)
	if n := sys.naming(); len(n.servers) != 1 || n.servers[0] != netip.MustParseAddrPort("192.0.2.1:53") {
		t.Errorf("after the change: %v", n.servers)
	}
}
