package spool

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

func fill(t *testing.T, s *Spool, from, to uint32, now time.Time) {
	t.Helper()
	for id := from; id < to; id++ {
		if err := s.Append([]wire.Row{aRow(id, now)}, wire.Version{}, now); err != nil {
			t.Fatal(err)
		}
	}
}

// monitors takes all that a spool gives out, and returns whose it is.
func monitors(s *Spool, now time.Time) (live, late []uint32, lost uint64) {
	for _, l := range []bool{false, true} {
		for {
			run, ok := s.Take(l, 1000, now)
			for _, iv := range run.Lost {
				lost += iv.To - iv.From
			}
			s.Sent(run)
			if !ok {
				break
			}
			for _, r := range run.Rows {
				if l {
					late = append(late, r.Monitor)
				} else {
					live = append(live, r.Monitor)
				}
			}
		}
	}
	return live, late, lost
}

func numbersFrom(from, to uint32) (ids []uint32) {
	for id := from; id < to; id++ {
		ids = append(ids, id)
	}
	return ids
}

// After an outage what is new goes first, in its order, and the gap behind it
// as history, from its end.
func TestAfterAnOutage(t *testing.T) {
	s := openAt(t, memoryDir(t), Options{}, aBoot)
	fill(t, s, 0, 300, t0)
	fill(t, s, 300, 400, t0.Add(time.Hour))
	fill(t, s, 400, 420, t0.Add(time.Hour+30*time.Second))
	live, late, lost := monitors(s, t0.Add(time.Hour+50*time.Second))
	if !slices.Equal(live, numbersFrom(300, 420)) || !slices.Equal(late, numbersFrom(0, 300)) || lost != 0 {
		t.Errorf("live %v, late %v, lost %d", live, late, lost)
	}
	if run, ok := s.Take(false, 10, t0); ok || run.Epoch != s.Epoch() || run.From != 420 || s.Depth() != 0 {
		t.Errorf("a run of nothing is %+v", run)
	}
}

// What damages the files, what is lost by it, and whether the epoch goes on.
func TestDamage(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string)
		boot   boot
		same   bool
		kept   int // of 100 rows in the live file and 4,096 in a sealed one
	}{
		{"none", func(*testing.T, string) {}, aBoot, true, 4196},
		{"the machine was started", func(*testing.T, string) {}, boot{2}, false, 4196},
		{"no boot id", func(*testing.T, string) {}, boot{}, false, 4196},
		{"gone", func(t *testing.T, dir string) { change(t, os.RemoveAll(dir)) }, aBoot, false, 0},
		{"live file gone", func(t *testing.T, dir string) { change(t, os.Remove(path(dir, 2))) }, aBoot, false, 4096},
		{"sealed file gone", func(t *testing.T, dir string) { change(t, os.Remove(path(dir, 1))) }, aBoot, true, 100},
		{"torn at the end", func(t *testing.T, dir string) { cutBy(t, path(dir, 2), 3) }, aBoot, false, 4195},
		{"a whole record cut off", func(t *testing.T, dir string) { cutBy(t, path(dir, 2), lastRecord(t, path(dir, 2))) }, aBoot, false, 4195},
		{"more at the end", func(t *testing.T, dir string) { extend(t, path(dir, 2), make([]byte, 100)) }, aBoot, false, 4196},
		{"a bit in the middle", func(t *testing.T, dir string) { flip(t, path(dir, 2), 3000) }, aBoot, false, 4195},
		{"a bit in a sealed file", func(t *testing.T, dir string) { flip(t, path(dir, 1), 3000) }, aBoot, false, 4196 - groupRows},
		{"a bit of the next number", func(t *testing.T, dir string) { flip(t, path(dir, 2), nextAt) }, aBoot, false, 4196},
		{"a bit of a header", func(t *testing.T, dir string) { flip(t, path(dir, 2), 9) }, aBoot, false, 4096},
		{"empty", func(t *testing.T, dir string) { change(t, os.Truncate(path(dir, 2), 0)) }, aBoot, false, 4096},
		{"a copy", func(t *testing.T, dir string) {
			b, err := os.ReadFile(path(dir, 2))
			change(t, err)
			change(t, os.WriteFile(path(dir, 2)+".copy", b, 0o600))
			change(t, os.Rename(path(dir, 2)+".copy", path(dir, 2)))
		}, aBoot, false, 4196},
		{"a file that is not ours", func(t *testing.T, dir string) { change(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o600)) }, aBoot, true, 4196},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(memoryDir(t), "spool")
			s := openAt(t, dir, Options{}, aBoot)
			var rows []wire.Row
			for id := range uint32(segmentRows) {
				rows = append(rows, aRow(id, t0))
			}
			if err := s.Append(rows, wire.Version{}, t0); err != nil {
				t.Fatal(err)
			}
			fill(t, s, segmentRows, segmentRows+100, t0)
			s.tend()
			epoch, next := s.Epoch(), s.Next()
			kill(s)
			test.damage(t, dir)
			s = openAt(t, dir, Options{}, test.boot)
			if same := s.Epoch() == epoch; same != test.same {
				t.Errorf("the epoch is the same: %v", same)
			}
			if s.Epoch() == epoch && s.Next() != next {
				t.Errorf("next is %d, was %d", s.Next(), next)
			}
			if s.Depth() != uint64(test.kept) {
				t.Errorf("%d rows are left, want %d", s.Depth(), test.kept)
			}
			fill(t, s, 10_000, 10_010, t0)
			if s.tend(); s.loose() != nil {
				t.Error("a file is still to be rewritten")
			}
			live, _, _ := monitors(s, t0)
			if len(live) != test.kept+10 {
				t.Errorf("%d rows came, want %d", len(live), test.kept+10)
			}
		})
	}
}

