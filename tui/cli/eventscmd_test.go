package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

// said is what a command has printed so far, for who waits beside it.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to it.
func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// String is all of it.
func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// follower is `lookout events --follow` beside a bench.
type follower struct {
	lines  *bufio.Scanner
	stderr said
	last   uint64
	end    func() int // interrupts it, and returns its exit code
}

func (b *bench) follow(t *testing.T, args ...string) *follower {
	t.Helper()
	out, in := io.Pipe()
	f := &follower{lines: bufio.NewScanner(out)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1) // the follower's only word
	c := &call{stdin: strings.NewReader(""), stdout: in, stderr: &f.stderr, env: b.env, now: b.now, etc: b.dir}
	go func() {
		defer in.Close()
		ended <- c.run(ctx, append([]string{"events", "--follow", "--format", "json"}, args...))
	}()
	f.end = sync.OnceValue(func() int {
		cancel()
		go io.Copy(io.Discard, out) //nolint:errcheck // what is on its way
		return <-ended
	})
	t.Cleanup(func() { f.end() })
	return f
}

// until reads up to an event, with none left out and none twice.
func (f *follower) until(t *testing.T, what string) {
	t.Helper()
	for f.lines.Scan() {
		var e struct{ ID uint64 }
		if err := json.Unmarshal(f.lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if f.last != 0 && e.ID != f.last+1 {
			t.Fatalf("event %d comes after %d", e.ID, f.last)
		}
		f.last = e.ID
		if strings.Contains(f.lines.Text(), what) {
			return
		}
	}
	t.Fatalf("it ended before %s: %v, %s", what, f.lines.Err(), f.stderr.String())
}

func TestFollow(t *testing.T) {
	b, stop := engineBench(t)
	f := b.follow(t, "--after", "1")
	f.until(t, `"event":"verdict"`)
	if f.last != 2 {
		t.Errorf("it begins with event %d", f.last)
	}
	if got := b.call("", "pause", "good"); got.code != 0 {
		t.Fatal(got)
	}
	f.until(t, `"event":"pause"`)
	for range 2 { // engines that follow
		stop()
		stop = b.engine(t)
		f.until(t, `"message":"stopped"`)
		f.until(t, `"message":"started with 2 monitors`)
	}
	const lost = "lookout: no engine answers at "
	if got := f.stderr.String(); strings.Count(got, lost) != 2 || strings.Count(got, "; waiting for it to come back\nlookout: the engine answers again, pid ") != 2 ||
		strings.Count(got, "; nothing was missed\n") != 2 {
		t.Errorf("it says %s", got)
	}

	stop()
	if err := os.Remove("data/lookout.db"); err != nil {
		t.Fatal(err)
	}
	b.engine(t)
	for f.lines.Scan() && !strings.Contains(f.lines.Text(), `"id":1,`) {
	}
	if !strings.HasSuffix(f.stderr.String(), "; its event log began anew\n") {
		t.Errorf("after a new data file it says %s", f.stderr.String())
	}
	if code := f.end(); code != 0 {
		t.Errorf("interrupted, it ends with %d", code)
	}
}

// TestFollowEndsWhereAnotherEngineBegins: that one's events are not those that were asked for.
func TestFollowEndsWhereAnotherEngineBegins(t *testing.T) {
	b, stop := engineBench(t)
	f := b.follow(t)
	for !strings.Contains(b.call("", "events").stdout, "resumed") { // until it follows, it may miss some
		b.call("", "pause", "good")
		b.call("", "resume", "good")
	}
	stop()
	text, err := os.ReadFile("lookout.toml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "other.toml", string(text))
	b.engine(t, "--config", "other.toml")
	for f.lines.Scan() {
	}
	if code := f.end(); code != exitInUse || !strings.Contains(f.stderr.String(), "with "+b.dir+"/other.toml; lookout attach ") {
		t.Errorf("it ends with %d, %s", code, f.stderr.String())
	}
}

// TestFollowFromNow does not begin at the beginning where nothing was chosen of it.
func TestFollowFromNow(t *testing.T) {
	b, _ := engineBench(t)
	for _, from := range [][]string{{"--since", "2099-01-01"}, {"--after", "1", "--since", "2099-01-01"}} {
		f := b.follow(t, from...)
		acted := make(chan struct{}) // closed when the test has seen enough
		done := make(chan struct{})  // closed when nobody acts any more
		go func() {                  // it follows at some moment
			defer close(done)
			for {
				select {
				case <-acted:
					return
				default:
					b.call("", "ack", "bad")
				}
			}
		}()
		ok := f.lines.Scan()
		close(acted)
		if !ok || !strings.Contains(f.lines.Text(), `"event":"ack"`) {
			t.Errorf("%s: the first is %q", from, f.lines.Text())
		}
		f.end()
		<-done
	}
	if got := b.call("", "events", "--follow", "--until", "1h"); got.code != exitUsage {
		t.Errorf("follow until: %+v", got)
	}
}
