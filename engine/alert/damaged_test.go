package alert

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lookout/engine/uptime"
	"lookout/storage"
)

// unread is a store that cannot read some records of its outbox.
type unread struct {
	*storage.Memory
	key string
}

func (u unread) Outbox(fn func(uptime.OutboxRecord) error) error {
	err := u.Memory.Outbox(func(r uptime.OutboxRecord) error {
		if r.Key == u.key {
			return nil
		}
		return fn(r)
	})
	if err == nil {
		err = fmt.Errorf("%w: %s", uptime.ErrDamaged, u.key)
	}
	return err
}

// Letters that wait are sent although it cannot be read how far the last step came.
func TestDamagedStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ops := newWorld(t), &box{}
		ops.set(refuse(uptime.Refusal{Reply: "connection refused"}))
		o := Options{Channels: []uptime.ChannelConfig{to1("ops", ops)}}
		_, stop := w.start(o)
		w.down(1, 2)
		after(time.Second)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		ops.set(nil)
		w.store = unread{w.store.(*storage.Memory), keyStep}
		_, stop = w.start(o)
		after(time.Hour)
		want(t, "ops", ops.got(), "opened 1", "opened 2")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
