package dispatch

import (
	"cmp"
	"hash/maphash"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/wire"
)

// Assignment is a monitor and the number that its results come under, which it
// keeps for good.
type Assignment struct {
	Number uint32
	Job    uptime.Job
}

// plan is all that is to be checked. It is immutable.
type plan struct {
	monitors map[uint32]*uptime.Monitor
	numbers  map[string]uint32
	paused   map[string]bool // those that are in no chunk although they are assigned
	sets     map[string]*set // by location
}

// set is what a location is to check. It is immutable.
type set struct {
	chunks   []piece
	hashes   []wire.Hash
	known    map[wire.Hash]bool // the same
	groups   map[uint32][]piece // chunks, by their monitors' numbers divided by wire.MaxMonitors
	monitors int
	regular  []uint32 // numbers of those that it checks regularly
	sums     []sumOf  // of all, by number
	types    []string // of check, sorted
	slowest  time.Duration
	refused  []string // monitors that no chunk has, and why
}

// piece is a chunk that was written.
type piece struct {
	hash  wire.Hash
	frame []byte
}

// group is what became of the monitors whose numbers divided by
// wire.MaxMonitors are the same.
type group struct {
	digest  uint64
	chunks  []piece
	refused []string
}

// assigner cuts the monitors into chunks. It writes again only those in which
// something is different.
type assigner struct {
	mu     sync.Mutex // one Assign at a time: the last one wins
	places []uptime.Place
	as     []Assignment // the newest
	told   bool         // there was one
	seed   maphash.Seed
	groups map[groupKey]*group
}

type groupKey struct {
	location string
	number   uint32
}

// Assign says what is checked from now on, all of it: at the start and whenever
// the configuration was read again. It costs little where little changed.
func (d *Dispatcher) Assign(as []Assignment) {
	as = slices.Clone(as)
	slices.SortFunc(as, func(x, y Assignment) int { return cmp.Compare(x.Number, y.Number) })
	as = slices.CompactFunc(as, func(x, y Assignment) bool { return x.Number == y.Number })
	d.assigner.mu.Lock()
	defer d.assigner.mu.Unlock()
	d.assigner.as, d.assigner.told = as, true
	d.cut()
	d.Unassigned("")
}

// Unassigned says why what is to be checked cannot be assigned now, for screens.
// The next Assign takes that back, and so does "". It never waits.
func (d *Dispatcher) Unassigned(why string) {
	d.box.put(func(now time.Time) {
		d.untold = uptime.Clean(why, 300)
		d.publish(now)
	})
}

// assignAgain cuts what is assigned once more.
func (d *Dispatcher) assignAgain() {
	d.assigner.mu.Lock()
	defer d.assigner.mu.Unlock()
	if d.assigner.told {
		d.cut()
	}
}

// cut is called by who holds the assigner.
func (d *Dispatcher) cut() {
	p := d.assigner.cut(d.pauses.now(), func(c wire.Chunk) ([]byte, error) {
		c.Vhost = d.o.Vhost
		return d.signer.Chunk(c)
	}, d.o.Log)
	d.box.put(func(now time.Time) { d.assigned(p, now) })
}

// assigned puts a plan into force.
func (d *Dispatcher) assigned(p *plan, now time.Time) {
	d.plan = p
	for _, l := range d.order {
		old := l.set
		l.set = p.sets[l.Location]
		if l.set == nil {
			l.set = new(set)
		}
		d.divide(l)
		if !slices.Equal(old.hashes, l.set.hashes) {
			d.renew(l, now)
			l.note(old)
		}
	}
}

// note notes which groups of monitors are others than before.
func (l *location) note(old *set) {
	same := func(a, b piece) bool { return a.hash == b.hash }
	for _, s := range []*set{old, l.set} {
		for number := range s.groups {
			if !slices.EqualFunc(old.groups[number], l.set.groups[number], same) {
				l.changed[number] = l.version
			}
		}
	}
	if len(old.sums) == 0 { // what an engine before this one had assigned is not known
		l.begun = l.version
	}
	i := 0
	for _, s := range old.sums {
		for i < len(l.set.sums) && l.set.sums[i].number < s.number {
			i++
		}
		if i == len(l.set.sums) || l.set.sums[i] != s {
			l.edited[s.number] = l.version
		}
	}
}

func (a *assigner) cut(paused map[string]bool, write func(wire.Chunk) ([]byte, error), log *slog.Logger) *plan {
	as := a.as
	p := &plan{make(map[uint32]*uptime.Monitor, len(as)), make(map[string]uint32, len(as)), paused, make(map[string]*set)}
	for i := range as {
		p.monitors[as[i].Number], p.numbers[as[i].Job.Name] = as[i].Job.Monitor, as[i].Number
	}
	if len(paused) > 0 {
		as = slices.DeleteFunc(slices.Clone(as), func(x Assignment) bool { return paused[x.Job.Name] })
	}
	if a.groups == nil {
		a.groups, a.seed = make(map[groupKey]*group), maphash.MakeSeed()
	}
	groups := make(map[groupKey]*group)
	var todo []func()
	for _, place := range a.places {
		s := &set{groups: make(map[uint32][]piece), known: make(map[wire.Hash]bool)}
		p.sets[place.Location] = s
		for from := 0; from < len(as); {
			key := groupKey{place.Location, as[from].Number / wire.MaxMonitors}
			to := from + 1
			for to < len(as) && as[to].Number/wire.MaxMonitors == key.number {
				to++
			}
			part := as[from:to]
			from = to
			digest, any := a.digest(s, part, place.Location)
			if !any {
				continue
			}
			g := a.groups[key]
			if g == nil || g.digest != digest {
				g = &group{digest: digest}
				todo = append(todo, func() { g.write(part, place.Location, write) })
			}
			groups[key] = g
		}
		slices.Sort(s.types)
	}
	together(todo)
	a.groups = groups
	a.collect(p, log)
	return p
}

