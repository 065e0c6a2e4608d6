//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A packet on Ethernet: 14 B of Ethernet, 20 of IPv4, 32 of TCP with timestamps.
// Its segments are those of a network with an MTU of 1,500.
const (
	overhead = 14 + 20 + 32
	segment  = 1500 - 20 - 32
)

// meter passes TCP connections on, and knows what they cost on the side of who
// dials it: the kernel counts the packets of each, those that only acknowledge
// too.
type meter struct {
	l    net.Listener
	to   string
	work sync.WaitGroup

	mu    sync.Mutex
	conns []*net.TCPConn // none of which ends while something is measured
}

// traffic are both directions of connections.
type traffic struct{ bytes, packets int64 }

func (t traffic) ethernet() int64 { return t.bytes + overhead*t.packets }

func (t traffic) less(o traffic) traffic { return traffic{t.bytes - o.bytes, t.packets - o.packets} }

func newMeter(to string) (*meter, error) {
	limit := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, segment+12) }), err)
	}}
	l, err := limit.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &meter{l: l, to: to}
	m.work.Go(m.accept)
	return m, nil
}

func (m *meter) addr() string { return m.l.Addr().String() }

func (m *meter) close() {
	_ = m.l.Close()
	m.mu.Lock()
	for _, c := range m.conns {
		_ = c.Close()
	}
	m.mu.Unlock()
	m.work.Wait()
}

func (m *meter) accept() {
	for {
		c, err := m.l.Accept()
		if err != nil {
			return
		}
		near := c.(*net.TCPConn)
		far, err := net.Dial("tcp", m.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		m.mu.Lock()
		m.conns = append(m.conns, near)
		m.mu.Unlock()
		m.work.Go(func() { m.pass(far, near) })
		m.work.Go(func() { m.pass(near, far) })
	}
}

// pass copies one way; the end of it ends both.
func (m *meter) pass(dst, src net.Conn) {
	_, _ = io.Copy(dst, src)
	_ = dst.Close()
	_ = src.Close()
}

// read is what the connections cost so far, from the one with a number on.
func (m *meter) read(from int) (traffic, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var t traffic
	if from > len(m.conns) {
		return t, errors.New("a connection is missing")
	}
	for _, c := range m.conns[from:] {
		raw, err := c.SyscallConn()
		if err != nil {
			return t, err
		}
		var info *unix.TCPInfo
		var failed error
		if err := raw.Control(func(fd uintptr) { info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); err != nil {
			return t, err // it was closed: there is nothing to be measured any more
		}
		if failed != nil {
			return t, failed
		}
		t.bytes += int64(info.Bytes_sent) + int64(info.Bytes_received)
		t.packets += int64(info.Segs_in) + int64(info.Segs_out)
	}
	return t, nil
}
