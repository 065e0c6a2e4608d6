package judge

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func settings(scheme string, values map[string]any) uptime.Settings {
	return uptime.Settings{URL: &url.URL{Scheme: scheme}, Values: values, Zone: time.UTC}
}

// of makes a judge of a type from its settings.
func of(t *testing.T, kind uptime.CheckType, values map[string]any) uptime.Judge {
	t.Helper()
	c, mistakes := kind.New(settings(kind.Schemes[0], values))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return c.Checker.(uptime.Judge)
}

// TestBeat is told when a job calls in, as "minute signal", and asked at times.
func TestBeat(t *testing.T) {
	hourly := map[string]any{"period": time.Hour, "grace": 10 * time.Minute}
	nightly := map[string]any{"cron": "30 3 * * *"}
	for _, tc := range []struct {
		name   string
		values map[string]any
		beats  string // minutes after noon and what was said
		at     int    // minutes after noon
		want   string // fault and a part of the message; "?" for nothing to say
	}{
		{"never called", hourly, "", 600, "?"},
		{"on time", hourly, "0 0", 60, ""},
		{"in its grace", hourly, "0 0", 69, ""},
		{"late", hourly, "0 0", 70, "beat.missed no beat for 1h10m, expected 10m00s ago"},
		{"failed", hourly, "0 fail", 1, "beat.failed the job said that it failed"},
		{"exit code", hourly, "0 3", 1, "beat.failed the job ended with exit code 3"},
		{"well again", hourly, "0 3, 5 0", 6, ""},
		{"runs", hourly, "0 0, 60 start", 69, ""},
		{"runs for too long", hourly, "0 0, 60 start", 70, "beat.missed started 10m00s ago and has not ended within 10m00s"},
		{"runs after a failure", hourly, "0 1, 60 start", 61, "beat.failed"},
		{"runs, and ends late", hourly, "0 start, 11 0", 12, ""},
		{"nightly, on time", nightly, "930 0", 930 + 24*60, ""},
		{"nightly, in its grace of 1 h", nightly, "930 0", 930 + 24*60 + 59, ""},
		{"nightly, missed", nightly, "930 0", 930 + 24*60 + 60, "beat.missed no beat for 1d01h, expected 1h00m ago"},
		{"default grace is half the time", map[string]any{"period": time.Minute}, "0 0", 2, "beat.missed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b uptime.Beat
			for one := range strings.SplitSeq(tc.beats, ", ") {
				if one == "" {
					continue
				}
				minute, said, _ := strings.Cut(one, " ")
				after, err := time.ParseDuration(minute + "m")
				if err != nil {
					t.Fatal(err)
				}
				signal, err := uptime.ParseSignal(said)
				if err != nil {
					t.Fatal(err)
				}
				b = b.Take(signal, "", noon.Add(after))
			}
			got := of(t, beatType(), tc.values).Judge(uptime.Known{Beat: b}, noon.Add(time.Duration(tc.at)*time.Minute))
			said := "?"
			if got.Known {
				said = strings.TrimSpace(got.Result.Fault.String() + " " + got.Result.Message)
				if got.Result.Outcome != got.Result.Fault.Outcome() {
					t.Errorf("outcome %v of %v", got.Result.Outcome, got.Result.Fault)
				}
			}
			if said != tc.want && (tc.want == "" || tc.want == "?" || !strings.HasPrefix(said, tc.want)) {
				t.Errorf("got %q, want %q", said, tc.want)
			}
		})
	}
}

