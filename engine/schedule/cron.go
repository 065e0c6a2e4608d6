package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/adhocore/gronx"

	"lookout/engine/uptime"
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
// has jumped, and one that comes twice in autumn counts the first time, as with
// cron(8); a day that a zone leaves out, to be on the other side of the date
// line, has none.
func (c Cron) Next(after time.Time) (time.Time, bool) {
	// The library counts in wall-clock time and loops over an hour that a zone
	// leaves out, so it is asked in a zone without jumps.
	wall := after.In(c.zone)
	naive := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
	for range maxPassed {
		next, err := gronx.NextTickAfter(c.expr, naive, false)
		if err != nil || next.Sub(naive) > 4*366*24*time.Hour {
			return time.Time{}, false
		}
		if at, ok := Local(next, c.zone); ok && at.After(after) {
			return at, true
		}
		naive = next // of the second run through the same hour, or of a day that is left out
	}
	return time.Time{}, false
}

const (
	maxPassed = 2 * 24 * 60   // times of a table that Next passes over: every minute of a day, and some
	maxJump   = 3 * time.Hour // of a clock that is set forward: beyond it, a day is left out
)

// Local is uptime.OnClock, and false for a day that a zone leaves out.
func Local(wall time.Time, zone *time.Location) (time.Time, bool) {
	at, jumped := uptime.OnClock(wall, zone)
	return at, jumped <= maxJump
}

// String is the time table as it was written.
func (c Cron) String() string { return c.expr }
