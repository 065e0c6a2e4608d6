package wire

import (
	"fmt"
	"net/netip"
	"time"

	"lookout/engine/uptime"
)

// MaxMonitors is how many monitors a chunk may have.
const MaxMonitors = 256

// The bounds of a monitor.
const (
	maxMonitorName = 256     // bytes
	maxURL         = 8 << 10 // bytes
	maxResolvers   = 16
	maxInterval    = 3 * 366 * 24 * time.Hour
)

// Monitor is what a probe has to know of a monitor to build its check.
// Secrets are not in it: ${secret:NAME} stands where one belongs, and is looked
// up where the check runs.
type Monitor struct {
	Number   uint32 // the engine's, for good; results carry it
	Name     string
	Type     string
	URL      string // as configured
	Interval time.Duration
	Timeout  time.Duration

	DegradedAbove time.Duration // 0: never

	// Regular checks run at the probe of those that are live to which a
	// rendezvous hash gives the monitor; all that are Asked may be asked for a
	// second opinion, and take the daily baseline.
	Regular bool
	Asked   bool

	IP        string           // "any", "4", "6" or "each"; "" is any
	Zone      string           // IANA name of the zone of times that people write; "" is UTC
	Source    string           // as uptime.Settings has it
	Resolvers []netip.AddrPort // nil: those of the probe's system

	// Values and Expect are those of uptime.Settings, of the Go types that
	// uptime.Kind lists. A value of a kind that is not known here is read as Unsupported.
	Values map[string]any
	Expect map[string]any
}

// Chunk is a part of a location's monitors, at most MaxMonitors: those whose
// numbers divided by MaxMonitors are the same, so that an edit changes one
// chunk, or fewer of them where a frame would be too large. Its hash is in the
// manifest that puts it into force.
type Chunk struct {
	Vhost    string
	Location string
	Monitors []Monitor
}

// Chunk signs the frame of a Chunk.
func (s Signer) Chunk(c Chunk) ([]byte, error) {
	var f fields
	f.atMost("monitors", len(c.Monitors), MaxMonitors)
	for i := range c.Monitors {
		f.message(1, c.Monitors[i].write)
	}
	return s.write(kindChunk, Seal{Place: Place{Vhost: c.Vhost, Location: c.Location}}, &f)
}

// Chunk reads and verifies the frame of a Chunk. A chunk does not expire: whether
// it is in force says the manifest, which has its HashOf.
func (v Verifier) Chunk(frame []byte) (Chunk, error) {
	var monitors []Monitor
	seal, err := v.read(kindChunk, frame, time.Time{}, func(r *reader, body []byte) {
		r.each(body, func(tag uint64, b []byte) {
			if tag == 1 && r.room("monitors", len(monitors), MaxMonitors) {
				var m Monitor
				m.read(r, b)
				monitors = append(monitors, m)
			}
		})
	})
	if err != nil {
		return Chunk{}, err
	}
	return Chunk{seal.Vhost, seal.Location, monitors}, nil
}

func (m *Monitor) write(f *fields) {
	f.uint(1, uint64(m.Number))
	f.text(2, m.Name, maxMonitorName)
	f.text(3, m.Type, MaxName)
	f.text(4, m.URL, maxURL)
	f.uint(5, uint64(m.Interval))
	f.uint(6, uint64(m.Timeout))
	f.uint(7, uint64(max(m.DegradedAbove, 0)))
	f.bool(8, m.Regular)
	f.bool(9, m.Asked)
	f.text(10, m.IP, MaxName)
	f.text(11, m.Zone, MaxName)
	f.text(12, m.Source, MaxName)
	f.atMost("resolvers", len(m.Resolvers), maxResolvers)
	for _, a := range m.Resolvers {
		f.addr(13, a)
	}
	f.values(14, m.Values)
	f.values(15, m.Expect)
	if why := m.wrong(); why != "" {
		f.fail(fmt.Errorf("%w: monitor %d %s", ErrMalformed, m.Number, why))
	}
}

func (m *Monitor) read(r *reader, body []byte) {
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			m.Number = uint32(r.uint(v, 1<<32-1))
		case 2:
			m.Name = r.word(v, maxMonitorName)
		case 3:
			m.Type = r.word(v, MaxName)
		case 4:
			m.URL = r.text(v, maxURL)
		case 5:
			m.Interval = r.duration(v, maxInterval)
		case 6:
			m.Timeout = r.duration(v, maxInterval)
		case 7:
			m.DegradedAbove = r.duration(v, maxInterval)
		case 8:
			m.Regular = r.bool(v)
		case 9:
			m.Asked = r.bool(v)
		case 10:
			m.IP = r.word(v, MaxName)
		case 11:
			m.Zone = r.word(v, MaxName)
		case 12:
			m.Source = r.word(v, MaxName)
		case 13:
			if r.room("resolvers", len(m.Resolvers), maxResolvers) {
				m.Resolvers = append(m.Resolvers, r.addr(v))
			}
		case 14:
			r.value(&m.Values, v)
		case 15:
			r.value(&m.Expect, v)
		}
	})
	if why := m.wrong(); why != "" && r.err == nil {
		r.fail("monitor %d %s", m.Number, why)
	}
}

// wrong says what keeps a monitor from being one; "" where nothing does.
func (m *Monitor) wrong() string {
	switch {
	case m.Name == "" || uptime.Clean(m.Name, maxMonitorName) != m.Name:
		return "has no printable name"
	case m.Type == "" || uptime.Clean(m.Type, MaxName) != m.Type:
		return "has no type"
	case m.Interval < time.Second || m.Interval > maxInterval:
		return fmt.Sprintf("has an interval of %s", m.Interval)
	case m.Timeout <= 0 || m.Timeout > maxInterval:
		return fmt.Sprintf("has a time-out of %s", m.Timeout)
	case m.DegradedAbove < 0 || m.DegradedAbove > maxInterval:
		return fmt.Sprintf("has a degraded_above of %s", m.DegradedAbove)
	}
	return ""
}
