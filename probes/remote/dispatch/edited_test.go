package dispatch

import (
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/remote/topology"
	"lookout/probes/wire"
)

// TestEditedOverBroker: over a real broker, what a probe measured before a monitor
// was edited, and sent after it had heard of that, does not count for the new
// target; what it measured since does, and so does all of the other monitors.
func TestEditedOverBroker(t *testing.T) {
	t.Parallel()
	const vhost = "edits"
	b := shared().Broker(t)
	url := b.URL("", "", vhost)
	w := newWorld(t)
	w.vhost = vhost
	l, unlink := connect(t, url, topology.EngineUser(vhost), nil)
	w.d = New(Options{Vhost: vhost, URL: url, Software: "1.4.2", Key: w.key, Locations: places[:1], Broker: l})
	w.d.Serve(w.e)
	const n, edited = 40, "site-5"
	as := monitors(n)
	for i := range as {
		as[i].Job.Interval = time.Second
	}
	w.d.Assign(as)
	w.run()

	i := newInternet()
	ready := make(chan struct{}) // us → the link; closed when there is a worker
	var s *site
	pl, stop := connect(t, url, topology.ProbeUser(vhost, "fra", "1"), func() { <-ready; s.worker.Up() })
	s = w.site(pl, i, "fra", "1", t.TempDir())
	close(ready)
	t.Cleanup(func() { s.end(); stop() })
	until(t, "it is live", func() bool { return w.probe("fra/1").State == uptime.ProbeLive })

	batches := len(w.e.delivered())
	until(t, "a batch", func() bool { return len(w.e.delivered()) > batches })
	ran := func() (n int) { i.with(func() { n = i.of[edited] }); return n }
	before := ran()
	until(t, "a result that waits for the next batch", func() bool { return ran() > before })

	as = monitors(n)
	for i := range as {
		as[i].Job.Interval = time.Second
	}
	as[5].Job.Portable.URL = "https://www.example.net/"
	as[5].Job.Fingerprint++
	i.with(func() { i.down["https://www.example.net/"] = true })
	w.d.Assign(as)

	type count struct{ old, counted, outdated, others int }
	look := func() (c count) {
		for _, d := range w.e.delivered() {
			for _, f := range d.Found {
				switch {
				case f.Result.Monitor != edited:
					if f.Outdated {
						c.others++
					}
				case f.Result.Outcome == uptime.OutcomeDown && f.Outdated:
					t.Fatalf("%s: a result of the new target is taken for one of the old", f.Result.Time)
				case f.Result.Outcome == uptime.OutcomeDown:
					c.counted++
				case f.Outdated:
					c.outdated++
				case c.outdated > 0:
					t.Fatalf("%s: a result of the old target counts for the new one", f.Result.Time)
				default:
					c.old++
				}
			}
		}
		return c
	}
	until(t, "results of the new target", func() bool { return look().counted > 2 })
	if c := look(); c.old == 0 || c.outdated == 0 || c.others > 0 {
		t.Errorf("results of before the edit: %d; since, of the old target: %d, of the new: %d; of others that do not count: %d", c.old, c.outdated, c.counted, c.others)
	} else {
		t.Logf("%+v", c)
	}
	s.end()
	w.stop()
	unlink()
}

// TestOlderRows: a batch of rows of before an order does not say that the probe
// went back to what it obeyed then.
func TestOlderRows(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		as := monitors(10)
		w.d.Assign(as)
		p := w.add("fra/1")
		time.Sleep(20 * time.Second)
		obeyed := func() (v wire.Version) { p.with(func() { v = p.obeys }); return v }
		before := obeyed()
		as[3] = assignment(3)
		as[3].Job.Fingerprint, as[3].Job.Portable.URL = 1<<32, "https://other.example.com/"
		w.d.Assign(as)
		time.Sleep(10 * time.Second)
		now := obeyed()
		briefed := w.b.counted(topology.TypeManifest)
		p.with(func() { p.rows, p.obeys = []wire.Row{p.row(3, uptime.OutcomeDown)}, before })
		p.flush()
		p.with(func() { p.obeys = now })
		time.Sleep(time.Second)
		is := make(chan wire.Version, 1) // the loop → us
		w.d.box.put(func(time.Time) { is <- w.d.locations["fra"].probes["1"].obeys })
		if got := <-is; before == now || got != now || w.b.counted(topology.TypeManifest) != briefed {
			t.Errorf("it obeyed %v, then %v, and is taken to obey %v; %d manifests more", before, now, got, w.b.counted(topology.TypeManifest)-briefed)
		}
		if all := w.e.delivered(); len(all) != 1 || !all[0].Found[0].Outdated {
			t.Errorf("%+v", all)
		}
	})
}
