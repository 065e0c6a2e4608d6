package probes

import (
	"errors"
	"net/netip"
	"testing"
)

// mayPing skips a test where neither kind of socket may be opened.
func mayPing(t testing.TB) {
	t.Helper()
	c, _, err := openPing(netip.MustParseAddr("127.0.0.1"))
	if errors.Is(err, errNoPing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
