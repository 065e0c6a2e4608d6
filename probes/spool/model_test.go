package spool

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

var (
	t0     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	codec  = wire.New()
	aBoot  = boot{1}
	phases = []string{"dns", "connect", "tls", "ttfb", "body"}
)

// aRow is one whose monitor tells it from all others.
func aRow(id uint32, at time.Time) wire.Row {
	r := wire.Row{Monitor: id, Result: uptime.Result{Time: at, Outcome: uptime.OutcomeUp, Status: 200, Total: 45 * time.Millisecond}}
	for i, name := range phases[:id%6] {
		r.Result.Measures = append(r.Result.Measures, uptime.Measure{Name: name, Value: int64(id%1000)*10 + int64(i)*100})
	}
	if id%50 == 7 {
		r.Result = uptime.Result{Time: at, Outcome: uptime.OutcomeDown, Fault: uptime.FaultTCPRefused, Message: fmt.Sprintf("TCP connect %d refused", id),
			Address: "192.0.2.1:443", Total: time.Millisecond, Steps: []uptime.Step{{Step: "connect", Took: time.Millisecond, Error: "refused"}}}
	}
	return r
}

func openAt(t testing.TB, dir string, o Options, b boot) *Spool {
	t.Helper()
	o.Codec = codec
	s, err := open(dir, o, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// kill leaves a spool as kill -9 does.
func kill(s *Spool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.lock.Close()
	if s.file != nil {
		s.file.Close()
	}
	for _, f := range s.stale {
		f.Close()
	}
}

// memoryDir is a folder on a disk that is quick, where there is one: what is
// tested is the order of things, and not how long the disk takes.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// numbered is one row of an epoch.
type numbered struct{ epoch, number uint64 }

// model is what a spool has to know, kept apart from it.
type model struct {
	t          *testing.T
	rng        *rand.Rand
	dir        string
	o          Options
	boot       boot
	s          *Spool
	now        time.Time
	id         uint32
	names      map[numbered]uint32 // whose a number is, for good
	waiting    map[uint32]bool     // neither sent nor lost
	obeyed     wire.Version        // now
	obeys      map[uint32]wire.Version
	out        []Run
	away       bool              // the broker is: nothing is taken
	unsendable bool              // what is taken cannot be sent
	told       map[numbered]bool // what the spool said that it lost
}

func newModel(t *testing.T, seed uint64, o Options) *model {
	m := &model{t: t, rng: rand.New(rand.NewPCG(seed, 1)), dir: filepath.Join(memoryDir(t), "spool"), o: o, boot: aBoot, now: t0,
		names: map[numbered]uint32{}, waiting: map[uint32]bool{}, obeys: map[uint32]wire.Version{}, told: map[numbered]bool{}}
	m.s = openAt(t, m.dir, o, m.boot)
	return m
}

func (m *model) append(n int) {
	var rows []wire.Row
	for range n {
		m.id++
		rows = append(rows, aRow(m.id, m.now))
	}
	epoch, from := m.s.Epoch(), m.s.Next()
	if err := m.s.Append(rows, m.obeyed, m.now); err != nil {
		m.t.Fatal(err)
	}
	for i, r := range rows {
		at := numbered{epoch, from + uint64(i)}
		if was, ok := m.names[at]; ok {
			m.t.Fatalf("number %d was that of row %d, and is that of %d", at.number, was, r.Monitor)
		}
		m.names[at] = r.Monitor
		m.waiting[r.Monitor], m.obeys[r.Monitor] = true, m.obeyed
	}
	if m.rng.IntN(2) == 0 {
		m.s.tend()
	}
	if m.s.Next() != from+uint64(n) {
		m.t.Fatalf("next is %d after %d rows from %d on", m.s.Next(), n, from)
	}
}

// take checks what is given out against what was put in.
func (m *model) take(late bool, most int) bool {
	run, ok := m.s.Take(late, most, m.now)
	if len(run.Lost) > maxLost || len(run.Rows) > most {
		m.t.Fatalf("%d rows and %d lost intervals", len(run.Rows), len(run.Lost))
	}
	for i, r := range run.Rows {
		at := numbered{run.Epoch, run.From + uint64(i)}
		id, known := m.names[at]
		if !known || id != r.Monitor {
			m.t.Fatalf("number %d is row %d, was given to %d", at.number, r.Monitor, id)
		}
		for _, other := range m.out {
			if other.Epoch == at.epoch && at.number >= other.Interval().From && at.number < other.Interval().To {
				m.t.Fatalf("number %d is out twice", at.number)
			}
		}
		if run.Obeyed != m.obeys[id] {
			m.t.Fatalf("row %d was measured under %v and is given out under %v", id, m.obeys[id], run.Obeyed)
		}
		want := aRow(id, r.Result.Time)
		if r.Result.Message != want.Result.Message || len(r.Result.Measures) != len(want.Result.Measures) || r.Result.Fault != want.Result.Fault ||
			r.Result.Time.After(m.now) || len(r.Result.Steps) != len(want.Result.Steps) {
			m.t.Fatalf("row %d came back as %+v", id, r)
		}
		if age := m.now.Sub(r.Result.Time); !late && age > m.o.Fresh {
			m.t.Fatalf("row %d is %v old, and not late", id, age)
		}
	}
	if !ok && (len(run.Rows) > 0 || late && len(run.Lost) > 0) {
		m.t.Fatalf("nothing is taken, and is %+v", run)
	}
	if ok {
		m.out = append(m.out, run)
	}
	return ok
}

func (m *model) settle(i int, sent bool) {
	run := m.out[i]
	m.out = append(m.out[:i], m.out[i+1:]...)
	switch {
	case !sent:
		m.s.Unsent(run)
		return
	case m.unsendable:
		dropped := m.s.Dropped()
		m.s.GiveUp(run)
		if now := m.s.Dropped(); now != dropped+uint64(len(run.Rows)) {
			m.t.Fatalf("%d rows were given up, and %d are counted after %d", len(run.Rows), now, dropped)
		}
		return // they are told of, or still waiting
	}
	m.s.Sent(run)
	for _, r := range run.Rows {
		delete(m.waiting, r.Monitor)
	}
	for _, iv := range run.Lost {
		for n := iv.From; n < iv.To; n++ {
			m.told[numbered{run.Epoch, n}] = true
		}
	}
}

// reopen starts the probe again: in the same boot of the machine or another,
// after a Close or a kill.
func (m *model) reopen(killed, rebooted bool) {
	epoch, next := m.s.Epoch(), m.s.Next()
	if killed {
		kill(m.s)
	} else if err := m.s.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.out = nil
	if rebooted {
		m.boot[15]++
	}
	m.s = openAt(m.t, m.dir, m.o, m.boot)
	if same := m.s.Epoch() == epoch; same == rebooted {
		m.t.Fatalf("rebooted %v, and the epoch is the same: %v", rebooted, same)
	}
	if !rebooted && m.s.Next() != next {
		m.t.Fatalf("next was %d and is %d", next, m.s.Next())
	}
}

// drain takes everything, and checks that nothing is missing.
func (m *model) drain() {
	m.unsendable = false
	for len(m.out) > 0 {
		m.settle(0, false)
	}
	for m.take(false, 1000) || m.take(true, 1000) {
		m.settle(0, true)
	}
	for at, id := range m.names {
		if m.waiting[id] && !m.told[at] {
			m.t.Fatalf("row %d, number %d of %x, is gone", id, at.number, at.epoch)
		}
	}
	if d := m.s.Depth(); d != 0 {
		m.t.Fatalf("%d rows are left", d)
	}
}

func (m *model) step() {
	switch p := m.rng.IntN(100); {
	case p < 45:
		m.append(1 + m.rng.IntN(3))
	case p < 50:
		m.append(m.rng.IntN(3000))
	case p < 70 && !m.away:
		m.take(m.rng.IntN(2) == 0, 1+m.rng.IntN(1500))
	case p < 85 && len(m.out) > 0:
		m.settle(m.rng.IntN(len(m.out)), m.rng.IntN(4) > 0)
	case p < 95:
		m.now = m.now.Add(time.Duration(m.rng.Int64N(int64(2 * time.Minute))))
	case p < 96:
		m.obeyed.Counter++
	case p < 98:
		m.reopen(m.rng.IntN(3) > 0, m.rng.IntN(3) == 0)
	}
}

// Whatever happens in whatever order, no row is lost, no number is given twice,
// and nobody gets what another has.
func TestModel(t *testing.T) {
	seeds, steps := uint64(8), 400
	if testing.Short() {
		seeds, steps = 3, 200
	}
	for seed := range seeds {
		m := newModel(t, seed, Options{Fresh: time.Minute, MaxAge: 1000 * time.Hour})
		for range steps {
			m.step()
		}
		m.drain()
		m.reopen(true, true)
		m.drain()
		if m.s.Dropped() != 0 {
			t.Fatalf("seed %d: %d rows dropped", seed, m.s.Dropped())
		}
		files, err := os.ReadDir(m.dir)
		if err != nil || len(files) != 2 { // the lock and one to go on with
			t.Fatalf("seed %d: %v, %v", seed, files, err)
		}
	}
}

// With little room the oldest are given up, and each that is gone is told.
func TestModelOfLittleRoom(t *testing.T) {
	told := 0
	for seed := range uint64(4) {
		m := newModel(t, 100+seed, Options{Fresh: time.Minute, MaxAge: time.Hour, MaxBytes: 200_000})
		for i := range 400 {
			m.away, m.unsendable = i/50%2 == 0, i%9 == 0
			m.step()
			if size := folderSize(t, m.dir); size > 200_000+60_000 {
				t.Fatalf("seed %d: the files have %d bytes", seed, size)
			}
		}
		m.drain()
		told += len(m.told)
	}
	if told == 0 {
		t.Fatal("nothing was given up")
	}
}

func folderSize(t *testing.T, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}
