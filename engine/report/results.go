package report

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// outcomeLabel is the label of an outcome, in the words of the verdicts.
func outcomeLabel(o uptime.Outcome) string {
	switch o {
	case uptime.OutcomeUp:
		return uptime.Up.Label()
	case uptime.OutcomeDegraded:
		return uptime.Degraded.Label()
	case uptime.OutcomeDown:
		return uptime.Down.Label()
	}
	return uptime.Unknown.Label()
}

// Results writes the results of one monitor in the order they are given: text, JSON lines or CSV.
func Results(w io.Writer, results []uptime.Result, opt Options) error {
	switch opt.Format {
	case Text:
		return resultsText(w, results, opt)
	case JSON:
		return lines(w, results)
	case CSV:
		return resultsCSV(w, results)
	}
	return ErrFormat
}

func resultsText(w io.Writer, results []uptime.Result, opt Options) error {
	t := newText(w, opt)
	location := 0
	for i := range results {
		location = max(location, nameWidth(results[i].Location, opt.ASCII))
	}
	for i := range results {
		r := &results[i]
		from := len(t.b)
		t.add(outcomeLabel(r.Outcome))
		t.pad(from, len("DOWN"))
		t.b = t.dates.full(t.b, r.Time)
		t.add("  ")
		t.name(r.Location, location, false)
		from = len(t.b)
		t.b = uptime.AppendTook(t.b, r.Total)
		t.pad(from, len("9.9ms"))
		t.measures(r.Measures)
		if r.Message != "" || r.Fault != uptime.NoFault {
			t.why(r.Message, r.Fault)
		} else {
			t.b = bytes.TrimRight(t.b, " ")
		}
		t.endLine()
	}
	return t.flush()
}

// measures writes the figures of a check in one field.
func (t *text) measures(ms []uptime.Measure) {
	for i, m := range ms {
		if i > 0 {
			t.add(" ")
		}
		t.outside(m.Name, 20)
		t.add(" ")
		switch d := m.Duration(); {
		case m.Name == "loss":
			t.b = append(strconv.AppendFloat(t.b, float64(m.Value)/1e4, 'f', -1, 64), '%')
		case d == 0: // it was measured
			t.add("0ms")
		case d < 0: // a clock that is behind
			t.b = uptime.AppendTook(append(t.b, '-'), -d)
		default:
			t.b = uptime.AppendTook(t.b, d)
		}
	}
	if len(ms) > 0 {
		t.add("  ")
	}
}

// resultsCSV has a column for each measure that any of the results has, in the order they are met.
func resultsCSV(w io.Writer, results []uptime.Result) error {
	header := []string{"time", "monitor", "type", "target", "location", "outcome", "fault", "message", "address", "status", "total_ms"}
	var names []string
	for i := range results {
		for _, m := range results[i].Measures {
			if !slices.Contains(names, m.Name) {
				names = append(names, m.Name)
			}
		}
	}
	for _, n := range names {
		if n == "loss" {
			header = append(header, n)
		} else {
			header = append(header, csvText(n)+"_ms")
		}
	}
	return table(w, header, len(results), func(i int, f []string) []string {
		r := &results[i]
		f = append(f, csvTime(r.Time), csvText(r.Monitor), r.Type, csvText(r.Target), csvText(r.Location), r.Outcome.String(),
			r.Fault.String(), csvText(r.Message), csvText(r.Address), strconv.Itoa(r.Status), csvMillis(r.Total))
		for _, n := range names {
			m, ok := r.Measured(n)
			switch {
			case !ok:
				f = append(f, "")
			case n == "loss":
				f = append(f, strconv.FormatFloat(float64(m.Value)/1e6, 'f', -1, 64))
			default:
				f = append(f, csvMillis(m.Duration()))
			}
		}
		return f
	})
}

// barCells is the width of a waterfall.
const barCells = 30

