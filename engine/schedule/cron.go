package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// Cron is a time table of five fields, minute hour day month weekday, as in
// crontab(5), or one of @hourly, @daily, @weekly, @monthly and @yearly.
type Cron struct {
	expr string
	zone *time.Location
}

// ParseCron reads a time table that holds in a zone; nil is UTC.
func ParseCron(expr string, zone *time.Location) (Cron, error) {
	if zone == nil {
		zone = time.UTC
	}
	expr = strings.Join(strings.Fields(expr), " ")
	if n := len(strings.Fields(expr)); len(expr) > 200 || !strings.HasPrefix(expr, "@") && n != 5 {
		return Cron{}, fmt.Errorf("%d fields; a time table has five: minute hour day month weekday", n)
	}
	if !gronx.IsValid(expr) {
		return Cron{}, fmt.Errorf("no time table as in crontab")
	}
	c := Cron{expr, zone}
	if _, ok := c.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, zone)); !ok {
		return Cron{}, fmt.Errorf("a time that never comes")
	}
	return c, nil
}

// Next is the first time of the table after a moment; false where none comes
// within four years. A time that the clock jumps over in spring comes when it
// has jumped; one that comes twice in autumn counts the first time.
func (c Cron) Next(after time.Time) (time.Time, bool) {
	// The library counts in wall-clock time and loops over an hour that a zone
	// leaves out, so it is asked in a zone without jumps.
	wall := after.In(c.zone)
	naive := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
	for range 4 {
		next, err := gronx.NextTickAfter(c.expr, naive, false)
		if err != nil || next.Sub(naive) > 4*366*24*time.Hour {
			return time.Time{}, false
		}
		if at := inZone(next, c.zone); at.After(after) {
			return at, true
		}
		naive = next // the second run through the same hour in autumn
	}
	return time.Time{}, false
}

// inZone is the moment at which clocks in a zone first show what naive shows,
// or have jumped over it.
func inZone(naive time.Time, zone *time.Location) time.Time {
	at := time.Date(naive.Year(), naive.Month(), naive.Day(), naive.Hour(), naive.Minute(), naive.Second(), 0, zone)
	if earlier := at.Add(-time.Hour); earlier.Hour() == at.Hour() && earlier.Minute() == at.Minute() {
		return earlier
	}
	return at
}

// String is the time table as it was written.
func (c Cron) String() string { return c.expr }
