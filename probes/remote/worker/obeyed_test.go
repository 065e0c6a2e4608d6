package worker

import (
	"testing"
	"time"

	"lookout/probes/wire"
)

// TestObeyedByRow: a batch obeys what its rows were measured by, and not what is
// obeyed when it is sent: rows of before an order travel by themselves, also
// after an outage, as history, and after a restart.
func TestObeyedByRow(t *testing.T) {
	for _, tc := range []struct {
		name string
		then func(o *office, p *probe) *probe // between the first version and the second
		late bool
	}{
		{"at once", func(_ *office, p *probe) *probe { return p }, false},
		{"after an outage", func(o *office, p *probe) *probe {
			o.lose(errAway)
			after(3 * time.Minute)
			return p
		}, true},
		{"after a restart", func(o *office, p *probe) *probe {
			o.lose(errAway)
			after(30 * time.Second)
			p.stop()
			return o.start(nil)
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *office) {
				p := o.start(nil)
				first, second := version(5, 1), version(6, 1)
				o.assign(first, []string{"a"}, regular(0, 60))
				after(95 * time.Second)
				p = tc.then(o, p)
				edited := regular(0, 60)
				for i := range edited {
					edited[i].URL += ".example"
				}
				o.assign(second, []string{"a"}, edited)
				changed := time.Now()
				o.lose(nil)
				p.Up()
				after(2 * time.Minute)
				p.stop()
				seen := make(map[wire.Version]int)
				late := false
				for _, b := range o.batches() {
					for _, r := range b.Rows {
						want := first
						if !r.Result.Time.Before(changed) {
							want = second
						}
						if b.Obeyed != want {
							t.Fatalf("a row of %s since the change is in a batch that obeys %v", r.Result.Time.Sub(changed), b.Obeyed)
						}
						seen[b.Obeyed]++
						late = late || b.Late && b.Obeyed == first
					}
				}
				if seen[first] < 90 || seen[second] < 110 || late != tc.late || p.spool.Depth() > 0 {
					t.Errorf("%v, late %v, %d are left", seen, late, p.spool.Depth())
				}
			})
		})
	}
}
