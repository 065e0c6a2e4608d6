package config

import (
	"testing"
)

func TestSize(t *testing.T) {
	for _, c := range []struct {
		raw  any
		want int64
		ok   bool
	}{
		{int64(5), 5, true}, {"5", 5, true}, {"64KB", 64_000, true}, {"64kb", 64_000, true}, {"1.5 GB", 1_500_000_000, true}, {"2KiB", 2048, true}, {"1T", 1e12, true},
		{int64(-1), 0, false}, {"", 0, false}, {"KB", 0, false}, {"1XB", 0, false}, {"-1KB", 0, false}, {"9999999TB", 0, false}, {1.5, 0, false}, {"1.2.3KB", 0, false},
	} {
		if got, ok := size(c.raw); ok != c.ok || ok && got != c.want {
			t.Errorf("%v is %d, %v", c.raw, got, ok)
		}
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 999: "999B", 1000: "1KB", 1024: "1KiB", 1500: "1.5KB", 1_234_567: "1234567B",
		64 << 10: "64KiB", 16 << 20: "16MiB", 20e9: "20GB", 1 << 50: "1024TiB"} {
		if got := sizeText(n); got != want {
			t.Errorf("%d bytes are written %s, want %s", n, got, want)
		}
		if got, ok := size(sizeText(n)); !ok || got != n {
			t.Errorf("%s is read as %d", sizeText(n), got)
		}
	}
}
