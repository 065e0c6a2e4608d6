package chunk

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// fleet makes an hour of one healthy http monitor: log-normal phases, a start
// that is a millisecond or two late.
func fleet(rng *rand.Rand, series uint32, n int, interval int64) []Row {
	rows := make([]Row, n)
	base := [5]float64{2000, 12000, 14000, 60000, 900}
	for i := range rows {
		r := &rows[i]
		r.Series, r.Time = series, 1_795_500_000_000+int64(i)*interval+int64(rng.ExpFloat64()*1.5)
		r.Outcome, r.Status, r.Shape = 1, 200, 1
		total := int64(0)
		for m, b := range base {
			us := int64(b * math.Exp(rng.NormFloat64()*0.15)) // noisier than most: what a row takes is its noise
			total += us
			r.Measures[m] = Bin(us)
		}
		r.Total = Bin(total)
	}
	return rows
}

func fail(r *Row) {
	r.Outcome, r.Fault, r.Status, r.Text, r.Address, r.Shape = 3, 301, 0, 7, 9, 2
	r.Measures = [6]int32{r.Measures[0]}
	r.Total = Bin(10_000_000)
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	wild := make([]Row, 300)
	for i := range wild {
		wild[i] = Row{rng.Uint32(), rng.Int64() - rng.Int64(), uint8(rng.Uint32()), uint16(rng.Uint32()),
			uint16(rng.Uint32()), rng.Uint32(), rng.Uint32(), uint16(rng.Uint32()), int32(rng.Uint32()),
			[6]int32{math.MaxInt32, math.MinInt32, int32(rng.Uint32())}}
	}
	failing := fleet(rng, 3, 60, 60_000)
	fail(&failing[17])
	fail(&failing[18])
	for _, c := range []struct {
		name  string
		base  int64
		rows  []Row
		bound float64 // bytes a row
	}{
		{"none", 0, nil, 0},
		{"one", 0, fleet(rng, 0, 1, 1), 40},
		{"a healthy hour", 1_795_500_000_000, fleet(rng, 0, 60, 60_000), 6.6},
		{"ten healthy hours", 1_795_500_000_000, fleet(rng, 0, 600, 60_000), 5.6},
		{"two failures", 1_795_500_000_000, failing, 7.6},
		{"the most rows, all alike", 0, make([]Row, MaxRows), 0.01},
		{"extremes", math.MinInt64, wild, 75},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e Encoder
			block := e.Append([]byte("before"), c.base, c.rows)
			got, err := Decode(nil, c.base, block[6:])
			if err != nil || !slices.Equal(got, c.rows) {
				t.Fatalf("got %d rows, %v, want %d alike", len(got), err, len(c.rows))
			}
			if n := float64(len(block) - 6); len(c.rows) > 0 && n/float64(len(c.rows)) > c.bound {
				t.Errorf("%.2f bytes a row, at most %.2f expected", n/float64(len(c.rows)), c.bound)
			}
			for cut := 0; cut < len(block)-6; cut += 1 + cut/50 {
				if _, err := Decode(nil, c.base, block[6:6+cut]); !errors.Is(err, ErrCorrupt) {
					t.Fatalf("cut to %d bytes: %v", cut, err)
				}
			}
		})
	}
}

// What was written once is read for ever: these bytes never change.
func TestGolden(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	rows := fleet(rng, 5, 8, 1000)
	fail(&rows[3])
	const v1 = "01087ffe000ffc03403fc02019e1e0401e000f0081ed024801f8040e3c0c0003fff00078040c480803056059880057fff583c4853d100c4b1a027787261b60838a8b0bff9a849900256e041c5c1803fd6c202428c75828e681483ffaa8586801c710218c800dff423c2113c0"
	var e Encoder
	if got := hex.EncodeToString(e.Append(nil, 1_795_500_000_000, rows)); got != v1 {
		t.Errorf("version 1 is now written as\n%s", got)
	}
	block, _ := hex.DecodeString(v1)
	if got, err := Decode(nil, 1_795_500_000_000, block); err != nil || !slices.Equal(got, rows) {
		t.Errorf("version 1 is read as %+v, %v", got, err)
	}
}

func TestFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	rows := fleet(rng, 0, 3600, 1000)
	var e Encoder
	var got []Row
	blocks := 0
	for rest := rows; len(rest) > 0; blocks++ {
		block, n := e.Fit(nil, 0, rest, 1990)
		if len(block) > 1990 || n == 0 {
			t.Fatalf("%d rows in %d bytes", n, len(block))
		}
		got, _ = Decode(got, 0, block)
		rest = rest[n:]
	}
	if !slices.Equal(got, rows) {
		t.Error("rows differ")
	}
	if blocks > 12 {
		t.Errorf("%d blocks of 1,990 bytes for 3,600 rows, 12 expected", blocks)
	}
}

func TestDecodeRefuses(t *testing.T) {
	var e Encoder
	good := e.Append(nil, 0, fleet(rand.New(rand.NewPCG(1, 1)), 1, 10, 1000))
	for _, c := range []struct {
		name  string
		block []byte
	}{
		{"nothing", nil},
		{"another version", append([]byte{Version + 1}, good[1:]...)},
		{"a byte too many", append(slices.Clone(good), 0)},
		{"a bomb", []byte{Version, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0}},
		{"a bomb within int", []byte{Version, 0x81, 0x20, 0, 0}},
		{"random", bytes.Repeat([]byte{Version, 0xa5}, 40)},
	} {
		if rows, err := Decode(nil, 0, c.block); !errors.Is(err, ErrCorrupt) || len(rows) != 0 {
			t.Errorf("%s: %d rows, %v", c.name, len(rows), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var e Encoder
	rows := fleet(rand.New(rand.NewPCG(1, 1)), 1, 20, 1000)
	f.Add(e.Append(nil, 0, rows))
	fail(&rows[3])
	f.Add(e.Append(nil, 0, rows))
	f.Fuzz(func(t *testing.T, block []byte) {
		rows, err := Decode(nil, 0, block)
		if err != nil {
			return
		}
		var e Encoder
		again, err := Decode(nil, 0, e.Append(nil, 0, rows))
		if err != nil || !slices.Equal(again, rows) {
			t.Fatalf("%v: %+v became %+v", err, rows, again)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	rows := fleet(rand.New(rand.NewPCG(1, 1)), 0, 60, 60_000)
	var e Encoder
	var block []byte
	for b.Loop() {
		block = e.Append(block[:0], 1_795_500_000_000, rows)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
	b.ReportMetric(float64(len(block))/float64(len(rows)), "B/row")
}

func BenchmarkDecode(b *testing.B) {
	var e Encoder
	block := e.Append(nil, 1_795_500_000_000, fleet(rand.New(rand.NewPCG(1, 1)), 0, 60, 60_000))
	var rows []Row
	for b.Loop() {
		rows, _ = Decode(rows[:0], 1_795_500_000_000, block)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
