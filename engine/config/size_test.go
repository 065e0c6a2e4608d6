package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// large is a configuration of n monitors, about 165 bytes each.
func large(n int) []byte {
	var b bytes.Buffer
	b.WriteString("[defaults]\ninterval = \"60s\"\n[defaults.tag.prod]\ntimeout = \"5s\"\n")
	for i := range n {
		fmt.Fprintf(&b, `
[[monitor]]
name = "customer-%06d.example.com/health"
url = "https://customer-%06d.example.com/health?probe=1"
tags = ["prod", "rack-%02d"]
[monitor.expect]
status = ["200-299"]
`, i, i, i%50)
	}
	return b.Bytes()
}

// BenchmarkLoad reads what one instance is meant to carry.
func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "lookout.toml")
	text := large(180_000)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := Load(path, testOptions())
		if err != nil || len(c.Jobs) != 180_000 {
			b.Fatal(err)
		}
	}
}

func TestLoadRefusesBombs(t *testing.T) {
	nest := func(n int) string {
		return "[[monitor]]\nname = \"x\"\nheaders = " + strings.Repeat("{a=", n) + "1" + strings.Repeat("}", n) + "\n"
	}
	for _, c := range []struct{ name, text, want string }{
		{"nested inline tables", nest(5000), ":3: nested deeper than 16"},
		{"nested arrays", "x = " + strings.Repeat("[", 1_000_000) + "\n", ":1: nested deeper than 16"},
		{"dotted key", "a" + strings.Repeat(".a", 10_000) + " = 1\n", ":1: a key of more than 16 parts"},
		{"dotted header", "[a" + strings.Repeat(".a", 10_000) + "]\n", ":1: a header of more than 16 parts"},
		{"one block", "[[monitor]]\nbody = '''" + strings.Repeat("x", maxBlock) + "'''\n", ":1: [[monitor]] is larger than 1 MiB. Split it"},
		{"dotted in a quoted header", "[\"a\"" + strings.Repeat(".\"a\"", 10_000) + "]\n", ":1: a header of more than 16 parts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := loadText(t, c.text, testOptions())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.200v, want %s", err, c.want)
			}
		})
	}
}

func TestMistakesAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 2 * maxWarnings { // warnings, and then mistakes
		fmt.Fprintf(&b, "[[monitor]]\nname = \"m%d\"\nurl = \"tcp://x:1\"\ninterval = \"5s\"\ntimeout = \"9s\"\n", i)
	}
	b.WriteString("[[monitor]]\nname = \"x\"\nurl = \"tcp://x:1\"\n")
	for i := range 100_000 {
		fmt.Fprintf(&b, "u%d=1\n", i)
	}
	_, err := loadText(t, b.String(), testOptions())
	ms, _ := err.(Mistakes)
	if wrong, warned := ms.Count(); wrong != maxMistakes || warned != maxWarnings {
		t.Errorf("%d mistakes, %d warnings", wrong, warned)
	}
}

// TestLoadRefusesALargeFile needs no 64 MB on the disk: the file is sparse.
func TestLoadRefusesALargeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lookout.toml")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(maxTotal + 1); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := Load(path, testOptions()); err == nil || !strings.Contains(err.Error(), "more than 64 MB is refused") {
		t.Errorf("got %v", err)
	}
}

// TestLoadCost judges what one of many monitors costs: while it is loaded, and
// after; and what it costs more where others check it, too.
func TestLoadCost(t *testing.T) {
	files, _ := brokerFiles(t, time.Now())
	t.Run("alone", func(t *testing.T) { loadCost(t, "", 110, 8000, 1100) })
	t.Run("with a broker", func(t *testing.T) {
		loadCost(t, "[[location]]\nname = \"fra\"\n[broker]\nurl = \"amqps://b.example.com/x\"\nusername = \"engine\"\npassword_file = \"pass\"\nsigning_key_file = \"signing.key\"\n"+files, 112, 8200, 1300)
	})
}

func loadCost(t *testing.T, more string, mostAllocs, mostBytes, mostLive uint64) {
	const n = 5000
	dir := t.TempDir()
	writeFiles(t, dir, string(large(n))+more)
	path := filepath.Join(dir, "lookout.toml")
	var kept *Config
	load := func() (allocs, bytes, live uint64) {
		var a, b runtime.MemStats
		kept = nil
		runtime.GC()
		runtime.ReadMemStats(&a)
		c, err := Load(path, testOptions())
		if err != nil || len(c.Jobs) != n {
			t.Fatal(err)
		}
		kept = c
		runtime.ReadMemStats(&b)
		allocs, bytes = b.Mallocs-a.Mallocs, b.TotalAlloc-a.TotalAlloc
		runtime.GC()
		runtime.ReadMemStats(&b)
		return allocs / n, bytes / n, (b.HeapAlloc - a.HeapAlloc) / n
	}
	load() // what is made once
	allocs, bytes, live := load()
	t.Logf("a monitor: %d allocations of %d bytes, %d bytes kept", allocs, bytes, live)
	if allocs > mostAllocs || bytes > mostBytes || live > mostLive {
		t.Errorf("a monitor costs %d allocations, %d bytes, and keeps %d", allocs, bytes, live)
	}
	runtime.KeepAlive(kept)
}
