package dispatch

import (
	"maps"
	"sync"
	"time"
)

// pauseSoon is how long a pause may wait for others: each changes a chunk.
const pauseSoon = time.Second

// pauses are the monitors that nobody checks. It is asked by whoever cuts chunks
// and told by an engine's loop, which waits for no cutting.
type pauses struct {
	mu    sync.Mutex // of what follows
	names map[string]bool
}

func (p *pauses) set(monitor string, paused bool) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.names[monitor] == paused {
		return false
	}
	if paused {
		p.names[monitor] = true
	} else {
		delete(p.names, monitor)
	}
	return true
}

func (p *pauses) now() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.names)
}

// Pause has a monitor not be checked anywhere, or be again. The probes are told
// within about a second. It never waits.
func (d *Dispatcher) Pause(monitor string, paused bool) {
	if !d.pauses.set(monitor, paused) {
		return
	}
	d.box.put(func(now time.Time) {
		if d.cutAt.IsZero() {
			d.cutAt = now.Add(pauseSoon)
		}
	})
}

// recut has the chunks cut again when a pause asks for it.
func (d *Dispatcher) recut(now time.Time) {
	if d.cutAt.IsZero() || now.Before(d.cutAt) {
		return
	}
	select {
	case d.cuts <- struct{}{}:
		d.cutAt = time.Time{}
	default: // it is being done, and may not know of the last one yet
	}
}
