package verdict

import (
	"reflect"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// stamps collects all times in a value, by their path.
func stamps(v reflect.Value, path string, into map[string]time.Time) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		into[path] = readTime(v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			stamps(v.Field(i), path+"."+v.Type().Field(i).Name, into)
		}
	case reflect.Slice:
		for i := range v.Len() {
			stamps(v.Index(i), path+"[]", into)
		}
	}
}

// readTime reads a time of a field that is not exported: its seconds since the
// year 1 are all that this test gives them.
func readTime(v reflect.Value) time.Time {
	return time.Time{}.Add(time.Duration(v.FieldByName("ext").Int()) * time.Second)
}

// fill puts a time into everything that is one.
func fill(m *Memory, t time.Time) {
	m.Since, m.Judged, m.Began, m.Asked, m.First, m.Doubt, m.Outage, m.Good = t, t, t, t, t, t, t, t
	m.Complaint, m.begun, m.Closed = t, t, t
	m.Evidence = []uptime.Evidence{{Time: t}}
	m.others.wave, m.others.last, m.others.since = t, t, t
	m.others.asked = []request{{at: t, first: t, deadline: t}}
}

// No stamp of a memory is left behind when the clock is set: whoever adds one adds it to Step.
func TestStepMovesEveryStamp(t *testing.T) {
	at := time.Time{}.Add(1000 * time.Second)
	var m Memory
	fill(&m, at)
	before, after := map[string]time.Time{}, map[string]time.Time{}
	stamps(reflect.ValueOf(m), "m", before)
	stamps(reflect.ValueOf(m.Step(time.Hour)), "m", after)
	if len(before) < 16 {
		t.Fatalf("only %d stamps: %v", len(before), before)
	}
	for path, was := range before {
		if was.IsZero() {
			t.Errorf("%s is not filled by this test", path)
		} else if got := after[path].Sub(was); got != time.Hour {
			t.Errorf("%s moved by %v", path, got)
		}
	}
	if !m.others.asked[0].at.Equal(at) || !m.Evidence[0].Time.Equal(at) {
		t.Error("the memory before was changed")
	}
	if got := m.Waited(3 * time.Second).others.asked[0]; got.deadline.Sub(at) != 3*time.Second || !got.at.Equal(at) {
		t.Errorf("%+v", got)
	}
}
