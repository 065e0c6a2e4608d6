package api

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

func TestFrames(t *testing.T) {
	var b bytes.Buffer
	w, err := newFrameWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	payloads := []string{"", "hello", strings.Repeat("lookout ", 100_000), "end"}
	for i, p := range payloads {
		if err := w.frame(byte(i), []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.frame(1, make([]byte, maxFrame+1)); err == nil {
		t.Error("a frame that is too long was written")
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	r, err := newFrameReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for i, p := range payloads {
		kind, got, err := r.next()
		if kind != byte(i) || string(got) != p || err != nil {
			t.Fatalf("frame %d: kind %d, %d bytes, %v", i, kind, len(got), err)
		}
	}
	if _, _, err := r.next(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("at the end: %v", err)
	}
}

// TestFlushBringsAFrame checks that what was flushed can be read though the stream goes on.
func TestFlushBringsAFrame(t *testing.T) {
	pr, pw := io.Pipe()
	w, err := newFrameWriter(pw)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 3) // reader out: one slot for each frame
	go func() {
		defer close(got)
		r, err := newFrameReader(pr)
		if err != nil {
			return
		}
		defer r.close()
		for {
			_, p, err := r.next()
			if err != nil {
				return
			}
			got <- string(p)
		}
	}()
	for _, p := range []string{"one", "two", "three"} {
		if err := errors.Join(w.frame(1, []byte(p)), w.flush()); err != nil {
			t.Fatal(err)
		}
		if g := <-got; g != p {
			t.Errorf("%q, want %q", g, p)
		}
	}
	pw.Close()
	<-got
}

// TestLongPart checks that states too long for one frame go in several.
func TestLongPart(t *testing.T) {
	s := &uptime.Snapshot{Seq: 1}
	for i := range 200 {
		st := named(string(rune('a'+i/26))+string(rune('a'+i%26)), uptime.Up)
		st.Message = strings.Repeat("x", 50_000)
		s.States = append(s.States, st)
	}
	var b bytes.Buffer
	w, err := newFrameWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if err := between(nil, s, at(0), w.part); err != nil {
		t.Fatal(err)
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, &b)
	if got == nil || len(got.States) != 200 {
		t.Fatalf("%+v", got)
	}
}

// readAll reads a stream to its end and returns the last snapshot.
func readAll(t *testing.T, b io.Reader) *uptime.Snapshot {
	t.Helper()
	r, err := newFrameReader(b)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var m mirror
	for {
		_, p, err := r.next()
		if err != nil {
			return m.snap
		}
		q, err := readPart(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.take(q); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzStream feeds a client what an engine would never send.
func FuzzStream(f *testing.F) {
	var b bytes.Buffer
	w, err := newFrameWriter(&b)
	if err != nil {
		f.Fatal(err)
	}
	fake := newFake()
	first := fake.Snapshot()
	second := randomChange(first, rand.New(rand.NewPCG(1, 1)))
	for _, step := range [][2]*uptime.Snapshot{{nil, first}, {first, second}} {
		if err := between(step[0], step[1], at(0), w.part); err != nil {
			f.Fatal(err)
		}
	}
	if err := errors.Join(w.beat(at(0)), w.frame(frameBye, []byte("bye")), w.z.Close()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := newFrameReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		defer r.close()
		var m mirror
		for range 1000 {
			if _, err := new(Client).next(r, &m); err != nil {
				return
			}
		}
	})
}

// FuzzPart does the same behind the compression, where mutations reach further.
func FuzzPart(f *testing.F) {
	fake := newFake()
	var seed []byte
	collect := func(p *part) error {
		b := partCodec().marshal(nil, p)
		seed = append(append(seed, byte(len(b)>>8), byte(len(b))), b...)
		return nil
	}
	first := fake.Snapshot()
	if err := errors.Join(between(nil, first, at(0), collect), between(first, randomChange(first, rand.New(rand.NewPCG(1, 1))), at(0), collect)); err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m mirror
		for len(b) > 2 {
			n := min(int(b[0])<<8|int(b[1]), len(b)-2)
			p, err := readPart(b[2 : 2+n])
			if err != nil {
				return
			}
			if s, err := m.take(p); err != nil {
				return
			} else if s != nil && m.snap != nil {
				for i := 1; i < len(s.States); i++ {
					if s.States[i-1].Name >= s.States[i].Name {
						t.Fatal("states out of order")
					}
				}
			}
			b = b[2+n:]
		}
	})
}
