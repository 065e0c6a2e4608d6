package alert

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lookout/engine/alert/desk"
	"lookout/engine/uptime"
)

// What the office keeps on disk, as JSON under these keys. The desk's own
// records lie beside them, under desk/.
//
//	office/step           ─► the newest parcel that was released
//	channel/CHANNEL       ─► how it does, while it fails or has sent lately
//	post/CHANNEL/NUMBER   ─► a letter that was not taken yet
//	told/CHANNEL/NUMBER   ─► one that was, of an incident that lasts, or that was given up
const (
	keyStep     = "office/step"
	keyCursor   = "desk/state" // how far the desk has read
	underDesk   = desk.Prefix
	underOffice = "channel/"
	underPost   = "post/"
	underTold   = "told/"

	recordVersion = 1
)

// token is a channel's name within a key: as it is, or its hash where that is no
// printable ASCII or long.
func token(channel string) string {
	plain := channel != "" && len(channel) <= 100
	for _, c := range []byte(channel) {
		plain = plain && c > ' ' && c < '~' && c != '/'
	}
	if plain {
		return channel
	}
	return fmt.Sprintf("~%x", sha256.Sum256([]byte(channel)))
}

func channelKey(channel string) string { return underOffice + token(channel) }

// numbered is a key that sorts by number within its channel.
func numbered(under, channel string, number uint64) string {
	return fmt.Sprintf("%s%s/%020d", under, token(channel), number)
}

// millis is a time in Unix milliseconds; 0 is the zero time.
type millis int64

func stamp(t time.Time) millis {
	if t.IsZero() {
		return 0
	}
	return millis(t.UnixMilli())
}

func (m millis) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

type stepRecord struct {
	Version int    `json:"v"`
	Newest  uint64 `json:"newest"`
}

