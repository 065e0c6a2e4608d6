package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// skewed is how far a clock may be from ours before it is marked.
const skewed = 2 * time.Second

// probeColumn is a column of figures.
type probeColumn struct {
	head  string
	width int
	key   int  // which goes first where there is no room: the largest; 0: the last of all
	wide  bool // only where 120 columns fit
	left  bool // aligned
	text  func(s *shell, r probeRow) string
}

// probeColumns are those after the name and the state.
func probeColumns() []probeColumn {
	return []probeColumn{
		{"PLACE", 10, 11, true, true, func(s *shell, r probeRow) string {
			switch {
			case r.Probe != nil:
				return dash(r.Place)
			case s.snap.Place != "":
				return s.snap.Place
			}
			return "this host"
		}},
		{"NETWORK", 10, 12, true, true, func(s *shell, r probeRow) string {
			switch {
			case r.Probe != nil:
				return networkOf(r.Probe)
			case s.snap.Network != "":
				return s.snap.Network
			}
			return "this node"
		}},
		{"VERSION", 8, 7, false, true, func(s *shell, r probeRow) string {
			if r.Probe == nil {
				return dash(s.version)
			}
			if older(r.Version, s.version) {
				return r.Version + " ↑"
			}
			return dash(r.Version)
		}},
		{"CONN", 7, 13, true, true, func(s *shell, r probeRow) string {
			if r.Probe == nil || r.Connected.IsZero() {
				return "-"
			}
			return uptime.Ago(s.now.Sub(r.Connected))
		}},
		{"SEEN", 7, 1, false, true, func(s *shell, r probeRow) string {
			if r.Probe == nil {
				return "-"
			}
			return ago(r.Seen, s.now)
		}},
		{"RTT", 7, 8, false, false, probeFigure(func(p *uptime.Probe) string { return uptime.Took(p.RTT) })},
		{"QUEUE", 6, 5, false, false, func(s *shell, r probeRow) string {
			if r.Probe == nil {
				return count3(uint64(s.snap.Health.Waiting))
			}
			return alive(r, count3(uint64(max(r.Waiting, 0))))
		}},
		{"LAG", 6, 2, false, false, func(s *shell, r probeRow) string {
			if r.Probe == nil {
				return lag(s.snap.Health.Lag)
			}
			return alive(r, lagText(r.Lag))
		}},
		{"SPOOL", 7, 6, false, false, func(s *shell, r probeRow) string {
			switch {
			case r.Probe == nil:
				return count3(uint64(s.snap.Health.Unstored))
			case r.State == uptime.ProbeGone && r.Spool > 0:
				return count3(r.Spool) + "?"
			}
			return alive(r, count3(r.Spool))
		}},
		{"SKEW", 8, 3, false, false, probeFigure(func(p *uptime.Probe) string { return skew(p.Skew) })},
		{"CHK/S", 6, 10, false, false, func(s *shell, r probeRow) string {
			if r.Probe == nil {
				return fmt.Sprintf("%.1f", s.snap.Health.Rate)
			}
			return alive(r, fmt.Sprintf("%.1f", r.Rate))
		}},
		{"FAIL%", 6, 4, false, false, probeFigure(func(p *uptime.Probe) string { return fmt.Sprintf("%.1f", 100*p.Failing) })},
		{"ALONE 24h", 10, 9, true, false, func(_ *shell, r probeRow) string {
			if r.Probe == nil || r.State == uptime.ProbeUnseen {
				return "-"
			}
			return aloneText(r.Alone)
		}},
	}
}

// probeFigure is a column that this node has nothing for, and a probe while it is there.
func probeFigure(of func(*uptime.Probe) string) func(*shell, probeRow) string {
	return func(_ *shell, r probeRow) string {
		if r.Probe == nil {
			return "-"
		}
		return alive(r, of(r.Probe))
	}
}

// alive is a figure that holds while a probe is there.
func alive(r probeRow, text string) string {
	if r.State == uptime.ProbeGone || r.State == uptime.ProbeUnseen {
		return "-"
	}
	return text
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// ago says when something was, in one unit.
func ago(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "never"
	case now.Sub(t) < time.Second:
		return "now"
	}
	return coarse(now.Sub(t)) + " ago"
}

func lagText(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < 10*time.Second:
		return lag(d)
	}
	return uptime.Ago(d)
}

// count3 is a number in at most five characters.
func count3(n uint64) string {
	switch {
	case n < 10_000:
		return group3(int(n))
	case n < 999_500:
		return fmt.Sprintf("%.3gk", float64(n)/1e3)
	case n < 999_500_000:
		return fmt.Sprintf("%.3gM", float64(n)/1e6)
	}
	return fmt.Sprintf("%.3gG", float64(n)/1e9)
}

