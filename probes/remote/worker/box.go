package worker

import (
	"sync"

	"lookout/probes/wire"
)

// maxBoxed is how many results lie in the box at most, while the disk stands still.
const maxBoxed = 100_000

// box is where the loop leaves what the sender is to do, without waiting for it.
type box struct {
	full chan struct{} // loop → sender: there is something; 1, since it is emptied whole

	mu      sync.Mutex // of what follows
	letter  letter
	has     int    // results in it
	epoch   uint64 // of the spool, as the sender last saw it
	trouble error  // why its disk takes nothing, likewise; nil: it takes
}

// letter is what lies in the box. What is not emptied with it stays until it is replaced.
type letter struct {
	lots   []lot // emptied: results
	urgent bool  // emptied: one of them tells of a change
	up     bool  // emptied: the link is there, or there again
	counts counts
	obeyed wire.Version
	lost   uint64 // results for which there was no room, since the start
}

// lot are results that were measured under one version of what the engine wants.
type lot struct {
	obeyed wire.Version
	rows   []wire.Row
}

// add puts a result behind the others.
func (l *letter) add(row wire.Row, obeyed wire.Version) {
	if n := len(l.lots); n == 0 || l.lots[n-1].obeyed != obeyed {
		l.lots = append(l.lots, lot{obeyed: obeyed})
	}
	last := &l.lots[len(l.lots)-1]
	last.rows = append(last.rows, row)
}

func newBox(epoch uint64) *box { return &box{full: make(chan struct{}, 1), epoch: epoch} }

// put adds results to those in the box, and replaces what counts and versions it has.
func (b *box) put(l letter) {
	b.mu.Lock()
	old := &b.letter
	old.urgent, old.up = old.urgent || l.urgent, old.up || l.up
	old.counts, old.obeyed = l.counts, l.obeyed
	for _, in := range l.lots {
		for _, row := range in.rows {
			if b.has == maxBoxed {
				old.lost++
				continue
			}
			old.add(row, in.obeyed)
			b.has++
		}
	}
	wake := len(l.lots) > 0 || l.up
	b.mu.Unlock()
	if wake {
		select {
		case b.full <- struct{}{}:
		default:
		}
	}
}

// take empties the box.
func (b *box) take() letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.letter
	b.letter.lots, b.letter.urgent, b.letter.up, b.has = nil, false, false, 0
	return l
}

// tell has the loop know the spool's epoch, and why its disk takes nothing.
func (b *box) tell(epoch uint64, trouble error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch, b.trouble = epoch, trouble
}

func (b *box) told() (epoch uint64, trouble error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.epoch, b.trouble
}
