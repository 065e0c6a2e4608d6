package brokertest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBroker goes through the life of one: killed, started again on its data,
// ended in good order.
func TestBroker(t *testing.T) {
	b := Start(t, Options{})
	if _, err := b.Ctl(t.Context(), "add_vhost", "one"); err != nil {
		t.Fatal(err)
	}
	if err := b.Import(t.Context(), []byte(`{"vhosts":[{"name":"two"}]}`)); err != nil {
		t.Fatal(err)
	}
	if err := b.Kill9(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", b.Addr()); err == nil {
		c.Close()
		t.Error("it listens after Kill9")
	}
	if err := b.Signal("CONT"); err == nil {
		t.Error("a signal went to a broker that has ended")
	}
	if err := b.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	vhosts, err := b.Ctl(t.Context(), "--quiet", "list_vhosts")
	if err != nil || !strings.Contains(vhosts, "one\n") || !strings.Contains(vhosts, "two\n") {
		t.Errorf("vhosts after the restart: %q, %v", vhosts, err)
	}
	if err := b.Term(); err != nil {
		t.Error(err)
	}
	dir := b.dir
	b.Close()
	if _, err := os.Stat(dir); err == nil {
		t.Error("its folder is still there")
	}
}

// TestLeash kills a process that runs a broker and looks for what is left.
func TestLeash(t *testing.T) {
	if os.Getenv("BROKERTEST_LEASH") != "" {
		b := Start(t, Options{})
		fmt.Printf("leash %s %s\n", b.Addr(), b.dir)
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
		return
	}
	if _, err := os.Stat(filepath.Join(binaries, "rabbitmq-server")); err != nil {
		judge(t, ErrMissing)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLeash$", "-test.v")
	cmd.Env = append(os.Environ(), "BROKERTEST_LEASH=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr, dir string
	for lines := bufio.NewScanner(out); addr == "" && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "leash %s %s", &addr, &dir) // other lines are the test's own
	}
	if addr == "" {
		_ = cmd.Wait()
		t.Fatal("the broker of the other process did not start")
	}
	if n := len(ofFolder(t, dir)); n < 3 {
		t.Fatalf("%d processes with HOME=%s: the shell, epmd and the broker were to be found", n, dir)
	}
	_ = cmd.Process.Kill() // it runs
	_ = cmd.Wait()
	deadline := time.Now().Add(30 * time.Second)
	for {
		left := ofFolder(t, dir)
		_, err := os.Stat(dir)
		if len(left) == 0 && err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: processes %v, folder %v", left, err == nil)
		}
	}
}

// ofFolder finds the processes whose HOME is a broker's folder.
func ofFolder(t *testing.T, dir string) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && strings.Contains(string(env), "HOME="+dir+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// echo answers what it reads, and counts its connections' ends.
func echo(t *testing.T) (addr string, ends chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ends = make(chan error, 16) // from the connections to the test, which makes fewer
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, err := io.Copy(c, c)
				ends <- err
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String(), ends
}

func TestProxy(t *testing.T) {
	addr, ends := echo(t)
	p := StartProxy(t, addr)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	say := func(c net.Conn, text string, within time.Duration) error {
		if err := c.SetDeadline(time.Now().Add(within)); err != nil {
			return err
		}
		if _, err := c.Write([]byte(text)); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, len(text)))
		return err
	}
	const long, short = 20 * time.Second, 50 * time.Millisecond

	c := dial()
	if err := say(c, "hello", long); err != nil {
		t.Fatal(err)
	}
	if p.Sent() != 5 || p.Received() != 5 || p.Accepted() != 1 {
		t.Errorf("counted %d and %d bytes of %d connections", p.Sent(), p.Received(), p.Accepted())
	}

	p.Stall()
	p.Stall()
	if err := say(c, "hold", short); !os.IsTimeout(err) {
		t.Errorf("stalled: %v", err)
	}
	if err := say(dial(), "new", short); !os.IsTimeout(err) {
		t.Errorf("a new connection, stalled: %v", err)
	}
	p.Pass()
	if err := c.SetDeadline(time.Now().Add(long)); err != nil {
		t.Fatal(err)
	}
	held := make([]byte, 4)
	if _, err := io.ReadFull(c, held); err != nil || string(held) != "hold" {
		t.Errorf("after the stall: %q, %v", held, err)
	}

	p.Delay(short)
	before := time.Now()
	if err := say(c, "late", long); err != nil || time.Since(before) < 2*short {
		t.Errorf("delayed by %v each way: %v, %v", short, time.Since(before), err)
	}
	p.Pass()

	p.Reset()
	if err := say(c, "x", long); err == nil || os.IsTimeout(err) {
		t.Errorf("after a reset: %v", err)
	}
	<-ends
	if err := say(dial(), "again", long); err != nil {
		t.Errorf("a new connection after a reset: %v", err)
	}
	p.Refuse()
	refused, err := net.Dial("tcp", p.Addr()) // it may be seen before the first word, or by it
	if err == nil {
		t.Cleanup(func() { refused.Close() })
		err = say(refused, "x", long)
	}
	if err == nil || os.IsTimeout(err) {
		t.Errorf("refused: %v", err)
	}
	p.Stall()
	p.Close()
	p.Close()
}

func TestURL(t *testing.T) {
	if got := URL("amqps", "b.example:5671", "engine", "a/b@c", "/"); got != "amqps://engine:a%2Fb%40c@b.example:5671/%2F" {
		t.Error(got)
	}
	if got := URL("amqps", "b.example:5671", "", "", "web-1"); got != "amqps://b.example:5671/web-1" {
		t.Error(got)
	}
}
