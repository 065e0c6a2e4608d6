package engine

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestShort(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	before := short(0)
	for us := uint64(0); us <= math.MaxUint32; us += 1 + us/64 + rng.Uint64N(1+us/64) {
		s := shorten(uint32(us))
		if s < before {
			t.Fatalf("%d is %d, less than %d", us, s, before)
		}
		before = s
		got, most := uint64(s.micros()), us/2048
		if got > us+most || us > got+most {
			t.Fatalf("%d µs are remembered as %d", us, got)
		}
		if again := shorten(s.micros()); again != s {
			t.Fatalf("%d µs are %d, and that is stored and read as %d", us, s, again)
		}
	}
	for _, us := range []uint32{0, 1, 2047, 2048, 2049, 4095, 4096, 20_000, math.MaxUint32 - 1, math.MaxUint32} {
		if got := shorten(us).micros(); us < 1<<15 && us%8 == 0 && got != us || float64(got) < 0.999*float64(us) || float64(got) > 1.001*float64(us) {
			t.Errorf("%d µs are remembered as %d", us, got)
		}
	}
}

// A history is read as it was stored at first, with four-byte samples and every zero, and as it is now.
func TestHistoryStored(t *testing.T) {
	const old = `{"Cells":"AQED","Newest":5801760,"Hour":[{"N":1,"Failed":false,"Samples":[20000]},` +
		`{"N":9,"Failed":true,"Samples":[1,2,3,4,5,6,7,123457]},{"N":0,"Failed":true,"Samples":null},` +
		`{"N":0,"Failed":false,"Samples":null},{"N":0,"Failed":false,"Samples":null},{"N":0,"Failed":false,"Samples":null},` +
		`{"N":0,"Failed":false,"Samples":null},{"N":0,"Failed":false,"Samples":null},{"N":0,"Failed":false,"Samples":null},` +
		`{"N":0,"Failed":false,"Samples":null},{"N":0,"Failed":false,"Samples":null},{"N":0,"Failed":false,"Samples":null}]}`
	var in storedHistory
	if err := json.Unmarshal([]byte(old), &in); err != nil {
		t.Fatal(err)
	}
	h := in.history()
	if bar := h.bar(); bar[23] != uptime.CellDown || bar[22] != uptime.CellUp || bar[21] != uptime.CellUp || bar[20] != uptime.CellNone {
		t.Errorf("the bar is %v", bar)
	}
	now := time.Unix(5801760*300+299, 0)
	if p := h.p99(now); p < 123_400*time.Microsecond || p > 123_500*time.Microsecond {
		t.Errorf("p99 is %v", p)
	}
	spark := h.spark(now)
	if last := spark[uptime.SparkCells-1]; last != (uptime.Spark{Median: 20 * time.Millisecond}) {
		t.Errorf("the last cell is %+v", last)
	}
	out, err := json.Marshal(h.stored())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Cells":"AQED","Newest":5801760,"Hour":[{"N":1,"Samples":[20000]},` +
		`{"N":9,"Failed":true,"Samples":[1,2,3,4,5,6,7,123456]},{"Failed":true},{},{},{},{},{},{},{},{},{}]}`
	if string(out) != want {
		t.Errorf("stored as\n%s, want\n%s", out, want)
	}
	var again storedHistory
	if err := json.Unmarshal(out, &again); err != nil || again.history() != h {
		t.Errorf("comes back as %+v, %v", again.history(), err)
	}
}

// A record that another program wrote, or a later one, breaks nothing.
func TestHistoryHostile(t *testing.T) {
	in := storedHistory{Cells: make([]uptime.Cell, 100), Newest: math.MaxInt64}
	in.Cells[99] = uptime.CellDown
	in.Hour[3] = storedLatencies{N: math.MaxUint32, Samples: make([]uint32, 100)}
	in.Hour[4] = storedLatencies{N: 2, Samples: make([]uint32, 5)}
	h := in.history()
	if h.bar()[23] != uptime.CellDown || h.hour[3].n != math.MaxUint16 || h.hour[3].kept != cellSamples || h.hour[4].n != 5 {
		t.Errorf("taken as %+v", h)
	}
	for range 1 << 17 {
		h.hour[3].add(1)
	}
}
