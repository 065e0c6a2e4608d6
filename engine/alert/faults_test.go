package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

var errDisk = errors.New("input/output error")

// faulty is a store whose calls fail from time to time. A Post that fails may
// have done all of its work.
type faulty struct {
	*storage.Memory
	mu    sync.Mutex
	fails func(call string) (bool, bool) // that it fails, and that it does its work all the same; under mu
	posts int
	most  int // records of one post
}

func (s *faulty) Post(rs []uptime.OutboxRecord) error {
	s.mu.Lock()
	s.posts++
	s.most = max(s.most, len(rs))
	s.mu.Unlock()
	if fails, works := s.ask("post"); !fails {
		return s.Memory.Post(rs)
	} else if works {
		_ = s.Memory.Post(rs)
	}
	return errDisk
}

func (s *faulty) ask(call string) (bool, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fails(call)
}

func (s *faulty) Outbox(fn func(uptime.OutboxRecord) error) error {
	if fails, _ := s.ask("outbox"); fails {
		return errDisk
	}
	return s.Memory.Outbox(fn)
}

func (s *faulty) Events(q uptime.EventQuery) ([]uptime.Event, error) {
	if fails, _ := s.ask("events"); fails {
		return nil, errDisk
	}
	return s.Memory.Events(q)
}

func (s *faulty) Incidents(q uptime.IncidentQuery) ([]uptime.Incident, error) {
	if fails, _ := s.ask("incidents"); fails {
		return nil, errDisk
	}
	return s.Memory.Incidents(q)
}

// Nothing is sent that is not stored, and what was taken is not sent again
// because that cannot be.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{takes: 10 * time.Second}
		var full atomic.Bool
		w.store = &faulty{Memory: storage.NewMemory(), fails: func(call string) (bool, bool) { return full.Load() && call == "post", false }}
		f, stop := w.start(Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}})
		w.down(1, 2)
		after(time.Second) // it is being sent
		full.Store(true)
		w.down(3)
		after(time.Hour)
		want(t, "while it is full", ops.got(), "opened 1")
		if c := f.Outbox().Channels[0]; !strings.Contains(c.Error, errDisk.Error()) || c.Failing.IsZero() {
			t.Errorf("%+v", c)
		}
		if len(w.said()) > 0 {
			t.Errorf("%q", w.said())
		}
		full.Store(false)
		after(time.Minute)
		if c := f.Outbox().Channels[0]; c.Error != "" {
			t.Errorf("%+v", c)
		}
		want(t, "then", ops.got(), "opened 1", "opened 2", "opened 3")
		full.Store(true)
		w.up(1)
		after(time.Minute)
		if err := stop(); !errors.Is(err, errDisk) {
			t.Errorf("%v", err)
		}
		want(t, "in the end", ops.got(), "opened 1", "opened 2", "opened 3")
	})
}

// Whichever call of the store fails, and whether it does its work or not, all is
// told in the end, in its order, and twice only under one ID.
func TestEveryFault(t *testing.T) {
	for _, real := range []bool{false, true} { // the desk
		for _, works := range []bool{false, true} {
			calls := 1
			for n := 1; n <= calls; n++ {
				calls = max(calls, tryFault(t, n, 1, works, real))
			}
			t.Logf("%d calls, works: %v", calls, works)
		}
		for every := 2; every < 12; every++ { // and again and again
			tryFault(t, every, 1<<30, every%2 == 0, real)
		}
	}
}

