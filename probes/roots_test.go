package probes

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSystemRoots: CAs that come into the system's file are trusted without a restart.
func TestSystemRoots(t *testing.T) {
	old, fresh := newCA(t, "old", nil), newCA(t, "fresh", nil)
	file := filepath.Join(t.TempDir(), "ca.pem")
	write := func(pem []byte, at time.Time) {
		t.Helper()
		if err := os.WriteFile(file, pem, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	r := systemRoots{files: []string{file + ".not", file}}
	write(old.pem(), now.Add(-time.Hour))
	if r.get(now) != nil {
		t.Error("CAs of our own before the file changed")
	}
	write(append(old.pem(), fresh.pem()...), now)
	if r.get(now.Add(time.Second)) != nil {
		t.Error("looked at again at once")
	}
	pool := r.get(now.Add(2 * rootsAge))
	for _, ca := range []*authority{old, fresh} {
		chain := []*x509.Certificate{ca.issue(t, nil).Leaf}
		if in := inspect(chain, "good.test", pool, now); pool == nil || len(in.problems) > 0 {
			t.Errorf("%v: %s", pool, in.problems)
		}
	}
	write(nil, now.Add(time.Minute))
	if r.get(now.Add(4*rootsAge)) != pool || pool != r.get(now.Add(6*rootsAge)) {
		t.Error("an empty file took the CAs away")
	}
	if (&systemRoots{}).get(now) != nil {
		t.Error("CAs of no file")
	}
}
