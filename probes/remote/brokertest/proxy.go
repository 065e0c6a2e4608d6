package brokertest

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is a TCP proxy that can do to connections what a network does. It
// begins with passing everything on.
type Proxy struct {
	l  net.Listener
	to string

	sent, received atomic.Int64 // bytes from the clients, and to them
	accepted       atomic.Int64
	work           sync.WaitGroup // the accepting goroutine and those of the connections

	mu     sync.Mutex
	closed bool
	refuse bool
	delay  time.Duration
	open   chan struct{} // closed while bytes pass
	conns  map[*net.TCPConn]bool
	done   chan struct{} // closed by Close
}

// NewProxy listens on a port of 127.0.0.1 and passes on to an address.
func NewProxy(to string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{l: l, to: to, open: make(chan struct{}), conns: make(map[*net.TCPConn]bool), done: make(chan struct{})}
	close(p.open)
	p.work.Go(p.accept)
	return p, nil
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return p.l.Addr().String() }

// URL is what a client without TLS dials, if a broker is behind it.
func (p *Proxy) URL(user, password, vhost string) string {
	return URL("amqp", p.Addr(), user, password, vhost)
}

// Pass passes everything on, at once: what a Stall held too.
func (p *Proxy) Pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse, p.delay = false, 0
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}

// Stall passes nothing on, neither bytes nor the end of a connection: what
// the other side notices is silence. New connections are taken, and silent too.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.open:
		p.open = make(chan struct{})
	default:
	}
}

// Delay passes everything on, this much later each way.
func (p *Proxy) Delay(d time.Duration) {
	p.Pass()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Reset resets every connection, on both sides. New ones are passed on as before.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.SetLinger(0) // a connection that is closed needs none
		_ = c.Close()
	}
}

// Refuse resets every connection, and new ones too, until Pass.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	p.refuse = true
	p.mu.Unlock()
	p.Reset()
}

// Sent is how many bytes the clients sent that were passed on.
func (p *Proxy) Sent() int64 { return p.sent.Load() }

// Received is how many bytes were passed on to the clients.
func (p *Proxy) Received() int64 { return p.received.Load() }

// Accepted is how many connections there were.
func (p *Proxy) Accepted() int64 { return p.accepted.Load() }

// Close resets everything, and returns when all of it has ended. It may be called again.
func (p *Proxy) Close() {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		close(p.done)
		_ = p.l.Close()
	}
	p.Reset()
	p.work.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the client went away again
		}
		p.accepted.Add(1)
		p.work.Go(func() { p.serve(c.(*net.TCPConn)) })
	}
}

// serve joins a connection with one of its own to the address behind.
func (p *Proxy) serve(client *net.TCPConn) {
	if !p.hold(client) {
		return
	}
	defer p.drop(client)
	if !p.gate() {
		return
	}
	c, err := net.DialTimeout("tcp", p.to, 5*time.Second)
	if err != nil {
		_ = client.SetLinger(0)
		return
	}
	server := c.(*net.TCPConn)
	if !p.hold(server) {
		return
	}
	defer p.drop(server)
	var both sync.WaitGroup
	both.Go(func() { p.pump(server, client, &p.sent) })
	both.Go(func() { p.pump(client, server, &p.received) })
	both.Wait()
}

// hold keeps a connection where Reset finds it, or resets it at once.
func (p *Proxy) hold(c *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		_ = c.SetLinger(0)
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

// gate waits while everything is stalled. It reports whether to go on.
func (p *Proxy) gate() bool {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	select {
	case <-open:
		return true
	case <-p.done:
		return false
	}
}

// piece is what was read at once, and when it may be passed on.
type piece struct {
	data []byte
	at   time.Time
	err  error // the end, after data
}

// pump passes on in one direction, until its end or that of the proxy. Then both
// connections are closed: AMQP has no use for one that is half open.
func (p *Proxy) pump(dst, src *net.TCPConn, count *atomic.Int64) {
	pieces := make(chan piece, 64) // from the reader to the writer: what a delay holds
	gone := make(chan struct{})    // closed when the writer has ended
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(pieces)
		for p.gate() { // what is stalled is not read: the sender's buffers fill
			buf := make([]byte, 32<<10)
			n, err := src.Read(buf)
			p.mu.Lock()
			at := time.Now().Add(p.delay)
			p.mu.Unlock()
			select {
			case pieces <- piece{buf[:n], at, err}:
			case <-gone:
				return
			}
			if err != nil {
				return
			}
		}
	})
	for {
		next, more := <-pieces
		if !more || !p.wait(next.at) || !p.gate() { // no more: the proxy ended while it was stalled
			break
		}
		count.Add(int64(len(next.data))) // first: who reads it sees it counted
		_, err := dst.Write(next.data)
		if err != nil || next.err != nil {
			break
		}
	}
	close(gone)
	_ = dst.Close()
	_ = src.Close()
	reader.Wait()
}

// wait waits until a time. It reports whether to go on.
func (p *Proxy) wait(until time.Time) bool {
	d := time.Until(until)
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.done:
		return false
	}
}