// together runs functions, as many at once as there are processors.
func together(todo []func()) {
	work := make(chan func(), len(todo)) // all there are
	for _, f := range todo {
		work <- f
	}
	close(work)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(todo)) {
		workers.Go(func() {
			for f := range work {
				f()
			}
		})
	}
	workers.Wait()
}

// collect puts the groups of the locations in order.
func (a *assigner) collect(p *plan, log *slog.Logger) {
	keys := slices.SortedFunc(maps.Keys(a.groups), func(x, y groupKey) int { return cmp.Compare(x.number, y.number) })
	for _, key := range keys {
		s, g := p.sets[key.location], a.groups[key]
		for _, c := range g.chunks {
			if len(s.chunks) == wire.MaxChunks {
				log.Error("a location has more chunks of monitors than a manifest can name; the last are not checked there", "location", key.location, "chunks", wire.MaxChunks)
				break
			}
			s.chunks, s.hashes, s.known[c.hash] = append(s.chunks, c), append(s.hashes, c.hash), true
		}
		s.groups[key.number] = g.chunks
		for _, why := range g.refused {
			log.Error("a monitor cannot be sent to a location", "location", key.location, "reason", why)
		}
		s.refused = append(s.refused, g.refused...)
	}
}

// digest notes what a location has to do of some monitors, and whether that is
// anything. It is another where any of it changed.
func (a *assigner) digest(s *set, part []Assignment, location string) (sum uint64, any bool) {
	var h maphash.Hash
	var one maphash.Hash // of a monitor
	h.SetSeed(a.seed)
	one.SetSeed(a.seed)
	for i := range part {
		m, p := part[i].Job.Monitor, part[i].Job.Portable
		regular, asked := purposes(part[i].Job, location)
		if !regular && !asked {
			continue
		}
		any = true
		s.monitors++
		s.slowest = max(s.slowest, m.Timeout)
		if regular {
			s.regular = append(s.regular, part[i].Number)
		}
		if !slices.Contains(s.types, m.Type) {
			s.types = append(s.types, m.Type)
		}
		one.Reset()
		maphash.WriteComparable(&one, traits{part[i].Number, m.Fingerprint, regular, asked, m.Name, p.URL, p.IP, p.Zone, p.Source, len(p.Resolvers)})
		for _, r := range p.Resolvers {
			maphash.WriteComparable(&one, r)
		}
		is := one.Sum64()
		maphash.WriteComparable(&h, is)
		s.sums = append(s.sums, sumOf{part[i].Number, uint32(is)})
	}
	return h.Sum64(), any
}

// sumOf tells a monitor from what it was; that it does not, once in four billion
// edits, has a result of what it was count.
type sumOf struct{ number, sum uint32 }

// traits are what of a monitor makes a difference to a chunk; its fingerprint
// has its settings.
type traits struct {
	number                      uint32
	fingerprint                 uint64
	regular, asked              bool
	name, url, ip, zone, source string
	resolvers                   int
}

// purposes says what a location has to do with a monitor.
func purposes(job uptime.Job, location string) (regular, asked bool) {
	if job.Portable == nil {
		return false, false
	}
	return slices.Contains(job.Locations, location), job.Asks(location) && !job.Rule.Plain && !job.Rule.Consecutive
}

// write writes the chunks of some monitors: one, or more where its frame would
// be too large.
func (g *group) write(part []Assignment, location string, write func(wire.Chunk) ([]byte, error)) {
	c := wire.Chunk{Location: location}
	for i := range part {
		if regular, asked := purposes(part[i].Job, location); regular || asked {
			c.Monitors = append(c.Monitors, travels(part[i].Number, part[i].Job, regular, asked))
		}
	}
	g.chunks, g.refused = nil, nil
	g.add(c, write)
}

func (g *group) add(c wire.Chunk, write func(wire.Chunk) ([]byte, error)) {
	frame, err := write(c)
	switch {
	case err == nil:
		g.chunks = append(g.chunks, piece{wire.HashOf(frame), frame})
	case len(c.Monitors) == 1: // whatever is wrong with it, the others are well
		g.refused = append(g.refused, c.Monitors[0].Name+": "+err.Error())
	default:
		half, rest := c, c
		half.Monitors, rest.Monitors = c.Monitors[:len(c.Monitors)/2], c.Monitors[len(c.Monitors)/2:]
		g.add(half, write)
		g.add(rest, write)
	}
}

// travels is a monitor as it is sent.
func travels(number uint32, job uptime.Job, regular, asked bool) wire.Monitor {
	m, p := job.Monitor, job.Portable
	return wire.Monitor{
		Number: number, Name: m.Name, Type: m.Type, URL: p.URL, Interval: m.Interval, Timeout: m.Timeout, DegradedAbove: m.DegradedAbove,
		Regular: regular, Asked: asked, IP: p.IP, Zone: p.Zone, Source: p.Source, Resolvers: p.Resolvers, Values: p.Values, Expect: p.Expect,
	}
}
