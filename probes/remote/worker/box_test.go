package worker

import (
	"testing"
	"time"

	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

func TestBox(t *testing.T) {
	lots := func(n int, v wire.Version) []lot { return []lot{{v, make([]wire.Row, n)}} }
	count := func(l letter) (n int) {
		for _, in := range l.lots {
			n += len(in.rows)
		}
		return n
	}
	b := newBox(7)
	b.put(letter{counts: counts{Scheduled: 1}})
	select {
	case <-b.full:
		t.Error("the sender is woken for nothing")
	default:
	}
	b.put(letter{lots: lots(3, version(1, 1)), urgent: true, counts: counts{Scheduled: 2}})
	b.put(letter{lots: lots(1, version(1, 1))})
	b.put(letter{lots: lots(2, version(1, 2)), up: true, counts: counts{Scheduled: 3}, obeyed: version(1, 2)})
	<-b.full
	l := b.take()
	if len(l.lots) != 2 || len(l.lots[0].rows) != 4 || l.lots[1].obeyed != version(1, 2) || count(l) != 6 || !l.urgent || !l.up || l.counts.Scheduled != 3 || l.obeyed != version(1, 2) {
		t.Errorf("%+v", l)
	}
	if l = b.take(); len(l.lots) != 0 || l.urgent || l.up || l.counts.Scheduled != 3 {
		t.Errorf("emptied, it has %+v", l)
	}
	for range 3 {
		b.put(letter{lots: lots(maxBoxed/2, version(1, 2))})
	}
	if l = b.take(); count(l) != maxBoxed || l.lost != maxBoxed/2 {
		t.Errorf("%d results, %d lost", count(l), l.lost)
	}
	if epoch, trouble := b.told(); epoch != 7 || trouble != nil {
		t.Errorf("epoch %d, %v", epoch, trouble)
	}
	b.tell(9, errAway)
	if epoch, trouble := b.told(); epoch != 9 || trouble != errAway {
		t.Errorf("epoch %d, %v", epoch, trouble)
	}
}

// TestSlowDisk keeps the loop going while the spool stands still.
func TestSlowDisk(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		var slow *slowSpool
		p := o.start(func(opt *Options) {
			slow = &slowSpool{Spool: opt.Spool, held: make(chan struct{})}
			opt.Spool = slow
		})
		o.assign(version(1, 1), []string{"a"}, regular(0, 60))
		after(2 * time.Minute) // of which the disk stands still all
		o.deliver(o.shared(), topology.TypeRequest, o.request(nil))
		after(time.Second)
		if n := len(o.replies()); n != 1 {
			t.Errorf("%d replies while the disk stands still", n)
		}
		close(slow.held)
		after(15 * time.Second)
		if n := len(o.rows()); n < 110 {
			t.Errorf("%d results when it goes on", n)
		}
		p.stop()
	})
}

// slowSpool takes nothing until held is closed.
type slowSpool struct {
	Spool
	held chan struct{}
}

func (s *slowSpool) Append(rows []wire.Row, obeyed wire.Version, now time.Time) error {
	<-s.held
	return s.Spool.Append(rows, obeyed, now)
}
