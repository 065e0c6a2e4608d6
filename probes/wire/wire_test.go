package wire

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

var golden = flag.Bool("golden", false, "write the golden bytes of frames that have none")

var (
	now    = time.Date(2026, 11, 22, 12, 31, 7, 114e6, time.UTC)
	key    = ed25519.NewKeyFromSeed([]byte("a seed for tests, 32 bytes long!"))
	ours   = Place{"web-1", "fra", "fra-1"}
	obeyed = Version{1_795_000_000_000, 41}
	seal   = Seal{ours, Version{1_795_000_000_000, 42}, now.Add(time.Minute), Nonce{1, 2, 15: 16}}
	anyOne = Seal{Place{"web-1", "fra", ""}, seal.Version, seal.NotAfter, seal.Nonce}
	signer = Signer{New(), key}
	reads  = Verifier{signer.Codec, key.Public().(ed25519.PublicKey), ours, obeyed}
)

func aResult() uptime.Result {
	return uptime.Result{Time: now, Outcome: uptime.OutcomeDown, Fault: uptime.FaultTLSExpired, Status: 503,
		Message: "certificate expired yesterday", Address: "203.0.113.9:443", Size: 4711, Content: "00aabb", Total: 31420 * time.Microsecond,
		Measures: []uptime.Measure{{Name: "dns", Value: 2100}, {Name: "loss", Value: 333333}, {Name: "offset", Value: -1230}},
		Steps: []uptime.Step{{Step: "connect", Took: 1030 * time.Microsecond, Address: "203.0.113.9:443", Error: "connection refused",
			Errno: "ECONNREFUSED", Detail: "agrees", Status: 301, URL: "https://a.example.com/?***"}},
		Cert: &uptime.Certificate{Names: []string{"a.example.com", "b.example.com"}, Issuer: "CN=x", Serial: "01ab",
			NotBefore: time.Date(1949, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: now.Truncate(time.Second), Version: "1.3", Chain: "expired",
			Cipher: "TLS_AES_128_GCM_SHA256", KeyExchange: "X25519MLKEM768", Fingerprint: uptime.Hash{1}, KeyHash: uptime.Hash{2}}}
}

func aMonitor() Monitor {
	return Monitor{Number: 513, Name: "shop", Type: "http", URL: "https://jo:${secret:pw}@shop.example.com/checkout", Interval: time.Minute,
		Timeout: 10 * time.Second, DegradedAbove: 800 * time.Millisecond, Regular: true, Asked: true, IP: "4", Zone: "Europe/Amsterdam",
		Source: "192.0.2.7", Resolvers: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::53]:53")},
		Values: map[string]any{"method": "", "status": []string{"200-299", ""}, "max_redirects": int64(-3), "follow_redirects": false, "verify": true,
			"grace": -time.Minute, "connect_to": map[string]string{"a": "b", "": ""}, "dialogue": []map[string]string{{"expect": "x\r\n"}, {}},
			"bearer_token": uptime.Secret("${secret:token}"), "headers": map[string]uptime.Secret{"X": "${secret:x}"}, "ca_file": []byte{0, 255},
			"loss_max": uptime.Percentage{Share: 0.25}, "cert_warn": uptime.Percentage{Duration: 336 * time.Hour},
			"servers": []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}},
		Expect: map[string]any{"body_contains": []string{"Add to cart"}}}
}

func aBatch() Batch {
	up := func(monitor uint32, ms int, measures ...uptime.Measure) Row {
		return Row{Monitor: monitor, Result: uptime.Result{Time: now.Add(time.Duration(ms) * time.Millisecond), Outcome: uptime.OutcomeUp, Status: 200,
			Total: 45670 * time.Microsecond, Measures: measures}}
	}
	down, base := Row{Monitor: 513, Unhealthy: true, Result: aResult()}, up(7, -900, uptime.Measure{Name: "dns", Value: 10})
	base.Baseline = true
	few := up(9, 3)
	few.Result.Total = 1270 * time.Microsecond // exact as a bin
	return Batch{Epoch: 0xdeadbeef00000001, From: 300, Obeyed: seal.Version, Late: true, Clock: now.Add(time.Second),
		Counters: Counters{1000, 990, 3, 10, 20, 4}, Lost: []Interval{{3, 7}, {100, 290}}, Rows: []Row{base, down, few, down}}
}

// frames are one of each kind: how it is written, how it is read, what it says.
type framed struct {
	name  string
	value any
	write func() ([]byte, error)
	read  func(frame []byte) (any, error)
}