// skew is how far a clock is from ours, marked where somebody should set it.
func skew(d time.Duration) string {
	sign, n := "+", d
	if d < 0 {
		sign, n = "-", -d
	}
	switch {
	case n < time.Millisecond:
		return "0ms"
	case n < time.Second:
		return fmt.Sprintf("%s%dms", sign, n.Milliseconds())
	case n < time.Minute:
		sign = fmt.Sprintf("%s%.1fs", sign, n.Seconds())
	default:
		sign += uptime.Ago(n)
	}
	if n >= skewed {
		sign += "!"
	}
	return sign
}

// aloneText is a share of opinions; a little is not nothing.
func aloneText(f float64) string {
	switch {
	case f < 0:
		return "no data"
	case f > 0 && f < 0.00005:
		return "<0.01%"
	}
	return fmt.Sprintf("%.2f%%", 100*f)
}

// older reports whether a version of numbers and dots is before another.
func older(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		var m, n int
		if _, err := fmt.Sscanf(x[i], "%d", &m); err != nil {
			return false
		}
		if _, err := fmt.Sscanf(y[i], "%d", &n); err != nil {
			return false
		}
		if m != n {
			return m < n
		}
	}
	return false
}

// probeLook is how the state of a row is shown. While nobody answers it is what it was.
func probeLook(s *shell, r probeRow) theme.State {
	look := s.th.State(uptime.Up, uptime.Active)
	if s.th.ASCII {
		look.Glyph = ' '
	}
	set := func(like uptime.Verdict, label string) {
		look = s.th.State(like, uptime.Active)
		look.Label = label
	}
	switch {
	case r.Probe == nil && s.snap.Node != "":
		set(uptime.Unknown, "blind")
	case r.Probe == nil:
		look.Label = "live"
	case r.State == uptime.ProbeGone:
		set(uptime.Down, "gone")
	case r.State == uptime.ProbeLagging:
		set(uptime.Degraded, "lag")
	case r.State == uptime.ProbeJoining:
		set(uptime.Suspect, "join")
	case r.State == uptime.ProbeUnseen:
		set(uptime.Unknown, "none")
	case r.Excluded != "":
		look = s.th.State(uptime.Up, uptime.Paused)
		look.Label = "excl"
	default:
		look.Label = "live"
	}
	if s.lost {
		look.Glyph, look.Style = '?', theme.Plain
	}
	return look
}

const probeStateCells = len("? blind")

// probeTable is the columns that a width has room for.
type probeTable struct {
	name, state int
	columns     []probeColumn
}

// tableFor leaves out columns until the names fit.
func (l *probes) tableFor(w int) probeTable {
	t := probeTable{name: len("local"), state: probeStateCells}
	for _, r := range l.rows {
		t.name = max(t.name, cells(r.id()))
	}
	t.name = min(t.name, max(w/3, 5))
	if w < 24 {
		t.state = 1
	}
	t.columns = slices.DeleteFunc(probeColumns(), func(c probeColumn) bool { return c.wide && w < wide })
	room := w - 1 - t.name - 1 - t.state - 1
	used := func() (n int) {
		for _, c := range t.columns {
			n += c.cells()
		}
		return n
	}
	for len(t.columns) > 0 && used() > room {
		drop := slices.MaxFunc(t.columns, func(a, b probeColumn) int { return a.key - b.key })
		t.columns = slices.DeleteFunc(t.columns, func(c probeColumn) bool { return c.head == drop.head })
	}
	if t.state == 1 {
		t.name = max(room+t.name, 1)
	}
	return t
}

// cells is what a column takes; one of words has its gap before it, one of figures has it in its width.
func (c probeColumn) cells() int {
	if c.left {
		return c.width + 1
	}
	return c.width
}

func (t *probeTable) head(p *pen) {
	p.to(1)
	p.cell(theme.Faint, "PROBE", t.name)
	if t.state < probeStateCells {
		return
	}
	p.to(p.x + 1)
	p.cell(theme.Faint, "STATE", t.state)
	for _, c := range t.columns {
		c.write(p, theme.Faint, c.head)
	}
}

func (c probeColumn) write(p *pen, st theme.Style, text string) {
	if c.left {
		p.to(p.x + 1)
		p.cell(st, text, c.width)
		return
	}
	p.to(p.x + 1) // however long the figure, it does not touch the one before
	p.right(st, text, c.width-1)
}

func (t *probeTable) row(s *shell, p *pen, r probeRow, cursor bool) {
	pointer(p, cursor)
	look := probeLook(s, r)
	if t.state == 1 {
		p.glyph(look.Style, look.Glyph)
		p.to(p.x + 1)
		p.cell(nameStyle(cursor), r.id(), min(cells(r.id()), max(t.name-1, 0)))
		return
	}
	p.cell(nameStyle(cursor), r.id(), min(cells(r.id()), t.name))
	p.to(1 + t.name + 1)
	badge(p, look)
	p.to(1 + t.name + 1 + t.state)
	for _, c := range t.columns {
		st, text := theme.Plain, c.text(s, r)
		if strings.HasSuffix(text, "!") {
			st = theme.Strong
		}
		c.write(p, st, text)
	}
}
