package spool

import (
	"context"
	"slices"
	"sync"
	"testing"

	"lookout/probes/wire"
)

// Who waits for the disk keeps nobody: rows are appended, taken and let go while
// files are rewritten under them, and each of them comes once.
func TestTending(t *testing.T) {
	s := openAt(t, memoryDir(t), Options{}, aBoot)
	ctx, cancel := context.WithCancel(t.Context())
	var tenders, wg sync.WaitGroup
	tenders.Go(func() {
		for ctx.Err() == nil {
			s.tend()
		}
	})
	const rows = 20_000
	came := make(chan uint32, rows)
	appended := make(chan struct{})
	wg.Go(func() {
		defer close(appended)
		for id := uint32(0); id < rows; id += 4 {
			if err := s.Append([]wire.Row{aRow(id, t0), aRow(id+1, t0), aRow(id+2, t0), aRow(id+3, t0)}, wire.Version{}, t0); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for n := 0; ; n++ {
				over := false
				select {
				case <-appended:
					over = true
				default:
				}
				run, ok := s.Take(false, 1+n%700, t0)
				switch {
				case !ok && over:
					return
				case n%3 == 0 && !over:
					s.Unsent(run)
				default:
					for _, r := range run.Rows {
						came <- r.Monitor
					}
					s.Sent(run)
				}
			}
		})
	}
	wg.Wait()
	cancel()
	tenders.Wait()
	rest, _, _ := monitors(s, t0) // what one gave back when the other had ended
	close(came)
	for id := range came {
		rest = append(rest, id)
	}
	if slices.Sort(rest); !slices.Equal(rest, numbersFrom(0, rows)) || s.Dropped() != 0 {
		t.Errorf("%d of %d came, %d given up", len(rest), rows, s.Dropped())
	}
}

func TestRun(t *testing.T) {
	s := openAt(t, memoryDir(t), Options{}, aBoot)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { s.Run(ctx); close(over) }()
	fill(t, s, 0, 10, t0)
	cancel()
	<-over
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s.tend() // a closed one is left alone
}
