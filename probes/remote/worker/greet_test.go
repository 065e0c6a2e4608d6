package worker

import (
	"testing"
	"time"
)

// TestHelloUnanswered says hello again where no engine answers, less and less often, and once a minute where one does.
func TestHelloUnanswered(t *testing.T) {
	bubble(t, func(t *testing.T, o *office) {
		p := o.start(nil)
		after(10 * time.Second)
		if n := len(o.hellos()); n != 3 {
			t.Errorf("%d hellos in ten seconds without an answer", n)
		}
		after(5 * time.Minute)
		if n := len(o.hellos()); n < 8 || n > 11 {
			t.Errorf("%d hellos in five minutes without an answer", n)
		}
		o.assign(version(5, 1), []string{"a"}, regular(0, 3))
		after(time.Second)
		from, before := time.Now(), len(o.hellos())
		for n := before; n < before+5; {
			after(100 * time.Millisecond)
			if now := len(o.hellos()); now > n {
				n = now
				o.assign(version(5, 1), []string{"a"}, regular(0, 3))
			}
		}
		if took := time.Since(from); took < 4*time.Minute {
			t.Errorf("five hellos in %s with answers", took)
		}
		p.stop()
	})
}
