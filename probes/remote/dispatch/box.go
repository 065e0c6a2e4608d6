package dispatch

import (
	"sync"
	"time"
)

// maxAsked is how many questions may lie in the box; more are not asked.
const maxAsked = 4096

// box is where others leave what the loop is to do. Nobody who calls waits: the
// engine's own loop is among them, and this one may be waiting for that.
type box struct {
	full chan struct{} // callers → loop: there is something; 1, since it is emptied whole

	mu      sync.Mutex // of what follows
	letters []func(time.Time)
	asked   int
}

func newBox() box { return box{full: make(chan struct{}, 1)} }

// put leaves what is done however much there is: such are bounded elsewhere.
func (b *box) put(f func(time.Time)) {
	b.mu.Lock()
	b.letters = append(b.letters, f)
	b.mu.Unlock()
	b.ring()
}

// ask leaves a question, and reports whether there was room for it.
func (b *box) ask(f func(time.Time)) bool {
	b.mu.Lock()
	if b.asked >= maxAsked {
		b.mu.Unlock()
		return false
	}
	b.asked++
	b.letters = append(b.letters, f)
	b.mu.Unlock()
	b.ring()
	return true
}

func (b *box) ring() {
	select {
	case b.full <- struct{}{}:
	default:
	}
}

// empty takes all that is in it, in the order in which it came.
func (b *box) empty() []func(time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.letters
	b.letters, b.asked = nil, 0
	return all
}