// TestBeatGaps: an hourly job called in at noon, and then there was a time of
// which nobody knows. It is late at the minute that is wanted, and not before.
func TestBeatGaps(t *testing.T) {
	hourly := map[string]any{"period": time.Hour, "grace": 10 * time.Minute}
	nightly := map[string]any{"cron": "0 12 * * *", "grace": 10 * time.Minute}
	gap := func(from, to int, asleep bool) uptime.Gap {
		return uptime.Gap{From: noon.Add(time.Duration(from) * time.Minute), To: noon.Add(time.Duration(to) * time.Minute), Asleep: asleep}
	}
	set := func(from, to int) uptime.Gap { g := gap(from, to, false); g.Set = true; return g }
	for _, tc := range []struct {
		name   string
		values map[string]any
		gaps   []uptime.Gap
		start  bool // it said that it begins, at noon
		late   int
	}{
		{"none", hourly, nil, false, 70},
		{"over before it was due", hourly, []uptime.Gap{gap(10, 30, false)}, false, 70},
		{"over before it was due, the job slept too", hourly, []uptime.Gap{gap(10, 30, true)}, false, 90},
		{"it was due in the gap", hourly, []uptime.Gap{gap(50, 80, false)}, false, 150},
		{"in its grace when the gap began", hourly, []uptime.Gap{gap(65, 100, false)}, false, 170},
		{"two gaps", hourly, []uptime.Gap{gap(50, 80, false), gap(130, 145, false)}, false, 215},
		{"nightly, due in the gap", nightly, []uptime.Gap{gap(1430, 1450, false)}, false, 2*1440 + 10},
		{"nightly, long over", nightly, []uptime.Gap{gap(100, 700, false)}, false, 1440 + 10},
		{"set forward", hourly, []uptime.Gap{set(50, 110)}, false, 130},
		{"set back", hourly, []uptime.Gap{set(50, -10)}, false, 70},
		{"set back and forward again", hourly, []uptime.Gap{set(50, -10), set(0, 60)}, false, 130},
		{"nightly, its turn is left out", nightly, []uptime.Gap{set(1430, 1490)}, false, 2*1440 + 10},
		{"nightly, set forward before it", nightly, []uptime.Gap{set(100, 160)}, false, 1440 + 10},
		{"nightly, set back in its grace", nightly, []uptime.Gap{set(1445, 1385)}, false, 1440 + 10},
		{"it runs, and the clock was set back", hourly, []uptime.Gap{set(5, -55)}, true, -50},
		{"it runs", hourly, []uptime.Gap{gap(5, 30, false)}, true, 10},
		{"it runs, and slept too", hourly, []uptime.Gap{gap(5, 30, true)}, true, 35},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := uptime.Beat{}.Take(uptime.Signal{Start: tc.start}, "", noon)
			b.Gaps = tc.gaps
			j := of(t, beatType(), tc.values)
			at := noon.Add(time.Duration(tc.late) * time.Minute)
			before, then := j.Judge(uptime.Known{Beat: b}, at.Add(-1)), j.Judge(uptime.Known{Beat: b}, at)
			if before.Result.Fault != uptime.NoFault || !before.Again.Equal(at) {
				t.Errorf("%v %q before; again %v", before.Result.Fault, before.Result.Message, before.Again)
			}
			if then.Result.Fault != uptime.FaultBeatMissed {
				t.Errorf("%v then", then.Result.Fault)
			}
		})
	}
	// It was late before the clock was set back, and still is.
	b := uptime.Beat{}.Take(uptime.Signal{}, "", noon)
	b.Gaps = []uptime.Gap{gap(75, 300, true)}
	if got := of(t, beatType(), hourly).Judge(uptime.Known{Beat: b}, noon.Add(301*time.Minute)); got.Result.Fault != uptime.FaultBeatMissed {
		t.Errorf("a gap forgave what was late before it: %v", got.Result.Fault)
	}
	b.Gaps = []uptime.Gap{set(80, 0)}
	got := of(t, beatType(), hourly).Judge(uptime.Known{Beat: b}, noon.Add(5*time.Minute))
	if got.Result.Fault != uptime.FaultBeatMissed || got.Result.Message != "no beat for 1h25m, expected 25m00s ago" {
		t.Errorf("%v: %s", got.Result.Fault, got.Result.Message)
	}
}

// TestBeatAgain asks when it may be different: just then it is.
func TestBeatAgain(t *testing.T) {
	b := of(t, beatType(), map[string]any{"period": time.Hour})
	k := uptime.Known{Beat: uptime.Beat{}.Take(uptime.Signal{}, "", noon)}
	first := b.Judge(k, noon)
	if first.Again.Sub(noon) != 90*time.Minute {
		t.Fatalf("again after %v", first.Again.Sub(noon))
	}
	if before, then := b.Judge(k, first.Again.Add(-1)), b.Judge(k, first.Again); before.Result.Fault != uptime.NoFault || then.Result.Fault != uptime.FaultBeatMissed {
		t.Errorf("just before %v, then %v", before.Result.Fault, then.Result.Fault)
	}
}

func TestBeatMeasuresTheRun(t *testing.T) {
	b := uptime.Beat{}.Take(uptime.Signal{Start: true}, "", noon).Take(uptime.Signal{}, "3 GB", noon.Add(90*time.Second))
	got := of(t, beatType(), map[string]any{"period": time.Hour}).Judge(uptime.Known{Beat: b}, noon.Add(2*time.Minute))
	if m, ok := got.Result.Measured("run"); !ok || m.Duration() != 90*time.Second || got.Result.Total != 90*time.Second {
		t.Errorf("%+v", got.Result)
	}
}

