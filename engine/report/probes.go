package report

import (
	"io"
	"slices"
	"strconv"

	"lookout/engine/uptime"
)

// Probes writes who checks at other locations, those that do not work first:
// text, or one JSON object.
func Probes(w io.Writer, r uptime.Remotes, opt Options) error {
	switch opt.Format {
	case Text:
		t := newText(w, opt)
		t.remotes(&r)
		return t.flush()
	case JSON:
		return lines(w, []uptime.Remotes{r})
	}
	return ErrFormat
}

// probeLabel is the word at the beginning of a probe's line.
func probeLabel(p *uptime.Probe) string {
	if p.State == uptime.ProbeLive && p.Excluded != "" {
		return "excluded"
	}
	return p.State.String()
}

func (t *text) remotes(r *uptime.Remotes) {
	probes := slices.Clone(r.Probes)
	slices.SortStableFunc(probes, func(a, b uptime.Probe) int { return votesLast(&a) - votesLast(&b) })
	width := 0
	for i := range probes {
		width = max(width, nameWidth(probes[i].ID(), t.ascii))
	}
	t.add("# ")
	t.outside(r.Instance, 120)
	t.add("  ")
	t.b = t.dates.now.AppendFormat(t.b, "Mon 2006-01-02 15:04:05 MST")
	n := uptime.CountProbes(r.Node, r.Probes)
	t.add("  probes ")
	t.b = strconv.AppendInt(t.b, int64(n.Live), 10)
	t.add(" of ")
	t.b = strconv.AppendInt(t.b, int64(n.Total()), 10)
	t.add(", this node among them")
	t.endLine()
	t.broker(&r.Broker)
	if len(probes) > 0 {
		t.endLine()
	}
	for i := range probes {
		t.probe(&probes[i], min(width, maxNameColumn))
	}
}

func votesLast(p *uptime.Probe) int {
	if p.Votes() {
		return 1
	}
	return 0
}

func (t *text) broker(b *uptime.Broker) {
	if b.URL == "" {
		t.add("# no broker is configured: no probe can be reached")
		t.endLine()
		return
	}
	t.add("# broker ")
	t.outside(b.URL, maxMessage)
	if b.Connected {
		t.add(" connected since ")
		t.b = t.dates.since(t.b, b.Since)
		t.add(", ")
		t.b = strconv.AppendFloat(t.b, b.Rate, 'f', 1, 64)
		t.add(" results/s in ")
		t.b = strconv.AppendFloat(t.b, b.Batches, 'f', 1, 64)
		t.add(" batches/s")
	} else {
		t.add(" NOT CONNECTED since ")
		t.b = t.dates.since(t.b, b.Since)
	}
	if b.Dead > 0 {
		t.add(", ")
		t.b = strconv.AppendUint(t.b, b.Dead, 10)
		t.add(" messages that nobody could read")
	}
	t.endLine()
	t.warning("broker", b.Error)
}

// probe writes a line of figures, and indented what is wrong.
func (t *text) probe(p *uptime.Probe, width int) {
	from := len(t.b)
	t.add(probeLabel(p))
	t.pad(from, len("excluded"))
	t.name(p.ID(), width, false)
	from = len(t.b)
	t.outside(dash(p.Network), 80)
	t.pad(from, len("AS24940"))
	if p.State == uptime.ProbeUnseen {
		t.add("no probe")
		t.endLine()
		t.reasons(p)
		return
	}
	from = len(t.b)
	t.add("lookout ")
	t.outside(dash(p.Version), 40)
	t.pad(from, len("lookout 1.4.2"))
	t.add("seen ")
	if p.Seen.IsZero() {
		t.add("never")
	} else {
		t.b = uptime.AppendAgo(t.b, t.dates.now.Sub(p.Seen))
		t.add(" ago")
	}
	if p.State != uptime.ProbeGone {
		t.add("  rtt ")
		t.b = uptime.AppendTook(t.b, p.RTT)
		t.add("  clock ")
		if p.Skew >= 0 {
			t.add("+")
		}
		t.b = strconv.AppendFloat(t.b, p.Skew.Seconds(), 'f', 3, 64)
		t.add("s  lag ")
		t.b = strconv.AppendFloat(t.b, p.Lag.Seconds(), 'f', 1, 64)
		t.add("s  waiting ")
		t.b = strconv.AppendInt(t.b, int64(p.Waiting), 10)
		t.add("  monitors ")
		t.b = strconv.AppendInt(t.b, int64(p.Monitors), 10)
		t.add("  ")
		t.b = strconv.AppendFloat(t.b, p.Rate, 'f', 1, 64)
		t.add(" checks/s  failing ")
		t.b = uptime.AppendPercent(t.b, p.Failing)
	}
	t.add("  spool ")
	t.b = strconv.AppendUint(t.b, p.Spool, 10)
	if p.Lost > 0 {
		t.add("  given up ")
		t.b = strconv.AppendUint(t.b, p.Lost, 10)
	}
	if p.Alone >= 0 {
		t.add("  down alone ")
		t.b = uptime.AppendPercent(t.b, p.Alone)
	}
	t.endLine()
	t.reasons(p)
}

// reasons are the lines below a probe's: what is wrong with it.
func (t *text) reasons(p *uptime.Probe) {
	for _, why := range []string{whereNot(p), excludedBy(p), p.Warning} {
		if why != "" {
			t.add("          ")
			t.outside(why, maxMessage)
			t.endLine()
		}
	}
}

func whereNot(p *uptime.Probe) string {
	if p.State == uptime.ProbeLive {
		return ""
	}
	return p.Why
}

func excludedBy(p *uptime.Probe) string {
	if p.Excluded == "" {
		return ""
	}
	return "excluded by " + p.Excluded + ": it checks nothing, and its vote does not count"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
