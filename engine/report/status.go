package report

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Status writes a status in the format that opt asks for.
func Status(w io.Writer, s uptime.Status, opt Options) error {
	switch opt.Format {
	case Text:
		return statusText(w, s, opt)
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(onlyProblems(s, opt))
	case CSV:
		return statusCSV(w, onlyProblems(s, opt))
	case Prometheus:
		return statusPrometheus(w, s, opt)
	}
	return ErrFormat
}

// onlyProblems leaves out what is well, but not from the counts.
func onlyProblems(s uptime.Status, opt Options) uptime.Status {
	if !opt.Problems {
		return s
	}
	c := *s.Snapshot
	c.States = slices.DeleteFunc(slices.Clone(c.States), func(st *uptime.State) bool { return !st.Problem() })
	s.Snapshot = &c
	return s
}

func statusText(w io.Writer, s uptime.Status, opt Options) error {
	t := newText(w, opt)
	t.header(s)
	rows := bySeverity(s.Snapshot.States)
	if opt.Problems {
		rows = rows[:problems(rows)]
	}
	if len(rows) > 0 {
		t.endLine()
	}
	r := rowWriter{text: t, at: opt.Now, incidents: make(map[uint64]*uptime.Incident, len(s.Snapshot.Open))}
	if s.Stale {
		r.at = s.Snapshot.Time // nobody knows whether it lasted
	}
	for _, i := range s.Snapshot.Open {
		r.incidents[i.Number] = i
	}
	r.measure(rows, opt)
	for _, st := range rows {
		r.row(st)
		if st.Problem() {
			r.reason(st)
		}
	}
	return t.flush()
}

// bySeverity orders states for people, the worst first, of these what nothing
// else explains, and keeps the order of names among equals.
func bySeverity(states []*uptime.State) []*uptime.State {
	rank := func(st *uptime.State) int {
		if st.Behind != "" {
			return 2*st.Severity() + 1
		}
		return 2 * st.Severity()
	}
	var start [17]int
	for _, st := range states {
		start[rank(st)+1]++
	}
	for i := 1; i < len(start); i++ {
		start[i] += start[i-1]
	}
	out := make([]*uptime.State, len(states))
	for _, st := range states {
		s := rank(st)
		out[start[s]] = st
		start[s]++
	}
	return out
}

// problems counts the states at the head of sorted rows that a person should look at.
func problems(rows []*uptime.State) int {
	if i := slices.IndexFunc(rows, func(st *uptime.State) bool { return !st.Problem() }); i >= 0 {
		return i
	}
	return len(rows)
}

func (t *text) header(s uptime.Status) {
	snap := s.Snapshot
	t.add("# ")
	t.outside(snap.Instance, 120)
	if s.Page != "" {
		t.add("  page ")
		t.outside(s.Page, 120)
	}
	t.add("  ")
	t.b = t.dates.now.AppendFormat(t.b, "Mon 2006-01-02 15:04:05 MST")
	c := snap.Counts
	for _, n := range []struct {
		label string
		count int
	}{{"DOWN", c.Down}, {"chk?", c.Suspect}, {"WARN", c.Degraded}, {"UNKN", c.Unknown}, {"up", c.Up},
		{"mnt", c.Maintenance}, {"off", c.Paused}, {"new", c.Pending}} {
		t.add("  " + n.label + " ")
		t.b = strconv.AppendInt(t.b, int64(n.count), 10)
	}
	t.endLine()
	if s.Stale {
		t.staleLine(snap)
		t.alerts(s)
		return
	}
	t.truthLine(s)
	t.warning("node", snap.Node)
	t.warning("anchors that do not answer", snap.Health.Anchors)
	t.warning("broker not connected, no other place can be asked", snap.Broker.Trouble())
	t.warning("config not applied", snap.Config.Error)
	t.warning("nothing is stored", snap.Health.StoreError)
	t.alerts(s)
}