// TestGroup writes members as letters: u up, w degraded, d down, ? unknown,
// n not checked yet, p paused, m in maintenance.
func TestGroup(t *testing.T) {
	for _, tc := range []struct{ need, members, want string }{
		{"all", "uuu", "up"},
		{"all", "uwu", "up"},
		{"all", "udu", "down 2 of 3 members up, 3 needed; down: m1 (tcp.refused)"},
		{"all", "upu", "up"},
		{"all", "umu", "up"},
		{"all", "u?u", "unknown 2 of 3 members up, 3 needed, 1 not known"},
		{"all", "d?u", "down"},
		{"all", "unu", "-"},
		{"all", "dnu", "down"},
		{"any", "ddu", "up"},
		{"any", "ddd", "down 0 of 3 members up, 1 needed"},
		{"any", "dd?", "unknown"},
		{"2", "uud", "up"},
		{"2", "udd", "down"},
		{"50%", "uudd", "up"},
		{"50%", "uddd", "down 1 of 4 members up, 2 needed"},
		{"50%", "uud", "up"},
		{"51%", "uudd", "down 2 of 4 members up, 3 needed"},
		{"4", "uuu", "down 3 of 3 members up, 4 needed; down: none"},
		{"all", "pp", "unknown no member is being watched"},
		{"all", "", "unknown no member is being watched"},
		{"all", "ddddddd", "down 0 of 7 members up, 7 needed; down: m0 (tcp.refused), m1 (tcp.refused), m2 (tcp.refused), m3 (tcp.refused), m4 (tcp.refused) and 2 more"},
	} {
		t.Run(tc.need+" "+tc.members, func(t *testing.T) {
			var k uptime.Known
			for i, letter := range tc.members {
				m := uptime.Member{Name: "m" + string(rune('0'+i)), Verdict: uptime.Up}
				switch letter {
				case 'w':
					m.Verdict = uptime.Degraded
				case 'd':
					m.Verdict, m.Fault = uptime.Down, uptime.FaultTCPRefused
				case '?':
					m.Verdict = uptime.Unknown
				case 'n':
					m.Verdict = uptime.Pending
				case 'p':
					m.Mode = uptime.Paused
				case 'm':
					m.Mode = uptime.Maintenance
				}
				k.Members = append(k.Members, m)
			}
			got := of(t, groupType(), map[string]any{"need": tc.need, "members": []string{"x"}}).Judge(k, noon)
			said := "-"
			if got.Known {
				said = strings.TrimSpace(got.Result.Outcome.String() + " " + got.Result.Message)
			}
			if !strings.HasPrefix(said, tc.want) {
				t.Errorf("got %q, want %q", said, tc.want)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for _, tc := range []struct {
		kind   uptime.CheckType
		values map[string]any
		want   string
	}{
		{beatType(), nil, `a beat needs period or cron. Write period = "1d", or cron = "30 3 * * *"`},
		{beatType(), map[string]any{"period": time.Hour, "cron": "* * * * *"}, "period and cron both say when the job calls in. Leave one of them out"},
		{beatType(), map[string]any{"cron": "* * *"}, `"* * *": 3 fields; a time table has five: minute hour day month weekday. Write it like cron = "30 3 * * *"`},
		{beatType(), map[string]any{"cron": "0 0 30 2 *"}, `"0 0 30 2 *": a time that never comes. Write it like cron = "30 3 * * *"`},
		{groupType(), nil, `a group needs members. Write members = ["mx1", "mx2"], or ["tag:web"]`},
		{groupType(), map[string]any{"members": []string{"a"}, "need": "some"}, `"some" is neither all, any, a number from 1 nor a share. Write need = "all", "any", 2 or "50%"`},
		{groupType(), map[string]any{"members": []string{"a"}, "need": "0"}, `"0" is neither`},
		{groupType(), map[string]any{"members": []string{"a"}, "need": "101%"}, `"101%" is neither`},
	} {
		_, mistakes := tc.kind.New(settings(tc.kind.Schemes[0], tc.values))
		if len(mistakes) != 1 || !strings.HasPrefix(mistakes[0].Message+". "+mistakes[0].Hint, tc.want) {
			t.Errorf("%v: %v, want %q", tc.values, mistakes, tc.want)
		}
	}
	u, _ := url.Parse("beat:nightly")
	if _, mistakes := newBeat(uptime.Settings{URL: u, Values: map[string]any{"period": time.Hour}}); len(mistakes) != 1 || mistakes[0].Key != "url" {
		t.Errorf("a name in the URL: %v", mistakes)
	}
}
