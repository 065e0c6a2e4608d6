package worker

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

func TestObeys(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		if n := len(o.hellos()); n != 1 {
			t.Fatalf("%d hellos when the link came up", n)
		}
		o.assign(version(5, 1), []string{"a"}, regular(0, 10), regular(256, 260))
		after(2 * time.Second)
		hellos := o.hellos()
		if h := hellos[len(hellos)-1]; h.Obeyed != version(5, 1) || len(h.Chunks) != 2 {
			t.Errorf("the hello that follows says %+v", h)
		}
		after(time.Minute)
		if n := len(o.ran()); n != 14 {
			t.Errorf("%d of 14 monitors were checked in a minute", n)
		}
		p.stop()
		hellos = o.hellos()
		if !hellos[len(hellos)-1].Goodbye {
			t.Error("the probe left without a word")
		}
	})
}

// TestRefuses gives a probe what it must not obey.
func TestRefuses(t *testing.T) {
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forger := func(o *office) wire.Signer { return wire.Signer{Codec: o.codec, Key: other} }
	manifest := func(change func(*wire.Manifest)) func(*office, []wire.Hash) []byte {
		return func(o *office, in []wire.Hash) []byte {
			m := wire.Manifest{Seal: o.seal(version(5, 3)), Major: wire.Major, Chunks: in, Live: []string{"a"}}
			change(&m)
			return o.manifest(m)
		}
	}
	tests := []struct {
		name  string
		frame func(o *office, chunks []wire.Hash) []byte
		kind  string
	}{
		{"forged", func(o *office, in []wire.Hash) []byte {
			return o.must(forger(o).Manifest(wire.Manifest{Seal: o.seal(version(9, 9)), Major: wire.Major, Live: []string{"a"}}))
		}, topology.TypeManifest},
		{"older", manifest(func(m *wire.Manifest) { m.Version = version(5, 1) }), topology.TypeManifest},
		{"of an engine that began earlier", manifest(func(m *wire.Manifest) { m.Version = version(4, 9) }), topology.TypeManifest},
		{"expired", manifest(func(m *wire.Manifest) { m.NotAfter = time.Now().Add(-time.Millisecond) }), topology.TypeManifest},
		{"for another probe", manifest(func(m *wire.Manifest) { m.Probe = "b" }), topology.TypeManifest},
		{"for another location", manifest(func(m *wire.Manifest) { m.Location = "nyc" }), topology.TypeManifest},
		{"for another vhost", manifest(func(m *wire.Manifest) { m.Vhost = "web-2" }), topology.TypeManifest},
		{"of another major version", manifest(func(m *wire.Manifest) { m.Major = 2 }), topology.TypeManifest},
		{"cut short", func(o *office, in []wire.Hash) []byte { return manifest(func(*wire.Manifest) {})(o, in)[:90] }, topology.TypeManifest},
		{"too large", func(o *office, in []wire.Hash) []byte {
			return append(manifest(func(*wire.Manifest) {})(o, in), make([]byte, wire.MaxFrame)...)
		}, topology.TypeManifest},
		{"of a type that is not known", manifest(func(*wire.Manifest) {}), "lookout.manifest.2"},
		{"a chunk that is forged", func(o *office, _ []wire.Hash) []byte {
			return o.must(forger(o).Chunk(wire.Chunk{Vhost: o.place.Vhost, Location: o.place.Location, Monitors: regular(7, 9)}))
		}, topology.TypeChunk},
		{"a chunk for another location", func(o *office, _ []wire.Hash) []byte {
			return o.must(o.signer.Chunk(wire.Chunk{Vhost: o.place.Vhost, Location: "nyc", Monitors: regular(7, 9)}))
		}, topology.TypeChunk},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p := o.start(nil)
				mine := regular(0, 3)
				o.assign(version(5, 2), []string{"a"}, mine)
				if o.deliver(o.own(), tt.kind, tt.frame(o, []wire.Hash{wire.HashOf(o.chunk(mine))})) {
					t.Error("it is obeyed")
				}
				after(2 * time.Minute)
				hellos := o.hellos()
				if h := hellos[len(hellos)-1]; h.Obeyed != version(5, 2) {
					t.Errorf("obeys %+v", h.Obeyed)
				}
				if n := len(o.ran()); n != 3 {
					t.Errorf("checks %d monitors", n)
				}
				p.stop()
			})
		})
	}
}

// TestStrayChunk ignores a chunk that no manifest names, whoever signed it.
func TestStrayChunk(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		o.assign(version(5, 2), []string{"a"}, regular(0, 3))
		o.deliver(o.own(), topology.TypeChunk, o.chunk(regular(300, 310)))
		after(2 * time.Minute)
		if n := len(o.ran()); n != 3 {
			t.Errorf("checks %d monitors", n)
		}
		p.stop()
	})
}