func (t *text) staleLine(snap *uptime.Snapshot) {
	t.add("# no engine answers; ")
	if snap.Time.IsZero() {
		t.add("nothing has been stored yet")
	} else {
		t.add("this was the truth ")
		t.b = uptime.AppendAgo(t.b, t.dates.now.Sub(snap.Time))
		t.add(" ago, at ")
		t.b = t.dates.full(t.b, snap.Time)
	}
	t.endLine()
}

func (t *text) truthLine(s uptime.Status) {
	snap, h := s.Snapshot, s.Snapshot.Health
	t.add("# truth ")
	if age := max(t.dates.now.Sub(snap.Time), 0); age < time.Minute {
		t.b = strconv.AppendInt(t.b, int64(age/time.Second), 10)
		t.add(" s")
	} else {
		t.b = uptime.AppendAgo(t.b, age)
	}
	t.add(" old")
	if s.Bare { // it says nothing of itself
		t.endLine()
		return
	}
	t.add(", ")
	t.b = strconv.AppendFloat(t.b, h.Rate, 'f', 1, 64)
	t.add(" checks/s, lag ")
	t.b = strconv.AppendFloat(t.b, h.Lag.Seconds(), 'f', 1, 64)
	t.add(" s, probes ")
	t.b = strconv.AppendInt(t.b, int64(h.ProbesLive), 10)
	t.add(" of ")
	t.b = strconv.AppendInt(t.b, int64(h.Probes), 10)
	if snap.Config.Path == "" {
		t.add(", no config file")
	} else {
		t.add(", config of ")
		t.b = t.dates.since(t.b, snap.Config.Loaded)
	}
	t.endLine()
}

// warning adds a line to the header where something is wrong with lookout itself.
func (t *text) warning(what, why string) {
	if why == "" {
		return
	}
	t.add("# " + what + ": ")
	t.outside(why, maxMessage)
	t.endLine()
}

// rowWriter writes the lines of monitors, in columns as wide as their widest cell.
type rowWriter struct {
	*text
	at        time.Time // up to when a verdict has lasted
	incidents map[uint64]*uptime.Incident
	cut       bool
	bounds    bool // there is room for those of an uptime that does not speak for the day
	nameCol   int
	cells     [4]int
	written   []byte // of each row in turn, each cell after a byte with its length
}

// measure writes the cells, and finds the widths of the columns.
func (r *rowWriter) measure(rows []*uptime.State, opt Options) {
	r.bounds = opt.Width == 0 || opt.Width >= 100
	r.written = make([]byte, 0, len(rows)*len(".6d02h.since 16 Nov.24h 99.978%.cover 100%"))
	for _, st := range rows {
		r.nameCol = max(r.nameCol, nameWidth(st.Name, r.ascii))
		for i := range r.cells {
			from := len(r.written)
			r.written = r.cell(append(r.written, 0), i, st)
			n := len(r.written) - from - 1
			r.written[from] = byte(n)
			r.cells[i] = max(r.cells[i], n)
		}
	}
	r.nameCol = min(r.nameCol, maxNameColumn)
	if opt.Width > 0 {
		rest := len("DOWN  ") + len("  ")*len(r.cells)
		for _, w := range r.cells {
			rest += w
		}
		if slices.ContainsFunc(rows, hasTook) { // what few rows have, no name is cut for
			rest += len("  9.99s")
		}
		r.nameCol, r.cut = min(r.nameCol, max(opt.Width-rest, minNameColumn)), true
	}
}

// cell appends one of the columns after the name.
func (r *rowWriter) cell(b []byte, column int, st *uptime.State) []byte {
	switch column {
	case 0:
		if st.Since.IsZero() {
			return append(b, '-')
		}
		return uptime.AppendAgo(b, r.at.Sub(st.Since))
	case 1:
		return r.dates.since(append(b, "since "...), st.Since)
	case 2:
		b = append(b, "24h "...)
		up, ok := st.Day.Uptime()
		if !ok {
			return append(b, '-')
		}
		b = uptime.AppendPercent(b, up)
		if low, high, doubtful := st.Day.Bounds(); doubtful && r.bounds {
			b = uptime.AppendBetween(append(b, " ("...), low, high)
			b = append(b, ')')
		}
		return b
	}
	// A coverage is a rough figure: whole percents, rounded down.
	percent := int64(st.Day.Coverage()*100 + 1e-9) // 0.29 × 100 is less than 29
	b = append(b, "cover "...)
	if percent == 0 && st.Day.Coverage() > 0 { // a little is not nothing
		b, percent = append(b, '<'), 1
	}
	b = strconv.AppendInt(b, percent, 10)
	return append(b, '%')
}

