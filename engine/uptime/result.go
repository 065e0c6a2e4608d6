package uptime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// MaxMeasures is how many measures a check type may have.
const MaxMeasures = 6

// Result is what one check found. A result is a value; its slices are not
// written to after the check that made them returned.
type Result struct {
	Time     time.Time // the start of the check, UTC, to the millisecond
	Monitor  string
	Type     string
	Target   string
	Location string

	Outcome Outcome
	Fault   Fault
	Message string // one sentence for people, cleaned; "" for a plain success
	Address string // ip:port that was spoken to last; "" before that
	Status  int    // of HTTP; 0 elsewhere
	Size    int64  // bytes of a body whose size is watched, decoded; 0: none
	Content string // the start of the SHA-256 of that body, in hex, where its changes are watched; else ""

	Total    time.Duration
	Measures []Measure // those that were taken, in the order of the check type
	Steps    []Step    // what was done, in order; not stored
	Cert     *Certificate
}

// Measure is one figure that a check took. Durations are microseconds; loss is
// in parts per million.
type Measure struct {
	Name  string
	Value int64
}

// share reports whether the measure is a share rather than a duration.
func (m Measure) share() bool { return m.Name == "loss" }

// Millis returns a measured duration.
func (m Measure) Duration() time.Duration { return time.Duration(m.Value) * time.Microsecond }

// Measured returns the named measure of a result.
func (r *Result) Measured(name string) (Measure, bool) {
	for _, m := range r.Measures {
		if m.Name == name {
			return m, true
		}
	}
	return Measure{}, false
}

// Latency is what a person calls the time of a check: the mean round trip of a
// ping, whose packets we space ourselves, and the total of all others.
func (r *Result) Latency() time.Duration {
	if rtt, ok := r.Measured("rtt_avg"); ok {
		return rtt.Duration()
	}
	return r.Total
}

// Step is one step of a check with its own evidence.
type Step struct {
	Step    string        // dns, connect, tls, ttfb, body, send, expect, redirect, …
	Took    time.Duration // its own duration
	Address string
	Error   string // "" where it went well
	Errno   string // ECONNREFUSED …; "" where the system said none
	Detail  string // what else a person wants to see: rcode, TLS version, hop
	Status  int    // of an HTTP answer; 0 in other steps
	URL     string // where a redirect leads to, secrets starred; "" in other steps
}

// The steps at which others say what they know of a name that failed. Their
// detail begins with DetailAgrees or DetailDisagrees where they said anything.
const (
	StepDNSSecond   = "dns second" // another resolver of this machine
	StepDNSZone     = "dns zone"   // a server of the zone itself
	DetailAgrees    = "agrees"
	DetailDisagrees = "disagrees"
)

// NameAgreed reports whether a failure of a name is no single resolver's word:
// the zone's own server says the same, and no other resolver says otherwise.
func (r *Result) NameAgreed() bool {
	zone := false
	for _, s := range r.Steps {
		switch {
		case s.Step != StepDNSSecond && s.Step != StepDNSZone:
		case strings.HasPrefix(s.Detail, DetailDisagrees):
			return false
		case s.Step == StepDNSZone:
			zone = strings.HasPrefix(s.Detail, DetailAgrees)
		}
	}
	return zone
}

// Side says whose fault a result is. Where a name server is what is watched,
// whatever it answers is the target's own; only its silence may be the path's.
func (r *Result) Side() Side {
	if r.OfNameServer() && r.Fault > FaultDNSTimeout && r.Fault <= FaultDNSDnssec {
		return Target
	}
	return r.Fault.Side()
}

// OfNameServer reports whether a name server is what was checked, rather than a name.
func (r *Result) OfNameServer() bool {
	return r.Type == "dns" && strings.HasPrefix(r.Target, "dns://")
}

// Certificate is what a check saw of the leaf certificate.
type Certificate struct {
	Names     []string // at most 20, cleaned
	Issuer    string
	Serial    string
	NotBefore time.Time
	NotAfter  time.Time
	Version   string // of TLS, "1.3"
	Chain     string // "ok", or what is wrong with it

	Cipher      string // of the connection, "TLS_AES_128_GCM_SHA256"
	KeyExchange string // its group, "X25519MLKEM768"; "" for one without
	Fingerprint Hash   // of the certificate
	KeyHash     Hash   // of its public key (SPKI), which a renewal may keep
}

// Hash is a SHA-256; zero means that there is none.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal, "" for none.
func (h Hash) String() string {
	if h == (Hash{}) {
		return ""
	}
	return hex.EncodeToString(h[:])
}

