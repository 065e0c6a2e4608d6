package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/config"
	"lookout/engine/uptime"
)

// deaf is a channel that says something and does not come back before it is let go of.
type deaf struct {
	free chan struct{}
	most time.Duration
}

func (d deaf) Target() string         { return "a mount that is gone" }
func (d deaf) Timeout() time.Duration { return d.most }

func (d deaf) Send(_ context.Context, _ *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	say("opened it")
	<-d.free
	say("who listens?")
	return uptime.Receipt{}, nil
}

// A test of a channel that does not come back ends with its time, or when it is asked to.
func TestAlertTestHangs(t *testing.T) {
	for _, tt := range []struct {
		name string
		most time.Duration
		stop time.Duration // when somebody types Ctrl-C; 0: nobody does
		want time.Duration
	}{
		{"its time", 30 * time.Second, 0, 32 * time.Second},
		{"enough of it", 10 * time.Minute, 5 * time.Second, 7 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := deaf{make(chan struct{}), tt.most}
				defer close(d.free)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, stop)
				}
				var out bytes.Buffer
				c := &call{stdout: &out, now: time.Now}
				begun := time.Now()
				err := c.testChannel(ctx, &config.Config{Instance: "web-1", Timezone: time.UTC}, &uptime.ChannelConfig{Name: "log", Type: "file", Channel: d}, "text")
				if took := time.Since(begun); took != tt.want {
					t.Errorf("it took %s", took)
				}
				if code := (*exitError)(nil); !errors.As(err, &code) || code.code != exitIO || !strings.Contains(err.Error(), "an alert would be tried again: it hangs") || !strings.Contains(out.String(), "  opened it\n") {
					t.Errorf("%v\n%s", err, out.String())
				}
			})
		})
	}
}
