package probes

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// peakOf is by how much the heap grew at most while do ran, the server's part
// of it included, looked at now and then.
func peakOf(do func()) int64 {
	heap := func() int64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64())
	}
	base := heap()
	var peak atomic.Int64
	done, over := make(chan struct{}), make(chan struct{}) // both only closed: the end of do, and of looking
	go func() {
		defer close(over)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				peak.Store(max(peak.Load(), heap()-base))
			case <-done:
				return
			}
		}
	}()
	do()
	close(done)
	<-over
	return peak.Load()
}

// repeats sends a head and then the same for ever, or as long as it is listened to.
func repeats(head, text string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, head)
		text := []byte(strings.Repeat(text, 1+4096/len(text)))
		for {
			if _, err := c.Write(text); err != nil {
				return
			}
		}
	}
}

// drips sends a head and then a byte now and then for ever.
func drips(head string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, head)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
		}
	}
}

// TestHostileHTTP1 meets servers that mean it badly, each in bounded time and memory.
func TestHostileHTTP1(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	const packed = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
	tests := []struct {
		name  string
		fault uptime.Fault // with a condition on the body
		serve func(net.Conn)
	}{
		{"a million header lines", uptime.FaultHTTPHeadersTooLarge, repeats("HTTP/1.1 200 OK\r\n", "A: b\r\n")},
		{"a header line without end", uptime.FaultHTTPHeadersTooLarge, repeats("HTTP/1.1 200 OK\r\nA: ", "b")},
		{"a status line without end", uptime.FaultHTTPHeadersTooLarge, repeats("HTTP/1.1 200 ", "OK ")},
		{"interim answers without end", uptime.FaultHTTPMalformed, repeats("", "HTTP/1.1 100 Continue\r\n\r\n")},
		{"interim answers with large headers", uptime.FaultHTTPHeadersTooLarge, repeats("", "HTTP/1.1 103 Early Hints\r\nA: "+strings.Repeat("x", 20<<10)+"\r\n\r\n")},
		{"drip within the header", uptime.FaultHTTPTimeoutHeaders, drips("HTTP/1.1 200 OK\r\nA: ")},
		{"drip within the body", uptime.FaultHTTPTimeoutBody, drips("HTTP/1.1 200 OK\r\n\r\n")},
		{"drip within a chunk's size", uptime.FaultHTTPTimeoutBody, drips(chunked)},
		{"status of four digits", uptime.FaultHTTPMalformed, sends("HTTP/1.1 2000 OK\r\n\r\n")},
		{"status with a sign", uptime.FaultHTTPMalformed, sends("HTTP/1.1 +20 OK\r\n\r\n")},
		{"status 000", uptime.FaultHTTPMalformed, sends("HTTP/1.1 000 OK\r\n\r\n")},
		{"negative length", uptime.FaultHTTPMalformed, sends("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")},
		{"two lengths", uptime.FaultHTTPMalformed, sends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")},
		{"length past all bounds", uptime.FaultHTTPMalformed, sends("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello")},
		{"large length and an end", uptime.FaultHTTPTruncated, sends("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nhello")},
		{"chunk of a negative size", uptime.FaultHTTPMalformed, sends(chunked + "-5\r\nhello\r\n0\r\n\r\n")},
		{"chunk of a large size and an end", uptime.FaultHTTPTruncated, sends(chunked + "7fffffffffffffff\r\nhello")},
		{"chunk extensions without end", uptime.FaultHTTPMalformed, repeats(chunked, "1;"+strings.Repeat("x", 3000)+"\r\na\r\n")},
		{"a chunk extension without end", uptime.FaultHTTPMalformed, repeats(chunked+"1;", "x")},
		{"trailers without end", uptime.FaultHTTPMalformed, repeats(chunked+"5\r\nhello\r\n0\r\n", "A: b\r\n")},
		{"a body without end", uptime.FaultHTTPKeywordMissing, repeats("HTTP/1.1 200 OK\r\n\r\n", "hello")},
		{"gzip of nothing, again and again", uptime.FaultHTTPBodyTooLarge, repeats(packed, string(zipped("")))},
		{"gzip of gigabytes", uptime.FaultHTTPBodyTooLarge, repeats(packed, string(zipped(strings.Repeat("0", 8<<20))))},
		{"gzip that is none", uptime.FaultHTTPBadEncoding, sends(packed + "hello, hello, hello")},
		{"gzip cut short", uptime.FaultHTTPTruncated, sends(packed + string(zipped("hello"))[:12])},
		{"an encoding nobody asked for", uptime.FaultHTTPBadEncoding, sends("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nhello")},
		{"escape sequences", uptime.FaultHTTPMalformed, sends("HTTP/1.1 " + probetest.Hostile)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r uptime.Result
			peak := peakOf(func() {
				job := made(t, testSystem(), "http", "http://"+rawServer(t, tt.serve), nil, has("cart"))
				job.Timeout = 30 * time.Second      // to read megabytes on a machine that is busy
				if tt.fault.Side() == uptime.Path { // it is to wait until the time-out
					job = soon(job)
				}
				r = once(t, job)
			})
			if r.Fault != tt.fault {
				t.Errorf("%q: %s, want %q", r.Fault, r.Message, tt.fault)
			}
			if peak > 32<<20 {
				t.Errorf("%d MiB", peak>>20)
			}
		})
	}
}

