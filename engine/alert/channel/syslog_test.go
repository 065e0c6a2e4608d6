package channel

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"lookout/engine/alert/channel/channeltest"
	"lookout/engine/alert/channel/smtptest"
	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// heard are the messages that a listener was sent.
type heard struct {
	mu  sync.Mutex
	all []string
}

func (h *heard) add(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, s)
}

func (h *heard) taken(read func(string) channeltest.Taken) func() []channeltest.Taken {
	return func() (taken []channeltest.Taken) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, m := range h.all {
			taken = append(taken, read(m))
		}
		return taken
	}
}

// packets hears datagrams. It is told how many there are by asking itself for
// one more: what a socket holds comes in its order.
func packets(t testing.TB, network, address string) (net.PacketConn, *heard, func()) {
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	h := new(heard)
	marks := make(chan bool, 1) // one for each mark that was heard
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 512<<10)
		for {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if string(buf[:n]) == "mark" {
				marks <- true
				continue
			}
			h.add(string(buf[:n]))
		}
	})
	t.Cleanup(func() { c.Close(); wg.Wait() })
	return c, h, func() {
		m, err := net.Dial(network, c.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		io.WriteString(m, "mark")
		<-marks
	}
}

// streams hears connections. It has heard all that were made when one of its own
// has been served, and all before that one are.
func streams(t testing.TB, do func(net.Conn)) (address string, settle func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting, serving sync.WaitGroup
	accepted := make(chan string, 100) // whom: more than any test calls
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				do(c)
			})
			accepted <- c.RemoteAddr().String()
		}
	})
	t.Cleanup(func() { l.Close(); accepting.Wait(); serving.Wait() })
	return l.Addr().String(), func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		for <-accepted != c.LocalAddr().String() {
		}
		serving.Wait()
	}
}

var syslogID = regexp.MustCompile(`\((\S+)\)$`)

func readSyslog(t testing.TB, form string) func(string) channeltest.Taken {
	re := regexp.MustCompile(form)
	return func(m string) channeltest.Taken {
		k := channeltest.Taken{Raw: m, Texts: []string{m}}
		if strings.ContainsAny(m, "\r\n\x00") || len(m) > maxSyslog || !re.MatchString(m) {
			t.Errorf("%q", m)
		}
		if id := syslogID.FindStringSubmatch(m); id != nil {
			k.ID = id[1]
		}
		return k
	}
}

const (
	newForm = `^<2[69]>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z web-1\.example\.com lookout \d+ \S+ - DOWN `
	oldForm = `^<2[69]>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d lookout\[\d+\]: DOWN `
)

func TestSyslog(t *testing.T) {
	syslog := typeOf(t, "syslog")
	t.Run("unix", func(t *testing.T) {
		channeltest.Contract(t, channeltest.Case{
			Type: syslog,
			Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
				path := filepath.Join(t.TempDir(), "log")
				_, h, settle := packets(t, "unixgram", path)
				taken := h.taken(readSyslog(t, oldForm))
				return values{"address": "unix://" + path}, func() []channeltest.Taken { settle(); return taken() }
			},
			Refuses: map[string]channeltest.Refuses{
				"no socket": {Side: func(testing.TB) map[string]any { return values{"address": "unix:///none/such"} }, Want: uptime.Refusal{Reply: "no such file or directory"}},
			},
			Bad: map[string]func(testing.TB) map[string]any{"nobody reads": func(t testing.TB) map[string]any { return values{"address": "unix://" + unread(t)} }},
		})
	})
	t.Run("udp", func(t *testing.T) {
		channeltest.Contract(t, channeltest.Case{
			Type: syslog,
			Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
				c, h, settle := packets(t, "udp", "127.0.0.1:0")
				taken := h.taken(readSyslog(t, newForm))
				return values{"address": "udp://" + c.LocalAddr().String()}, func() []channeltest.Taken { settle(); return taken() }
			},
		})
	})
	for _, network := range []string{"tcp", "tls"} {
		t.Run(network, func(t *testing.T) {
			config, ca, err := smtptest.Certificate()
			if err != nil {
				t.Fatal(err)
			}
			channeltest.Contract(t, channeltest.Case{
				Type: syslog,
				Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
					h := new(heard)
					address, settle := streams(t, func(c net.Conn) {
						if network == "tls" {
							c = tls.Server(c, config)
						}
						r := bufio.NewReader(c)
						for {
							count, err := r.ReadString(' ')
							if err != nil {
								return
							}
							n, err := strconv.Atoi(strings.TrimSpace(count))
							if err != nil {
								t.Errorf("no number of octets: %q", count)
								return
							}
							b := make([]byte, n)
							if _, err := io.ReadFull(r, b); err != nil {
								t.Error(err)
								return
							}
							h.add(string(b))
						}
					})
					taken := h.taken(readSyslog(t, newForm))
					return values{"address": network + "://" + address, "ca_file": ca}, func() []channeltest.Taken { settle(); return taken() }
				},
				Refuses: map[string]channeltest.Refuses{
					"nobody there": {Side: func(t testing.TB) map[string]any { return values{"address": network + "://" + probetest.Closed(t)} }, Want: uptime.Refusal{Reply: "connection refused"}},
				},
			})
		})
	}
}

