package wire

import (
	"crypto/ed25519"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// seed adds the golden bodies of a kind, as they are before they are compressed.
func seed(f *testing.F, names ...string) {
	for _, name := range names {
		frame, err := os.ReadFile(filepath.Join("testdata", "v1", name))
		if err != nil {
			f.Fatal(err)
		}
		body := frame[headSize:]
		if kind(frame[3]).signed() {
			body = body[:len(body)-signatureSize]
			size, n := binary.Uvarint(body)
			body = body[n+int(size):]
		}
		if body, err = signer.Codec.unfold(frame[4], body); err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
}

// frameOf makes a frame of any body; orders get the right seal and signature, so
// that the body is reached.
func frameOf(k kind, body []byte) []byte {
	frame := []byte{'l', 'k', Major, byte(k), codingNone}
	if !k.signed() {
		return append(frame, body...)
	}
	s := seal
	var head fields
	s.write(k, &head)
	frame = append(binary.AppendUvarint(frame, uint64(len(head.buf))), head.buf...)
	frame = append(frame, body...)
	return append(frame, ed25519.Sign(key, frame)...)
}

func cleaned(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if len(s) > maxMessage || uptime.Clean(s, maxMessage) != s {
			t.Errorf("not cleaned: %q", s)
		}
	}
}

func harmless(t *testing.T, r *Row) {
	t.Helper()
	res := &r.Result
	cleaned(t, res.Message, res.Address, res.Content)
	for _, s := range res.Steps {
		cleaned(t, s.Step, s.Address, s.Error, s.Errno, s.Detail, s.URL)
	}
	for _, m := range res.Measures {
		cleaned(t, m.Name)
	}
	if c := res.Cert; c != nil {
		cleaned(t, append(c.Names, c.Issuer, c.Serial, c.Version, c.Chain, c.Cipher, c.KeyExchange)...)
	}
	if res.Time.IsZero() || res.Total < 0 || res.Total > maxTotal || res.Outcome > uptime.OutcomeDown || res.Size < 0 ||
		res.Status < 0 || len(res.Measures) > uptime.MaxMeasures || len(res.Steps) > maxSteps {
		t.Errorf("out of bounds: %+v", res)
	}
}

func FuzzBatch(f *testing.F) {
	seed(f, "batch", "empty-batch")
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := signer.Codec.ReadBatch(frameOf(kindBatch, body))
		if err != nil {
			return
		}
		for i := range b.Rows {
			harmless(t, &b.Rows[i])
		}
		frame, err := signer.Codec.Batch(b)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if again, err := signer.Codec.ReadBatch(frame); err != nil || again.Interval() != b.Interval() {
			t.Fatalf("written again, %v is %v: %v", b.Interval(), again.Interval(), err)
		}
	})
}

func FuzzReply(f *testing.F) {
	seed(f, "reply", "refusal")
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := signer.Codec.ReadReply(frameOf(kindReply, body))
		if err != nil {
			return
		}
		cleaned(t, p.Refusal)
		if p.Refusal == "" {
			harmless(t, &p.Row)
		}
	})
}

func FuzzHello(f *testing.F) {
	seed(f, "hello")
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := signer.Codec.ReadHello(frameOf(kindHello, body))
		if err == nil {
			cleaned(t, append(h.Types, h.Software)...)
			if len(h.Chunks) > MaxChunks || h.Free < 0 || h.Capacity < 0 {
				t.Errorf("out of bounds: %+v", h)
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	seed(f, "answer")
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := signer.Codec.ReadAnswer(frameOf(kindAnswer, body))
		if err == nil {
			cleaned(t, a.Message)
			if a.Total < 0 || a.Total > maxTotal || a.Outcome > uptime.OutcomeDown {
				t.Errorf("out of bounds: %+v", a)
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	seed(f, "manifest")
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := reads.Manifest(frameOf(kindManifest, body), now)
		if err == nil {
			cleaned(t, m.Live...)
			if len(m.Live) > MaxLive || len(m.Chunks) > MaxChunks || m.Place != ours {
				t.Errorf("out of bounds: %+v", m)
			}
		}
	})
}

func FuzzChunk(f *testing.F) {
	seed(f, "chunk")
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := reads.Chunk(frameOf(kindChunk, body))
		if err != nil {
			return
		}
		for i := range c.Monitors {
			m := &c.Monitors[i]
			cleaned(t, m.Name, m.Type, m.IP, m.Zone, m.Source)
			if m.wrong() != "" || len(m.Values) > maxKeys || len(m.Expect) > maxKeys {
				t.Errorf("out of bounds: %+v", m)
			}
		}
	})
}

func FuzzRequest(f *testing.F) {
	seed(f, "request")
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := reads.Request(frameOf(kindRequest, body), now)
		if err == nil && (q.Timeout < 0 || q.MaxAge < 0 || q.Full != nil && q.Full.wrong() != "") {
			t.Errorf("out of bounds: %+v", q)
		}
	})
}

// FuzzFrame has any bytes where an order or a saying is expected: nothing of
// what is not signed may be believed.
func FuzzFrame(f *testing.F) {
	for _, x := range all() {
		if frame, err := x.write(); err == nil {
			f.Add(frame)
		}
	}
	known := map[string]bool{}
	for _, x := range orders(reads, now) {
		frame, err := x.write()
		if err != nil {
			f.Fatal(err)
		}
		known[string(frame)] = true
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, x := range orders(reads, now) {
			if _, err := x.read(frame); err == nil && !known[string(frame)] {
				t.Fatalf("a %s that nobody signed is accepted", x.name)
			}
		}
		for _, x := range said() {
			if _, err := x.read(frame); err != nil && len(err.Error()) > 400 {
				t.Errorf("a long sentence: %v", err)
			}
		}
	})
}

// FuzzSeal has any seal that is signed: whom it is for and how long decides.
func FuzzSeal(f *testing.F) {
	var s fields
	sealed := seal
	sealed.write(kindCanary, &s)
	f.Add(s.buf)
	f.Fuzz(func(t *testing.T, head []byte) {
		frame := append([]byte{'l', 'k', Major, byte(kindCanary), codingNone}, binary.AppendUvarint(nil, uint64(len(head)))...)
		frame = append(frame, head...)
		frame = append(frame, ed25519.Sign(key, frame)...)
		c, err := reads.Canary(frame, now)
		if err == nil && (c.Place != ours || c.NotAfter.Before(now) || c.Version.Engine < obeyed.Engine || c.NotAfter.After(time.UnixMilli(maxMillis))) {
			t.Errorf("accepted: %+v", c)
		}
	})
}
