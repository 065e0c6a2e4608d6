package uptime

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Witnesses are who can be asked for a second opinion about a monitor, for the
// sentences of its rule. The zero value is nobody.
type Witnesses struct {
	Places []Place // the locations, with their networks
	Home   string  // the network of this machine; a place in it is no witness
	Alone  string  // Monitor.Alone
	Any    bool    // there is no monitor to speak of: what holds with each number of witnesses is said
}

// networks counts the networks that can witness.
func (w Witnesses) networks() int {
	var seen []string
	for _, p := range w.Places {
		if p.Network != w.Home && !slices.Contains(seen, p.Network) {
			seen = append(seen, p.Network)
		}
	}
	return len(seen)
}

// Explain says the rule in sentences, for a monitor that is checked so often.
// Every figure in them is the one that the rule is applied with.
func (r Rule) Explain(interval time.Duration, w Witnesses) []string {
	if r.Plain || r.Consecutive {
		return append(r.counted(interval), sentencesOfNode(false)...)
	}
	out := []string{
		fmt.Sprintf("A check that fails makes the monitor suspect at once, and so does one that has no answer after %s, or after %s times what is usual for it. Nobody is told yet.",
			Span(RuleSoft), number(RuleSoftFactor)),
		w.sentence(),
	}
	n := w.networks()
	if n >= RuleNetworks || w.Any {
		out = append(out, r.several(interval)...)
	}
	if n > 0 || w.Any {
		out = append(out, r.few(interval)...)
	}
	if n > 0 || w.Any {
		out = append(out, undecided(interval))
	}
	if n == 0 || w.Any {
		out = append(out, r.alone(interval, w.Any))
	}
	elsewhere := ""
	if n > 0 || w.Any {
		elsewhere = " and one of another place, if any can be asked"
	}
	out = append(out,
		fmt.Sprintf("It is up again after two successes %s apart%s; until then it is checked every %s. Down again within %s is the same incident, which then is said to flap.",
			Span(RuleRecoveryGap), elsewhere, Span(min(interval, RuleRetry)), Span(RuleReopen)),
		fmt.Sprintf("Slow checks, and failures of the target's own that were not confirmed, are complaints: %s in a row make it degraded, and so does more than one in %d checks for long. After one, checks come %s times as often for %s. What is degraded so must fail for %s to be down. What stands, as a certificate near its end, makes it degraded at once.",
			number(int(math.Ceil(RuleRaise/RuleComplaint))), int(math.Ceil(RuleComplaint/RuleSuccess))+1, number(RuleCloser), Span(RuleCloserFor), Span(max(RuleDegradedDwell, r.DwellAt(interval)))),
	)
	return append(out, sentencesOfNode(n > 0 || w.Any)...)
}

// Explain says the rule in force for the monitor in sentences, with whom it may ask.
func (m *Monitor) Explain(w Witnesses) []string {
	out := m.Rule.Explain(m.Interval, w)
	through := slices.Clone(m.DependsOn)
	if m.Parent != "" {
		through = append([]string{m.Parent}, through...)
	}
	if len(through) == 0 {
		return out
	}
	what := through[0]
	if len(through) > 1 {
		what = "any of " + strings.Join(through, ", ")
	}
	return append(out, fmt.Sprintf("It is reached through others: while %s is down, a fault of the way to it counts and is kept, and nobody is told of it, since it is behind that.", what))
}

// sentence says who is asked.
func (w Witnesses) sentence() string {
	switch {
	case w.Any:
		return "Then other places are asked, if there are any."
	case w.networks() > 0:
		names := make([]string, len(w.Places))
		for i, p := range w.Places {
			names[i] = p.Location
			if p.Network != p.Location {
				names[i] += " (" + p.Network + ")"
			}
		}
		return "Then other places are asked: " + strings.Join(names, ", ") + ". Locations of one network are one witness, and those in this machine's own are none."
	case w.Alone != "":
		return "Nobody else is asked: " + w.Alone + "."
	case len(w.Places) > 0:
		return "Nobody else is asked: all other places are in the network of this machine."
	}
	return "Nobody else is asked: no other place can be reached."
}

// several is what holds where networks enough can be asked.
func (r Rule) several(interval time.Duration) []string {
	over := ""
	if d := r.DwellAt(interval); d > 0 {
		over = fmt.Sprintf(" the failure has lasted for %s%s;", Span(d), r.why())
	}
	return []string{
		fmt.Sprintf("With %s networks or more: this machine and %s places of different networks check at once, and again every %s, %s times at the most, other places in turn. The evidence is in log10 odds: it begins at %+.1f, and each answer adds its weight or takes it away. What is late, lost or challenged says nothing.",
			number(RuleNetworks), number(RuleWavePlaces), Span(RuleWaveEvery), number(RuleWaves), float64(RuleOddsPrior)),
		fmt.Sprintf("It is down when all of this holds: the evidence has come to %+d; %s other networks agree; the newest check here fails;%s and a last look, here and from %s places, sees no success. Where the target answers, and wrongly, %s more checks are spread over that time.",
			RuleOdds, number(RuleNetworks), over, number(RuleLastPlaces), number(RuleLooks-1)),
	}
}

