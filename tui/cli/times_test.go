package cli

import (
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Skip(err)
	}
	now := time.Date(2026, 11, 22, 12, 35, 19, 0, loc)
	for _, tt := range []struct {
		in, past, future string // "": an error
	}{
		{"2h", "2026-11-22T09:35:19Z", "2026-11-22T13:35:19Z"},
		{"1d12h", "2026-11-20T23:35:19Z", "2026-11-23T23:35:19Z"},
		{"13:00", "2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"},
		{"12:00", "2026-11-22T11:00:00Z", "2026-11-23T11:00:00Z"},
		{"2026-11-22 13:00", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"},
		{"2026-11-23", "2026-11-22T23:00:00Z", "2026-11-22T23:00:00Z"},
		{"2026-11-22T13:00:00+01:00", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"},
		{"2026-11-01", "2026-10-31T23:00:00Z", ""},
		{"now", "2026-11-22T11:35:19Z", ""},
		{"5", "", ""}, {"", "", ""}, {"-2h", "", ""}, {"tomorrow", "", ""},
	} {
		t.Run(tt.in, func(t *testing.T) {
			for _, side := range []struct {
				want  string
				parse func(string, time.Time, *time.Location) (time.Time, error)
			}{{tt.past, parsePast}, {tt.future, parseFuture}} {
				got, err := side.parse(tt.in, now, loc)
				if (err != nil) != (side.want == "") || err == nil && got.Format(time.RFC3339) != side.want {
					t.Errorf("got %v, %v; want %q", got, err, side.want)
				}
				if err != nil && codeOf(err) != exitUsage {
					t.Errorf("exit code %d", codeOf(err))
				}
			}
		})
	}
}
