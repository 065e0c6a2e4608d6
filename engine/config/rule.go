package config

import (
	"fmt"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const (
	evidence    = "evidence"
	consecutive = "consecutive"

	countedHint = "It counts failures in a row; leave one of the two out"
)

var (
	evidenceKeys = []string{"sensitivity", "dwell", "confirm_from"}     // say nothing to the rule that counts
	countedKeys  = []string{"failures", "recoveries", "retry_interval"} // … and these nothing to the other
)

func notCounted(key string) string {
	return fmt.Sprintf("%s does not go with rule = %q", key, consecutive)
}

// ruleKeys refuses keys of a monitor's own that the rule in force does not know.
func (d *draft) ruleKeys() {
	if d.own["rule"] != consecutive {
		return
	}
	for _, key := range evidenceKeys {
		if _, own := d.raw[key]; own {
			d.fail(notCounted(key), countedHint, key)
		}
	}
}

// rule is the rule of a monitor that is checked so often.
func (d *draft) rule(interval time.Duration) uptime.Rule {
	r := uptime.Rule{Plain: d.kind.Plain, Consecutive: value(d, "rule", evidence) == consecutive}
	if !r.Consecutive && !r.Plain {
		for _, key := range countedKeys {
			if _, own := d.own[key]; own {
				d.warn(fmt.Sprintf(`%s has no effect without rule = %q`, key, consecutive), "", key)
			}
		}
		r.Sensitivity, r.Dwell, r.DwellSet = d.dwell()
		return r
	}
	_, ruled := d.own["rule"]
	for _, key := range evidenceKeys {
		switch _, own := d.own[key]; {
		case !own:
		case r.Plain:
			d.fail(fmt.Sprintf("%s does not go with type %s: nobody else can witness it, so failures are counted", key, d.kind.Name), "", key)
		case !ruled: // its defaults count; ruleKeys has seen the others
			d.fail(notCounted(key)+", which is its default", fmt.Sprintf("Write rule = %q, too", evidence), key)
		}
	}
	failures, recoveries := int64(3), int64(2)
	if r.Plain {
		failures, recoveries = int64(max(d.kind.Failures, 1)), 1
	}
	retry := defaultRetry
	if r.Plain && d.kind.Retry > 0 {
		retry = d.kind.Retry
	}
	r.Failures = int(value(d, "failures", failures))
	r.Recoveries = int(value(d, "recoveries", recoveries))
	r.RetryInterval = value(d, "retry_interval", min(interval, retry))
	return r
}

// dwell finds what was set the closest to the monitor; where that is both,
// the dwell overrides.
func (d *draft) dwell() (sensitivity string, dwell time.Duration, set bool) {
	level := d.own
	for i := 0; ; i++ {
		dwell, set = level["dwell"].(time.Duration)
		sensitivity, _ = level["sensitivity"].(string)
		if set || sensitivity != "" || i == len(d.chain.levels) {
			return sensitivity, dwell, set
		}
		level = d.chain.levels[i].common
	}
}

// keeps names a key whose secret is read with the configuration, and therefore
// goes nowhere else; "" where there is none. Headers and the query of a URL are
// secret only where they come from the environment: most are none.
func (d *draft) keeps(rawURL string) string {
	for _, key := range d.kind.secrets {
		if from, stays := d.stays(key); stays {
			return from
		}
	}
	if hasEnv(rawURL) || literalPassword(rawURL) {
		return "url"
	}
	return ""
}

// stays reports whether what counts of a secret is read with the configuration,
// and by which of its keys.
func (d *draft) stays(key string) (from string, stays bool) {
	level := d.raw
	for i := 0; ; i++ {
		if d.kind.fileKeys[key+fileSuffix] == key {
			if _, ok := level[key+fileSuffix]; ok {
				return key + fileSuffix, true
			}
		}
		if raw, ok := level[key]; ok || i == len(d.chain.levels) {
			return key, expanded(raw, d.kind.values[key].Kind == uptime.SecretText)
		}
		level = d.chain.levels[i].texts
	}
}

// written is a key's value as it stands in the file, its ${…} not replaced; nil
// where it is not set.
func (d *draft) written(key string) any {
	if raw, ok := d.raw[key]; ok {
		return raw
	}
	for _, level := range d.chain.levels {
		if raw, ok := level.texts[key]; ok {
			return raw
		}
	}
	return nil
}

// expanded reports whether a secret is made of what only this machine has;
// literal says that one which is simply written down counts, too.
func expanded(raw any, literal bool) bool {
	switch raw := raw.(type) {
	case string:
		return hasEnv(raw) || literal && raw != "" && !strings.Contains(raw, "${")
	case map[string]any:
		for _, v := range raw {
			if s, ok := v.(string); ok && hasEnv(s) {
				return true
			}
		}
	}
	return false
}

// hasEnv reports whether a text has a ${NAME} that the environment fills.
func hasEnv(text string) bool {
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			return false
		}
		if (i == 0 || text[i-1] != '$') && !strings.HasPrefix(text[i+2:], "secret:") {
			return true
		}
		text = text[i+2:]
	}
}

// literalPassword reports whether a URL has a password that is written in it.
func literalPassword(raw string) bool {
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	user, _, ok := cutLast(rest, "@")
	_, password, has := strings.Cut(user, ":")
	return ok && has && password != "" && !strings.Contains(password, "${")
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