func change(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func cutBy(t *testing.T, name string, n int64) {
	t.Helper()
	info, err := os.Stat(name)
	change(t, err)
	change(t, os.Truncate(name, info.Size()-n))
}

func lastRecord(t *testing.T, name string) int64 {
	t.Helper()
	b, err := os.ReadFile(name)
	change(t, err)
	last := headerSize
	for off := headerSize; off < len(b); off += recordHead + len(cut(b[off:])) {
		last = off
	}
	return int64(len(b) - last)
}

func extend(t *testing.T, name string, more []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	change(t, err)
	change(t, os.WriteFile(name, append(b, more...), 0o600))
}

func flip(t *testing.T, name string, at int) {
	t.Helper()
	b, err := os.ReadFile(name)
	change(t, err)
	b[at] ^= 4
	change(t, os.WriteFile(name, b, 0o600))
}

// What is older than allowed is given up and told.
func TestAge(t *testing.T) {
	s := openAt(t, memoryDir(t), Options{MaxAge: 24 * time.Hour}, aBoot)
	fill(t, s, 0, 50, t0)
	fill(t, s, 50, 60, t0.Add(20*time.Hour))
	fill(t, s, 60, 70, t0.Add(25*time.Hour))
	_, late, lost := monitors(s, t0.Add(26*time.Hour))
	if !slices.Equal(late, numbersFrom(50, 70)) || lost != 50 || s.Dropped() != 50 {
		t.Errorf("late %v, lost %d, dropped %d", late, lost, s.Dropped())
	}
}

// What is given up while somebody sends it is lost only if it does not arrive.
func TestGivenUpWhileSent(t *testing.T) {
	s := openAt(t, memoryDir(t), Options{MaxAge: 24 * time.Hour}, aBoot)
	fill(t, s, 0, 50, t0)
	one, _ := s.Take(false, 20, t0)
	two, _ := s.Take(false, 20, t0)
	later := t0.Add(48 * time.Hour)
	s.Take(false, 1, later)
	if s.Dropped() != 10 || s.Depth() != 0 {
		t.Fatalf("%d given up, %d left", s.Dropped(), s.Depth())
	}
	s.Sent(one)
	s.Unsent(two)
	if run, _ := s.Take(false, 1, later); s.Dropped() != 30 || len(run.Lost) != 1 || run.Lost[0] != (wire.Interval{From: 20, To: 50}) {
		t.Errorf("%d given up, told %v", s.Dropped(), run.Lost)
	}
}

func TestOneProcess(t *testing.T) {
	dir := memoryDir(t)
	s := openAt(t, dir, Options{}, aBoot)
	if _, err := open(dir, Options{Codec: codec}, aBoot); !errors.Is(err, ErrLocked) {
		t.Errorf("a second one: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, dir, Options{}, aBoot)
	if err := s.Append([]wire.Row{aRow(1, t0)}, wire.Version{}, t0); err == nil {
		t.Error("a closed spool takes rows")
	}
}

// A row that could not be read again is refused, and harms no other.
func TestBadRow(t *testing.T) {
	s := openAt(t, memoryDir(t), Options{}, aBoot)
	for name, r := range map[string]uptime.Result{
		"before 1970": {Time: time.Unix(-5, 0)},
		"no time":     {},
		"a name":      {Time: t0, Measures: []uptime.Measure{{Name: "a\x1b", Value: 1}}},
	} {
		if err := s.Append([]wire.Row{aRow(1, t0), {Monitor: 2, Result: r}}, wire.Version{}, t0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if s.Depth() != 3 || s.Next() != 3 || s.Dropped() != 3 || s.Trouble() != nil {
		t.Errorf("depth %d, next %d, dropped %d, %v", s.Depth(), s.Next(), s.Dropped(), s.Trouble())
	}
	fill(t, s, 1, 3, t0)
	if live, _, _ := monitors(s, t0); !slices.Equal(live, []uint32{1, 1, 1, 1, 2}) {
		t.Errorf("took %v", live)
	}
}

// A probe of 1,000 monitors of 60 s that is alone fills 15 MB a day.
func TestBytesPerRow(t *testing.T) {
	dir := memoryDir(t)
	s := openAt(t, dir, Options{}, aBoot)
	all := stream(12)
	for _, r := range all {
		if err := s.Append([]wire.Row{r}, wire.Version{}, r.Result.Time); err != nil {
			t.Fatal(err)
		}
	}
	s.tend()
	var sealed int64
	rows := 0
	for _, g := range s.segments {
		if g != s.live {
			sealed += g.size
			rows += int(g.to - g.from)
		}
	}
	each := float64(sealed) / float64(rows)
	t.Logf("%d rows in sealed files: %.2f B each, %.1f MB a day; live %.0f B each", rows, each, each*1.44, float64(s.live.size)/float64(s.live.to-s.live.from))
	if rows < 8000 || each > 10.5 {
		t.Errorf("%.2f B a row, over 10.5", each)
	}
}

// While a large gap is filled and the line is cut again and again, what was sent
// stays a few intervals: the engine remembers no more than sixteen.
func TestFewGaps(t *testing.T) {
	s := openAt(t, memoryDir(t), Options{}, aBoot)
	now, id := t0, uint32(0)
	var sent runs
	send := func(late bool, most int) bool {
		run, ok := s.Take(late, most, now)
		s.Sent(run)
		sent.add(run.Interval())
		if len(sent) > 3 {
			t.Fatalf("%d intervals: %v", len(sent), sent)
		}
		return ok
	}
	for range 20 {
		fill(t, s, id, id+1000, now) // nobody takes it
		id += 1000
		now = now.Add(10 * time.Minute)
	}
	for range 40 { // each time the line is there for a while
		fill(t, s, id, id+50, now)
		id += 50
		for send(false, 1000) {
		}
		for range 2 {
			send(true, 170)
		}
		fill(t, s, id, id+30, now)
		id += 30
		now = now.Add(2 * time.Minute)
	}
	for send(true, 170) || send(false, 1000) {
	}
	if len(sent) != 1 || sent.count() != uint64(id) {
		t.Errorf("sent %v of %d", sent, id)
	}
}
