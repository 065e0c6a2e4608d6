package letter

import (
	"fmt"
	"strings"
	"time"

	"lookout/engine/uptime"
)

const maxRows = 20 // of evidence

// text is the whole letter in plain text: what, since when, why; then the facts,
// the evidence, who else is told, and what to type.
func (a *Alert) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, s := range a.opening() {
		line("%s", s)
	}
	if len(a.Incidents) > 1 {
		line("")
		a.list(line)
	}
	if facts := a.facts(); len(facts) > 0 {
		line("")
		for _, f := range facts {
			line("%-9s %s", f.label, f.text)
		}
	}
	if len(a.Evidence) > 0 && a.Kind != string(uptime.AlertMore) {
		line("")
		if len(a.Incidents) > 1 {
			line("Evidence for %s:", a.Monitor)
		} else {
			line("Evidence:")
		}
		a.rows(line)
	}
	if how := a.acknowledge(); how != "" {
		line("")
		line("To acknowledge, which stops reminders: %s", how)
		if n := a.Count - len(a.Incidents); n > 0 && a.Cause == "" {
			line("%d more %s not named here: lookout status --problems shows the numbers of those that last.", n, verb(n, "is", "are"))
		}
	}
	line("")
	line(signature)
	line("lookout on %s, letter %s", a.Instance, a.ID)
	return tidy(b.String(), maxText)
}

// opening is what is said first, in whole sentences.
func (a *Alert) opening() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	what := a.what(mostNames)
	why := a.Message
	if a.Witness != "" && !a.Over {
		why += "; " + a.Witness
	}
	if a.Over && a.unwatched() {
		add("%s %s taken out of the configuration while it was %s, after %s.", what, verb(a.Count, "was", "were"), a.state(), a.lasted())
		add("It is not known whether it is up: nobody looks any more.")
		return out
	}
	switch uptime.AlertKind(a.Kind) {
	case uptime.AlertOpened, uptime.AlertReminder, uptime.AlertEscalated, uptime.AlertJoined:
		state := "is down"
		if a.Word == "WARN" {
			state = "is degraded"
		}
		state = strings.Replace(state, "is", verb(a.Count, "is", "are"), 1)
		if a.Kind == string(uptime.AlertReminder) || a.Kind == string(uptime.AlertEscalated) {
			state = strings.Replace(state, " ", " still ", 1)
		}
		if !a.Ended.IsZero() && a.Count == 1 {
			state = strings.Replace(state, "is", "was", 1)
		}
		add("%s %s, since %s (%s).", what, state, a.at(a.Since), a.lasted())
		if a.Count <= 1 && why != "" {
			add("%s", sentence(why))
		}
		here := a.cause.Kind == uptime.CauseNode
		if (a.Count > 1 || a.Failing > 0 || here) && a.Cause != "" {
			why := "what was looked at of it fails as well"
			if here { // others may answer
				why = "so many do not fail at a time by chance"
			}
			add("They share %s; %s, so this is told once.", shared(a.cause), why)
		}
		if a.Failing > 0 {
			again := "that is not told again"
			if here {
				again = "what joins is told with it"
			}
			add("%s with it %s, too, and %s being confirmed: %s.", counted(a.Failing, "more monitor", "more monitors"), verb(a.Failing, "fails", "fail"), verb(a.Failing, "is", "are"), again)
		}
		if a.Kind == string(uptime.AlertJoined) {
			gone := min(a.gone(), a.Back)
			if up := a.Back - gone; up > 0 {
				add("%d of these %d %s up again.", up, a.Count, verb(up, "is", "are"))
			}
			if gone > 0 {
				add("%d of these %d %s taken out of the configuration.", gone, a.Count, verb(gone, "was", "were"))
			}
		}
	case uptime.AlertRecovered:
		add("%s %s up again%s.", what, verb(a.Count, "is", "are"), a.ended())
		if n := a.gone(); n > 0 {
			add("But %d of them %s taken out of the configuration: nobody looks whether %s up.", n, verb(n, "was", "were"), verb(n, "it is", "they are"))
		}
		add("It lasted %s, from %s.", a.lasted(), a.at(a.Since))
		if n := a.successes(); n != "" {
			add("%s", n)
		}
		if a.Message != "" && a.Count <= 1 {
			add("It was: %s", sentence(a.Message))
		}
	case uptime.AlertCollapsed:
		add("%s %s %s for %s, from %s%s, and %s up again.", what, verb(a.Count, "was", "were"), a.state(), a.lasted(), a.at(a.Since), a.ended(), verb(a.Count, "is", "are"))
		if a.late != "" {
			add("This could not be sent for %s; it takes the place of the letters that wait since.", a.late)
		}
		if a.Message != "" && a.Count <= 1 {
			add("It was: %s", sentence(a.Message))
		}
	case uptime.AlertFlapping:
		n := a.lasting()
		add("%s %s: %s down again within %.0f minutes.", what, verb(n, "comes and goes", "come and go"), verb(n, "it is", "they are"), uptime.RuleReopen.Minutes())
		add("Nothing more but reminders is told of %s steady.", verb(n, "it until it is", "them until they are"))
		if a.Message != "" {
			add("%s", sentence(a.Message))
		}
	case uptime.AlertMore:
		add("%s in one: channel %s has had as many letters as max_per_hour allows, or too many waited.", counted(a.Count, "alert", "alerts"), a.Channel)
		add("lookout status --problems shows what is not up now.")
	case uptime.AlertCertificate:
		add("%s: %s", what, sentence(a.Message))
		add("This is told once for this certificate.")
	case uptime.AlertTest:
		add("This is a test: the channel %s of lookout on %s works.", a.Channel, a.Instance)
		add("An alert says here what is down, since when, why, and who saw it.")
	}
	if a.says != "" {
		add("%s", sentence(a.says))
	}
	return out
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// shared is a cause as part of a sentence.
func shared(c uptime.Cause) string {
	key := uptime.Clean(c.Key, maxName)
	switch c.Kind {
	case uptime.CauseHost:
		return "the host " + key
	case uptime.CauseNetwork:
		return "the network " + key
	case uptime.CauseName:
		return "the name " + key
	case uptime.CauseParent:
		return "what they are reached through, " + key
	}
	return "only this machine as their witness"
}