func orders(v Verifier, at time.Time) []framed {
	m := Manifest{seal, 1, []Hash{{1}, {2, 15: 9}}, []string{"fra-1", "fra-2"}}
	c := Chunk{"web-1", "fra", []Monitor{aMonitor(), {Number: 514, Name: "b", Type: "beat", Interval: time.Second, Timeout: time.Millisecond}}}
	full := aMonitor()
	q := Request{anyOne, 513, &full, 5 * time.Second, 2 * time.Second}
	y := Canary{seal}
	return []framed{
		{"manifest", m, func() ([]byte, error) { return signer.Manifest(m) }, func(b []byte) (any, error) { return v.Manifest(b, at) }},
		{"chunk", c, func() ([]byte, error) { return signer.Chunk(c) }, func(b []byte) (any, error) { return v.Chunk(b) }},
		{"request", q, func() ([]byte, error) { return signer.Request(q) }, func(b []byte) (any, error) { return v.Request(b, at) }},
		{"canary", y, func() ([]byte, error) { return signer.Canary(y) }, func(b []byte) (any, error) { return v.Canary(b, at) }},
	}
}

func said() []framed {
	c := signer.Codec
	h := Hello{0xfeed, obeyed, []Hash{{7}}, []uint8{1}, 12, 5000, []string{"http", "tcp"}, "1.0", now, true, ""}
	sick := Hello{Epoch: 0xfeed, Majors: []uint8{1}, Clock: now, Warning: "spool /var/lib: no space left on device"}
	a := Answer{seal.Nonce, uptime.OutcomeDown, uptime.FaultTCPTimeout, "no answer", 5 * time.Second, now, obeyed}
	p := Reply{Nonce: seal.Nonce, Obeyed: obeyed, Clock: now, Row: Row{Monitor: 513, Unhealthy: true, Result: aResult()}}
	no := Reply{Nonce: seal.Nonce, Refusal: "its policy denies 10.0.0.1", Clock: now}
	b, none := aBatch(), Batch{Epoch: 3, From: 9, Clock: now}
	return []framed{
		{"hello", h, func() ([]byte, error) { return c.Hello(h) }, func(b []byte) (any, error) { return c.ReadHello(b) }},
		{"hello-warning", sick, func() ([]byte, error) { return c.Hello(sick) }, func(b []byte) (any, error) { return c.ReadHello(b) }},
		{"answer", a, func() ([]byte, error) { return c.Answer(a) }, func(b []byte) (any, error) { return c.ReadAnswer(b) }},
		{"reply", p, func() ([]byte, error) { return c.Reply(p) }, func(b []byte) (any, error) { return c.ReadReply(b) }},
		{"refusal", no, func() ([]byte, error) { return c.Reply(no) }, func(b []byte) (any, error) { return c.ReadReply(b) }},
		{"batch", b, func() ([]byte, error) { return c.Batch(b) }, func(b []byte) (any, error) { return c.ReadBatch(b) }},
		{"empty-batch", none, func() ([]byte, error) { return c.Batch(none) }, func(b []byte) (any, error) { return c.ReadBatch(b) }},
	}
}

func all() []framed { return append(orders(reads, now), said()...) }

func TestRoundTrip(t *testing.T) {
	for _, f := range all() {
		t.Run(f.name, func(t *testing.T) {
			frame, err := f.write()
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.read(frame)
			if err != nil || !reflect.DeepEqual(got, f.value) {
				t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, f.value)
			}
			for cut := range len(frame) {
				_, err := f.read(frame[:cut]) // what is not signed may end with any field
				if err == nil && (cut < headSize || kind(frame[3]).signed()) {
					t.Fatalf("cut to %d bytes it is read", cut)
				}
			}
		})
	}
}

