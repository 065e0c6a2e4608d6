package probetest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Listener does what none should.
type Listener struct {
	Name   string
	Never  bool                    // nobody who reads may take it for what it should be
	Listen func(testing.TB) string // starts it, and returns its address
}

// Hostile is text that hurts what shows it raw: escape sequences, a carriage
// return that repaints the line, C1, bidi and zero-width characters, bytes that are no UTF-8.
const Hostile = "\x1b]0;pwned\x07\x1b[2J\x1b[31mred\r up \u009b31m\u202eevil\u200b\x00\x7f\xff\xfe\r\n"

// Listeners are those that hurt, for tcp or udp.
func Listeners(network string) []Listener {
	switch network {
	case "tcp":
		return []Listener{
			{"closed", true, Closed},
			{"silent", true, serve(func(c net.Conn) { read(c) })},
			{"hang up", true, serve(func(c net.Conn) {})},
			{"reset", true, serve(func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) })},
			{"garbage", true, serve(func(c net.Conn) { c.Write(garbage()); read(c) })},
			{"garbage and hang up", true, serve(func(c net.Conn) { c.Write(garbage()) })},
			{"drip", true, serve(func(c net.Conn) { drip(c, []byte("H")) })},
			{"huge", true, serve(func(c net.Conn) { endless(c, make([]byte, 64<<10)) })},
			{"endless lines", true, serve(func(c net.Conn) { endless(c, []byte("220-more\r\n")) })},
			{"a million lines", true, serve(func(c net.Conn) {
				thousand := bytes.Repeat([]byte("220-more\r\n"), 1000)
				for range 1000 {
					if _, err := c.Write(thousand); err != nil {
						return
					}
				}
				read(c)
			})},
			{"a line now and then", true, serve(func(c net.Conn) { drip(c, []byte("220-more\r\n")) })},
			{"zeros", true, serve(func(c net.Conn) { c.Write(make([]byte, 300)); read(c) })},
			{"no end of line", true, serve(func(c net.Conn) { c.Write([]byte("2")); read(c) })},
			{"half closed", true, serve(func(c net.Conn) { c.(*net.TCPConn).CloseWrite(); read(c) })},
			{"half closed in the midst", true, serve(func(c net.Conn) {
				c.Write([]byte("220-more\r\n"))
				c.(*net.TCPConn).CloseWrite()
				read(c)
			})},
			{"reset in the midst", true, serve(func(c net.Conn) {
				c.Write([]byte("220-more\r\n"))
				c.(*net.TCPConn).SetLinger(0)
			})},
			{"echo", true, serve(echo)},
			{"hostile", true, serve(func(c net.Conn) { c.Write([]byte(Hostile)); read(c) })},
			{"hostile HTTP", false, serve(func(c net.Conn) {
				c.Write([]byte("HTTP/1.1 500 " + Hostile + "Server: " + Hostile + "\r\n" + Hostile))
			})},
		}
	case "udp":
		return []Listener{
			{"closed", true, closedUDP},
			{"silent", true, ServeUDP(func([]byte) [][]byte { return nil })},
			{"garbage", true, ServeUDP(func([]byte) [][]byte { return [][]byte{garbage(), {}, {0}} })},
			{"echo", true, ServeUDP(func(b []byte) [][]byte { return [][]byte{b} })},
			{"hostile", true, ServeUDP(func(b []byte) [][]byte { return [][]byte{append(append([]byte{}, b...), Hostile...)} })},
			{"header only", true, ServeUDP(func(b []byte) [][]byte { return [][]byte{append([]byte{b[0], b[1], 0x81, 0x80}, garbage()...)} })},
		}
	}
	return nil
}

func garbage() []byte {
	b := make([]byte, 700)
	x := uint32(2463534242) // xorshift: the same garbage each time
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

// read reads until the other side hangs up.
func read(c net.Conn) {
	buf := make([]byte, 4096)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// drip sends a little now and then for ever.
func drip(c net.Conn, b []byte) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// echo says what it hears. It does not leave it to the kernel, whose pipes for it stay open.
func echo(c net.Conn) {
	io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
}

func endless(c net.Conn, b []byte) {
	for {
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// Serve starts a TCP listener that hands each connection to do, then closes it.
// It returns its address and ends with the test.
func Serve(t testing.TB, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				do(c)
				mu.Lock()
				delete(open, c)
				mu.Unlock()
				c.Close()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

func serve(do func(net.Conn)) func(testing.TB) string {
	return func(t testing.TB) string { return Serve(t, do) }
}

// ServeUDP makes a listener that answers each packet with those that do returns.
func ServeUDP(do func([]byte) [][]byte) func(testing.TB) string {
	return func(t testing.TB) string {
		t.Helper()
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			buf := make([]byte, 65536)
			for {
				n, from, err := c.ReadFrom(buf)
				if err != nil {
					return
				}
				for _, answer := range do(buf[:n]) {
					c.WriteTo(answer, from)
				}
			}
		})
		t.Cleanup(func() { c.Close(); wg.Wait() })
		return c.LocalAddr().String()
	}
}

// Closed returns the address of a port on which nothing listens.
func Closed(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func closedUDP(t testing.TB) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}
