package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
)

// beating runs a heart in a bubble of virtual time, where answer is what becomes
// of the nth beat (from 1), and returns when each was tried.
func beating(t *testing.T, o HeartOptions, span time.Duration, answer func(n int) error) (at []time.Duration, h *Heart) {
	t.Helper()
	h = NewHeart(o)
	begun := time.Now()
	h.beat = func(context.Context, uptime.Secret) error {
		at = append(at, time.Since(begun))
		return answer(len(at))
	}
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	if err := h.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
	return at, h
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestHeartBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, h := beating(t, HeartOptions{Beat: &uptime.Heartbeat{URL: "u", Every: time.Minute}, Alive: func() string { return "" }, Log: quiet()},
			time.Hour, func(int) error { return nil })
		if len(at) < 60 || len(at) > 76 || at[0] != 0 {
			t.Errorf("%d beats in an hour, the first after %s", len(at), at[0])
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap > time.Minute || gap < 48*time.Second {
				t.Errorf("%s between two", gap)
			}
		}
		if s := h.State(); s.Error != "" || s.Last.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}

// What fails is tried again soon, and more and more seldom; what is said of it is kept.
func TestHeartFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		begun := time.Now()
		at, h := beating(t, HeartOptions{Beat: &uptime.Heartbeat{URL: "u", Every: time.Minute}, Alive: func() string { return "" }, Log: slog.New(slog.NewTextHandler(&lines, nil))},
			10*time.Minute, func(n int) error {
				if n > 1 {
					return errors.New("connection refused")
				}
				return nil
			})
		for i, most := range []time.Duration{60, 5, 10, 20, 40, 60, 60} {
			if gap := at[i+1] - at[i]; gap > most*time.Second || gap < most*time.Second*8/10 {
				t.Errorf("try %d came %s after the one before, want %ds at most", i+2, gap, most)
			}
		}
		if s := h.State(); s.Error != "connection refused" || !s.Failing.Equal(begun.Add(at[1])) || !s.Last.Equal(begun) {
			t.Errorf("%+v", s)
		}
		if n := strings.Count(lines.String(), "the heartbeat fails"); n != 1 {
			t.Errorf("it was logged %d times", n)
		}
	})
}

// While the engine does not live nothing is sent, and it is said why.
func TestHeartStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		at, h := beating(t, HeartOptions{Beat: &uptime.Heartbeat{URL: "u", Every: time.Minute}, Log: quiet(), Alive: func() string {
			if time.Since(begun) > 10*time.Minute {
				return "nothing is being stored"
			}
			return ""
		}}, time.Hour, func(int) error { return nil })
		if last := at[len(at)-1]; last > 10*time.Minute {
			t.Errorf("the last beat came after %s", last)
		}
		if s := h.State(); s.Error != "not sent: nothing is being stored" {
			t.Errorf("%+v", s)
		}
	})
}

func TestHeartConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var urls []string
		h := NewHeart(HeartOptions{Alive: func() string { return "" }, Log: quiet()})
		h.beat = func(_ context.Context, url uptime.Secret) error {
			urls = append(urls, url.Reveal())
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- h.Run(ctx) }()
		for _, b := range []*uptime.Heartbeat{{URL: "one", Every: time.Hour}, {URL: "one", Every: time.Hour}, {URL: "two", Every: time.Hour}, nil} {
			h.Configure(b)
			synctest.Wait()
		}
		time.Sleep(3 * time.Hour) // virtual
		h.Configure(&uptime.Heartbeat{URL: "old", Every: time.Hour})
		h.Configure(&uptime.Heartbeat{URL: "three", Every: time.Hour})
		synctest.Wait()
		cancel()
		<-over
		if got := strings.Join(urls, " "); got != "one two three" && got != "one two old three" {
			t.Errorf("beats: %s", got)
		}
	})
}

// Against real servers: what counts as heard, what is said when it does not, and
// that nothing of the URL is ever said.
func TestHeartRequest(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet || r.UserAgent() != "lookout/test":
			w.WriteHeader(http.StatusTeapot)
		case strings.HasSuffix(r.URL.Path, "/moved"):
			http.Redirect(w, r, "/ok", http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/gone"):
			http.Error(w, r.URL.Path, http.StatusGone)
		case strings.HasSuffix(r.URL.Path, "/long"):
			fmt.Fprint(w, strings.Repeat("x", 1<<20))
		}
	}))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + deaf.Addr().String()
	deaf.Close()
	rude, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	go func() {
		for {
			c, err := rude.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("220 s3cret\r\n")) //nolint:errcheck // it is rude
			c.Close()
		}
	}()
	for _, tt := range []struct{ name, url, want string }{
		{"heard", plain.URL + "/s3cret/ok", ""},
		{"a long answer", plain.URL + "/s3cret/long", ""},
		{"a redirect", plain.URL + "/s3cret/moved", "HTTP status 302: it wants another address, which is not followed"},
		{"gone", plain.URL + "/s3cret/gone", "HTTP status 410"},
		{"refused", closed + "/s3cret", "connection refused"},
		{"not trusted", secure.URL + "/s3cret", "its certificate is not to be trusted"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1) + "/s3cret", "TLS was not agreed on"},
		{"no HTTP", "http://" + rude.Addr().String() + "/s3cret", "the connection broke"},
		{"no URL", "http://[s3cret", "its url is not valid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := NewHeart(HeartOptions{Agent: "lookout/test"})
			got := ""
			if err := h.beat(t.Context(), uptime.Secret(tt.url)); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