// Checks writes what single checks found, step by step: text or JSON lines.
func Checks(w io.Writer, results []uptime.Result, opt Options) error {
	switch opt.Format {
	case JSON:
		return lines(w, results)
	case Text:
	default:
		return ErrFormat
	}
	t := newText(w, opt)
	for i := range results {
		t.check(&results[i])
	}
	return t.flush()
}

// check writes a line with the label, indented its steps as a waterfall, the
// certificate, and why.
func (t *text) check(r *uptime.Result) {
	from := len(t.b)
	t.add(outcomeLabel(r.Outcome))
	t.pad(from, len("DOWN"))
	t.name(r.Monitor, 0, false)
	if r.Target != r.Monitor {
		t.name(r.Target, 0, false)
	}
	t.b = uptime.AppendTook(t.b, r.Total)
	if r.Location != "" && r.Location != uptime.Local {
		t.add("  from ")
		t.outside(r.Location, 80)
	}
	t.endLine()
	if r.Message != "" || r.Fault != uptime.NoFault {
		t.add("      ")
		t.why(r.Message, r.Fault)
		t.endLine()
	}
	t.waterfall(r)
	t.certificate(r.Cert)
}

// waterfall writes the steps of a check, each beginning where the one before ended.
func (t *text) waterfall(r *uptime.Result) {
	var sum time.Duration
	name, took := 0, 0
	for _, s := range r.Steps {
		sum += s.Took
		name = max(name, nameWidth(s.Step, t.ascii))
		took = max(took, len(uptime.AppendTook(nil, s.Took)))
	}
	sum = max(sum, 1)
	var before time.Duration
	for _, s := range r.Steps {
		t.add("      ")
		t.name(s.Step, name, false)
		for n := took - len(uptime.AppendTook(nil, s.Took)); n > 0; n-- {
			t.add(" ")
		}
		t.b = uptime.AppendTook(t.b, s.Took)
		begin := min(int(before*barCells/sum), barCells-1)
		before += s.Took
		end := max(int(before*barCells/sum), begin+1)
		t.add("  |" + strings.Repeat(" ", begin) + strings.Repeat("=", end-begin) + strings.Repeat(" ", barCells-end) + "|")
		for _, field := range []string{s.Address, s.Detail} {
			if field != "" {
				t.add("  ")
				t.outside(field, maxMessage)
			}
		}
		if s.Error != "" {
			t.add("  ")
			t.outside(s.Error, maxMessage)
			if s.Errno != "" {
				t.add(" (")
				t.outside(s.Errno, 40)
				t.add(")")
			}
		}
		t.endLine()
	}
}

func (t *text) certificate(c *uptime.Certificate) {
	if c == nil {
		return
	}
	t.add("      certificate for ")
	if len(c.Names) == 0 {
		t.add("no name")
	}
	shown := c.Names[:min(len(c.Names), 4)]
	t.outside(strings.Join(shown, ", "), maxMessage)
	if n := len(c.Names) - len(shown); n > 0 {
		t.add(" and ")
		t.b = strconv.AppendInt(t.b, int64(n), 10)
		t.add(" more")
	}
	if c.Issuer != "" {
		t.add("; by ")
		t.outside(c.Issuer, 200)
	}
	if left := c.NotAfter.Sub(t.dates.now); left >= 0 {
		t.add("; ends ")
		t.b = t.dates.full(t.b, c.NotAfter)
		t.add(", in ")
		t.b = uptime.AppendAgo(t.b, left)
	} else {
		t.add("; ended ")
		t.b = t.dates.full(t.b, c.NotAfter)
		t.add(", ")
		t.b = uptime.AppendAgo(t.b, -left)
		t.add(" ago")
	}
	if c.Version != "" {
		t.add("; TLS ")
		t.outside(c.Version, 20)
		if c.KeyExchange != "" {
			t.add(" ")
			t.outside(c.KeyExchange, 40)
		}
	}
	if c.Chain != "" {
		t.add("; chain ")
		t.outside(c.Chain, 200)
	}
	if f := c.Fingerprint.String(); f != "" { // as the key pin takes it
		t.add("; sha256:" + f)
	}
	t.endLine()
}
