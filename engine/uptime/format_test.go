package uptime

import (
	"testing"
	"time"
)

func TestFormats(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct{ got, want string }{
		{Ago(-time.Second), "0s"}, {Ago(1900 * ms), "1s"}, {Ago(252 * time.Second), "4m12s"}, {Ago(6*time.Hour + 2*time.Minute), "6h02m"},
		{Ago(146 * time.Hour), "6d02h"},
		{Took(0), "-"}, {Took(20 * time.Microsecond), "0.1ms"}, {Took(3100 * time.Microsecond), "3.1ms"}, {Took(9960 * time.Microsecond), "10ms"},
		{Took(184 * ms), "184ms"}, {Took(999600 * time.Microsecond), "1.00s"}, {Took(2410 * ms), "2.41s"}, {Took(9996 * ms), "10.0s"}, {Took(102 * time.Second), "102s"},
		{Percent(1), "100%"}, {Percent(0.99999999), "99.999%"}, {Percent(0.99978), "99.978%"}, {Percent(0.99915), "99.915%"},
		{Percent(0.9949), "99.49%"}, {Percent(0.00001), "<0.01%"}, {Percent(0), "0%"},
		{Between(0, 1), "0-100%"}, {Between(0.712, 0.997), "71.2-99.7%"}, {Between(0.71299, 0.99701), "71.2-99.8%"}, {Between(0.00001, 0.99999), "0.01-99.99%"},
		{Between(0.0005, 0.9995), "0.05-99.95%"}, {Between(0.29, 0.29), "29.0-29.0%"}, {Between(1, 1), "100-100%"}, {Between(0.99899, 0.99901), "99.8-99.91%"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %s, want %s", tc.got, tc.want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want time.Duration
	}{
		{"60s", time.Minute}, {"1m30s", 90 * time.Second}, {"90d", 90 * 24 * time.Hour}, {"1d12h", 36 * time.Hour}, {"2w", 14 * 24 * time.Hour},
		{"5y", 5 * 365 * 24 * time.Hour}, {"0.5d", 12 * time.Hour}, {"250ms", 250 * time.Millisecond},
	} {
		if got, err := ParseDuration(tc.in); err != nil || got != tc.want {
			t.Errorf("%s: %v, %v", tc.in, got, err)
		}
	}
	for in, want := range map[string]string{
		"5":       `"5" needs a unit, e.g. "5s" or "5m"`,
		"5x":      `"5x" is no duration; write it as 30s, 5m, 2h, 1d, 2w or 1y`,
		"":        `"" is no duration; write it as 30s, 5m, 2h, 1d, 2w or 1y`,
		"-5s":     `"-5s" is no duration; write it as 30s, 5m, 2h, 1d, 2w or 1y`,
		"999999y": `"999999y" is no duration`,
	} {
		if d, err := ParseDuration(in); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v; want %s", in, d, err, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	f.Add("1d12h")
	f.Add("5")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDuration(s); err == nil && d < 0 {
			t.Fatalf("%q is %v", s, d)
		}
	})
}

func TestSpan(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{0: "0s", time.Second: "1s", time.Minute: "60s", 2 * time.Minute: "120s", 5 * time.Minute: "5m", 90 * time.Second: "90s", time.Hour: "1h",
		2 * time.Hour: "2h", day: "1d", 90 * day: "90d", 365 * day: "1y", 3650 * day: "10y", 800 * time.Millisecond: "800ms", 1500 * time.Millisecond: "1.5s", 1234 * time.Millisecond: "1.234s",
		10 * time.Second / 3: "3.3s", 20 * time.Second / 3: "6.7s", time.Second / 4: "250ms"} {
		if got := Span(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}