func (r *rowWriter) row(st *uptime.State) {
	from := len(r.b)
	r.add(st.Label())
	r.pad(from, len("DOWN"))
	r.name(st.Name, r.nameCol, r.cut)
	for i := range r.cells {
		from = len(r.b)
		n := 1 + int(r.written[0])
		r.b, r.written = append(r.b, r.written[1:n]...), r.written[n:]
		if i < len(r.cells)-1 {
			r.pad(from, r.cells[i])
		}
	}
	last := r.cells[len(r.cells)-1]
	if hasTook(st) {
		r.pad(from, last)
		from, last = len(r.b), 0
		r.b = uptime.AppendTook(r.b, st.Total)
	}
	if st.Mode != uptime.Active && !st.Until.IsZero() {
		r.pad(from, last)
		from, last = len(r.b), 0
		r.add("until ")
		r.b = r.dates.until(r.b, st.Until)
	}
	if st.Caution != "" {
		r.pad(from, last)
		r.outside(st.Caution, maxMessage)
	}
	r.endLine()
}

// hasTook reports whether a row says what the newest check took.
func hasTook(st *uptime.State) bool {
	good := st.Outcome == uptime.OutcomeUp || st.Outcome == uptime.OutcomeDegraded
	return good && st.Total > 0 && st.Mode != uptime.Paused && st.Seen() != uptime.Down
}

// reason writes the indented line that says why.
func (r *rowWriter) reason(st *uptime.State) {
	r.add("      ")
	r.why(st.Message, st.Fault)
	switch st.Verdict {
	case uptime.Suspect:
		r.add("; being confirmed, counts as " + st.Before.String())
	case uptime.Down, uptime.Degraded:
		if st.Incident == 0 {
			break
		}
		i := r.incidents[st.Incident]
		if i == nil {
			i = &uptime.Incident{Witness: st.Witness, Behind: st.Behind}
		}
		r.witnesses(i)
		r.add("; #")
		r.b = strconv.AppendUint(r.b, st.Incident, 10)
		if i.Behind != "" && st.Ack == nil {
			break // nobody has to
		}
		r.add(", ")
		r.ack(st.Ack)
	}
	r.endLine()
}

// why writes a message with its fault class.
func (t *text) why(message string, f uptime.Fault) {
	word := f.String()
	message = uptime.Clean(message, maxMessage)
	switch {
	case message == "" && word == "":
		t.add("no reason given")
	case message == "":
		t.add(word)
	default:
		t.outside(message, maxMessage)
		if word != "" && !strings.Contains(message, word) {
			t.add(" (" + word + ")")
		}
	}
}

// witnesses writes who agreed, and what explains it.
func (t *text) witnesses(i *uptime.Incident) {
	if n := len(i.ConfirmedBy); i.Witness != "" {
		t.add("; ")
		t.outside(i.Witness, maxMessage)
	} else if n > 0 {
		t.add("; ")
		t.outside(list(i.ConfirmedBy, "and"), maxMessage)
		t.add(map[bool]string{true: " agrees", false: " agree"}[n == 1])
	}
	if i.Behind != "" {
		t.add("; unreachable behind ")
		t.outside(i.Behind, maxMessage)
	}
}

func (t *text) ack(a *uptime.Ack) {
	if a == nil {
		t.add("not acknowledged")
		return
	}
	t.add("acknowledged by ")
	t.outside(a.By, 80)
	if !a.Until.IsZero() {
		t.add(" until ")
		t.b = t.dates.until(t.b, a.Until)
	}
	if a.Note != "" {
		t.add(": ")
		t.outside(a.Note, maxMessage)
	}
}
