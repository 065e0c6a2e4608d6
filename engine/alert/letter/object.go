package letter

import (
	"bytes"
	"encoding/json"

	"lookout/engine/uptime"
)

const maxObject = 256 << 10 // bytes

// alertJSON is the object that programs get: a webhook, a command, a file.
type alertJSON struct {
	Version   int               `json:"version"`
	Kind      string            `json:"kind"`
	Alert     string            `json:"alert"`
	ID        string            `json:"id"`
	Thread    string            `json:"thread"`
	Time      string            `json:"time"`
	Instance  string            `json:"instance"`
	Channel   string            `json:"channel"`
	Subject   string            `json:"subject"`
	Text      string            `json:"text"`
	Urgent    bool              `json:"urgent"`
	Over      bool              `json:"over"`
	Event     uint64            `json:"event_id,omitempty"`
	Cause     *causeJSON        `json:"cause"`
	Count     int               `json:"count"`
	Back      int               `json:"back,omitempty"`
	Failing   int               `json:"failing,omitempty"`
	Monitors  []string          `json:"monitors"`
	Incidents []uptime.Incident `json:"incidents"`
	Why       string            `json:"why,omitempty"`
}

type causeJSON struct {
	Kind uptime.CauseKind `json:"kind"`
	Key  string           `json:"key"`
}

// object is the alert as JSON: what it is too large for is left out from its end.
func object(a *Alert, l *uptime.Letter) []byte {
	j := alertJSON{1, "alert", a.Kind, a.ID, a.Thread, a.Time.UTC().Format("2006-01-02T15:04:05.000Z"), a.Instance, a.Channel,
		l.Subject, l.Text, a.Urgent, a.Over, a.event, nil, a.Count, a.Back, a.Failing, a.Monitors, a.Incidents, a.Why}
	if l.Custom {
		j.Text = a.Text // the template's may be JSON itself
	}
	if a.cause.Kind != "" {
		j.Cause = &causeJSON{a.cause.Kind, uptime.Clean(a.cause.Key, maxName)}
	}
	if j.Monitors == nil {
		j.Monitors = []string{}
	}
	for {
		if j.Incidents == nil {
			j.Incidents = []uptime.Incident{}
		}
		b, err := encode(j)
		if err == nil && len(b) <= maxObject {
			return b
		}
		switch {
		case len(j.Incidents) > 1:
			j.Incidents = j.Incidents[:len(j.Incidents)/2]
		case len(j.Incidents) == 1 && len(j.Incidents[0].Evidence) > 0:
			in := j.Incidents[0]
			in.Evidence = in.Evidence[:len(in.Evidence)/2]
			j.Incidents = []uptime.Incident{in}
		case len(j.Incidents) == 1:
			j.Incidents = nil
		default: // bounded texts alone always fit
			return b
		}
	}
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