// TestGolden keeps what version 1 looks like: frames that an older lookout
// wrote are read for good.
func TestGolden(t *testing.T) {
	for _, f := range all() {
		t.Run(f.name, func(t *testing.T) {
			file := filepath.Join("testdata", "v1", f.name)
			frame, err := os.ReadFile(file)
			if errors.Is(err, os.ErrNotExist) && *golden {
				if frame, err = f.write(); err == nil {
					err = os.WriteFile(file, frame, 0o644)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.read(frame)
			if err != nil || !reflect.DeepEqual(got, f.value) {
				t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, f.value)
			}
		})
	}
}

func TestOrdersAreRefused(t *testing.T) {
	other := ed25519.NewKeyFromSeed([]byte("another seed, also 32 bytes long"))
	with := func(change func(*Verifier)) Verifier {
		v := reads
		change(&v)
		return v
	}
	for _, c := range []struct {
		name   string
		v      Verifier
		at     time.Time
		change func([]byte) []byte
		want   error
		not    string // the kinds that accept it all the same
	}{
		{"good", reads, now, nil, nil, ""},
		{"on its last millisecond", reads, seal.NotAfter, nil, nil, ""},
		{"a bit of the body flipped", reads, now, func(b []byte) []byte { b[len(b)-70] ^= 1; return b }, ErrForged, ""},
		{"a bit of the signature flipped", reads, now, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, ErrForged, ""},
		{"the coding changed", reads, now, func(b []byte) []byte { b[4] ^= 1; return b }, ErrForged, ""},
		{"a byte more", reads, now, func(b []byte) []byte { return append(b, 0) }, ErrForged, ""},
		{"cut short", reads, now, func(b []byte) []byte { return b[:20] }, ErrForged, ""},
		{"another engine's", with(func(v *Verifier) { v.Key = other.Public().(ed25519.PublicKey) }), now, nil, ErrForged, ""},
		{"no key pinned", with(func(v *Verifier) { v.Key = nil }), now, nil, ErrForged, ""},
		{"for another vhost", with(func(v *Verifier) { v.Place.Vhost = "web-2" }), now, nil, ErrNotForUs, ""},
		{"for another location", with(func(v *Verifier) { v.Place.Location = "nyc" }), now, nil, ErrNotForUs, ""},
		{"for another probe", with(func(v *Verifier) { v.Place.Probe = "fra-2" }), now, nil, ErrNotForUs, "chunk request"},
		{"late", reads, seal.NotAfter.Add(time.Millisecond), nil, ErrExpired, "chunk"},
		{"of the version that is obeyed", with(func(v *Verifier) { v.Obeyed = seal.Version }), now, nil, nil, ""},
		{"of an older version", with(func(v *Verifier) { v.Obeyed.Counter = 43 }), now, nil, ErrOlder, "chunk request canary"},
		{"of an engine of before", with(func(v *Verifier) { v.Obeyed = Version{1_795_000_000_001, 1} }), now, nil, ErrOlder, "chunk"},
		{"of another major version", reads, now, func(b []byte) []byte { b[2] = 2; return b }, ErrMajor, ""},
		{"too large", reads, now, func(b []byte) []byte { return append(b, make([]byte, MaxFrame)...) }, ErrTooLarge, ""},
		{"no frame", reads, now, func(b []byte) []byte { return []byte("{}") }, ErrMalformed, ""},
		{"of another kind", reads, now, func(b []byte) []byte { b[3] = byte(kindBatch); return b }, ErrMalformed, ""},
	} {
		for _, f := range orders(c.v, c.at) {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				frame, err := f.write()
				if err != nil {
					t.Fatal(err)
				}
				if c.change != nil {
					frame = c.change(frame)
				}
				want := c.want
				if strings.Contains(c.not, f.name) {
					want = nil
				}
				got, err := f.read(frame)
				if !errors.Is(err, want) || want == nil && err != nil {
					t.Fatalf("%v, want %v", err, want)
				}
				if err != nil && !reflect.ValueOf(got).IsZero() {
					t.Errorf("refused, it still gives %+v", got)
				}
				if err != nil && (strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 300) {
					t.Errorf("no plain sentence: %q", err)
				}
			})
		}
	}
}

func TestSaidIsRefused(t *testing.T) {
	c := signer.Codec
	body := func(k kind, write func(*fields)) []byte {
		var f fields
		write(&f)
		frame, err := c.compose(k, nil, f.buf)
		if err != nil {
			t.Fatal(err)
		}
		return frame
	}
	head := []byte{'l', 'k', Major, byte(kindBatch), codingZstd}
	bomb := append(head[:5:5], c.pack.EncodeAll(make([]byte, MaxBody+1), nil)...)
	lies := append(head[:5:5], 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40) // claims 2^62 bytes
	noSize := append(head[:5:5], 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x01, 0, 0)
	two := append(head[:5:5], c.pack.EncodeAll(make([]byte, 100), c.pack.EncodeAll(make([]byte, 100), nil))...)
	for _, x := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"a bomb", bomb, ErrTooLarge},
		{"a claimed size of 4 EiB", lies, ErrTooLarge},
		{"no size", noSize, ErrMalformed},
		{"two bodies", two, ErrMalformed},
		{"a coding of the future", []byte{'l', 'k', Major, byte(kindBatch), 9, 1}, ErrMalformed},
		{"a field cut short", []byte{'l', 'k', Major, byte(kindBatch), codingNone, 2, 200}, ErrMalformed},
		{"lost backwards", body(kindBatch, func(f *fields) { f.raw(7, []byte{9, 3}) }), ErrMalformed},
		{"lost too often", body(kindBatch, func(f *fields) {
			for range maxLost + 1 {
				f.raw(7, []byte{1, 2})
			}
		}), ErrTooLarge},
		{"rows that are no block", body(kindBatch, func(f *fields) { f.raw(tagRows, []byte{1, 255, 255}) }), ErrMalformed},
		{"a text that is not there", body(kindBatch, func(f *fields) {
			b := aBatch()
			f.rows(0, b.Rows)
			f.buf = withoutField(f.buf, tagText)
		}), ErrMalformed},
		{"more said of a row that is not there", body(kindBatch, func(f *fields) {
			b := aBatch()
			f.rows(0, b.Rows)
			f.message(tagExtra, func(f *fields) { f.uint(1, 99) })
		}), ErrMalformed},
	} {
		t.Run(x.name, func(t *testing.T) {
			if _, err := c.ReadBatch(x.frame); !errors.Is(err, x.want) {
				t.Errorf("%v, want %v", err, x.want)
			}
		})
	}
	if _, err := c.ReadReply(body(kindReply, func(f *fields) {})); !errors.Is(err, ErrMalformed) {
		t.Errorf("a reply that says nothing: %v", err)
	}
	if _, err := c.ReadHello(body(kindHello, func(f *fields) { f.raw(3, make([]byte, 16*MaxChunks+16)) })); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many chunks: %v", err)
	}
}

