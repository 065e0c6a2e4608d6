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
	}{
		{"none", "", []string{"127.0.0.1:53", "[::1]:53"}, nil},
		{"usual", "# ours\nnameserver 192.0.2.1 ; first\nnameserver 2001:db8::1\nsearch a.test b.test\n", []string{"192.0.2.1:53", "[2001:db8::1]:53"}, []string{"a.test", "b.test"}},
		{"three at most", "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n", []string{"192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"}, nil},
		{"last of domain and search", "domain c.test\nsearch\nnameserver x\nnameserver fe80::1%eth0", []string{"[fe80::1%eth0]:53"}, []string{"c.test"}},
	}
	for _, tt := range tests {
		servers, search := parseResolvConf(tt.text)
		var got []string
		for _, s := range servers {
			got = append(got, s.String())
		}
		if !slices.Equal(got, tt.servers) || !slices.Equal(search, tt.search) {
			t.Errorf("%s: %v, %v", tt.name, got, search)
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
