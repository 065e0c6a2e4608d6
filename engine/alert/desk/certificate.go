package desk

import (
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	// gatherFor is how long a certificate waits for others: they are often of one
	// day, and there is no hurry.
	gatherFor = time.Minute
	// mostEndings bounds those of one letter, and its record.
	mostEndings = 500
	// rememberFor is how long after its end it is known that one was told.
	rememberFor = 30 * 24 * time.Hour
)

// certificates are those near their end that people were told of, or will be in
// the next letter.
type certificates struct {
	told    map[string]time.Time // by the key of its record: until when that is known
	Since   time.Time            `json:",omitzero"` // when the first of Waiting came
	Waiting []ending             `json:",omitempty"`
}

// ending is a certificate that is near its end.
type ending struct {
	Incident uint64
	Event    uint64
	Says     string
	Now      string `json:",omitempty"` // what it says where its incident says another thing
	Channels []string
	Why      string
}

func (c *certificates) due() time.Time {
	if len(c.Waiting) == 0 {
		return time.Time{}
	}
	return c.Since.Add(gatherFor)
}

// nearEnd reports whether an event is that a certificate is near its end.
func nearEnd(ev *uptime.Event) bool { return ev.To == uptime.Degraded && ofCertificate(ev.Fault) }

func ofCertificate(f uptime.Fault) bool {
	return f == uptime.FaultTLSExpiresSoon || f == uptime.FaultTLSRenewalOverdue
}

// certificate takes that one is near its end, which is told once for each.
func (d *Desk) certificate(ev *uptime.Event, s *uptime.Snapshot, now time.Time) {
	if ev.Behind != "" || ev.Silenced {
		return
	}
	key, until := keyCert+"#"+strconv.FormatUint(ev.Incident, 10), now.Add(rememberFor)
	st := find(s, ev.Monitor)
	if st != nil && st.Cert != nil && st.Cert.Serial != "" {
		h := fnv.New64a()
		h.Write([]byte(st.Cert.Serial + "\x00" + st.Cert.Issuer))
		key = keyCert + strconv.FormatUint(h.Sum64(), 16)
		if end := stamp(st.Cert.NotAfter); end.After(now) {
			until = end.Add(rememberFor)
		}
	}
	if !d.certs.told[key].IsZero() {
		return
	}
	w := whoCertificate(&d.o, named(s, ev.Monitor), ev.Fault, now)
	if len(w.Channels) == 0 {
		return
	}
	d.certs.told[key] = until
	d.save(key, until)
	message := ev.Message
	if in := open(s, ev.Incident); in != nil {
		message = in.Message
	}
	if len(d.certs.Waiting) == 0 {
		d.certs.Since = now
	}
	other := ""
	if ev.Kind == uptime.EventCertificate {
		message, other = ev.Message, uptime.Clean(ev.Message, 200)
	}
	d.certs.Waiting = append(d.certs.Waiting, ending{ev.Incident, ev.ID, uptime.Clean(ev.Monitor+": "+message, 200), other, w.Channels, w.Why})
	if len(d.certs.Waiting) >= mostEndings {
		d.ringCerts(now)
		return
	}
	d.keepCerts()
}

// another takes that a monitor whose certificate is near its end shows another
// one, which may be as well: that is no news of its incident.
func (d *Desk) another(ev *uptime.Event, s *uptime.Snapshot, now time.Time) {
	st := find(s, ev.Monitor)
	if st == nil || st.Verdict != uptime.Degraded || st.Outcome != uptime.OutcomeDegraded || !ofCertificate(st.Fault) || st.Cert == nil {
		return
	}
	if in := open(s, st.Incident); in != nil {
		d.certificate(&uptime.Event{ID: ev.ID, Kind: ev.Kind, Monitor: ev.Monitor, Fault: st.Fault, Incident: in.Number, Behind: in.Behind, Silenced: in.Silenced,
			Message: "the certificate was changed, and this one is near its end, too: it is valid until " + st.Cert.NotAfter.UTC().Format(time.DateOnly)}, s, now)
	}
}

func (d *Desk) keepCerts() {
	d.save(keyCerts, &d.certs)
	d.alarms.set(keyCerts, d.certs.due())
}

// ringCerts tells of the certificates that have come.
func (d *Desk) ringCerts(now time.Time) {
	for _, c := range d.o.Channels {
		var of []ending
		for _, e := range d.certs.Waiting {
			if slices.Contains(e.Channels, c) {
				of = append(of, e)
			}
		}
		if len(of) > 0 {
			d.post(ofEndings(c, of, now))
		}
	}
	d.certs.Waiting, d.certs.Since = nil, time.Time{}
	for _, key := range slices.Sorted(maps.Keys(d.certs.told)) {
		if d.certs.told[key].Before(now) {
			delete(d.certs.told, key)
			d.save(key, nil)
		}
	}
	d.keepCerts()
}

// ofEndings is the parcel of some certificates: of one, its incident says all.
func ofEndings(channel string, of []ending, now time.Time) uptime.Parcel {
	p := uptime.Parcel{Channel: channel, Kind: uptime.AlertCertificate, At: now, Event: of[0].Event, Count: len(of), Why: of[0].Why}
	var says []string
	for _, e := range of {
		if len(p.Incidents) < uptime.MaxNamed {
			p.Incidents = append(p.Incidents, e.Incident)
		}
		says = append(says, e.Says)
	}
	if len(of) == 1 {
		p.Says = of[0].Now
	} else {
		p.Says = uptime.Clean(strings.Join(says, "; "), 600)
	}
	return p
}