// ended is " since 12:45:09"; "" while it lasts.
func (a *Alert) ended() string {
	if a.Ended.IsZero() {
		return ""
	}
	if a.Kind == string(uptime.AlertCollapsed) {
		return " to " + a.at(a.Ended)
	}
	return " since " + a.at(a.Ended)
}

// successes says by how much a recovery is shown: the first success, and those
// that came after it.
func (a *Alert) successes() string {
	places, last := map[string]bool{}, time.Time{}
	var list []string
	for _, e := range a.Evidence {
		if e.Outcome != uptime.OutcomeUp && e.Outcome != uptime.OutcomeDegraded {
			continue
		}
		if e.Time.After(last) {
			last = e.Time
		}
		if !places[e.Location] {
			places[e.Location] = true
			list = append(list, e.Location)
		}
	}
	if len(list) == 0 || last.Sub(a.Ended) < time.Second {
		return ""
	}
	return fmt.Sprintf("It was reached at %s and still was at %s, from %s.", a.Ended.Format(a.clock(a.Ended)), last.Format(a.clock(last)), strings.Join(list, ", "))
}

// list names the incidents of a letter about several.
func (a *Alert) list(line func(string, ...any)) {
	width := 0
	for i := range a.Incidents {
		width = max(width, len([]rune(a.Incidents[i].Monitor)))
	}
	width = min(width, 40)
	for i := range a.Incidents {
		in := &a.Incidents[i]
		state, message := in.Verdict.Label(), in.Message
		if !in.Open() && message != "" {
			message = "was: " + message
		}
		switch {
		case in.Ended == uptime.EndedUnwatched:
			state = "gone"
		case !in.Open():
			state = "up"
		}
		line("  #%-6d %-4s  %-*s  %s", in.Number, state, width, in.Monitor, message)
	}
	if n := a.Count - len(a.Incidents); n > 0 {
		line("  %s", strings.TrimSpace(more(n)))
	}
}

// gone is how many of those that are named are not watched any more.
func (a *Alert) gone() int {
	n := 0
	for i := range a.Incidents {
		if a.Incidents[i].Ended == uptime.EndedUnwatched {
			n++
		}
	}
	return n
}

type fact struct{ label, text string }

