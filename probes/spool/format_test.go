package spool

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lookout/probes/wire"
)

// aFile is a live file with all kinds of records.
func aFile(t testing.TB) []byte {
	t.Helper()
	dir := memoryDir(t)
	s := openAt(t, dir, Options{}, aBoot)
	s.live.epoch, s.epoch = 0xdeadbeef00000001, 0xdeadbeef00000001
	h := header{form: formLive, epoch: s.epoch, boot: aBoot, dropped: 3}
	if _, err := s.file.WriteAt(h.write(), 0); err != nil {
		t.Fatal(err)
	}
	for id := range uint32(9) {
		if err := s.Append([]wire.Row{aRow(id, t0), aRow(id+100, t0)}, wire.Version{}, t0); err != nil {
			t.Fatal(err)
		}
	}
	run, _ := s.Take(false, 5, t0)
	run.Lost = []wire.Interval{{From: 300, To: 310}}
	s.Sent(run)
	s.mu.Lock()
	s.giveUp(s.epoch, wire.Interval{From: 16, To: 18})
	s.mu.Unlock()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What this version writes is read for good.
func TestGolden(t *testing.T) {
	name := filepath.Join("testdata", "v1.hex")
	text, err := os.ReadFile(name)
	if err != nil {
		if err := os.WriteFile(name, []byte(hex.EncodeToString(aFile(t))+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("wrote %s, which was not there", name)
	}
	b, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, aFile(t)) {
		t.Error("other bytes are written; is it another version of the format?")
	}
	dir := memoryDir(t)
	if err := os.WriteFile(path(dir, 1), b, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, dir, Options{}, aBoot)
	if s.Epoch() != 0xdeadbeef00000001 || s.Next() != 18 || s.Depth() != 11 || s.Dropped() != 2 {
		t.Errorf("epoch %x, next %d, %d rows, %d given up", s.Epoch(), s.Next(), s.Depth(), s.Dropped())
	}
	run, ok := s.Take(true, 100, t0.Add(time.Hour))
	if !ok || run.Interval() != (wire.Interval{From: 5, To: 16}) || run.Rows[0].Monitor != 102 || len(run.Lost) != 1 || run.Lost[0] != (wire.Interval{From: 16, To: 18}) {
		t.Errorf("took %+v", run)
	}
}

// Whatever bytes a file has, what is read of it is bounded and in order.
func FuzzScan(f *testing.F) {
	b := aFile(f)
	f.Add(b)
	f.Add(b[:len(b)-3])
	f.Add(b[:headerSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, _, err := readHeader(b)
		if err != nil {
			return
		}
		again, sound, err := readHeader(h.write())
		if again != h || err != nil || !sound && h.next <= maxNumber {
			t.Fatalf("%+v is read as %+v: %v", h, again, err)
		}
		c := scan(b)
		end, to := int64(headerSize), uint64(0)
		for _, r := range c.rows {
			if r.off < end || r.off+int64(r.size) > int64(len(b)) || r.From < to || r.To <= r.From || r.To-r.From > wire.MaxRows {
				t.Fatalf("a record of %v at %d, %d bytes, after %d and %d", r.Interval, r.off, r.size, to, end)
			}
			end, to = r.off+int64(r.size), r.To
		}
		if c.end > int64(len(b)) || !c.damaged && c.end != int64(len(b)) {
			t.Fatalf("%d of %d bytes are sound", c.end, len(b))
		}
	})
}

// Whatever is in the folder, a spool opens, gives out rows that it can read, and
// gives new ones numbers that are nobody's.
func FuzzOpen(f *testing.F) {
	b := aFile(f)
	f.Add(b, []byte{})
	f.Add(b[:len(b)-3], b)
	f.Add(b[:headerSize], []byte("lksp"))
	torn := bytes.Clone(b)
	torn[headerSize+9] ^= 1
	f.Add(torn, b[:len(b)-1])
	f.Fuzz(func(t *testing.T, one, two []byte) {
		dir := memoryDir(t)
		for i, b := range [][]byte{one, two} {
			if err := os.WriteFile(path(dir, uint64(i+1)), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := open(dir, Options{Codec: codec, MaxAge: 1e6 * time.Hour}, aBoot)
		if err != nil {
			return // of a newer version
		}
		defer s.Close()
		epoch, next := s.Epoch(), s.Next()
		if next >= maxNumber-1 {
			return
		}
		if err := s.Append([]wire.Row{aRow(7, t0)}, wire.Version{}, t0); err != nil {
			t.Fatal(err)
		}
		seen := map[numbered]bool{}
		for {
			run, ok := s.Take(false, 1000, t0)
			if !ok {
				if run, ok = s.Take(true, 1000, t0); !ok {
					break
				}
			}
			for i := range run.Rows {
				at := numbered{run.Epoch, run.From + uint64(i)}
				if seen[at] {
					t.Fatalf("%v comes twice", at)
				}
				seen[at] = true
			}
			s.Sent(run)
		}
		if !seen[numbered{epoch, next}] || s.Depth() != 0 {
			t.Fatalf("row %d of %x did not come, %d are left", next, epoch, s.Depth())
		}
	})
}
