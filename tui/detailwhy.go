package tui

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lookout/engine/uptime"
)

// why says in sentences what a monitor's state rests on, at length where there
// is room.
func (d *detail) why(s *shell, st *uptime.State, atLength bool) []string {
	var out []string
	switch st.Mode {
	case uptime.Paused:
		out = append(out, "Paused"+until(s, st.Until)+": no checks, and the time counts for nothing.")
	case uptime.Maintenance:
		out = append(out, "In maintenance"+until(s, st.Until)+": checks go on, nobody is told, the time counts for nothing.")
	}
	switch st.Verdict {
	case uptime.Pending:
		if st.Mode != uptime.Paused {
			out = append(out, "Not checked yet.")
		}
	case uptime.Unknown:
		out = append(out, d.whyUnknown(s, st))
	case uptime.Up:
		if st.Mode != uptime.Paused {
			out = append(out, d.whyUp(s, st))
		}
	default:
		out = append(out, cause(d.newest(s, st), st))
		if more := reached(d.newest(s, st), st); more != "" && atLength {
			out = append(out, more)
		}
		out = append(out, d.witnesses(s, st))
	}
	return out
}

func until(s *shell, t time.Time) string {
	if t.IsZero() {
		return ", with no end set"
	}
	return " until " + stamp(t, s.now, s.loc)
}

func (d *detail) whyUnknown(s *shell, st *uptime.State) string {
	text := sentence(st.Message)
	if st.Message == "" {
		text = "No fresh result."
	}
	if st.Fault != uptime.NoFault && !strings.Contains(text, st.Fault.String()) {
		text = strings.TrimSuffix(text, ".") + " (" + st.Fault.String() + ")."
	}
	if s.snap.Node != "" && !strings.Contains(text, s.snap.Node) {
		text += " This node cannot judge: " + sentence(s.snap.Node)
	}
	if !st.Last.IsZero() {
		text += " The newest result is of " + stamp(st.Last, s.now, s.loc) + ", " + uptime.Ago(s.now.Sub(st.Last)) + " ago."
	}
	return text + " Not known is neither up nor down."
}

func (d *detail) whyUp(s *shell, st *uptime.State) string {
	if st.Last.IsZero() {
		return "The checks succeed."
	}
	text := "The checks succeed"
	if !st.Since.IsZero() {
		text += " since " + stamp(st.Since, s.now, s.loc)
	}
	text += "; the newest at " + stamp(st.Last, s.now, s.loc) + " took " + uptime.Took(st.Total)
	if st.Status != 0 {
		text += " and answered " + fmt.Sprint(st.Status)
	}
	return text + "."
}

// newest is the failing evidence that came last; nil where none is known.
func (d *detail) newest(s *shell, st *uptime.State) *uptime.Evidence {
	if in := d.told(s, st); in != nil {
		for i := len(in.Evidence) - 1; i >= 0; i-- {
			if e := &in.Evidence[i]; e.Outcome == uptime.OutcomeDown || e.Outcome == uptime.OutcomeDegraded {
				return e
			}
		}
	}
	if d.got != nil {
		for i := range d.got.Recent {
			if r := &d.got.Recent[i]; r.Outcome == uptime.OutcomeDown || r.Outcome == uptime.OutcomeDegraded {
				e := evidenceOf(r)
				return &e
			}
		}
	}
	return nil
}

// cause is what failed: the message, the address that was spoken to, and the fault word.
func cause(e *uptime.Evidence, st *uptime.State) string {
	text := st.Message
	if text == "" && e != nil {
		text = e.Message
	}
	if text == "" {
		text = "the check failed"
	}
	if strings.HasPrefix(text, "unreachable ") { // a sentence of ours, and no name of a protocol
		text = first(text)
	}
	if e != nil && e.Address != "" && !strings.Contains(text, e.Address) && !strings.Contains(text, hostOf(e.Address)) {
		text += " at " + e.Address
	}
	if word := st.Fault.String(); word != "" && !strings.Contains(text, word) {
		text = strings.TrimSuffix(text, ".") + " (" + word + ")"
	}
	return sentence(text)
}

func hostOf(address string) string {
	if i := strings.LastIndexByte(address, ':'); i > 0 {
		return strings.Trim(address[:i], "[]")
	}
	return address
}

// reached says which steps of the check were passed, where that can be told
// from what was measured.
func reached(e *uptime.Evidence, st *uptime.State) string {
	if e == nil || st.Type != "http" && st.Type != "tls" {
		return ""
	}
	has := func(name string) bool {
		for _, m := range e.Measures {
			if m.Name == name && m.Value > 0 {
				return true
			}
		}
		return false
	}
	secure := st.Type == "tls" || strings.HasPrefix(st.Target, "https:")
	group, _, _ := strings.Cut(st.Fault.String(), ".")
	resolved := ""
	if has("dns") {
		resolved = "The name was resolved; "
	}
	switch {
	case group == "dns":
		return "Nothing was connected to."
	case group == "tcp" && secure:
		return first(resolved + "TLS was never reached.")
	case group == "tcp":
		return first(resolved + "HTTP was never reached.")
	case group == "tls" && st.Type == "http" && has("connect"):
		return first(resolved + "TCP is connected, HTTP was never reached.")
	case group == "http" && has("ttfb") && secure:
		return "Name, TCP and TLS are fine; the answer is not."
	case group == "http" && has("ttfb"):
		return "Name and TCP are fine; the answer is not."
	}
	return ""
}

