package uptime

import (
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		share float64
		want  string
	}{
		{1, "100%"}, {1.5, "100%"}, {0.999999, "99.999%"}, {0.99978, "99.978%"}, {0.9998, "99.98%"},
		{0.999, "99.90%"}, {0.9989, "99.89%"}, {0.99499, "99.49%"}, {0.5, "50.00%"}, {0.0712, "7.12%"},
		{0.00011, "0.01%"}, {0.00001, "<0.01%"}, {0, "0%"}, {-1, "0%"},
	} {
		if got := Percent(c.share); got != c.want {
			t.Errorf("Percent(%v) = %q, want %q", c.share, got, c.want)
		}
	}
}

func TestAgo(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0s"}, {0, "0s"}, {59*time.Second + 999*time.Millisecond, "59s"}, {time.Minute, "1m00s"},
		{4*time.Minute + 12*time.Second, "4m12s"}, {6*time.Hour + 2*time.Minute, "6h02m"},
		{6*24*time.Hour + 2*time.Hour, "6d02h"}, {400 * 24 * time.Hour, "400d00h"},
	} {
		if got := Ago(c.d); got != c.want {
			t.Errorf("Ago(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}

func TestTook(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "-"}, {time.Microsecond, "0.1ms"}, {400 * time.Microsecond, "0.4ms"}, {9949 * time.Microsecond, "9.9ms"},
		{9950 * time.Microsecond, "10ms"}, {18 * time.Millisecond, "18ms"}, {2410 * time.Millisecond, "2.41s"},
		{10 * time.Second, "10.0s"}, {75 * time.Second, "75.0s"}, {100 * time.Second, "100s"},
	} {
		if got := Took(c.d); got != c.want {
			t.Errorf("Took(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}