func (a *Alert) facts() []fact {
	var out []fact
	add := func(label, text string) {
		if text != "" {
			out = append(out, fact{label, text})
		}
	}
	if a.Count <= 1 && a.Target != "" {
		what := fmt.Sprintf("%s (%s)", a.Target, a.Type)
		if a.Group != "" {
			what += ", group " + a.Group
		}
		if len(a.Tags) > 0 {
			what += ", tags " + strings.Join(a.Tags, " ")
		}
		add("What", what)
	}
	if len(a.Incidents) > 0 && !a.Over && a.Kind != string(uptime.AlertMore) {
		if why := a.Incidents[0].Fault; why != uptime.NoFault {
			x := why.Explain()
			add("Fault", strings.TrimSpace(why.String()+": "+x.Meaning))
			add("Try", x.Advice)
		}
	}
	if a.Count <= 1 {
		add("Note", a.Note)
		add("Tried", a.tried())
	}
	add("Acked", a.acked())
	add("Told also", strings.Join(a.Also, ", "))
	add("Because", a.Why)
	return out
}

// acked is who takes care of it.
func (a *Alert) acked() string {
	if a.Over || a.Count != 1 || len(a.Incidents) != 1 || a.Incidents[0].Ack == nil {
		return ""
	}
	ack := a.Incidents[0].Ack
	said := "by " + ack.By
	if !ack.Until.IsZero() {
		said += " until " + a.at(ack.Until.In(a.now.Location()))
	}
	if ack.Note != "" {
		said += ": " + ack.Note
	}
	return said
}

// tried is what was done before this was said.
func (a *Alert) tried() string {
	if a.Over || len(a.Evidence) < 2 {
		return ""
	}
	places := map[string]bool{}
	from, to := a.Evidence[0].Time, a.Evidence[0].Time
	for _, e := range a.Evidence {
		places[e.Location] = true
		if e.Time.Before(from) {
			from = e.Time
		}
		if e.Time.After(to) {
			to = e.Time
		}
	}
	return fmt.Sprintf("%d checks from %s within %s", len(a.Evidence), counted(len(places), "place", "places"), uptime.Ago(to.Sub(from)))
}

// rows is the evidence as a table: when, where, in which step, what it found.
func (a *Alert) rows(line func(string, ...any)) {
	shown := a.Evidence
	if len(shown) > maxRows {
		shown = shown[len(shown)-maxRows:]
		line("  (the last %d of %d)", maxRows, len(a.Evidence))
	}
	place, step := 0, 0
	for _, e := range shown {
		place, step = max(place, len([]rune(e.Location))), max(step, len([]rune(e.Step)))
	}
	for _, e := range shown {
		found := e.Message
		if found == "" && e.Outcome == uptime.OutcomeUp {
			found = "answered in " + uptime.Took(e.Total)
		}
		if e.Fault != uptime.NoFault {
			found += " (" + e.Fault.String() + ")"
		}
		vote := ""
		if !e.Vote {
			vote = ", does not count"
		}
		line("  %s  %-*s  %-*s  %s: %s%s", e.Time.Format(a.clock(e.Time)), place, e.Location, step, e.Step, e.Outcome, found, vote)
	}
}

// acknowledge is the command that does; "" where there is nothing to. Of those that
// share a cause one stands for all that were told with it.
func (a *Alert) acknowledge() string {
	if a.Over || a.Kind == string(uptime.AlertCertificate) {
		return ""
	}
	var numbers []string
	for i := range a.Incidents {
		if in := &a.Incidents[i]; in.Open() && in.Ack == nil && (a.Cause == "" || len(numbers) == 0) {
			numbers = append(numbers, fmt.Sprintf("'#%d'", in.Number))
		}
	}
	if len(numbers) == 0 {
		return ""
	}
	return "lookout ack " + strings.Join(numbers, " ")
}

// at is a moment for people: 12:31:07, with its day where that is another.
func (a *Alert) at(t time.Time) string { return t.Format(a.clock(t) + " MST") }

func (a *Alert) clock(t time.Time) string {
	if y, d := t.Year(), t.YearDay(); y == a.now.Year() && d == a.now.YearDay() {
		return "15:04:05"
	}
	return "Mon 2006-01-02 15:04:05"
}