// h2Server agrees on h2, reads the request and has do write frames. Then it waits.
func h2Server(t testing.TB, do func(fr *http2.Framer, c net.Conn) error) (to string, ca *authority) {
	t.Helper()
	ca = newCA(t, "test root", nil)
	config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}, NextProtos: []string{"h2"}}
	return probetest.Serve(t, func(c net.Conn) {
		s := tls.Server(c, config)
		defer s.Close()
		if _, err := io.ReadFull(s, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		fr := http2.NewFramer(s, s)
		fr.AllowIllegalWrites = true
		fr.WriteSettings()
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if f.Header().Type == http2.FrameHeaders {
				break
			}
		}
		drained := make(chan struct{}) // closed when the client has hung up
		go func() {
			defer close(drained)
			io.Copy(io.Discard, s)
		}()
		if do(fr, s) == nil {
			<-drained
		}
		s.Close()
		<-drained
	}), ca
}

// fields encodes a header.
func fields(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

func h2Headers(fr *http2.Framer, end bool, pairs ...string) error {
	return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fields(pairs...), EndHeaders: end})
}

// forever repeats a write until it fails.
func forever(do func() error) error {
	for {
		if err := do(); err != nil {
			return err
		}
	}
}

// TestHostileHTTP2 meets floods of every frame.
func TestHostileHTTP2(t *testing.T) {
	ok := func(fr *http2.Framer) error { return h2Headers(fr, true, ":status", "200") }
	tests := []struct {
		name  string
		fault uptime.Fault
		do    func(*http2.Framer, net.Conn) error
	}{
		{"silence", uptime.FaultHTTPTimeoutHeaders, func(*http2.Framer, net.Conn) error { return nil }},
		{"pings", uptime.FaultHTTPTimeoutHeaders, func(fr *http2.Framer, _ net.Conn) error {
			return forever(func() error { return fr.WritePing(false, [8]byte{}) })
		}},
		{"settings", uptime.FaultHTTPTimeoutHeaders, func(fr *http2.Framer, _ net.Conn) error {
			return forever(func() error { return fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}) })
		}},
		{"window updates", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error {
			return forever(func() error { return fr.WriteWindowUpdate(0, 1<<30) })
		}},
		{"continuations", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error {
			h2Headers(fr, false, ":status", "200")
			return forever(func() error { return fr.WriteContinuation(1, false, fields("a", strings.Repeat("x", 1000))) })
		}},
		{"empty continuations", uptime.FaultHTTPTimeoutHeaders, func(fr *http2.Framer, _ net.Conn) error {
			h2Headers(fr, false, ":status", "200")
			return forever(func() error { return fr.WriteContinuation(1, false, nil) })
		}},
		{"interim answers", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error {
			return forever(func() error { return h2Headers(fr, true, ":status", "103", "a", strings.Repeat("b", 5000)) })
		}},
		{"a header of 200 KiB", uptime.FaultHTTPHeadersTooLarge, func(fr *http2.Framer, _ net.Conn) error {
			h2Headers(fr, false, ":status", "200")
			for i := range 20 {
				fr.WriteContinuation(1, false, fields(fmt.Sprint("a", i), strings.Repeat("x", 10_000)))
			}
			return fr.WriteContinuation(1, true, nil)
		}},
		{"status that is none", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error { return h2Headers(fr, true, ":status", "2x0") }},
		{"no status", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error { return h2Headers(fr, true, "a", "b") }},
		{"data before the header", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error { return fr.WriteData(1, false, []byte("hello")) }},
		{"data past the window", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error {
			ok(fr)
			return forever(func() error { return fr.WriteData(1, false, make([]byte, 16<<10)) })
		}},
		{"empty data", uptime.FaultHTTPTimeoutBody, func(fr *http2.Framer, _ net.Conn) error {
			ok(fr)
			return forever(func() error { return fr.WriteData(1, false, nil) })
		}},
		{"a body without end", uptime.FaultHTTPTimeoutBody, func(fr *http2.Framer, _ net.Conn) error {
			ok(fr)
			return fr.WriteData(1, false, []byte("hello"))
		}},
		{"a stream that nobody opened", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error {
			return fr.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: fields(":method", "GET"), EndHeaders: true})
		}},
		{"resets of others", uptime.FaultHTTPTimeoutHeaders, func(fr *http2.Framer, _ net.Conn) error {
			return forever(func() error { return fr.WriteRSTStream(1<<20+1, http2.ErrCodeCancel) })
		}},
		{"reset", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error { return fr.WriteRSTStream(1, http2.ErrCodeInternal) }},
		{"reset within the body", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error { ok(fr); return fr.WriteRSTStream(1, http2.ErrCodeInternal) }},
		{"go away", uptime.FaultHTTPH2Error, func(fr *http2.Framer, _ net.Conn) error {
			return fr.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte(probetest.Hostile))
		}},
		{"hang up", uptime.FaultHTTPEmptyReply, func(fr *http2.Framer, c net.Conn) error { return io.EOF }},
		{"hang up within the body", uptime.FaultHTTPTruncated, func(fr *http2.Framer, c net.Conn) error { ok(fr); return io.EOF }},
		{"garbage", uptime.FaultHTTPH2Error, func(_ *http2.Framer, c net.Conn) error {
			_, err := c.Write(bytes.Repeat([]byte{0xff}, 4096))
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, ca := h2Server(t, tt.do)
			var r uptime.Result
			peak := peakOf(func() {
				job := made(t, testSystem(), "http", "https://"+to, keys{"ca_file": ca.pem()}, has("cart"))
				job.Timeout = 30 * time.Second      // as above
				if tt.fault.Side() == uptime.Path { // it is to wait until the time-out
					job = soon(job)
				}
				r = once(t, job)
			})
			if r.Fault != tt.fault || r.Outcome != uptime.OutcomeDown {
				t.Errorf("%q: %s, want %q", r.Fault, r.Message, tt.fault)
			}
			if peak > 32<<20 {
				t.Errorf("%d MiB", peak>>20)
			}
		})
	}
}
