//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// A packet on Ethernet: 14 B of Ethernet, 20 of IPv4, 32 of TCP with timestamps.
// Its segments are those of a network with an MTU of 1,500.
const (
	overhead = 14 + 20 + 32
	segment  = 1500 - 20 - 32
)

// A record of TLS 1.3 is 5 B of a head and 17 more than what it carries: the kind
// and a tag. One that carries a heartbeat of AMQP and nothing else is known by its size.
const (
	recordHead = 5
	recordMore = recordHead + 17
	heartbeat  = 8
)

// meter passes TCP connections on, and knows what they cost on the side of who
// dials it: the kernel counts the packets of each, those that only acknowledge
// too. The records of TLS in them are counted as they pass.
type meter struct {
	l    net.Listener
	to   string
	work sync.WaitGroup

	mu    sync.Mutex
	conns []*metered // none of which ends while something is measured
}

// metered is a connection.
type metered struct {
	*net.TCPConn
	up, down records
}

// traffic are both directions of a connection.
type traffic struct{ bytes, packets, records, heartbeats int64 }

// ethernet is what it costs there, in bytes.
func (t traffic) ethernet() int64 { return t.bytes + overhead*t.packets }

// amqp is what TLS carried, in bytes.
func (t traffic) amqp() int64 { return t.bytes - recordMore*t.records }

func (t traffic) plus(o traffic) traffic {
	return traffic{t.bytes + o.bytes, t.packets + o.packets, t.records + o.records, t.heartbeats + o.heartbeats}
}

func (t traffic) less(o traffic) traffic {
	return traffic{t.bytes - o.bytes, t.packets - o.packets, t.records - o.records, t.heartbeats - o.heartbeats}
}

// records counts those of one direction of TLS, which are written to it.
type records struct {
	n, heartbeats atomic.Int64
	head          []byte
	skip          int // bytes until the next head
}

func (r *records) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if r.skip > 0 {
			some := min(r.skip, len(b))
			r.skip, b = r.skip-some, b[some:]
			continue
		}
		some := min(recordHead-len(r.head), len(b))
		r.head, b = append(r.head, b[:some]...), b[some:]
		if len(r.head) == recordHead {
			r.skip = int(binary.BigEndian.Uint16(r.head[3:]))
			r.n.Add(1)
			if r.skip == heartbeat+recordMore-recordHead {
				r.heartbeats.Add(1)
			}
			r.head = r.head[:0]
		}
	}
	return n, nil
}

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
		near := &metered{TCPConn: c.(*net.TCPConn)}
		far, err := net.Dial("tcp", m.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		m.mu.Lock()
		m.conns = append(m.conns, near)
		m.mu.Unlock()
		m.work.Go(func() { m.pass(far, near, &near.up) })
		m.work.Go(func() { m.pass(near, far, &near.down) })
	}
}

// pass copies one way; the end of it ends both.
func (m *meter) pass(dst, src net.Conn, count *records) {
	_, _ = io.Copy(dst, io.TeeReader(src, count))
	_ = dst.Close()
	_ = src.Close()
}

// read is what a connection cost so far, by the order in which they were dialled.
func (m *meter) read(conn int) (traffic, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if conn >= len(m.conns) {
		return traffic{}, errors.New("a connection is missing")
	}
	c := m.conns[conn]
	raw, err := c.SyscallConn()
	if err != nil {
		return traffic{}, err
	}
	var info *unix.TCPInfo
	var failed error
	if err := raw.Control(func(fd uintptr) { info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); err != nil {
		return traffic{}, err // it was closed: there is nothing to be measured any more
	}
	if failed != nil {
		return traffic{}, failed
	}
	return traffic{
		bytes:   int64(info.Bytes_sent) + int64(info.Bytes_received),
		packets: int64(info.Segs_in) + int64(info.Segs_out),
		records: c.up.n.Load() + c.down.n.Load(), heartbeats: c.up.heartbeats.Load() + c.down.heartbeats.Load(),
	}, nil
}