// MarshalText writes the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(b []byte) error {
	*h = Hash{}
	if len(b) == 0 {
		return nil
	}
	if len(b) != 2*len(h) {
		return fmt.Errorf("%d bytes are no SHA-256 in hexadecimal", len(b))
	}
	_, err := hex.Decode(h[:], b)
	return err
}

type measureJSON []Measure

func (ms measureJSON) MarshalJSON() ([]byte, error) {
	m := make(map[string]float64, len(ms))
	for _, x := range ms {
		if x.share() {
			m[x.Name] = float64(x.Value) / 1e6
		} else {
			m[x.Name+"_ms"] = float64(x.Value) / 1e3
		}
	}
	return json.Marshal(m)
}

// UnmarshalJSON loses the order of the measures, which JSON does not keep; names are sorted.
func (ms *measureJSON) UnmarshalJSON(b []byte) error {
	var m map[string]float64
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*ms = nil
	for _, k := range sortedKeys(m) {
		if name, ok := strings.CutSuffix(k, "_ms"); ok {
			*ms = append(*ms, Measure{name, int64(math.Round(m[k] * 1e3))})
		} else {
			*ms = append(*ms, Measure{k, int64(math.Round(m[k] * 1e6))})
		}
	}
	return nil
}

type stepJSON struct {
	Step    string `json:"step"`
	Took    millis `json:"ms"`
	Address string `json:"address,omitempty"`
	Error   string `json:"error,omitempty"`
	Errno   string `json:"errno,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Status  int    `json:"status,omitempty"`
	URL     string `json:"url,omitempty"`
}

type certJSON struct {
	Names     []string `json:"names"`
	Issuer    string   `json:"issuer"`
	Serial    string   `json:"serial"`
	NotBefore stamp    `json:"not_before"`
	NotAfter  stamp    `json:"not_after"`
	Version   string   `json:"tls_version,omitempty"`
	Chain     string   `json:"chain,omitempty"`

	Cipher      string `json:"cipher,omitempty"`
	KeyExchange string `json:"key_exchange,omitempty"`
	Fingerprint Hash   `json:"sha256,omitzero"`
	KeyHash     Hash   `json:"key_sha256,omitzero"`
}

type resultJSON struct {
	Version  int         `json:"version"`
	Kind     string      `json:"kind"`
	Time     stamp       `json:"time"`
	Monitor  string      `json:"monitor"`
	Type     string      `json:"type"`
	Target   string      `json:"target"`
	Location string      `json:"location"`
	Outcome  Outcome     `json:"outcome"`
	Fault    Fault       `json:"fault"`
	Message  string      `json:"message"`
	Address  string      `json:"address"`
	Status   int         `json:"status"`
	Size     int64       `json:"size,omitempty"`
	Content  string      `json:"content,omitempty"`
	Measures measureJSON `json:"measures"`
	Total    millis      `json:"total_ms"`
	Steps    []stepJSON  `json:"steps,omitempty"`
	Cert     *certJSON   `json:"certificate,omitempty"`
}

// MarshalJSON writes the result object of the public interface.
func (r Result) MarshalJSON() ([]byte, error) {
	j := resultJSON{1, "result", stamp(r.Time), r.Monitor, r.Type, r.Target, r.Location, r.Outcome, r.Fault,
		r.Message, r.Address, r.Status, r.Size, r.Content, r.Measures, millis(r.Total), nil, nil}
	for _, s := range r.Steps {
		j.Steps = append(j.Steps, stepJSON{s.Step, millis(s.Took), s.Address, s.Error, s.Errno, s.Detail, s.Status, s.URL})
	}
	if c := r.Cert; c != nil {
		j.Cert = &certJSON{append([]string{}, c.Names...), c.Issuer, c.Serial, stamp(c.NotBefore), stamp(c.NotAfter), c.Version, c.Chain,
			c.Cipher, c.KeyExchange, c.Fingerprint, c.KeyHash}
	}
	return marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Result) UnmarshalJSON(b []byte) error {
	var j resultJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = Result{time.Time(j.Time), j.Monitor, j.Type, j.Target, j.Location, j.Outcome, j.Fault, j.Message,
		j.Address, j.Status, j.Size, j.Content, time.Duration(j.Total), j.Measures, nil, nil}
	for _, s := range j.Steps {
		r.Steps = append(r.Steps, Step{s.Step, time.Duration(s.Took), s.Address, s.Error, s.Errno, s.Detail, s.Status, s.URL})
	}
	if c := j.Cert; c != nil {
		r.Cert = &Certificate{c.Names, c.Issuer, c.Serial, time.Time(c.NotBefore), time.Time(c.NotAfter), c.Version, c.Chain,
			c.Cipher, c.KeyExchange, c.Fingerprint, c.KeyHash}
	}
	return nil
}
