package worker

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// TestDamagedFiles believes nothing that lies in its folder, and asks for it again.
func TestDamagedFiles(t *testing.T) {
	chunkFile := func(o *office) string {
		all, err := filepath.Glob(filepath.Join(o.dir, dirChunks, "*"))
		if err != nil || len(all) != 1 {
			o.t.Fatalf("%v: %v", all, err)
		}
		return all[0]
	}
	write := func(o *office, path string, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		damage func(o *office)
		obeyed bool
		chunks int
	}{
		{"nothing", func(*office) {}, true, 1},
		{"manifest empty", func(o *office) { write(o, filepath.Join(o.dir, fileManifest), nil) }, false, 0},
		{"manifest of another probe", func(o *office) {
			seal := o.seal(version(9, 9))
			seal.Probe = "b"
			write(o, filepath.Join(o.dir, fileManifest), o.manifest(wire.Manifest{Seal: seal, Major: wire.Major, Live: []string{"a"}}))
		}, false, 0},
		{"chunk cut short", func(o *office) {
			if err := os.Truncate(chunkFile(o), 100); err != nil {
				o.t.Fatal(err)
			}
		}, false, 0},
		{"chunk is another", func(o *office) { write(o, chunkFile(o), o.chunk(regular(0, 9))) }, false, 0},
		{"chunk is missing", func(o *office) {
			if err := os.Remove(chunkFile(o)); err != nil {
				o.t.Fatal(err)
			}
		}, false, 0},
		{"strangers", func(o *office) {
			write(o, filepath.Join(o.dir, ".new-17"), []byte("x"))
			write(o, filepath.Join(o.dir, dirChunks, "x"), []byte("x"))
			write(o, filepath.Join(o.dir, fileCounts), []byte("x"))
		}, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p := o.start(nil)
				mine := regular(0, 3)
				o.assign(version(5, 1), []string{"a"}, mine)
				p.stop()
				tt.damage(o)
				p = o.start(nil)
				hellos := o.hellos()
				h := hellos[len(hellos)-1]
				if (h.Obeyed == version(5, 1)) != tt.obeyed || len(h.Chunks) != tt.chunks {
					t.Errorf("the hello says %+v", h)
				}
				o.assign(version(5, 2), []string{"a"}, mine)
				after(time.Minute)
				if n := len(o.ran()); n != 3 {
					t.Errorf("%d monitors are checked", n)
				}
				p.stop()
				if left, err := filepath.Glob(filepath.Join(o.dir, ".new-*")); len(left) > 0 || err != nil {
					t.Errorf("%v is left: %v", left, err)
				}
				if all, err := os.ReadDir(filepath.Join(o.dir, dirChunks)); len(all) != 1 || err != nil {
					t.Errorf("%d chunks are left: %v", len(all), err)
				}
			})
		})
	}
}

// TestStoredLater: a manifest that the disk did not take is stored when one like it comes.
func TestStoredLater(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		mine := regular(0, 3)
		o.assign(version(5, 1), []string{"a"}, mine)
		file := filepath.Join(o.dir, fileManifest)
		if err := errors.Join(os.Remove(file), os.MkdirAll(filepath.Join(file, "in the way"), 0o700)); err != nil {
			t.Fatal(err)
		}
		m := wire.Manifest{Seal: o.seal(version(5, 2)), Major: wire.Major, Chunks: []wire.Hash{wire.HashOf(o.chunk(mine))}, Live: []string{"a"}}
		o.deliver(o.own(), topology.TypeManifest, o.manifest(m))
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
		m.NotAfter = m.NotAfter.Add(time.Minute)
		o.deliver(o.own(), topology.TypeManifest, o.manifest(m))
		p.stop()
		p = o.start(nil)
		hellos := o.hellos()
		if h := hellos[len(hellos)-1]; h.Obeyed != version(5, 2) {
			t.Errorf("obeys %+v after a restart", h.Obeyed)
		}
		p.stop()
	})
}

// TestNewEngine is greeted at once: it has heard of nobody.
func TestNewEngine(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		o.assign(version(5, 1), []string{"a"}, regular(0, 3))
		after(30 * time.Second)
		before := len(o.hellos())
		frame := o.chunk(regular(0, 3))
		m := wire.Manifest{Seal: o.seal(version(6, 1)), Major: wire.Major, Chunks: []wire.Hash{wire.HashOf(frame)}}
		o.deliver(o.own(), topology.TypeManifest, o.manifest(m))
		if n := len(o.hellos()) - before; n != 1 {
			t.Errorf("%d hellos", n)
		}
		p.stop()
	})
}

// TestCrashBeforePromotion keeps a manifest whose last chunk was stored when the probe was killed.
func TestCrashBeforePromotion(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		mine := regular(0, 3)
		o.assign(version(5, 1), []string{"a"}, mine)
		p.stop()
		m := wire.Manifest{Seal: o.seal(version(5, 2)), Major: wire.Major, Chunks: []wire.Hash{wire.HashOf(o.chunk(mine))}, Live: []string{"a"}}
		if err := os.WriteFile(filepath.Join(o.dir, fileNext), o.manifest(m), 0o600); err != nil {
			t.Fatal(err)
		}
		p = o.start(nil)
		m.NotAfter = m.NotAfter.Add(time.Minute)
		o.deliver(o.own(), topology.TypeManifest, o.manifest(m))
		p.stop()
		p = o.start(nil)
		m.Version = version(5, 1)
		if o.deliver(o.own(), topology.TypeManifest, o.manifest(m)) {
			t.Error("an older manifest is obeyed")
		}
		hellos := o.hellos()
		if h := hellos[len(hellos)-1]; h.Obeyed != version(5, 2) {
			t.Errorf("obeys %+v", h.Obeyed)
		}
		p.stop()
	})
}

// TestStaleNext does not go back to a manifest that was replaced before it was complete.
func TestStaleNext(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		mine := regular(0, 3)
		o.assign(version(5, 2), []string{"a"}, mine)
		p.stop()
		m := wire.Manifest{Seal: o.seal(version(5, 1)), Major: wire.Major, Live: []string{"a"}}
		if err := os.WriteFile(filepath.Join(o.dir, fileNext), o.manifest(m), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(o.dir, dirChunks)); err != nil {
			t.Fatal(err)
		}
		p = o.start(nil)
		o.deliver(o.own(), topology.TypeChunk, o.chunk(mine))
		p.stop()
		p = o.start(nil)
		hellos := o.hellos()
		if h := hellos[len(hellos)-1]; h.Obeyed != version(5, 2) || len(h.Chunks) != 1 {
			t.Errorf("the hello says %+v", h)
		}
		p.stop()
	})
}
