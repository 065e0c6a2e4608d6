package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// table writes CSV: a header line and a line for each of n items.
func table(w io.Writer, header []string, n int, row func(i int, fields []string) []string) error {
	c := csv.NewWriter(w)
	if err := c.Write(header); err != nil {
		return err
	}
	fields := make([]string, 0, len(header))
	for i := range n {
		if err := c.Write(row(i, fields[:0])); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func csvMillis(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1e3, 'f', -1, 64)
}

func csvNumber(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// csvText is text from outside in a cell. One that a spreadsheet would take for
// a formula gets the apostrophe that makes it text there.
func csvText(s string) string {
	s = uptime.Clean(s, maxMessage)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func statusCSV(w io.Writer, s uptime.Status) error {
	header := []string{"monitor", "type", "target", "verdict", "mode", "since", "fault", "message", "last_check",
		"total_ms", "uptime_24h", "coverage_24h", "group", "tags", "incident", "acknowledged_by", "uptime_24h_min", "uptime_24h_max"}
	states := s.Snapshot.States
	return table(w, header, len(states), func(i int, f []string) []string {
		st := states[i]
		up, by, least, most := "", "", "", ""
		if low, high, doubtful := st.Day.Bounds(); doubtful {
			least, most = strconv.FormatFloat(low, 'f', -1, 64), strconv.FormatFloat(high, 'f', -1, 64)
		}
		if u, ok := st.Day.Uptime(); ok {
			up = strconv.FormatFloat(u, 'f', -1, 64)
		}
		if st.Ack != nil {
			by = st.Ack.By
		}
		return append(f, csvText(st.Name), st.Type, csvText(st.Target), st.Verdict.String(), st.Mode.String(),
			csvTime(st.Since), st.Fault.String(), csvText(st.Message), csvTime(st.Last), csvMillis(st.Total), up,
			strconv.FormatFloat(st.Day.Coverage(), 'f', -1, 64), csvText(st.Group), csvText(strings.Join(st.Tags, " ")),
			csvNumber(st.Incident), csvText(by), least, most)
	})
}
