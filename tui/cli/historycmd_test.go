package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

func TestHistorySaysWhatIsLeftOut(t *testing.T) {
	for n, want := range map[int]string{
		mostRows - 1: "",
		mostRows:     "lookout: these are the newest 10,000 results; --since and --until choose others\n",
	} {
		var stderr strings.Builder
		c := &call{stderr: &stderr}
		if c.notAll(n, "results"); stderr.String() != want {
			t.Errorf("%d: %q", n, stderr.String())
		}
	}
}

// TestTimeZone holds what people read against what programs do: it is in the
// time zone of the configuration, whether an engine runs or not.
func TestTimeZone(t *testing.T) {
	zone, err := time.LoadLocation("Pacific/Kiritimati") // nobody runs this test there
	if err != nil {
		t.Fatal(err)
	}
	b, stop := engineBench(t, "Europe/Amsterdam", zone.String())
	b.eventually(t, "#1 ", "history")
	same := func(t *testing.T, field string, args ...string) {
		t.Helper()
		line, _, _ := strings.Cut(b.call("", append(args, "--format", "json")...).stdout, "\n")
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%s: %v in %q", args, err, line)
		}
		at, err := time.Parse(time.RFC3339, object[field].(string))
		if err != nil {
			t.Fatal(err)
		}
		want := at.In(zone).Format(time.DateTime)
		got := b.call("", args...)
		if first, _, _ := strings.Cut(got.stdout, "\n"); !strings.Contains(first, want) {
			t.Errorf("lookout %s says %q, and means %s", args, first, want)
		}
		midnight := at.In(zone).Format(time.DateOnly) // of that day there
		since := b.call("", append(args, "--since", midnight, "--format", "json")...)
		first, _, _ := strings.Cut(since.stdout, "\n")
		var again map[string]any // the same, though the engine may have added to it: an open incident goes on
		if err := json.Unmarshal([]byte(first), &again); err != nil || again[field] != object[field] || again["kind"] != object["kind"] ||
			again["id"] != object["id"] || again["incident"] != object["incident"] || again["monitor"] != object["monitor"] {
			t.Errorf("lookout %s: since midnight it is %q, and was %q", args, first, line)
		}
	}
	for _, engine := range []string{"with an engine", "without"} {
		t.Run(engine, func(t *testing.T) {
			same(t, "time", "events")
			same(t, "start", "history")
			same(t, "time", "history", "good", "--results")
			if got := b.call("", "status"); !strings.Contains(got.stdout, " +14  DOWN ") {
				t.Errorf("status: %+v", got)
			}
		})
		if engine == "with an engine" {
			stop()
			if _, err := os.Stat("data/lookout.pid"); err == nil {
				t.Fatal("the engine still runs")
			}
		}
	}
}
