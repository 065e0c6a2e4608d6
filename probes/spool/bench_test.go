package spool

import (
	"testing"

	"lookout/probes/wire"
)

// BenchmarkAppend is one result as it comes, sent away now and then.
func BenchmarkAppend(b *testing.B) {
	s := openAt(b, b.TempDir(), Options{}, aBoot)
	rows := stream(1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		now := t0.AddDate(0, 0, 1)
		if err := s.Append(rows[i%len(rows):i%len(rows)+1], wire.Version{}, now); err != nil {
			b.Fatal(err)
		}
		if i++; i%500 == 0 {
			run, _ := s.Take(false, 1000, now)
			s.Sent(run)
		}
	}
}

// BenchmarkTake is a back-fill of sealed files, by result.
func BenchmarkTake(b *testing.B) {
	s := openAt(b, b.TempDir(), Options{}, aBoot)
	rows := stream(9)
	for part := range 9 {
		if err := s.Append(rows[part*1000:(part+1)*1000], wire.Version{}, t0); err != nil {
			b.Fatal(err)
		}
	}
	s.tend()
	late := t0.AddDate(0, 0, 1)
	n := 0
	for b.Loop() {
		if n > 0 {
			n--
			continue
		}
		run, ok := s.Take(true, 1000, late)
		if !ok {
			b.Fatal("nothing to take")
		}
		s.Unsent(run)
		n = len(run.Rows) - 1
	}
}
