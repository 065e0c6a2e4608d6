package uptime

// alertsJSON is how telling people stands, in the status object.
type alertsJSON struct {
	Waiting   int            `json:"waiting"`
	Held      int            `json:"held"` // until it is known whether others share their cause
	Channels  []channelJSON  `json:"channels"`
	Heartbeat *heartbeatJSON `json:"heartbeat,omitempty"`
}

type channelJSON struct {
	Channel  string `json:"channel"`
	Type     string `json:"type"`
	Target   string `json:"target"`
	Failing  bool   `json:"failing"`
	Waiting  int    `json:"waiting"`
	Oldest   *stamp `json:"oldest,omitempty"`
	Tries    int    `json:"tries,omitempty"` // that failed since one was taken
	Error    string `json:"error,omitempty"`
	Since    *stamp `json:"failing_since,omitempty"`
	Next     *stamp `json:"next_try,omitempty"`
	Capped   int    `json:"capped,omitempty"` // held back by max_per_hour
	Sent     uint64 `json:"sent"`             // since the start
	LastSent *stamp `json:"last_sent,omitempty"`
}

type heartbeatJSON struct {
	Error string `json:"error,omitempty"`
	Since *stamp `json:"failing_since,omitempty"`
	Last  *stamp `json:"last,omitempty"`
}

// alertsOut is nil where nobody is told of anything. A page is made for others:
// whom we tell is no business of theirs.
func (s Status) alertsOut() *alertsJSON {
	o := &s.Snapshot.Outbox
	if s.Page != "" || len(o.Channels) == 0 && o.Heartbeat == (HeartbeatState{}) {
		return nil
	}
	j := &alertsJSON{Waiting: o.Waiting(), Held: o.Held, Channels: make([]channelJSON, 0, len(o.Channels))}
	for i := range o.Channels {
		c := &o.Channels[i]
		j.Channels = append(j.Channels, channelJSON{c.Name, c.Type, c.Target, c.Fails(), c.Pending, optional(c.Oldest), c.Tries, c.Error,
			optional(c.Failing), optional(c.Next), c.Capped, c.Sent, optional(c.Last)})
	}
	if h := o.Heartbeat; h != (HeartbeatState{}) {
		j.Heartbeat = &heartbeatJSON{h.Error, optional(h.Failing), optional(h.Last)}
	}
	return j
}

// outbox is what alertsOut wrote.
func (j *alertsJSON) outbox() Outbox {
	if j == nil {
		return Outbox{}
	}
	o := Outbox{Held: j.Held}
	for _, c := range j.Channels {
		o.Channels = append(o.Channels, ChannelState{Name: c.Channel, Type: c.Type, Target: c.Target, Pending: c.Waiting, Oldest: required(c.Oldest),
			Tries: c.Tries, Error: c.Error, Failing: required(c.Since), Next: required(c.Next), Sent: c.Sent, Last: required(c.LastSent), Capped: c.Capped})
	}
	if h := j.Heartbeat; h != nil {
		o.Heartbeat = HeartbeatState{h.Error, required(h.Since), required(h.Last)}
	}
	return o
}
