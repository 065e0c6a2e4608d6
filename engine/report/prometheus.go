package report

import (
	"io"
	"strconv"
	"strings"

	"lookout/engine/uptime"
)

// labelValue escapes what the text exposition format wants escaped.
var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func label(s string) string { return labelValue.Replace(uptime.Clean(s, maxMessage)) }

// statusPrometheus writes gauges in Prometheus' text exposition format, for a
// textfile collector. lookout_up is missing where nothing is known: no value
// is better than a wrong one.
func statusPrometheus(w io.Writer, s uptime.Status, opt Options) error {
	t := newText(w, opt)
	labels := make([]string, len(s.Snapshot.States))
	for i, st := range s.Snapshot.States {
		labels[i] = `{monitor="` + label(st.Name) + `",type="` + label(st.Type) + `",group="` + label(st.Group) + `"}`
	}
	gauge := func(name, help string, value func(*uptime.State) (float64, bool)) {
		t.add("# HELP " + name + " " + help + "\n# TYPE " + name + " gauge")
		t.endLine()
		for i, st := range s.Snapshot.States {
			if v, ok := value(st); ok {
				t.add(name)
				t.add(labels[i])
				t.b = strconv.AppendFloat(append(t.b, ' '), v, 'g', -1, 64)
				t.endLine()
			}
		}
	}
	gauge("lookout_up", "1 when the monitor counts as up, 0 when it counts as down.", func(st *uptime.State) (float64, bool) {
		class := st.Seen().Counts(st.Mode)
		return map[uptime.Class]float64{uptime.ClassUp: 1}[class], counted(class)
	})
	gauge("lookout_degraded", "1 when the monitor is up with a complaint.", func(st *uptime.State) (float64, bool) {
		degraded := map[bool]float64{true: 1}[st.Seen() == uptime.Degraded]
		return degraded, counted(st.Seen().Counts(st.Mode))
	})
	gauge("lookout_last_check_timestamp_seconds", "Start of the newest check.", func(st *uptime.State) (float64, bool) {
		return float64(st.Last.UnixMilli()) / 1e3, !st.Last.IsZero()
	})
	gauge("lookout_last_check_duration_seconds", "What the newest check took.", func(st *uptime.State) (float64, bool) {
		return st.Total.Seconds(), !st.Last.IsZero()
	})
	gauge("lookout_uptime_24h_ratio", "Up of the known time of the last 24 hours.", func(st *uptime.State) (float64, bool) {
		return st.Day.Uptime()
	})
	gauge("lookout_coverage_24h_ratio", "Known time of the last 24 hours.", func(st *uptime.State) (float64, bool) {
		return st.Day.Coverage(), true
	})
	t.alertsPrometheus(s)
	stale := map[bool]float64{true: 1}[s.Stale]
	t.add("# HELP lookout_stale 1 when no engine answers and these figures are old.\n# TYPE lookout_stale gauge\nlookout_stale ")
	t.b = strconv.AppendFloat(t.b, stale, 'g', -1, 64)
	t.endLine()
	if !s.Snapshot.Time.IsZero() {
		t.add("# HELP lookout_truth_timestamp_seconds When these figures were true.\n# TYPE lookout_truth_timestamp_seconds gauge\nlookout_truth_timestamp_seconds ")
		t.b = strconv.AppendFloat(t.b, float64(s.Snapshot.Time.UnixMilli())/1e3, 'f', 3, 64)
		t.endLine()
	}
	return t.flush()
}

// counted reports whether a class is one of an uptime.
func counted(c uptime.Class) bool { return c == uptime.ClassUp || c == uptime.ClassDown }