// first writes a sentence's first letter large, unless it begins with the name of
// a host or of a probe.
func first(s string) string {
	word, _, _ := strings.Cut(s, " ")
	letter, size := utf8.DecodeRuneInString(s)
	if letter == utf8.RuneError || strings.ContainsAny(strings.TrimRight(word, ".:"), "./:") {
		return s
	}
	return string(unicode.ToUpper(letter)) + s[size:]
}

// witnesses says since when how much is known, and who agrees.
func (d *detail) witnesses(s *shell, st *uptime.State) string {
	in := d.told(s, st)
	since := st.Since
	if in != nil {
		since = in.Start
	}
	first := "First failed "
	if st.Verdict == uptime.Degraded {
		first = "Since "
	}
	var parts []string
	if !since.IsZero() {
		first += stamp(since, s.now, s.loc)
		if in != nil && in.Reopened > 0 && st.Since.After(since) {
			first += ", again " + stamp(st.Since, s.now, s.loc)
		}
		if in != nil && in.Verdict == uptime.Down {
			if t := sure(in); !t.IsZero() {
				first += ", sure " + stamp(t, s.now, s.loc)
			}
		}
		parts = append(parts, first)
	}
	if w := witness(st, in); w != "" {
		parts = append(parts, w)
	}
	if sum, ok := odds(in); ok && st.Verdict == uptime.Down {
		parts = append(parts, fmt.Sprintf("evidence %+.1f, bar %+d", sum, uptime.RuleOdds))
	}
	if in != nil && in.Behind != "" {
		parts = append(parts, "unreachable behind "+in.Behind+", so nobody is told")
	}
	if in != nil && in.Silenced {
		parts = append(parts, "it came in the maintenance: nobody was told")
	}
	if in != nil && in.Reopened > 0 {
		parts = append(parts, "came back "+times(in.Reopened, "time"))
	}
	return sentence(strings.Join(parts, "; "))
}

// witness says who else was asked and what they say: the engine's own words where it sent any.
func witness(st *uptime.State, in *uptime.Incident) string {
	switch {
	case st.Verdict == uptime.Suspect:
		return "being confirmed, counts as " + st.Before.Label() + " until then"
	case st.Witness != "":
		return strings.TrimSuffix(st.Witness, ".")
	case in != nil && in.Witness != "":
		return strings.TrimSuffix(in.Witness, ".")
	case in != nil && len(in.ConfirmedBy) == 1:
		return in.ConfirmedBy[0] + " agrees"
	case in != nil && len(in.ConfirmedBy) > 1:
		return enumerate(in.ConfirmedBy) + " agree"
	case st.Verdict == uptime.Down:
		return "nobody else was asked"
	}
	return ""
}

// odds is what the evidence came to when it was decided by; false where it was
// not, or where not all of it is there.
func odds(in *uptime.Incident) (float64, bool) {
	if in == nil || len(in.ConfirmedBy) < uptime.RuleNetworks {
		return 0, false
	}
	last := -1
	for i, e := range in.Evidence {
		if e.Step == "last" {
			last = i
		}
	}
	sum := float64(uptime.RuleOddsPrior)
	for _, e := range in.Evidence[:last+1] {
		sum += e.Weight
	}
	return sum, last >= 0 && sum > uptime.RuleOdds-0.05
}

// sure is when the verdict stood: the time of the last look that it needed.
func sure(in *uptime.Incident) time.Time {
	var t time.Time
	for _, e := range in.Evidence {
		if e.Step == "last" {
			t = e.Time
		}
	}
	return t
}

func times(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// checkFacts say what is checked and how often, the most telling first.
func checkFacts(st *uptime.State) []string {
	// The scheme tells the type, and a target that is only the name with a scheme
	// before it is not said twice.
	what := st.Target
	if !strings.Contains(what, ":") {
		what = st.Type + " " + what
	}
	if scheme, ok := strings.CutSuffix(strings.TrimSuffix(st.Target, "/"), "://"+strings.TrimSuffix(st.Name, "/")); ok {
		what = scheme
	}
	facts := []string{what + " every " + uptime.Span(st.Interval)}
	if st.Caution != "" {
		facts = append(facts, st.Caution)
	}
	facts = append(facts, "timeout "+uptime.Span(st.Timeout))
	if st.Expect != "" {
		facts = append(facts, "expect "+st.Expect)
	}
	if st.DegradedAbove > 0 {
		facts = append(facts, "slow above "+uptime.Span(st.DegradedAbove))
	}
	if st.Group != "" && (len(st.Tags) == 0 || st.Group != st.Tags[0]) {
		facts = append(facts, "group "+st.Group)
	}
	if len(st.Tags) > 0 {
		facts = append(facts, "tag "+strings.Join(st.Tags, " "))
	}
	return facts
}

// joined joins as many facts as fit a line of width cells; … stands for the rest.
func joined(facts []string, width int) string {
	text := facts[0]
	for _, f := range facts[1:] {
		if cells(text)+cells(f)+4 > width {
			return text + ", …"
		}
		text += ", " + f
	}
	return text
}

// sentence ends a text with a full stop.
func sentence(text string) string {
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// enumerate joins names as a person would: fra, nyc and sgp.
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// stamp writes a moment: the time of day where it was today, the date and the time where not.
func stamp(t, now time.Time, loc *time.Location) string {
	t, now = t.In(loc), now.In(loc)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	if now.Sub(t).Abs() < 300*day {
		return t.Format("01-02 15:04")
	}
	return t.Format("2006-01-02")
}
