package worker

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestStill tells a loop that hangs from one that has nothing to do, or much.
func TestStill(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		hang, held := make(chan struct{}), false
		p := o.start(func(opt *Options) {
			build := opt.Build
			opt.Build = func(name, checkType string, p uptime.Portable, interval, timeout, degradedAbove time.Duration) (uptime.Job, []uptime.Mistake) {
				if held { // the loop alone calls it
					<-hang
				}
				return build(name, checkType, p, interval, timeout, degradedAbove)
			}
		})
		turns := func(what string) {
			t.Helper()
			for range 60 {
				after(time.Second)
				if d := p.Still(); d > turnEvery {
					t.Fatalf("%s, it stood still for %v", what, d)
				}
			}
		}
		turns("with nothing to do")
		o.assign(version(5, 1), []string{"a"}, regular(0, 3))
		turns("with checks")
		o.lose(errAway)
		turns("without a broker")
		held = true
		o.assign(version(6, 1), []string{"a"}, regular(3, 6))
		after(3 * time.Minute)
		if d := p.Still(); d < time.Minute {
			t.Errorf("it hangs, and stood still for %v", d)
		}
		close(hang)
		after(time.Second)
		if d := p.Still(); d > turnEvery {
			t.Errorf("it goes on, and stood still for %v", d)
		}
		p.stop()
	})
}
