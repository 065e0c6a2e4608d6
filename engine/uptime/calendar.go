package uptime

import "time"

// Period is a stretch of time, from From up to, and without, To.
type Period struct{ From, To time.Time }

// farthest is more than the clocks of any zone were ever from UTC.
const farthest = 26 * time.Hour

// OnClock is the moment at which clocks in a zone first show a date and a time
// of day, whatever the location of wall. Where they jump over it, it is the
// moment at which they do, and jumped is by how much: an hour in most springs,
// half of one on Lord Howe Island, a day where a country changed to the other
// side of the date line. What comes later on the clock never comes earlier.
func OnClock(wall time.Time, zone *time.Location) (at time.Time, jumped time.Duration) {
	y, m, d := wall.Date()
	naive := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
	at = naive.Add(-farthest).In(zone)
	_, before := at.Zone()
	for {
		_, offset := at.Zone()
		shown := naive.Add(-time.Duration(offset) * time.Second)
		if shown.Before(at) {
			return at, time.Duration(offset-before) * time.Second
		}
		_, end := at.ZoneBounds()
		if end.IsZero() || shown.Before(end) {
			return shown.In(zone), 0
		}
		at, before = end, offset
	}
}

// midnight is when a day begins in a zone: not always at 00:00, nor only once.
// The day is counted on from the month, so that 0 is the last of the one before.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	at, _ := OnClock(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), zone)
	return at
}

// Day is the day of a moment in a zone. It has 23 or 25 hours where clocks jump,
// half an hour more or less on Lord Howe Island.
func Day(at time.Time, zone *time.Location) Period {
	y, m, d := at.In(zone).Date()
	return Period{midnight(y, m, d, zone), midnight(y, m, d+1, zone)}
}

// Week is the ISO 8601 week of a moment in a zone, from Monday on. Those of UTC,
// which results are stored by, have keys: WeekKey.
func Week(at time.Time, zone *time.Location) Period {
	y, m, d := at.In(zone).Date()
	monday := d - (int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday())+6)%7
	return Period{midnight(y, m, monday, zone), midnight(y, m, monday+7, zone)}
}

// Month is the month of a moment in a zone.
func Month(at time.Time, zone *time.Location) Period {
	y, m, _ := at.In(zone).Date()
	return Period{midnight(y, m, 1, zone), midnight(y, m+1, 1, zone)}
}

// LastDays are n days in a zone, the oldest first and the last up to now. One
// that the zone left out is empty.
func LastDays(n int, now time.Time, zone *time.Location) []Period {
	y, m, d := now.In(zone).Date()
	out := make([]Period, n)
	for i := range out {
		out[i] = Period{midnight(y, m, d-n+1+i, zone), midnight(y, m, d-n+2+i, zone)}
	}
	if n > 0 {
		out[n-1].To = now
	}
	return out
}
