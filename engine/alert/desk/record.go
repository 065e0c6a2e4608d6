package desk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Prefix begins the keys of a desk's records. Each is a byte that is the version
// and JSON:
//
//	desk/state        cursor, counters
//	desk/told/NUMBER  a matter: by its incident
//	desk/group/NUMBER a cause: looked into, or told
//	desk/channel/NAME a channel that is known
//	desk/cert/HASH    until when it is known that a certificate was told
//	desk/certs        those that will be in the next letter
//	desk/node, desk/probes
const Prefix = "desk/"

const (
	version = 1

	keyState   = Prefix + "state"
	keyTold    = Prefix + "told/"
	keyGroup   = Prefix + "group/"
	keyChannel = Prefix + "channel/"
	keyCert    = Prefix + "cert/"
	keyCerts   = Prefix + "certs"
	keyNode    = Prefix + "node"
	keyProbes  = Prefix + "probes"

	keyLook = "look" // an alarm's alone
)

// save has a record written as it is when it is handed out; nil deletes it.
func (d *Desk) save(key string, value any) { d.changed[key] = value }

// records are those that have changed, by key.
func (d *Desk) records() []uptime.OutboxRecord {
	var out []uptime.OutboxRecord
	for _, key := range slices.SortedFunc(maps.Keys(d.changed), func(a, b string) int { return cmp.Compare(a, b) }) {
		r := uptime.OutboxRecord{Key: key}
		if value := d.changed[key]; value != nil {
			r.Data = encode(value)
		}
		out = append(out, r)
	}
	clear(d.changed)
	return out
}

func encode(value any) []byte {
	b, err := json.Marshal(value)
	if err != nil {
		panic("desk: a record that is none: " + err.Error()) // of our own types, none of which can fail
	}
	return append([]byte{version}, b...)
}

func decode(r uptime.OutboxRecord, value any) error {
	if len(r.Data) == 0 || r.Data[0] != version {
		return fmt.Errorf("record %s of the outbox is of a version that this lookout does not know", r.Key)
	}
	if err := json.Unmarshal(r.Data[1:], value); err != nil {
		return fmt.Errorf("record %s of the outbox cannot be read: %w", r.Key, err)
	}
	return nil
}

// load reads what was stored.
func (d *Desk) load(saved []uptime.OutboxRecord) error {
	for _, r := range saved {
		if err := d.read(r); err != nil {
			return err
		}
	}
	for _, m := range d.matters {
		switch g := d.groups[m.Group]; {
		case g == nil:
		case m.Stage == told:
			g.Thread.members[m.Number] = m
		default:
			g.waiting[m.Number] = true
		}
	}
	for _, m := range d.matters {
		m.linked(d)
		if m.Was != nil {
			if g := d.groups[m.Was.Group]; g != nil {
				g.Thread.members[m.Number] = m
			}
			if t := m.Was.Thread; t != nil {
				t.of, t.members = m, map[uint64]*matter{m.Number: m}
				d.letter(t)
			}
		}
	}
	for _, g := range d.groups {
		d.letter(&g.Thread)
		d.alarms.set(g.key(), g.due())
		if is := d.sharing[g.by()]; !g.Past && (is == nil || is.Number < g.Number) {
			d.sharing[g.by()] = g
		}
		if g.Said == unknown {
			d.looking[g.Number] = g
		}
	}
	d.alarms.set(keyNode, d.node.due())
	d.alarms.set(keyProbes, d.probes.due())
	d.alarms.set(keyCerts, d.certs.due())
	return nil
}

// linked makes a matter that was read part of its desk.
func (m *matter) linked(d *Desk) {
	if m.Stage == told && m.Thread == nil && d.groups[m.Group] == nil { // a record was lost: nobody can be told of its end
		delete(d.matters, m.Number)
		return
	}
	switch {
	case m.Stage == held:
		d.holding[m.Number] = m
	case m.Parked:
		d.parked[m.Number] = m
	}
	if t := m.Thread; t != nil {
		t.of, t.members = m, map[uint64]*matter{m.Number: m}
		d.letter(t)
	}
	d.wakeFor(m)
}

// letter notes which parcels opened a thread.
func (d *Desk) letter(t *thread) {
	for _, l := range t.Legs {
		if l.Opened != 0 {
			d.letters[l.Opened] = append(d.letters[l.Opened], t)
		}
	}
}

// unlisted is the end of letter.
func (d *Desk) unlisted(t *thread) {
	for _, l := range t.Legs {
		d.unlist(t, l)
	}
}

// unlist is unlisted for one channel.
func (d *Desk) unlist(t *thread, l *leg) {
	left := slices.DeleteFunc(d.letters[l.Opened], func(other *thread) bool { return other == t })
	if d.letters[l.Opened] = left; len(left) == 0 {
		delete(d.letters, l.Opened)
	}
}

func (d *Desk) read(r uptime.OutboxRecord) error {
	switch key := r.Key; {
	case key == keyState:
		d.begun = true
		return decode(r, &d.kept)
	case strings.HasPrefix(key, keyTold):
		m := &matter{}
		if err := decode(r, m); err != nil {
			return err
		}
		d.matters[m.Number] = m
	case strings.HasPrefix(key, keyGroup):
		g := &group{}
		if err := decode(r, g); err != nil {
			return err
		}
		g.linked()
		d.groups[g.Number] = g
	case strings.HasPrefix(key, keyChannel):
		var name string
		if err := decode(r, &name); err != nil {
			return err
		}
		d.channels[name] = true
	case strings.HasPrefix(key, keyCert):
		var until time.Time
		if err := decode(r, &until); err != nil {
			return err
		}
		d.certs.told[key] = until
	case key == keyCerts:
		return decode(r, &d.certs)
	case key == keyNode:
		return decode(r, &d.node)
	case key == keyProbes:
		return decode(r, &d.probes)
	}
	return nil
}

// channelKey is the key of a channel: its name, or what stands for one that
// makes no key.
func channelKey(name string) string {
	plain := len(name) <= 100 && strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	if plain {
		return keyChannel + name
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	return keyChannel + "#" + strconv.FormatUint(h.Sum64(), 16)
}

// keepThread has a thread stored with what it belongs to.
func (d *Desk) keepThread(t *thread) {
	switch of := t.of.(type) {
	case *matter:
		d.keep(of)
	case *group:
		d.keepGroup(of)
	}
}

// sorted are matters by their number.
func sorted(in map[uint64]*matter) []*matter {
	out := make([]*matter, 0, len(in))
	for _, n := range slices.Sorted(maps.Keys(in)) {
		out = append(out, in[n])
	}
	return out
}

// ring looks at what its alarm was set for.
func (d *Desk) ring(key string, s *uptime.Snapshot, now time.Time) {
	switch {
	case strings.HasPrefix(key, keyTold):
		if m := d.matters[numberOf(key, keyTold)]; m != nil {
			d.ringMatter(m, s, now)
		}
	case strings.HasPrefix(key, keyGroup):
		if g := d.groups[numberOf(key, keyGroup)]; g != nil {
			d.ringGroup(g, s, now)
		}
	case key == keyNode:
		d.ringNode(now)
	case key == keyProbes:
		d.ringProbes(now)
	case key == keyCerts:
		d.ringCerts(now)
	}
}

func numberOf(key, prefix string) uint64 {
	n, _ := strconv.ParseUint(key[len(prefix):], 10, 64) // keys are made here
	return n
}
