package uptime

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// fill gives every field of a value something other than zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(2) // of the words: one that every list has
	case reflect.Uint16:
		v.SetUint(uint64(FaultTCPRefused))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n) * int64(1001*time.Microsecond))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 7)
	case reflect.String:
		v.SetString("word")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(1_795_350_000_123 + int64(*n)).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	}
}

// TestFullStatus: whatever the public object says of a monitor, it says the
// same after another process has read it, and so do the exact figures.
func TestFullStatus(t *testing.T) {
	n := 0
	var st State
	fill(reflect.ValueOf(&st).Elem(), &n)
	st.Day = Share{Up: 86_399_999_999_999, Down: 1, Off: time.Minute, Span: 24 * time.Hour}
	snap := &Snapshot{Time: time.UnixMilli(1_795_350_000_001).UTC(), Instance: "web-1", Timezone: "Europe/Amsterdam", Node: "offline", States: []*State{&st},
		Counts: Counts{1, 2, 3, 4, 5, 6, 7, 8}, Open: []*Incident{{Number: 3, Witness: "w", ConfirmedBy: []string{"fra"}, Behind: "b"}},
		Config: ConfigState{"p", time.UnixMilli(1_795_350_000_002).UTC(), "e"}, Health: Health{Rate: 16.7, Lag: 1001 * time.Microsecond, ProbesLive: 2, Probes: 3, StoreError: "s", Anchors: "a"}}
	b, err := json.Marshal(FullStatus(Status{Snapshot: snap, Page: "public"}))
	if err != nil {
		t.Fatal(err)
	}
	var full FullStatus
	if err := json.Unmarshal(b, &full); err != nil {
		t.Fatal(err)
	}
	public := func(s Status) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got, want := public(Status(full)), public(Status{Snapshot: snap, Page: "public"}); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := full.Snapshot
	if !reflect.DeepEqual(got.Open, snap.Open) || got.Config != snap.Config || got.Health != snap.Health || got.Timezone != snap.Timezone || full.Bare {
		t.Errorf("%+v", got)
	}
	if s := got.States[0]; s.Day != st.Day || s.Outcome != st.Outcome || s.Total != st.Total {
		t.Errorf("%+v", s)
	}
}

// TestMillis: a duration is the same to the microsecond after another process has read it.
func TestMillis(t *testing.T) {
	for d := time.Duration(0); d < 20*time.Millisecond; d += time.Microsecond {
		b, err := millis(d).MarshalJSON()
		var got millis
		if err == nil {
			err = got.UnmarshalJSON(b)
		}
		if err != nil || time.Duration(got) != d {
			t.Fatalf("%s became %s, then %s: %v", d, b, time.Duration(got), err)
		}
	}
}
