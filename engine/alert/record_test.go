package alert

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

func fullItem() *item {
	at := time.Date(2026, 11, 23, 12, 0, 0, 5e6, time.UTC)
	return &item{Parcel: uptime.Parcel{Number: 7, Channel: "ops", Kind: uptime.AlertOpened, At: at, Event: 90210, Incidents: []uint64{4711, 4712},
		Count: 300, Thread: 4711, Ends: 5, Over: 2, Failing: 9, Cause: uptime.Cause{Kind: uptime.CauseHost, Key: "192.0.2.7"}, Why: "route 2 (tags prod)",
		Also: []string{"ann"}, Says: "a sentence"},
		trouble: trouble{3, at.Add(time.Second), at.Add(time.Minute), "451 later", true, false}, left: []string{"jo@example.com"},
		uncertain: true, stands: []uint64{2, 3, 6}}
}

// What version 1 wrote is read for good.
func TestGoldenRecords(t *testing.T) {
	it := fullItem()
	told := it.toldAs(uptime.ToldSent, "never stored")
	told.Done = it.At.Add(400 * time.Millisecond)
	c := &channel{ChannelConfig: uptime.ChannelConfig{Name: "ops", Type: "email", Same: "never stored"}, target: "ops@example.com by localhost:25",
		trouble: trouble{2, it.At, it.next, "451 later", true, true}}
	c.limit.full = it.At
	tests := []struct {
		name string
		got  uptime.OutboxRecord
		key  string
		want string
	}{
		{"letter", it.record(), "post/ops/00000000000000000007", `{"v":1,"n":7,"channel":"ops","kind":"opened","at":1795435200005,"event":90210,"incidents":[4711,4712],` +
			`"count":300,"thread":4711,"ends":5,"over":2,"failing":9,"cause":"host","cause_key":"192.0.2.7","why":"route 2 (tags prod)","also":["ann"],"says":"a sentence",` +
			`"tries":3,"first":1795435201005,"next":1795435260005,"hard":true,"reply":"451 later","left":["jo@example.com"],"uncertain":true,"stands":[2,1,3]}`},
		{"told", toldRecord(&told, it.Thread), "told/ops/00000000000000000007", `{"v":1,"n":7,"channel":"ops","kind":"opened","at":1795435200005,"incidents":[4711],` +
			`"count":300,"thread":4711,"cause":"host","cause_key":"192.0.2.7","tries":3,"reply":"451 later","state":"sent","done":1795435200405}`},
		{"channel", c.record(), "channel/ops", `{"v":1,"name":"ops","type":"email","target":"ops@example.com by localhost:25","tries":2,"failing":1795435200005,` +
			`"next":1795435260005,"error":"451 later","hard":true,"asked":true,"full":1795435200005}`},
	}
	for _, tt := range tests {
		if tt.got.Key != tt.key || string(tt.got.Data) != tt.want {
			t.Errorf("%s: %s\n%s\nwant %s\n%s", tt.name, tt.got.Key, tt.got.Data, tt.key, tt.want)
		}
	}
	l, err := decodeLetter(tests[0].got, underPost)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.item(); !reflect.DeepEqual(got, it) {
		t.Errorf("%+v, want %+v", got, it)
	}
	l, err = decodeLetter(tests[1].got, underTold)
	if err != nil {
		t.Fatal(err)
	}
	told.Target, told.Next = "", time.Time{}
	if got := l.told(); got != told {
		t.Errorf("%+v, want %+v", got, told)
	}
}

// A usual letter is small: very many of them may wait.
func TestRecordSize(t *testing.T) {
	it := &item{Parcel: uptime.Parcel{Number: 90210, Channel: "ops", Kind: uptime.AlertOpened, At: time.Now(), Event: 1 << 30, Incidents: []uint64{1 << 20},
		Count: 1, Thread: 1 << 20, Why: "route 2 (tags prod)", Also: []string{"ann", "bob"}}}
	if n := len(it.record().Data); n > 300 {
		t.Errorf("%d bytes", n)
	}
	for i := range uint64(maxStands) {
		it.stands = append(it.stands, 1<<40+3*i)
	}
	if n := len(it.record().Data); n > 3000 {
		t.Errorf("%d bytes where it stands for others", n)
	}
}

// FuzzRecall: whatever lies in the outbox, an office is made of it or says why
// not; what it made it can go on with.
func FuzzRecall(f *testing.F) {
	it := fullItem()
	f.Add(it.record().Key, it.record().Data)
	f.Add("office/step", []byte(`{"v":1,"newest":6}`))
	f.Add("channel/ops", []byte(`{"v":1,"name":"ops","next":99999999999999999}`))
	f.Add("told/ops/00000000000000000000", []byte(`{"v":1,"channel":"ops"}`))
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		if strings.HasPrefix(key, underDesk) {
			return
		}
		s := storage.NewMemory()
		if s.Post([]uptime.OutboxRecord{{Key: key, Data: data}, it.record()}) != nil {
			return
		}
		o, err := New(Options{Store: s, Channels: []uptime.ChannelConfig{to1("ops", &box{})}})
		if err != nil {
			if !strings.Contains(err.Error(), "outbox record") {
				t.Errorf("%v", err)
			}
			return
		}
		now := o.now()
		for _, c := range o.channels {
			c.steady(now)
			if _, at := c.pick(now); at.Sub(now) > 2*hardStep {
				t.Errorf("the next try is %s away", at.Sub(now))
			}
			c.merge(now)
		}
		if err := o.post.store(s, now); err != nil {
			t.Error(err)
		}
		_ = fmt.Sprint(o.Outbox())
	})
}
