package tui

import (
	"testing"
)

func TestParseTime(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"30m", "2026-11-22 13:05:20"}, {"1d", "2026-11-23 12:35:20"}, {"14:00", "2026-11-22 14:00:00"}, {"08:00", "2026-11-23 08:00:00"},
		{"2026-12-01", "2026-12-01 00:00:00"}, {"2026-12-01 08:30", "2026-12-01 08:30:00"},
		{"2020-01-01", ""}, {"5", ""}, {"-5m", ""}, {"", ""}, {"soon", ""},
	} {
		got, err := parseTime(c.text, noon)
		if c.want == "" != (err != nil) || err == nil && got.Format("2006-01-02 15:04:05") != c.want {
			t.Errorf("%q is %s, %v, want %s", c.text, got, err, c.want)
		}
	}
}
