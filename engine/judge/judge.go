// Package judge holds the check types that ask nobody: the engine gives them
// what it knows, of a job that calls in or of other monitors, in its own loop.
// They are pure: what they say follows from what they are told and the time.
package judge

import (
	"context"

	"lookout/engine/uptime"
)

// Types returns the types.
func Types() []uptime.CheckType { return []uptime.CheckType{beatType(), groupType()} }

// alone answers a check outside an engine.
func alone(what string) uptime.Result {
	return uptime.Result{Outcome: uptime.OutcomeUnknown, Message: what + " is judged by a running engine only; see lookout status"}
}

// result is what a fault and a sentence come to.
func result(f uptime.Fault, message string) uptime.Result {
	return uptime.Result{Outcome: f.Outcome(), Fault: f, Message: message}
}

// mistakes gathers what is wrong with settings.
type mistakes []uptime.Mistake

func (m *mistakes) add(key, message, hint string) {
	*m = append(*m, uptime.Mistake{Key: key, Message: message, Hint: hint})
}

// bare refuses what a URL that is only a scheme must not have.
func (m *mistakes) bare(s uptime.Settings) {
	if u := s.URL; u.Host != "" || u.Opaque != "" || u.Path != "" || u.RawQuery != "" {
		m.add("url", "the URL has more than its scheme", `Write url = "`+u.Scheme+`:"`)
	}
}

// noCheck is the Check of both types, for commands without an engine.
type noCheck struct{ what string }

func (n noCheck) Check(context.Context) uptime.Result { return alone(n.what) }
