package config

import (
	"fmt"
	"net/url"
	"time"

	"lookout/engine/uptime"
)

// defaultBeat is how often the dead-man service hears of us.
const defaultBeat = time.Minute

// heartbeatKeys are the keys of [heartbeat].
var heartbeatKeys = []uptime.Key{
	{Name: "url", Kind: uptime.SecretText, Doc: "asked for while we live, by GET: of a dead-man service that tells you when it is not", Example: `"https://beats.example.org/abc"`},
	{Name: "every", Kind: uptime.Duration, Doc: "default: 1m", Example: `"1m"`, Min: int64(10 * time.Second), Max: int64(24 * time.Hour)},
}

// beat takes a [heartbeat], which waits until it is known where secrets are.
func (l *loader) beat(b *block, raw any) {
	m, ok := raw.(map[string]any)
	if !ok {
		l.fail(b, []string{"heartbeat"}, "heartbeat must be one table, written [heartbeat]", "")
		return
	}
	l.beats = append(l.beats, waiting{b, m})
}

// readHeartbeat reads [heartbeat].
func (l *loader) readHeartbeat() {
	if len(l.beats) == 0 {
		return
	}
	w := l.beats[0]
	at := func(key string) []string { return []string{"heartbeat", key} }
	for _, other := range l.beats[1:] {
		l.fail(other.blk, []string{"heartbeat"}, "[heartbeat] is there twice", "Leave one of them out")
	}
	keys, values, failed := newKeyset(heartbeatKeys), map[string]any{}, false
	for _, key := range sorted(w.raw) {
		slot, v, wrong := l.convertOwn(w.blk, keys, key, w.raw[key])
		_, twice := values[slot]
		switch {
		case slot == "":
			l.fail(w.blk, at(key), fmt.Sprintf("unknown key %q", shown(key)), didYouMean(key, keys.words()))
			continue
		case wrong != nil:
			l.fail(w.blk, at(key), "heartbeat: "+wrong.message, wrong.hint)
		case twice:
			l.fail(w.blk, at(key), "heartbeat: url and url_file exclude each other", "")
		default:
			values[slot] = v
			continue
		}
		failed = true
	}
	address, set := values["url"].(uptime.Secret)
	switch why := beatFault(address.Reveal()); {
	case failed:
		return
	case !set:
		l.fail(w.blk, []string{"heartbeat"}, "[heartbeat] needs a url", example(heartbeatKeys[0]))
		return
	case why != "":
		l.fail(w.blk, at("url"), "heartbeat: url "+why, example(heartbeatKeys[0]))
		return
	}
	l.cfg.Heartbeat = &uptime.Heartbeat{URL: address, Every: uptime.Value(values, "every", defaultBeat)}
}

// beatFault says why a URL cannot be asked for; "" when it can.
func beatFault(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return urlFault(err)
	case u.Scheme != "https" && u.Scheme != "http":
		return "must begin with https:// or http://"
	case u.Hostname() == "":
		return "names no host"
	}
	return ""
}
