package wire

import (
	"fmt"
	"testing"
	"time"

	"lookout/engine/uptime"
)

// TestBytesPerMonitor has the monitors of one owner, each with a name and a URL
// of its own, and what their type is told beside.
func TestBytesPerMonitor(t *testing.T) {
	var monitors []Monitor
	for i := range MaxMonitors {
		h := HashOf([]byte{byte(i), 1})
		host := fmt.Sprintf("%x.example.com", h[:4])
		monitors = append(monitors, Monitor{Number: uint32(512 + i), Name: host, Type: "http", URL: "https://" + host + "/", Interval: time.Minute,
			Timeout: 10 * time.Second, Regular: true, Asked: true, Values: map[string]any{"headers": map[string]uptime.Secret{"Accept": "text/html"}},
			Expect: map[string]any{"status": []string{"200-299"}, "body_contains": []string{"Add to cart"}}})
	}
	frame, err := signer.Chunk(Chunk{"web-1", "fra", monitors})
	if err != nil {
		t.Fatal(err)
	}
	got := float64(len(frame)) / MaxMonitors
	t.Logf("%d B a chunk, %.1f B a monitor", len(frame), got)
	if got > 13 {
		t.Errorf("%.1f B a monitor, at most 13 expected", got)
	}
	again, err := signer.Chunk(Chunk{"web-1", "fra", monitors})
	if err != nil || HashOf(again) != HashOf(frame) {
		t.Errorf("the same chunk has another hash: %v", err)
	}
	monitors[7].Timeout++
	if again, err = signer.Chunk(Chunk{"web-1", "fra", monitors}); err != nil || HashOf(again) == HashOf(frame) {
		t.Errorf("an edit leaves the hash as it was: %v", err)
	}
}
