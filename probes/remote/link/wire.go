package link

import (
	"net"
	"sync"
	"time"
)

const (
	writeTime  = 5 * time.Second // for a piece to leave
	writePiece = 16 << 10        // bytes; what a slow line carries in that time
)

// wire is what the AMQP client reads and writes. The client has no deadline for
// writing, and holds the locks that closing needs while it writes; here each
// write has one. Deadlines for reading are kept here too, the client's are ignored.
type wire struct {
	net.Conn          // TLS or not
	raw      net.Conn // below it: closing it ends whatever waits
	frames   *frames  // of what comes

	mu       sync.Mutex
	patience time.Duration // for something to arrive
	head     []byte        // the first bytes that came, up to 8: what the other end speaks
	heard    time.Time     // when something came last
	err      error         // the first failure
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c, raw: c, patience: silence}
	w.frames = newFrames(receiver{w})
	return w
}

// Read reads what the broker sends, without bodies that are too large.
func (w *wire) Read(b []byte) (int, error) { return w.frames.Read(b) }

// receiver reads a wire as it comes.
type receiver struct{ w *wire }

func (r receiver) Read(b []byte) (int, error) { return r.w.receive(b) }

// receive waits no longer than the wire's patience.
func (w *wire) receive(b []byte) (int, error) {
	w.mu.Lock()
	err := w.Conn.SetReadDeadline(time.Now().Add(w.patience))
	w.mu.Unlock()
	if err != nil {
		return 0, w.failed(err)
	}
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	if n > 0 {
		w.heard = time.Now()
		w.head = append(w.head, b[:min(n, 8-len(w.head))]...)
	}
	w.mu.Unlock()
	return n, w.failed(err)
}

// Write gives each piece its time, and ends the connection when one needs longer.
func (w *wire) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		piece := b[:min(len(b), writePiece)]
		var m int
		if err = w.Conn.SetWriteDeadline(time.Now().Add(writeTime)); err == nil {
			m, err = w.Conn.Write(piece)
		}
		n += m
		b = b[m:]
	}
	if err != nil {
		w.failed(err)
		w.cut()
	}
	return n, err
}

// wait sets the patience from now on.
func (w *wire) wait(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patience = patience
	_ = w.Conn.SetReadDeadline(time.Now().Add(patience)) // of the read that waits; it fails by itself where this fails
}

// SetDeadline does nothing: see wire.
func (w *wire) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing: see wire.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing: see wire.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// cut ends the connection without a word.
func (w *wire) cut() { _ = w.raw.Close() }

// failed keeps the first failure, and returns err.
func (w *wire) failed(err error) error {
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.err == nil {
			w.err = err
		}
	}
	return err
}

// failure is the first failure, nil for none.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// quiet is for how long nothing has come.
func (w *wire) quiet() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.heard)
}

// began are the first bytes that came.
func (w *wire) began() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head
}
