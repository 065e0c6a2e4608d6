package worker

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestParseCounts(t *testing.T) {
	tests := []struct {
		name string
		file string
		want counts
	}{
		{"what ran when it was killed is skipped", `{"scheduled":10,"finished":7,"late":2,"skipped":1}`, counts{10, 7, 2, 3, 0}},
		{"empty", ``, counts{}},
		{"no numbers", `{"scheduled":"x"}`, counts{}},
		{"more than came due", `{"scheduled":1,"finished":7}`, counts{}},
		{"about to wrap", `{"scheduled":18446744073709551615,"finished":18446744073709551615,"skipped":1}`, counts{}},
		{"of a clock that was ahead", `{"fresh_until":9000000000000}`, counts{FreshUntil: noon.Add(freshSpread).UnixMilli()}},
	}
	for _, tt := range tests {
		if got := parseCounts([]byte(tt.file), noon); got != tt.want {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func FuzzParseCounts(f *testing.F) {
	f.Add([]byte(`{"scheduled":10,"finished":7,"late":2,"skipped":1,"fresh_until":5}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c := parseCounts(b, noon); c.Scheduled != c.Finished+c.Skipped {
			t.Errorf("%+v", c)
		}
	})
}
