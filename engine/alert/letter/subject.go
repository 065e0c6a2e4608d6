package letter

import (
	"fmt"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// subject reads on a lock screen: what it is, what it is about, why; who says
// so comes last. Where there is no room for it all there are fewer names: what
// is cut is the end, and that has the numbers.
func (a *Alert) subject() string {
	tail := " [" + short(a.Instance, 40) + "]"
	room := maxSubject - len([]rune(tail))
	said := a.headline(mostNames)
	least := 1
	if a.Count > 1 && a.Kind != string(uptime.AlertFlapping) {
		least = 0
	}
	for names := mostNames - 1; names >= least && len([]rune(said)) > room; names-- {
		said = a.headline(names)
	}
	return short(said, room) + tail
}

// mostNames is how many are named where there are many.
const mostNames = 3

// headline is the subject without the instance, with so many names at most.
func (a *Alert) headline(names int) string {
	said := a.news(names)
	if a.Kind == string(uptime.AlertReminder) || a.Kind == string(uptime.AlertEscalated) {
		return "still " + said
	}
	return said
}

func (a *Alert) news(names int) string {
	what := a.what(names)
	if a.Over && a.unwatched() {
		return fmt.Sprintf("no longer watched: %s, %s for %s", what, a.state(), a.lasted())
	}
	switch uptime.AlertKind(a.Kind) {
	case uptime.AlertRecovered:
		return fmt.Sprintf("up again: %s, after %s", what, a.lasted())
	case uptime.AlertCollapsed:
		return fmt.Sprintf("%s %s while we could not send: %s", a.Word, a.lasted(), what)
	case uptime.AlertFlapping:
		return fmt.Sprintf("%s again: %s %s flapping, nothing more until %s steady", a.Word, what, verb(a.lasting(), "is", "are"), verb(a.lasting(), "it is", "they are"))
	case uptime.AlertMore:
		said := counted(a.Count, "more alert", "more alerts")
		if list := named(a.Monitors, a.Count, names); list != "" {
			said += ": " + list
		}
		return said
	case uptime.AlertCertificate:
		return what + ": " + a.Message
	case uptime.AlertProbe:
		return a.says
	case uptime.AlertNode, uptime.AlertBlind:
		return a.Word + ": " + a.says
	case uptime.AlertTest:
		return "test: lookout can reach " + a.Channel
	}
	switch {
	case a.Back > 0 && a.Back < a.Count:
		said, gone := a.Word+" "+what, min(a.gone(), a.Back)
		if up := a.Back - gone; up > 0 {
			said += fmt.Sprintf(", %d of them up again", up)
		}
		if gone > 0 {
			said += fmt.Sprintf(", %d no longer watched", gone)
		}
		return said
	case a.Failing > 0:
		return fmt.Sprintf("%s %s, %d more failing", a.Word, what, a.Failing)
	case a.Count > 1, a.cause.Kind == uptime.CauseNode: // what joins is told with it
		return a.Word + " " + what
	}
	return a.Word + " " + what + ": " + a.Message + a.places()
}

// what an alert is about, in a few words.
func (a *Alert) what(names int) string {
	count, list := counted(a.Count, "monitor", "monitors"), named(a.Monitors, a.Count, names)
	if n := a.lasting(); a.Kind == string(uptime.AlertFlapping) && n < a.Count { // of a cause, those that are back
		var back []string
		for i := range a.Incidents {
			if a.Incidents[i].Open() {
				back = append(back, a.Incidents[i].Monitor)
			}
		}
		count, list = fmt.Sprintf("%d of %d monitors", n, a.Count), named(back, n, names)
	}
	if a.Count <= 1 && (a.Cause == "" || a.Failing == 0 && a.cause.Kind != uptime.CauseNode) {
		return list
	}
	if list != "" {
		list = " (" + list + ")"
	}
	if a.Cause == "" {
		return count + list
	}
	cause := a.Cause
	switch a.cause.Kind {
	case uptime.CauseParent:
		cause = uptime.Clean(a.cause.Key, maxName)
		if i := slices.Index(a.Monitors, cause); i >= 0 && a.Count > 1 && a.Kind != string(uptime.AlertFlapping) {
			behind := slices.Delete(slices.Clone(a.Monitors), i, i+1)
			if list = named(behind, a.Count-1, names); list != "" {
				list = " (" + list + ")"
			}
			return cause + " and " + counted(a.Count-1, "monitor", "monitors") + " behind it" + list
		}
		cause = "behind " + cause
	case uptime.CauseNode:
		cause = "seen from here alone"
	}
	return cause + ": " + count + list
}

// lasting is how many incidents are not over.
func (a *Alert) lasting() int { return a.Count - a.Back }

// state is how it was: "down" or "degraded".
func (a *Alert) state() string {
	if a.Verdict == uptime.Degraded.String() {
		return "degraded"
	}
	return "down"
}

// places is " (3 of 4 places)": how many of those that voted say that it is not up.
func (a *Alert) places() string {
	says := make(map[string]bool)
	for _, e := range a.Evidence {
		if e.Vote && e.Outcome != uptime.OutcomeUnknown {
			says[e.Location] = e.Outcome == uptime.OutcomeDown || says[e.Location]
		}
	}
	bad := 0
	for _, down := range says {
		if down {
			bad++
		}
	}
	if len(says) < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d places)", bad, len(says))
}

// lasted is for how long the first, or the longest of several, was not up.
func (a *Alert) lasted() string {
	longest := a.Lasted
	if len(a.Incidents) > 1 {
		d := a.Incidents[0].Lasted(a.now)
		for i := range a.Incidents {
			d = max(d, a.Incidents[i].Lasted(a.now))
		}
		longest = uptime.Ago(d)
	}
	return longest
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func more(n int) string { return fmt.Sprintf(" and %d more", n) }

// sentence ends in a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}
