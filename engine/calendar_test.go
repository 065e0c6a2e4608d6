package engine

import (
	"testing"
	"time"

	"lookout/engine/schedule"
)

func TestCalendar(t *testing.T) {
	sunday := time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC)
	every, err := schedule.Every("Sun 22:00", time.Hour, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var c calendar
	if c.planned(sunday) != nil {
		t.Error("planned without windows")
	}
	c.add(Maintenance{Of: []string{"late"}, Window: schedule.Once(sunday.AddDate(0, 0, 8), time.Hour)}, 1)
	c.add(Maintenance{Of: []string{"over"}, Window: schedule.Once(sunday.AddDate(0, 0, -1), time.Hour)}, 1)
	c.add(Maintenance{Of: []string{"tag:db"}, Window: every, Note: "backup"}, 213)
	c.add(Maintenance{Of: []string{"now"}, Window: schedule.Once(sunday.Add(-time.Minute), time.Hour)}, 1)
	c.add(Maintenance{Of: []string{"soon"}, Window: schedule.Once(sunday.Add(time.Hour), time.Hour)}, 1)
	got := c.planned(sunday)
	if len(got) != 2 || got[0].Of[0] != "soon" || got[0].Every != "" || got[1].Monitors != 213 || got[1].Every != "Sun 22:00" || got[1].Note != "backup" ||
		!got[1].From.Equal(time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)) || got[1].To.Sub(got[1].From) != time.Hour {
		t.Errorf("%+v", got)
	}
	if again := c.planned(sunday.Add(20 * time.Second)); &again[0] != &got[0] {
		t.Error("asked the time tables again within the minute")
	}
	if got := c.planned(sunday.Add(10*time.Hour + time.Minute)); len(got) != 1 || !got[0].From.Equal(time.Date(2026, 11, 29, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("while it is open: %+v", got)
	}
}
