package storage

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func probesOf(t testing.TB, s store) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := s.Probes(func(r uptime.ProbeRecord) error { out[r.Probe] = string(r.Data); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestProbes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	file, memory := openStore(t, path, Options{Now: t0}), NewMemory()
	for _, s := range []store{file, memory} {
		if got := probesOf(t, s); len(got) > 0 {
			t.Errorf("%T: at first %v", s, got)
		}
		for i, rs := range [][]uptime.ProbeRecord{
			{{Probe: "fra/one", Data: []byte("1")}, {Probe: "nyc/one", Data: []byte("2")}},
			{{Probe: "fra/one", Data: []byte("3")}},
			{{Probe: "nyc/one"}, {Probe: "sgp/one", Data: []byte{0}}},
			{{Probe: "nobody/one"}},
		} {
			if err := s.Append(&uptime.Batch{Time: t0.Add(time.Duration(i) * time.Second), Probes: rs}); err != nil {
				t.Fatal(err)
			}
		}
		if got := probesOf(t, s); len(got) != 2 || got["fra/one"] != "3" || got["sgp/one"] != "\x00" {
			t.Errorf("%T: %q", s, got)
		}
		stop := errors.New("stop")
		if err := s.Probes(func(uptime.ProbeRecord) error { return stop }); err != stop {
			t.Errorf("%T: ends with %v", s, err)
		}
	}
	wantSound(t, file)
	_ = file.Close()
	s := openStore(t, path, Options{Now: t0, ReadOnly: true})
	if got := probesOf(t, s); len(got) != 2 || got["fra/one"] != "3" {
		t.Errorf("read again: %q", got)
	}
}

// A number is for good: over a renaming, a crash and another order.
func TestNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	file, memory := openStore(t, path, Options{Now: t0}), NewMemory()
	bases := map[store]uint32{} // they begin at random
	want := func(s store, names []string, numbers ...uint32) {
		t.Helper()
		got, err := s.Numbers(names)
		if len(bases) < 2 && len(got) > 0 && bases[s] == 0 {
			bases[s] = got[0] - 1
		}
		for i := range got {
			got[i] -= bases[s]
		}
		if err != nil || !slices.Equal(got, numbers) {
			t.Errorf("%T: %q have %v, %v; want %v", s, names, got, err, numbers)
		}
	}
	for _, s := range []store{file, memory} {
		want(s, nil)
		want(s, []string{"c", "a", "b"}, 1, 2, 3)
		want(s, []string{"a", "d", "c", "d"}, 2, 4, 1, 4)
		if err := s.Rename("a", "shop"); err != nil {
			t.Fatal(err)
		}
		if err := s.Rename("b", "d"); err == nil {
			t.Errorf("%T: two numbers became one", s)
		}
		want(s, []string{"a", "shop"}, 5, 2)
		if _, err := s.Numbers([]string{"x", ""}); err == nil {
			t.Errorf("%T: nobody has a number", s)
		}
		want(s, []string{"y"}, 6)
	}
	mustAppend(t, file, uptime.Batch{Time: t0, Results: []uptime.Result{good("shop", t0, 1), good("new", t0, 1)}})
	want(file, []string{"new", "newer"}, 7, 8)
	if file.at.tick != 6 {
		t.Errorf("%d transactions", file.at.tick)
	}
	wantSound(t, file)
	_ = file.Close()
	s := openStore(t, path, Options{Now: t0, ReadOnly: true})
	bases[s] = bases[file]
	want(s, []string{"newer", "shop", "c"}, 8, 2, 1)
	if _, err := s.Numbers([]string{"another"}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("written: %v", err)
	}
}

// A file that was restored gives new monitors numbers that the lost one gave to
// nobody, and keeps those that were in the backup.
func TestNumbersAfterRestore(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "lookout.db"), filepath.Join(dir, "backup.db")
	number := func(path string, names ...string) []uint32 {
		t.Helper()
		s := openStore(t, path, Options{Now: t0})
		got, err := s.Numbers(names)
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, s, uptime.Batch{Time: t0, Results: []uptime.Result{good(names[0]+" too", t0, 1)}})
		wantSound(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := number(path, "a", "b")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(backup, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	lost := number(path, "c", "a too", "d")
	again := number(backup, "d", "c", "a", "a too", "b")
	if again[2] != first[0] || again[4] != first[1] {
		t.Errorf("a and b were %v, and are %v", first, again)
	}
	for _, n := range []uint32{again[0], again[1], again[3]} {
		if slices.Contains(lost, n) || slices.Contains(first, n) {
			t.Errorf("%d is given again: %v, %v", n, lost, again)
		}
	}
	if kept := number(path, "d", "c", "a"); kept[0] != lost[2] || kept[1] != lost[0] || kept[2] != first[0] {
		t.Errorf("they were %v and %v, and are %v", first, lost, kept)
	}
}

// A file from before there were probes is read, and goes on with them.
func TestFileBeforeProbes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.db")
	in, err := os.Open(filepath.Join("testdata", "before-probes.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, path, Options{Now: t0, ReadOnly: true})
	before, errs := tell(s)
	if r := wantSound(t, s); errs > 0 || r.Events != 6 || r.Incidents != 6 || r.Results < 70 || len(probesOf(t, s)) > 0 {
		t.Fatalf("%+v, %d errors, probes %v", r, errs, probesOf(t, s))
	}
	_ = s.Close()
	s = openStore(t, path, Options{Now: t0.Add(3 * time.Hour)})
	if got, err := s.Numbers([]string{"m1", "shop", "m0"}); err != nil || got[0] != got[2]+1 || got[1] != got[2]+2 {
		t.Errorf("numbers %v, %v", got, err)
	}
	mustAppend(t, s, uptime.Batch{Time: t0.Add(3 * time.Hour), Probes: []uptime.ProbeRecord{{Probe: "fra/one", Data: []byte("x")}}})
	wantSound(t, s)
	after, errs := tell(s)
	delete(after, `{"Probe":"fra/one","Data":"eA=="}`)
	if errs > 0 || len(after) != len(before) || after.within(before) != nil {
		t.Errorf("%d things, %d before, %d errors", len(after), len(before), errs)
	}
}