// withoutField removes all fields of a tag.
func withoutField(body []byte, gone uint64) []byte {
	var f fields
	var r reader
	r.each(body, func(tag uint64, v []byte) {
		if tag != gone {
			f.raw(tag, v)
		}
	})
	return f.buf
}

// TestLaterFieldsAreSkipped has a field that no reader knows in every message.
func TestLaterFieldsAreSkipped(t *testing.T) {
	c := signer.Codec
	for _, f := range all() {
		t.Run(f.name, func(t *testing.T) {
			frame, err := f.write()
			if err != nil {
				t.Fatal(err)
			}
			k := kind(frame[3])
			head, rest := frame[:headSize], frame[headSize:]
			var front []byte
			if k.signed() {
				rest = rest[:len(rest)-signatureSize]
				size, n := binary.Uvarint(rest)
				var later fields
				later.buf = append(later.buf, rest[n:n+int(size)]...)
				later.raw(1000, []byte("later"))
				front = append(binary.AppendUvarint(nil, uint64(len(later.buf))), later.buf...)
				rest = rest[n+int(size):]
			}
			body, err := c.unfold(head[4], rest)
			if err != nil {
				t.Fatal(err)
			}
			later := fields{buf: append([]byte(nil), body...)}
			later.raw(1000, []byte("later"))
			if frame, err = c.compose(k, front, later.buf); err != nil {
				t.Fatal(err)
			}
			if k.signed() {
				frame = append(frame, ed25519.Sign(key, frame)...)
			}
			if got, err := f.read(frame); err != nil || !reflect.DeepEqual(got, f.value) {
				t.Fatalf("%v\ngot  %+v\nwant %+v", err, got, f.value)
			}
		})
	}
	var f fields
	f.message(14, func(f *fields) {
		f.item(1, "colour", 10)
		f.raw(99, []byte("red"))
	})
	m := aMonitor()
	m.Values = nil
	m.write(&f)
	var r reader
	m = Monitor{}
	if m.read(&r, f.buf); r.err != nil || m.Values["colour"] != (Unsupported{}) {
		t.Errorf("a kind of value of the future: %v, %v", m.Values["colour"], r.err)
	}
}

func TestTooLargeToWrite(t *testing.T) {
	m := aMonitor()
	noise := make([]byte, MaxFrame)
	for i := range noise {
		noise[i] = byte(i * i >> 3 * (i >> 7))
	}
	for i := range noise[32:] {
		noise[i+32] = HashOf(noise[i : i+32])[0]
	}
	for _, c := range []struct {
		name  string
		write func() ([]byte, error)
		want  error
	}{
		{"a file", func() ([]byte, error) {
			m.Values = map[string]any{"body_file": noise}
			return signer.Chunk(Chunk{"web-1", "fra", []Monitor{m}})
		}, ErrTooLarge},
		{"monitors", func() ([]byte, error) { return signer.Chunk(Chunk{"v", "l", make([]Monitor, MaxMonitors+1)}) }, ErrTooLarge},
		{"no monitor", func() ([]byte, error) { return signer.Chunk(Chunk{"v", "l", make([]Monitor, 1)}) }, ErrMalformed},
		{"a value of no kind", func() ([]byte, error) {
			m.Values = map[string]any{"x": 3.5}
			return signer.Chunk(Chunk{"v", "l", []Monitor{m}})
		}, ErrMalformed},
		{"results", func() ([]byte, error) { return signer.Codec.Batch(Batch{Rows: make([]Row, MaxRows+1)}) }, ErrTooLarge},
		{"a result of no time", func() ([]byte, error) { return signer.Codec.Batch(Batch{Rows: make([]Row, 1)}) }, ErrMalformed},
		{"a long name", func() ([]byte, error) {
			return signer.Canary(Canary{Seal{Place: Place{Location: strings.Repeat("x", 65)}}})
		}, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.write(); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}
