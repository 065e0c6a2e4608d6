package letter

import (
	"testing"

	"lookout/engine/uptime"
)

func BenchmarkWrite(b *testing.B) {
	in := incident(4711, "shop")
	p := uptime.Parcel{Number: 1, Channel: "ops", Kind: uptime.AlertOpened, At: noon, Count: 1, Thread: 4711}
	f := Facts{Instance: "web-1", Now: noon, Incidents: []uptime.Incident{in}, Snapshot: snapshot()}
	for b.Loop() {
		Write(&p, &f, nil)
	}
}
