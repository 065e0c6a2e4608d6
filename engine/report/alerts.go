package report

import (
	"strconv"
	"time"

	"lookout/engine/uptime"
)

// alerts adds lines to the header where people are not told what they should
// be. A page is made for others, who have nothing to do with it.
func (t *text) alerts(s uptime.Status) {
	if s.Page != "" {
		return
	}
	o, at := &s.Snapshot.Outbox, func(m time.Time) string { return string(t.dates.since(nil, m)) }
	for _, said := range o.Troubles(t.dates.now, at) {
		t.warning("alerts", said)
	}
	t.warning("heartbeat", o.Heartbeat.Says(t.dates.now, at))
}

// alertsPrometheus writes how channels do; nothing where there are none.
func (t *text) alertsPrometheus(s uptime.Status) {
	channels := s.Snapshot.Outbox.Channels
	if s.Page != "" || len(channels) == 0 {
		return
	}
	metric := func(name, kind, help string, value func(c *uptime.ChannelState) float64) {
		t.add("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind)
		t.endLine()
		for i := range channels {
			c := &channels[i]
			t.add(name + `{channel="` + label(c.Name) + `",type="` + label(c.Type) + `"} `)
			t.b = strconv.AppendFloat(t.b, value(c), 'f', -1, 64)
			t.endLine()
		}
	}
	metric("lookout_alerts_waiting", "gauge", "Alerts that the channel has not taken yet.", func(c *uptime.ChannelState) float64 { return float64(c.Pending) })
	metric("lookout_alerts_oldest_seconds", "gauge", "Age of the oldest alert that waits for the channel, 0 where none does.", func(c *uptime.ChannelState) float64 {
		if c.Pending == 0 || c.Oldest.IsZero() {
			return 0
		}
		return max(s.Snapshot.Time.Sub(c.Oldest), 0).Round(time.Millisecond).Seconds()
	})
	metric("lookout_alert_channel_failing", "gauge", "1 when the channel does not take what waits for it.", func(c *uptime.ChannelState) float64 {
		return map[bool]float64{true: 1}[c.Fails()]
	})
	metric("lookout_alerts_sent_total", "counter", "Alerts that the channel took since the engine started.", func(c *uptime.ChannelState) float64 { return float64(c.Sent) })
}
