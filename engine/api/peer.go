package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"lookout/engine/uptime"
)

// peer is who is at the other end of a connection.
type peer struct {
	uid   int
	known bool
}

type peerKey struct{}

// peerOf is who sent a request.
func peerOf(ctx context.Context) peer {
	p, _ := ctx.Value(peerKey{}).(peer)
	return p
}

func identify(c net.Conn) (p peer) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return p
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return p
	}
	err = raw.Control(func(fd uintptr) {
		if uid, err := peerUID(int(fd)); err == nil {
			p = peer{uid, true}
		}
	})
	if err != nil {
		return peer{}
	}
	return p
}

// name is the user's name, or his number where it has none.
func (p peer) name() string {
	if !p.known {
		return "unknown"
	}
	id := strconv.Itoa(p.uid)
	if u, err := user.LookupId(id); err == nil {
		return uptime.Clean(u.Username, 80)
	}
	return "uid " + id
}

// owner reports whether the peer is root or the user that the engine runs as.
func (p peer) owner() bool { return p.known && (p.uid == 0 || p.uid == os.Geteuid()) }

// actor says in whose name a request acts, or why it may not.
func (s *server) actor(r *http.Request) (string, error) {
	p := peerOf(r.Context())
	name := p.name()
	as := uptime.Clean(r.Header.Get(headerAs), 80)
	switch {
	case as != "" && !(p.known && p.uid == 0):
		return "", &Error{http.StatusForbidden, "only root may act for somebody else", "leave out --as"}
	case as != "":
		return as, nil
	case p.owner() || p.known && slices.Contains(s.config().Operators, name):
		return name, nil
	}
	return "", &Error{http.StatusForbidden, fmt.Sprintf("%s may look and not act", name), "the owner of the engine can list users in operators"}
}

// guard limits how many connections a server has, and knows who is at their other end.
type guard struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newGuard(l net.Listener, most int) *guard {
	return &guard{
		Listener: l,
		slots:    make(chan struct{}, most), // acceptor in, connections out: one for each that is open
		closed:   make(chan struct{}),       // closed when the listener is
	}
}

// Accept waits for a free place and the next connection.
func (g *guard) Accept() (net.Conn, error) {
	select {
	case g.slots <- struct{}{}:
	case <-g.closed:
		return nil, net.ErrClosed
	}
	c, err := g.Listener.Accept()
	if err != nil {
		<-g.slots
		return nil, err
	}
	return &conn{Conn: c, peer: identify(c), free: sync.OnceFunc(func() { <-g.slots })}, nil
}

// Close closes the listener.
func (g *guard) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}

type conn struct {
	net.Conn
	peer peer
	free func()
}

// Close closes the connection and makes place for the next.
func (c *conn) Close() error {
	c.free()
	return c.Conn.Close()
}
