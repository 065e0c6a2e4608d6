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

	mu     sync.Mutex // of what follows
	letter letter
	epoch  uint64 // of the spool, as the sender last saw it
}

// letter is what lies in the box. What is not emptied with it stays until it is replaced.
type letter struct {
	rows   []wire.Row // emptied
	urgent bool       // emptied: one of them tells of a change
	up     bool       // emptied: the link is there, or there again
	counts counts
	obeyed wire.Version
	lost   uint64 // results for which there was no room, since the start
}

func newBox(epoch uint64) *box { return &box{full: make(chan struct{}, 1), epoch: epoch} }

// put adds results to those in the box, and replaces what counts and versions it has.
func (b *box) put(l letter) {
	b.mu.Lock()
	old := &b.letter
	l.lost = old.lost
	if room := maxBoxed - len(old.rows); len(l.rows) > room {
		l.lost += uint64(len(l.rows) - room)
		l.rows = l.rows[:room]
	}
	wake := len(l.rows) > 0 || l.up
	l.rows = append(old.rows, l.rows...)
	l.urgent, l.up = l.urgent || old.urgent, l.up || old.up
	b.letter = l
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
	b.letter.rows, b.letter.urgent, b.letter.up = nil, false, false
	return l
}

// tell has the loop know the spool's epoch.
func (b *box) tell(epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch = epoch
}

func (b *box) told() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.epoch
}