type channelRecord struct {
	Version int    `json:"v"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Target  string `json:"target,omitempty"`
	Tries   int    `json:"tries,omitempty"`
	Failing millis `json:"failing,omitempty"`
	Next    millis `json:"next,omitempty"`
	Error   string `json:"error,omitempty"`
	Hard    bool   `json:"hard,omitempty"`
	Asked   bool   `json:"asked,omitempty"`
	Full    millis `json:"full,omitempty"`
}

type parcelRecord struct {
	Number    uint64           `json:"n"`
	Channel   string           `json:"channel"`
	Kind      uptime.AlertKind `json:"kind"`
	At        millis           `json:"at"`
	Event     uint64           `json:"event,omitempty"`
	Incidents []uint64         `json:"incidents,omitempty"`
	Count     int              `json:"count,omitempty"`
	Thread    uint64           `json:"thread,omitempty"`
	Ends      uint64           `json:"ends,omitempty"`
	Over      int              `json:"over,omitempty"`
	Failing   int              `json:"failing,omitempty"`
	CauseKind uptime.CauseKind `json:"cause,omitempty"`
	CauseKey  string           `json:"cause_key,omitempty"`
	Why       string           `json:"why,omitempty"`
	Also      []string         `json:"also,omitempty"`
	Says      string           `json:"says,omitempty"`
}

type letterRecord struct {
	Version int `json:"v"`
	parcelRecord
	Tries     int      `json:"tries,omitempty"`
	First     millis   `json:"first,omitempty"`
	Next      millis   `json:"next,omitempty"`
	Hard      bool     `json:"hard,omitempty"`
	Asked     bool     `json:"asked,omitempty"`
	Reply     string   `json:"reply,omitempty"`
	Left      []string `json:"left,omitempty"`
	Uncertain bool     `json:"uncertain,omitempty"` // it may have been taken, …
	Sending   bool     `json:"sending,omitempty"`   // … or is being sent
	Stands    []uint64 `json:"stands,omitempty"`    // each less the one before
	// Of told letters.
	State uptime.ToldState `json:"state,omitempty"`
	Done  millis           `json:"done,omitempty"`
}

func (r *letterRecord) setParcel(p *uptime.Parcel) {
	r.parcelRecord = parcelRecord{p.Number, p.Channel, p.Kind, stamp(p.At), p.Event, p.Incidents, p.Count, p.Thread, p.Ends,
		p.Over, p.Failing, p.Cause.Kind, p.Cause.Key, p.Why, p.Also, p.Says}
}

func (r *parcelRecord) parcel() uptime.Parcel {
	return uptime.Parcel{Number: r.Number, Channel: r.Channel, Kind: r.Kind, At: r.At.time(), Event: r.Event, Incidents: r.Incidents,
		Count: r.Count, Thread: r.Thread, Ends: r.Ends, Over: r.Over, Failing: r.Failing,
		Cause: uptime.Cause{Kind: r.CauseKind, Key: r.CauseKey}, Why: r.Why, Also: r.Also, Says: r.Says}
}

// item is the letter's record.
func (it *item) record() uptime.OutboxRecord {
	r := letterRecord{Version: recordVersion, Tries: it.tries, First: stamp(it.since), Next: stamp(it.next), Hard: it.hard, Asked: it.asked, Reply: it.why,
		Left: it.left, Uncertain: it.uncertain, Sending: it.sending}
	r.setParcel(&it.Parcel)
	for i, n := range it.stands {
		if i > 0 {
			n -= it.stands[i-1]
		}
		r.Stands = append(r.Stands, n)
	}
	return uptime.OutboxRecord{Key: numbered(underPost, it.Channel, it.Number), Data: encode(r)}
}

func (r *letterRecord) item() *item {
	it := &item{Parcel: r.parcel(), trouble: trouble{r.Tries, r.First.time(), r.Next.time(), r.Reply, r.Hard, r.Asked}, left: r.Left,
		uncertain: r.Uncertain || r.Sending}
	n := uint64(0)
	for _, d := range r.Stands {
		n += d
		it.stands = append(it.stands, n)
	}
	return it
}

func toldRecord(t *uptime.Told, thread uint64) uptime.OutboxRecord {
	r := letterRecord{Version: recordVersion, Tries: t.Tries, Reply: t.Reply, State: t.State, Done: stamp(t.Done)}
	r.parcelRecord = parcelRecord{Number: t.Number, Channel: t.Channel, Kind: t.Kind, At: stamp(t.At), Count: t.Count, Thread: thread,
		CauseKind: t.Cause.Kind, CauseKey: t.Cause.Key}
	if t.Incident != 0 {
		r.Incidents = []uint64{t.Incident}
	}
	return uptime.OutboxRecord{Key: numbered(underTold, t.Channel, t.Number), Data: encode(r)}
}

func (r *letterRecord) told() uptime.Told {
	t := uptime.Told{Number: r.Number, Channel: r.Channel, Kind: r.Kind, State: r.State, Count: r.Count,
		Cause: uptime.Cause{Kind: r.CauseKind, Key: r.CauseKey}, At: r.At.time(), Done: r.Done.time(), Tries: r.Tries, Reply: r.Reply}
	if len(r.Incidents) > 0 {
		t.Incident = r.Incidents[0]
	}
	return t
}

// encode writes a record; there is nothing in one that JSON cannot hold.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// decode reads a record, and fails with its key where it is of another version.
func decode(r uptime.OutboxRecord, v any) error {
	var head struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(r.Data, &head); err != nil {
		return fmt.Errorf("outbox record %s: %w", r.Key, err)
	}
	if head.Version != recordVersion {
		return fmt.Errorf("outbox record %s is of version %d, this lookout reads %d; install the newer one again", r.Key, head.Version, recordVersion)
	}
	if err := json.Unmarshal(r.Data, v); err != nil {
		return fmt.Errorf("outbox record %s: %w", r.Key, err)
	}
	return nil
}

// decodeLetter reads a record under post/ or told/, whose key must be its own.
func decodeLetter(r uptime.OutboxRecord, under string) (*letterRecord, error) {
	l := &letterRecord{}
	if err := decode(r, l); err != nil {
		return nil, err
	}
	if numbered(under, l.Channel, l.Number) != r.Key {
		return nil, fmt.Errorf("outbox record %s is that of letter %s to %q", r.Key, strconv.FormatUint(l.Number, 10), uptime.Clean(l.Channel, 80))
	}
	return l, nil
}

// ours reports whether a key is one of the office's.
func ours(key string) bool { return !strings.HasPrefix(key, underDesk) }
