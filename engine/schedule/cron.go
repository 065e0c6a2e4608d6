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
		if at, ok := inZone(next, c.zone); ok && at.After(after) {
			return at, true
		}
		naive = next // of the second run through the same hour, or of a day that is left out
	}
	return time.Time{}, false
}

const (
	maxPassed = 2 * 24 * 60    // times of a table that Next passes over: every minute of a day, and some
	farthest  = 26 * time.Hour // more than any zone was ever from UTC
	maxJump   = 3 * time.Hour  // of a clock that is set forward: beyond it, a day is left out
)

// Local is the moment at which clocks in a zone first show a date and a time of
// day, whatever the location of wall says; the moment of the jump where they jump
// over it; false where they leave out that day.
func Local(wall time.Time, zone *time.Location) (time.Time, bool) {
	return inZone(time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, time.UTC), zone)
}

// inZone is Local for a time in UTC. What comes later by the clock never comes earlier by it.
func inZone(naive time.Time, zone *time.Location) (time.Time, bool) {
	at := naive.Add(-farthest).In(zone)
	_, before := at.Zone()
	for {
		_, offset := at.Zone()
		shown := naive.Add(-time.Duration(offset) * time.Second)
		if shown.Before(at) { // they jumped over it
			return at, time.Duration(offset-before)*time.Second <= maxJump
		}
		_, end := at.ZoneBounds()
		if end.IsZero() || shown.Before(end) {
			return shown.In(zone), true
		}
		at, before = end, offset
	}
}

// String is the time table as it was written.
func (c Cron) String() string { return c.expr }
