package storage

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"lookout/engine/uptime"
)

const groupSize = 256 // series whose hours are sealed together

// monitor is a name with its series. Its number, from 1, is never used again.
type monitor struct {
	name   string
	series []uint32
}

// series is a monitor seen from a location. Its number, from 0, is never used again.
type series struct {
	monitor  uint32
	location string
	kind     string // uptime.Result.Type, as it was last
	target   string
}

type seriesKey struct {
	monitor  uint32
	location string
}

// ids are the numbers that stand for names in the file.
type ids struct {
	monitors []monitor // number 1 first
	series   []series
	shapes   [][]string // lists of measure names; number 0 is the empty one

	byName  map[string]uint32
	byShape map[string]uint16

	runs  []stretch // of the numbers by which probes know monitors
	began bool      // the last one, since the file was opened
}

func newIDs() *ids {
	return &ids{shapes: [][]string{nil}, byName: map[string]uint32{}, byShape: map[string]uint16{}}
}

// seriesAt finds a monitor's series of a location. There are few, and no second
// map: the first one already costs a result more than coding it.
func (n *ids) seriesAt(monitor uint32, location string) (uint32, bool) {
	if int(monitor) > len(n.monitors) {
		return 0, false
	}
	for _, id := range n.monitors[monitor-1].series {
		if n.series[id].location == location {
			return id, true
		}
	}
	return 0, false
}

// name of a monitor's number; "" for 0, which is none.
func (n *ids) name(id uint32) string {
	if id == 0 || int(id) > len(n.monitors) {
		return ""
	}
	return n.monitors[id-1].name
}

func (n *ids) addMonitor(name string) {
	n.monitors = append(n.monitors, monitor{name: name})
	n.byName[name] = uint32(len(n.monitors))
}

func (n *ids) addSeries(s series) {
	id := uint32(len(n.series))
	n.series = append(n.series, s)
	m := &n.monitors[s.monitor-1]
	m.series = append(m.series, id)
}

func (n *ids) addShape(names []string) {
	n.byShape[shapeKey(names)] = uint16(len(n.shapes))
	n.shapes = append(n.shapes, names)
}

func shapeKey(names []string) string { return strings.Join(names, "\x00") }

// read loads the numbers. A gap or a record that cannot be read would give
// results to the wrong monitor: there is nothing to go on from.
func (n *ids) read(tx *bbolt.Tx) error {
	if err := readDense(tx, bucketMonitor, 1, func(f *fields) bool {
		n.addMonitor(f.text())
		return true
	}); err != nil {
		return err
	}
	if err := readDense(tx, bucketSeries, 0, func(f *fields) bool {
		s := series{f.u32(), f.text(), f.text(), f.text()}
		if s.monitor == 0 || int(s.monitor) > len(n.monitors) {
			return false
		}
		n.addSeries(s)
		return true
	}); err != nil {
		return err
	}
	if err := readDense(tx, bucketShape, 1, func(f *fields) bool {
		names := make([]string, min(f.uvarint(), uptime.MaxMeasures+1))
		for i := range names {
			names[i] = f.text()
		}
		n.addShape(names)
		return len(names) <= uptime.MaxMeasures
	}); err != nil {
		return err
	}
	return n.readRuns(tx)
}

func readDense(tx *bbolt.Tx, name string, next uint32, add func(*fields) bool) error {
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	b := meta.Bucket([]byte(name))
	if b == nil {
		return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
	}
	return b.ForEach(func(k, v []byte) error {
		body, err := opened(name, k, v)
		if err != nil {
			return err
		}
		f := fields{rest: body}
		f.version(1)
		if len(k) != 4 || binary.BigEndian.Uint32(k) != next || !add(&f) {
			f.bad = true
		}
		next++
		return f.done(name, k)
	})
}

// growth is what a batch adds to the numbers. It joins them once it is on disk.
type growth struct {
	of       *ids
	monitors []string
	series   []series
	shapes   [][]string
	changed  map[uint32]series // known ones with another type or target
	byName   map[string]uint32
	bySeries map[seriesKey]uint32
	byShape  map[string]uint16
}

func (n *ids) grow() *growth { return &growth{of: n} }