// tryFault has the n-th call and each n-th after it fail, so many times, and a
// process end in between. It returns how many calls there were.
func tryFault(t *testing.T, n, times int, works, real bool) (calls int) {
	var healed atomic.Bool
	synctest.Test(t, func(t *testing.T) {
		w, ops, ann := newWorld(t), &box{takes: 5 * time.Millisecond}, &box{}
		w.real = real
		w.store = &faulty{Memory: storage.NewMemory(), fails: func(call string) (bool, bool) {
			if calls++; healed.Load() || calls%n != 0 || calls/n > times {
				return false, false
			}
			return true, works
		}}
		ops.set(func(try int, l *uptime.Letter) (uptime.Receipt, error) {
			switch try {
			case 2, 7:
				return uptime.Receipt{}, &uptime.Refusal{Reply: "451 later", Letter: true}
			case 3:
				return uptime.Receipt{}, &uptime.Refusal{Reply: "connection reset", Uncertain: true}
			}
			return uptime.Receipt{}, nil
		})
		o := Options{Channels: []uptime.ChannelConfig{to1("ops", ops), to1("ann", ann)}}
		for i := uint64(0); i < 12; i += 4 {
			var stop func() error
			for stop == nil { // the outbox may be unreadable
				_, stop, _ = w.tryStart(o)
			}
			w.down(i+1, i+2)
			after(3 * time.Millisecond)
			w.down(i+3, i+4)
			after(100 * time.Millisecond)
			w.up(i+1, i+3)
			after(3 * time.Millisecond)
			_ = stop()
		}
		var stop func() error
		for stop == nil {
			_, stop, _ = w.tryStart(o)
		}
		after(3 * time.Hour)
		healed.Store(true)
		for name, b := range map[string]*box{"ops": ops, "ann": ann} {
			wantAll(t, fmt.Sprintf("call %d (works: %v): %s", n, works, name), b, 12, func(i uint64) bool { return i%2 == 1 })
		}
		if times == 1 && len(w.records("post/")) > 0 {
			t.Errorf("call %d: left: %q", n, w.records("post/"))
		}
		_ = stop()
	})
	return calls
}

// about are the incidents of a letter: those that it names, and that of its
// thread where the store did not say more.
func about(l *uptime.Letter, thread uint64) (out []uint64) {
	var j struct {
		Incidents []struct {
			Incident uint64 `json:"incident"`
		} `json:"incidents"`
	}
	_ = json.Unmarshal(l.JSON, &j)
	for _, i := range j.Incidents {
		out = append(out, i.Incident)
	}
	if len(out) == 0 {
		out = []uint64{thread}
	}
	return out
}

// wantAll checks what a channel took: of every incident that it opened and, where
// it is over, that it closed, or both in one; in that order; nothing twice but
// under the same ID, and one after the other.
func wantAll(t testing.TB, what string, b *box, incidents uint64, over func(uint64) bool) {
	t.Helper()
	ids := map[string]string{}
	said := map[uint64][]string{}
	for i, s := range b.got() {
		id := b.all()[i].ID
		if was, ok := ids[id]; ok {
			if was != s {
				t.Errorf("%s: %q and %q have one ID", what, was, s)
			}
			continue
		}
		ids[id] = s
		var n uint64
		var kind string
		_, _ = fmt.Sscanf(s, "%s %d", &kind, &n)
		for _, n := range about(&b.all()[i], n) {
			said[n] = append(said[n], kind)
		}
	}
	for n := uint64(1); n <= incidents; n++ {
		expected := []string{"opened"}
		if over(n) {
			expected = append(expected, "recovered")
		}
		if !slices.Equal(said[n], expected) && !(over(n) && slices.Equal(said[n], []string{"collapsed"})) {
			t.Errorf("%s: of %d %q; all of it %q", what, n, said[n], b.got())
		}
	}
}