// unread is the path of a socket that is full.
func unread(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "log")
	l, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for sent := 1; sent > 0; { // one sender may not have room for as much as the queue has
		c, err := net.Dial("unixgram", path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := c.(*net.UnixConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		sent = 0
		raw.Control(func(fd uintptr) {
			for err == nil || err == syscall.EINTR {
				if _, err = syscall.Write(int(fd), []byte("full")); err == nil {
					sent++
				}
			}
		})
		c.Close()
	}
	return path
}

func TestSyslogMistakes(t *testing.T) {
	for _, address := range []string{"logs.example.com", "http://x", "udp://", "unix://host/path", "unix://", "udp://h/p", "udp://u:p@h", "udp://h?x"} {
		ch, mistakes := typeOf(t, "syslog").New(uptime.ChannelSettings{Values: values{"address": address}})
		if ch != nil || len(mistakes) != 1 || !strings.HasSuffix(mistakes[0].Message, "is no address of a syslog") {
			t.Errorf("%s: %v %v", address, ch, mistakes)
		}
	}
}

func TestJournal(t *testing.T) {
	channeltest.Contract(t, channeltest.Case{
		Type: typeOf(t, "journal"),
		Good: func(t testing.TB) (map[string]any, func() []channeltest.Taken) {
			path := filepath.Join(t.TempDir(), "socket")
			_, h, settle := packets(t, "unixgram", path)
			taken := h.taken(func(m string) channeltest.Taken {
				fields := readJournal(t, m)
				if fields["SYSLOG_IDENTIFIER"] != "lookout" || fields["PRIORITY"] != "2" || len(fields) > 7 {
					t.Errorf("%q", fields)
				}
				return channeltest.Taken{Raw: strings.Join([]string{fields["MESSAGE"], fields["LOOKOUT_KIND"]}, "|"), Head: fields["MESSAGE"],
					ID: fields["LOOKOUT_ID"], Texts: []string{fields["MESSAGE"], fields["LOOKOUT_TEXT"], fields["LOOKOUT_KIND"]}}
			})
			return values{"socket": path}, func() []channeltest.Taken { settle(); return taken() }
		},
		Refuses: map[string]channeltest.Refuses{
			"no journal": {Side: func(testing.TB) map[string]any { return values{"socket": "/none/such"} }, Want: uptime.Refusal{Reply: "no such file or directory"}},
		},
		Bad: map[string]func(testing.TB) map[string]any{"nobody reads": func(t testing.TB) map[string]any { return values{"socket": unread(t)} }},
	})
}

// readJournal reads an entry as the journal does.
func readJournal(t testing.TB, m string) map[string]string {
	fields := map[string]string{}
	for m != "" {
		name, rest, ok := strings.Cut(m, "\n")
		if !ok || strings.Contains(name, "=") || len(rest) < 8 {
			t.Fatalf("field %q, rest %q", name, rest)
		}
		n := binary.LittleEndian.Uint64([]byte(rest[:8]))
		if uint64(len(rest)) < 9+n || rest[8+n] != '\n' || fields[name] != "" {
			t.Fatalf("field %q of %d", name, n)
		}
		fields[name], m = rest[8:8+n], rest[9+n:]
	}
	return fields
}
