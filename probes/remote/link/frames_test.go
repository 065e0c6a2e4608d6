package link

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
	"testing"
	"testing/iotest"

	amqp "github.com/rabbitmq/amqp091-go"
)

func frame(kind byte, channel uint16, payload ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{kind}, channel)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(append(b, payload...), 0xCE)
}

// content is the header of a content and its body, in parts.
func content(channel uint16, size uint64, parts ...int) []byte {
	b := frame(2, channel, append(binary.BigEndian.AppendUint64([]byte{0, 60, 0, 0}, size), 0x80, 0)...)
	for _, n := range parts {
		b = append(b, frame(3, channel, make([]byte, n)...)...)
	}
	return b
}

func TestFrames(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	method, beat := frame(1, 1, 0, 60, 0, 60), frame(8, 0)
	tests := []struct {
		name     string
		in, want []byte
	}{
		{"nothing", nil, nil},
		{"a message", join(method, content(1, 5, 3, 2), beat), join(method, content(1, 5, 3, 2), beat)},
		{"the largest", content(1, MaxBody, MaxBody/2, MaxBody/2), content(1, MaxBody, MaxBody/2, MaxBody/2)},
		{"too large", join(method, content(1, MaxBody+1, MaxBody, 1), method, content(1, 1, 1)), join(method, content(1, 0), method, content(1, 1, 1))},
		{"beside another channel", join(content(1, MaxBody+1), content(2, 1, 1), frame(3, 1, make([]byte, MaxBody+1)...), content(1, 1, 1)), join(content(1, 0), content(2, 1, 1), content(1, 1, 1))},
		{"given up by the broker", join(content(1, 1<<40, 10), method, content(1, 1, 1)), join(content(1, 0), method, content(1, 1, 1))},
		{"of a size beyond all", join(content(1, 1<<63, 10), beat), join(content(1, 0), beat)},
		{"no frames", []byte("HTTP/1.1 400 Bad Request"), []byte("HTTP/1.1 400 Bad Request")},
		{"another protocol", []byte("AMQP\x00\x01\x00\x00"), []byte("AMQP\x00\x01\x00\x00")},
		{"a short header of a content", frame(2, 1, 0, 60), frame(2, 1, 0, 60)},
		{"cut", join(method, []byte{1, 0}), method},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(tt.in), iotest.OneByteReader(bytes.NewReader(tt.in))} {
				got, _ := io.ReadAll(newFrames(r))
				if !bytes.Equal(got, tt.want) {
					t.Errorf("%d bytes, want %d", len(got), len(tt.want))
				}
			}
		})
	}
}

// TestLargeMessage: the client holds none of it, and it is settled like any other.
func TestLargeMessage(t *testing.T) {
	t.Parallel()
	b := broker().Broker(t)
	a := newAdmin(t, b)
	q := a.queue("q", nil)
	for _, body := range [][]byte{make([]byte, 3*MaxBody), []byte("small")} {
		if err := a.ch.Publish("", q, true, false, amqp.Publishing{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	arrived := make(chan Delivery, 2)
	run(t, Options{URL: b.URL("guest", "guest", "/"), Consumers: []Consumer{{Queue: q, Prefetch: 2, Take: func(d Delivery) { d.Done(true); arrived <- d }}}})
	if d := receive(t, "large message", arrived); len(d.Body) != 0 {
		t.Errorf("%d bytes", len(d.Body))
	}
	if d := receive(t, "small message", arrived); string(d.Body) != "small" {
		t.Errorf("%q", d.Body)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(content(1, 5, 3, 2), 1)
	f.Add(content(1, 1<<40, 3, 2), 7)
	f.Add([]byte("HTTP/1.1"), 100)
	f.Add(frame(2, 1, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xE0, 0, 1, 'a', 1, 'b', 0, 0, 0, 8, 1, 'k', 'A', 0, 0, 0, 1, 'V'), 9)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		r := newFrames(bytes.NewReader(in))
		b := make([]byte, 1+max(0, n)%4096)
		total := 0
		for {
			n, err := r.Read(b)
			if total += n; err != nil {
				break
			}
		}
		if total > len(in) {
			t.Errorf("%d bytes of %d", total, len(in))
		}
	})
}

// TestHostileHeaders: what somebody writes into the headers of a message keeps no
// consumer from the next one. The client ends the connection for some of it, which
// the broker lets pass and delivers again.
func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	deep, wide, long := amqp.Table{}, amqp.Table{}, make([]any, 9000)
	for range 100 {
		deep = amqp.Table{"": deep}
	}
	for i := range 9000 {
		wide[strconv.Itoa(i)] = nil
	}
	b := broker().Broker(t)
	a := newAdmin(t, b)
	q := a.queue("q", nil)
	arrived := make(chan Delivery, 10)
	r := run(t, Options{URL: b.URL("guest", "guest", "/"), Consumers: []Consumer{{Queue: q, Prefetch: 10, Take: func(d Delivery) { d.Done(true); arrived <- d }}}})
	r.up()
	for name, headers := range map[string]amqp.Table{"deep": deep, "wide": wide, "long": {"x-death": long}, "well": {"x-death": []any{amqp.Table{"reason": "expired", "queue": "loc.fra"}}}} {
		p := amqp.Publishing{Headers: headers, Type: name, MessageId: name, ContentType: "text/plain", ContentEncoding: "zstd", Body: []byte(name)}
		if err := a.ch.Publish("", q, true, false, p); err != nil {
			t.Fatal(err)
		}
		d := receive(t, name, arrived)
		if d.ID != name || d.Type != name || d.Encoding != "zstd" || string(d.Body) != name || d.Redelivered || (d.Dead == "expired") != (name == "well") {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