// TestMissingChunks asks for what is missing, and works by the old version until all is there.
func TestMissingChunks(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		first := regular(0, 3)
		o.assign(version(5, 1), []string{"a"}, first)
		second := [][]wire.Monitor{regular(256, 258), regular(512, 514)}
		hashes := []wire.Hash{wire.HashOf(o.chunk(first)), wire.HashOf(o.chunk(second[0])), wire.HashOf(o.chunk(second[1]))}
		m := o.manifest(wire.Manifest{Seal: o.seal(version(5, 2)), Major: wire.Major, Chunks: hashes, Live: []string{"a"}})
		o.deliver(o.own(), topology.TypeManifest, m)
		o.deliver(o.own(), topology.TypeChunk, o.chunk(second[0]))
		after(time.Second)
		hellos := o.hellos()
		if h := hellos[len(hellos)-1]; h.Obeyed != version(5, 1) || len(h.Chunks) != 2 {
			t.Errorf("with a chunk missing the hello says %+v", h)
		}
		after(time.Minute)
		if n := len(o.ran()); n != 3 {
			t.Errorf("%d monitors are checked while a chunk is missing", n)
		}
		o.deliver(o.own(), topology.TypeChunk, o.chunk(second[1]))
		after(time.Minute)
		if n := len(o.ran()); n != 7 {
			t.Errorf("%d monitors are checked when all is there", n)
		}
		p.stop()
	})
}

// TestRestart goes on by what was obeyed, alone, and obeys nothing older.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		mine := regular(0, 5)
		old := o.manifest(wire.Manifest{Seal: o.seal(version(5, 2)), Major: wire.Major, Chunks: []wire.Hash{wire.HashOf(o.chunk(mine))}, Live: []string{"a"}})
		o.assign(version(5, 3), []string{"a"}, mine)
		after(time.Minute)
		p.stop()

		o.lose(errAway)
		before := len(o.ran()["ma-0s"])
		p = o.start(nil)
		after(aloneAfter + 2*time.Minute)
		if got := len(o.ran()["ma-0s"]) - before; got != 2 {
			t.Errorf("checked %d times in two minutes alone", got)
		}
		if o.deliver(o.own(), topology.TypeManifest, old) {
			t.Error("an older manifest is obeyed after a restart")
		}
		after(goodFor)
		before = len(o.ran()["ma-0s"])
		after(10 * time.Minute)
		if got := len(o.ran()["ma-0s"]) - before; got != 0 {
			t.Errorf("checked %d times after the manifest expired", got)
		}
		p.stop()

		p = o.start(nil) // expired on disk
		if o.deliver(o.own(), topology.TypeManifest, old) {
			t.Error("an older manifest is obeyed after a second restart")
		}
		o.assign(version(6, 1), []string{"a"}, mine)
		after(time.Minute)
		if got := len(o.ran()["ma-0s"]) - before; got != 1 {
			t.Errorf("checked %d times in a minute after a new manifest", got)
		}
		p.stop()
	})
}

// TestRestartIncomplete keeps the newer version of which a chunk is missing, and still works by the older.
func TestRestartIncomplete(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		mine := regular(0, 5)
		o.assign(version(5, 1), []string{"a"}, mine)
		more := o.chunk(regular(256, 258))
		next := wire.Manifest{Seal: o.seal(version(5, 3)), Major: wire.Major, Chunks: []wire.Hash{wire.HashOf(more)}, Live: []string{"a"}}
		o.deliver(o.own(), topology.TypeManifest, o.manifest(next))
		p.stop()

		p = o.start(nil)
		next.Version = version(5, 2)
		if o.deliver(o.own(), topology.TypeManifest, o.manifest(next)) {
			t.Error("a manifest older than the one accepted is obeyed")
		}
		after(aloneAfter + time.Minute)
		if n := len(o.ran()); n != 5 {
			t.Errorf("%d monitors are checked", n)
		}
		o.deliver(o.own(), topology.TypeChunk, more)
		after(time.Second)
		hellos := o.hellos()
		if h := hellos[len(hellos)-1]; h.Obeyed != version(5, 3) || len(h.Chunks) != 1 {
			t.Errorf("when all is there the hello says %+v", h)
		}
		p.stop()
	})
}

// TestRenewed is stored now and then, and obeyed at once.
func TestRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		file := filepath.Join(o.dir, fileManifest)
		var stored [][]byte
		for range 5 {
			o.assign(version(5, 1), []string{"a"}, regular(0, 1))
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(stored); n == 0 || !bytes.Equal(stored[n-1], b) {
				stored = append(stored, b)
			}
			after(20 * time.Minute)
		}
		if len(stored) != 2 {
			t.Errorf("stored %d times in 80 minutes", len(stored))
		}
		if n := len(o.ran()["ma-0s"]); n != 100 {
			t.Errorf("checked %d times in 100 minutes", n)
		}
		p.stop()
	})
}