// why names a setting that made the dwell other than the default.
func (r Rule) why() string {
	if !r.DwellSet && r.Sensitivity != "" && r.Sensitivity != Balanced {
		return fmt.Sprintf(" (sensitivity %q)", r.Sensitivity)
	}
	return ""
}

// few is what holds where one network is left, or none answers.
func (r Rule) few(interval time.Duration) []string {
	return []string{
		fmt.Sprintf("With one network left: it is down when that fails too, and at least %s checks here do, %s.", number(RuleLooks+1), r.over(interval)),
		fmt.Sprintf("If none that was asked answers: it is down when at least %s checks here fail over %s, whatever the fault; the message says who was asked. One success in between ends the doubt.",
			number(RuleLooks+1), Span(max(RuleSilent, r.DwellAt(interval)))),
	}
}

// over says for how long failures must last without witnesses.
func (r Rule) over(interval time.Duration) string {
	path, target := r.NeedAt(interval, true), r.NeedAt(interval, false)
	if path == target {
		return "over " + Span(path)
	}
	return "over " + Span(path) + " where nothing answers, over " + Span(target) + " where it answers wrongly"
}

// undecided is what becomes of a doubt that others do not share.
func undecided(interval time.Duration) string {
	return fmt.Sprintf("A doubt is over when the evidence is below %.1f and the place that raised it has succeeded. If it goes on after %s rounds, that place and one other in turn check every %s; a failure of the other asks all anew. When it has failed there for %s and nowhere else, the monitor is degraded, \"unreachable only from\" there, until two successes %s apart.",
		float64(RuleOddsClear), number(RuleWaves), Span(min(interval, RuleRetry)), Span(RuleAlone), Span(RuleRecoveryGap))
}

// alone is what holds where nobody can be asked.
func (r Rule) alone(interval time.Duration, named bool) string {
	text := fmt.Sprintf("it is checked again at a quarter, half and three quarters of a window and at its end, and is down when every one of these fails: at least %d failed checks, %s%s. One success in between ends the doubt. A fault of the network near this machine can look like one of the target, and the message says that nobody else was asked.",
		RuleLooks+1, r.over(interval), r.why())
	if named {
		return "With nobody to ask: " + text
	}
	return "So " + text
}

// sentencesOfNode hold for every rule.
func sentencesOfNode(others bool) []string {
	same := ""
	if others {
		same = " The same holds for the machines of other places: one that is offline does not vote."
	}
	return []string{
		"A fault of this machine is no evidence against the target: while it is offline by its self-check, a silence makes nothing down. Where the self-check cannot tell, it can be down, and the message says that there is nothing to compare with." + same,
		fmt.Sprintf("Without a result for %s intervals the monitor is unknown, which counts neither as up nor as down.", number(RuleStale)),
	}
}

func (r Rule) counted(interval time.Duration) []string {
	failures, recoveries := max(r.Failures, 1), max(r.Recoveries, 1)
	retry := r.RetryInterval
	if retry <= 0 {
		retry = min(interval, RuleRetry)
	}
	var out []string
	if r.Plain {
		out = append(out, "Nobody else can witness a monitor of this type, so failures are counted.")
	}
	if failures == 1 {
		out = append(out, "It is down with the first failure.")
	} else {
		out = append(out, fmt.Sprintf("It is down after %d failures in a row; after the first it is suspect, nobody is told, and it is checked every %s.", failures, Span(retry)))
	}
	if recoveries == 1 {
		return append(out, "It is up again with the first success.")
	}
	return append(out, fmt.Sprintf("It is up again after %d successes in a row.", recoveries))
}

// Brief says the rule on a line: what makes a monitor down, and up again.
func (r Rule) Brief(interval time.Duration, w Witnesses) string {
	switch {
	case r.Plain:
		return "down after " + plural(max(r.Failures, 1), "failure") + " in a row; nobody else can witness this type"
	case r.Consecutive:
		up := plural(max(r.Recoveries, 1), "success")
		if r.Recoveries > 1 {
			up = fmt.Sprintf("%d successes", r.Recoveries)
		}
		return fmt.Sprintf("down after %s in a row, %s apart; up after %s", plural(max(r.Failures, 1), "failure"), Span(r.RetryInterval), up)
	}
	up := fmt.Sprintf("; up: 2 good, %s apart", Span(RuleRecoveryGap))
	n := w.networks()
	if n >= RuleNetworks {
		return fmt.Sprintf("down: evidence %+d, %d networks, %s, a last look%s", RuleOdds, RuleNetworks, Span(r.DwellAt(interval)), up)
	}
	target, path := r.NeedAt(interval, false), r.NeedAt(interval, true)
	over := Span(target)
	if path > target {
		over += " (" + Span(path) + " if silent)"
	}
	too := ""
	if n == 1 {
		too = ", and one other network"
	}
	return fmt.Sprintf("down: %d+ failed checks over %s%s%s", RuleLooks+1, over, too, up)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// number writes a small number as a word.
func number(n int) string {
	if words := [...]string{"no", "one", "two", "three", "four", "five"}; n >= 0 && n < len(words) {
		return words[n]
	}
	return fmt.Sprint(n)
}