// Very many letters at once are stored in several transactions, and count as
// decided with the last one.
func TestStorm(t *testing.T) {
	for _, tt := range []struct {
		storm int
		dies  int  // the post that fails, for good; 0: none
		once  bool // it is all decided in one step
	}{{10_000, 0, false}, {4500, 2, false}, {4500, 4, false}, {4500, 0, true}, {4500, 1, true}, {4500, 2, true}, {4500, 3, true}} {
		storm, dies := tt.storm, tt.dies
		synctest.Test(t, func(t *testing.T) {
			w, ops := newWorld(t), &box{}
			if tt.once {
				w.all = uint64(storm)
			}
			broken := false
			s := &faulty{Memory: storage.NewMemory()}
			s.fails = func(call string) (bool, bool) {
				broken = broken || call == "post" && s.posts == dies
				return broken && call == "post", false
			}
			w.store = s
			c := to1("ops", ops)
			c.MaxPerHour = 60
			o := Options{Channels: []uptime.ChannelConfig{c}}
			var numbers []uint64
			for n := uint64(1); n <= uint64(storm); n++ {
				numbers = append(numbers, n)
			}
			w.mu.Lock()
			all := uptime.Batch{Time: w.now()}
			for _, n := range numbers {
				i := &uptime.Incident{Number: n, Monitor: fmt.Sprintf("m%d", n), Start: w.now(), Verdict: uptime.Down}
				w.incidents[n] = i
				w.events++
				all.Events = append(all.Events, uptime.Event{ID: w.events, Time: w.now(), Kind: uptime.EventIncident, Monitor: i.Monitor, Incident: n, Note: uptime.IncidentOpened})
				all.Incidents = append(all.Incidents, *i)
			}
			_ = w.store.Append(&all)
			w.publish()
			w.mu.Unlock()
			_, stop := w.start(o)
			after(time.Minute)
			if dies > 0 {
				if err := stop(); !errors.Is(err, errDisk) {
					t.Fatalf("%v", err)
				}
				s.mu.Lock()
				broken, dies, w.all = false, 0, 0 // it is decided in other steps
				s.mu.Unlock()
				_, stop = w.start(o)
				after(time.Second)
				if err := stop(); err != nil { // what was decided again is on disk, too
					t.Fatal(err)
				}
				_, stop = w.start(o)
			}
			after(59 * time.Minute)
			first := len(ops.got())
			if first < 40 || first > 60 {
				t.Errorf("%d letters in an hour", first)
			}
			after(24 * time.Hour)
			got := ops.got()
			if len(got) > first+1 || len(w.records("post/")) > 0 {
				t.Errorf("%d letters, %d wait", len(got), len(w.records("post/")))
			}
			if s.most > maxPost {
				t.Errorf("%d records at once", s.most)
			}
			told, seen := 0, map[string]bool{}
			for _, l := range ops.all() {
				n := 1
				if seen[l.ID] { // the disk was full when it was taken
					n = 0
				}
				seen[l.ID] = true
				if l.Kind == uptime.AlertMore {
					_, _ = fmt.Sscanf(string(l.JSON[strings.Index(string(l.JSON), `"count":`):]), `"count":%d`, &n)
				}
				told += n
			}
			if told != storm {
				t.Errorf("%+v: %d of %d were told in %d letters", tt, told, storm, len(seen))
			}
			_ = stop()
		})
	}
}

// A mail server that is down for a day: all that happened arrives once, and what
// is over by then in one letter each.
func TestDayWithoutMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(refuse(uptime.Refusal{Reply: "connect 192.0.2.25:25: connection refused"}))
		c := to1("ops", ops)
		c.MaxPerHour = 60
		o := Options{Channels: []uptime.ChannelConfig{c}}
		_, stop := w.start(o)
		const incidents = 40
		for n := uint64(1); n <= incidents; n++ {
			w.down(n)
			after(24 * time.Hour / incidents / 2)
			if n%4 != 0 {
				w.up(n)
			}
			after(24 * time.Hour / incidents / 2)
			if n%10 == 0 {
				_ = stop()
				_, stop = w.start(o)
			}
		}
		if ops.tries() < 90 || ops.tries() > 130 {
			t.Errorf("%d tries in a day", ops.tries())
		}
		if n := len(w.said()); n > 10 {
			t.Errorf("%d events of it: %q", n, w.said())
		}
		ops.set(nil)
		after(2 * time.Hour)
		wantAll(t, "ops", ops, incidents, func(n uint64) bool { return n%4 != 0 })
		if got := ops.got(); len(got) != incidents {
			t.Errorf("%d letters: %q", len(got), got)
		}
		_ = stop()
	})
}
