package worker

import (
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/spool"
)

// TestUnsendable: a result that no frame can be made of costs no other, is
// counted, and the engine is told that its number will not come.
func TestUnsendable(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(func(opt *Options) { opt.Spool = &spoiler{opt.Spool, 7} })
		o.assign(version(5, 1), []string{"a"}, regular(0, 60))
		after(5 * time.Minute)
		p.stop()
		came, lost, dropped := make(map[uint64]bool), make(map[uint64]bool), uint64(0)
		for _, b := range o.batches() {
			for i, r := range b.Rows {
				if came[b.From+uint64(i)] = true; r.Monitor == 7 {
					t.Error("what cannot be sent was sent")
				}
			}
			for _, l := range b.Lost {
				for n := l.From; n < l.To; n++ {
					lost[n] = true
				}
			}
			dropped = max(dropped, b.Counters.Dropped)
		}
		if len(lost) < 4 || len(lost) > 5 || uint64(len(lost)) > p.spool.Dropped() || dropped < uint64(len(lost)) {
			t.Errorf("%d are told to be lost, %d are counted as that, and %d at the end", len(lost), dropped, p.spool.Dropped())
		}
		if next := p.spool.Next(); uint64(len(came))+p.spool.Dropped() != next || len(came) < 290 {
			t.Errorf("of %d results %d came and %d are lost", next, len(came), p.spool.Dropped())
		}
		if p.spool.Depth() != 0 {
			t.Errorf("%d are left", p.spool.Depth())
		}
	})
}

// spoiler gives out rows of one monitor that cannot be sent.
type spoiler struct {
	Spool
	monitor uint32
}

func (s *spoiler) Take(late bool, most int, now time.Time) (spool.Run, bool) {
	run, ok := s.Spool.Take(late, most, now)
	for i := range run.Rows {
		if r := &run.Rows[i]; r.Monitor == s.monitor {
			r.Result.Measures = make([]uptime.Measure, uptime.MaxMeasures+1)
		}
	}
	return run, ok
}