func (g *growth) monitor(name string) uint32 {
	if name == "" {
		return 0
	}
	if id, ok := g.of.byName[name]; ok {
		return id
	}
	if id, ok := g.byName[name]; ok {
		return id
	}
	g.monitors = append(g.monitors, name)
	id := uint32(len(g.of.monitors) + len(g.monitors))
	if g.byName == nil {
		g.byName = map[string]uint32{}
	}
	g.byName[name] = id
	return id
}

func (g *growth) seriesOf(r *uptime.Result) uint32 {
	key := seriesKey{g.monitor(r.Monitor), r.Location}
	now := series{key.monitor, key.location, r.Type, r.Target}
	if id, ok := g.of.seriesAt(key.monitor, key.location); ok {
		if g.of.series[id] != now {
			if g.changed == nil {
				g.changed = map[uint32]series{}
			}
			g.changed[id] = now
		} else if g.changed != nil {
			delete(g.changed, id)
		}
		return id
	}
	if id, ok := g.bySeries[key]; ok {
		g.series[int(id)-len(g.of.series)] = now
		return id
	}
	id := uint32(len(g.of.series) + len(g.series))
	g.series = append(g.series, now)
	if g.bySeries == nil {
		g.bySeries = map[seriesKey]uint32{}
	}
	g.bySeries[key] = id
	return id
}

// shape numbers the measure names of a result; hint is the most likely one.
func (g *growth) shape(ms []uptime.Measure, hint uint16) uint16 {
	if sameNames(g.of.shapes[hint], ms) {
		return hint
	}
	names := make([]string, len(ms))
	for i := range ms {
		names[i] = uptime.Clean(ms[i].Name, 64)
	}
	key := shapeKey(names)
	if len(names) == 0 {
		return 0
	}
	if id, ok := g.of.byShape[key]; ok {
		return id
	}
	if id, ok := g.byShape[key]; ok {
		return id
	}
	id := len(g.of.shapes) + len(g.shapes)
	if id > 1<<16-1 {
		return 0 // no check type invents names: these measures are not worth a failure
	}
	g.shapes = append(g.shapes, names)
	if g.byShape == nil {
		g.byShape = map[string]uint16{}
	}
	g.byShape[key] = uint16(id)
	return uint16(id)
}

func sameNames(names []string, ms []uptime.Measure) bool {
	return slices.EqualFunc(names, ms, func(n string, m uptime.Measure) bool { return n == m.Name })
}

func (s *series) record() []byte {
	v := binary.BigEndian.AppendUint32(fresh(1, 8+len(s.location)+len(s.kind)+len(s.target)), s.monitor)
	return appendText(appendText(appendText(v, s.location), s.kind), s.target)
}

func monitorRecord(name string) []byte { return appendText(fresh(1, 2+len(name)), name) }

// write puts the new records into the meta bucket.
func (g *growth) write(tx *bbolt.Tx) error {
	if len(g.monitors)+len(g.series)+len(g.shapes)+len(g.changed) == 0 {
		return nil
	}
	meta, err := bucket(tx, bucketMeta)
	if err != nil {
		return err
	}
	in := func(name string, id int, v []byte) error {
		b := meta.Bucket([]byte(name))
		if b == nil {
			return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
		}
		b.FillPercent = 1 // only ever appended to
		return put(b, name, key32(uint32(id)), v)
	}
	for i, name := range g.monitors {
		if err := in(bucketMonitor, len(g.of.monitors)+1+i, monitorRecord(name)); err != nil {
			return err
		}
	}
	for i := range g.series {
		if err := in(bucketSeries, len(g.of.series)+i, g.series[i].record()); err != nil {
			return err
		}
	}
	for id, s := range g.changed {
		if err := in(bucketSeries, int(id), s.record()); err != nil {
			return err
		}
	}
	for i, names := range g.shapes {
		v := binary.AppendUvarint(fresh(1, 64), uint64(len(names)))
		for _, n := range names {
			v = appendText(v, n)
		}
		if err := in(bucketShape, len(g.of.shapes)+i, v); err != nil {
			return err
		}
	}
	return nil
}

// join adds the growth to the numbers it grew from.
func (g *growth) join() {
	for _, name := range g.monitors {
		g.of.addMonitor(name)
	}
	for _, s := range g.series {
		g.of.addSeries(s)
	}
	for id, s := range g.changed {
		g.of.series[id] = s
	}
	for _, names := range g.shapes {
		g.of.addShape(names)
	}
}
