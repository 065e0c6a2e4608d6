package judge

import (
	"fmt"
	"time"

	"lookout/engine/schedule"
	"lookout/engine/uptime"
)

// maxGrace is the longest grace that is taken where none is given.
const maxGrace = time.Hour

func beatType() uptime.CheckType {
	return uptime.CheckType{
		Name:     "beat",
		Schemes:  []string{"beat"},
		Summary:  "a job calls in: lookout beat NAME, after each run; late or failed is down",
		Measures: []string{"run"},
		Plain:    true,
		Bare:     true,
		Keys: []uptime.Key{
			{Name: "period", Kind: uptime.Duration, Doc: "the longest time between two calls; or cron", Example: `"1d"`, Min: int64(time.Second), Max: int64(400 * 24 * time.Hour)},
			{Name: "cron", Kind: uptime.String, Doc: "when the job runs: minute hour day month weekday, in timezone", Example: `"30 3 * * *"`},
			{Name: "grace", Kind: uptime.Duration, Doc: "how late a call may be, and how long a job may run that said start; default: half the time between two, at most 1h", Example: `"30m"`, Min: int64(time.Second), Max: int64(400 * 24 * time.Hour)},
		},
		New: newBeat,
	}
}

// beat is a job that should call in by a time table.
type beat struct {
	noCheck
	period time.Duration  // 0: by cron
	cron   *schedule.Cron // nil: by period
	grace  time.Duration  // 0: by the table
}

func newBeat(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
	var wrong mistakes
	wrong.bare(s)
	b := beat{noCheck: noCheck{"a beat"}, period: uptime.Value(s.Values, "period", time.Duration(0)), grace: uptime.Value(s.Values, "grace", time.Duration(0))}
	target := "beat every " + uptime.Ago(b.period)
	expr, byCron := s.Values["cron"].(string)
	switch {
	case byCron && b.period > 0:
		wrong.add("cron", "period and cron both say when the job calls in", "Leave one of them out")
	case byCron:
		c, err := schedule.ParseCron(expr, s.Zone)
		if err != nil {
			wrong.add("cron", fmt.Sprintf("%q: %v", uptime.Clean(expr, 80), err), `Write it like cron = "30 3 * * *"`)
			break
		}
		b.cron, target = &c, "beat at "+c.String()
	case b.period == 0:
		wrong.add("", "a beat needs period or cron", `Write period = "1d", or cron = "30 3 * * *"`)
	}
	if len(wrong) > 0 {
		return uptime.Check{}, wrong
	}
	return uptime.Check{Checker: b, Target: target, Dest: "beat"}, nil
}

// Members are none.
func (b beat) Members() []string { return nil }

// Judge says whether the job is on time. One that never called in is not
// judged: it may not have been set up yet.
func (b beat) Judge(k uptime.Known, now time.Time) uptime.Judgement {
	last := k.Beat
	switch {
	case last.Ended.IsZero() && last.Started.IsZero():
		return uptime.Judgement{}
	case !last.Started.IsZero():
		return b.running(last, now)
	case last.Exit != 0:
		return uptime.Judgement{Known: true, Result: b.ran(last, result(uptime.FaultBeatFailed, failure(last)))}
	}
	due, ok := b.next(last.Ended)
	if !ok {
		return uptime.Judgement{Known: true, Result: b.ran(last, result(uptime.NoFault, ""))}
	}
	late, already := b.late(last, due)
	if !already && now.Before(late) {
		return uptime.Judgement{Known: true, Again: late, Result: b.ran(last, result(uptime.NoFault, ""))}
	}
	then := now.Add(-last.SetBy()) // by the clock of the last beat
	return uptime.Judgement{Known: true, Result: result(uptime.FaultBeatMissed,
		fmt.Sprintf("no beat for %s, expected %s ago", uptime.Ago(then.Sub(last.Ended)), uptime.Ago(then.Sub(due))))}
}

// late is when a beat that is due at a time after the last one is missed;
// already, if it was before the newest gap, which forgives nothing then. One
// that was due while nobody listened may have been lost: the next counts. Time
// in which the job stood still as well is time that it has more.
//
// When the clock is set, a job with a period goes on by its own clock, or by the
// wall clock, and is given the longer; one with a table goes by the wall clock,
// which leaves out its turns between two times or comes to them again.
func (b beat) late(last uptime.Beat, due time.Time) (at time.Time, already bool) {
	late := due.Add(b.graceAfter(last.Ended, due))
	for _, g := range last.Gaps {
		more := g.To.Sub(g.From)
		switch {
		case !g.From.Before(late):
			return late, true
		case g.Set && more < 0, !g.Asleep && !g.Set && !due.Before(g.To):
		case g.Set && b.cron == nil, g.Asleep && !due.Before(g.To):
			due, late = due.Add(more), late.Add(more)
		case due.Before(g.To):
			due = b.nextOr(g.To)
			late = due.Add(b.graceAfter(g.To, due))
		}
	}
	return late, false
}

// running judges a job that said start and has not ended.
func (b beat) running(last uptime.Beat, now time.Time) uptime.Judgement {
	limit := b.graceAfter(last.Started, b.nextOr(last.Started))
	over, already := last.Started.Add(limit), false
	for _, g := range last.Gaps {
		if already = already || !g.From.Before(over); g.Asleep || g.Set {
			over = over.Add(g.To.Sub(g.From))
		}
	}
	if !already && now.Before(over) {
		r := result(uptime.NoFault, "")
		if last.Exit != 0 { // the run before failed, and this one has not ended
			r = result(uptime.FaultBeatFailed, failure(last))
		}
		return uptime.Judgement{Known: true, Again: over, Result: r}
	}
	return uptime.Judgement{Known: true, Result: result(uptime.FaultBeatMissed,
		fmt.Sprintf("started %s ago and has not ended within %s", uptime.Ago(now.Add(-last.SetBy()).Sub(last.Started)), uptime.Ago(limit)))}
}

func failure(last uptime.Beat) string {
	text := "the job said that it failed"
	if last.Exit > 0 {
		text = fmt.Sprintf("the job ended with exit code %d", last.Exit)
	}
	if last.Note != "" {
		text += ": " + last.Note
	}
	return text
}

// ran adds how long the job ran.
func (b beat) ran(last uptime.Beat, r uptime.Result) uptime.Result {
	if last.Ran > 0 {
		r.Total = last.Ran
		r.Measures = []uptime.Measure{{Name: "run", Value: last.Ran.Microseconds()}}
	}
	return r
}

// next is when the job is expected after a moment; false for never again.
func (b beat) next(after time.Time) (time.Time, bool) {
	if b.cron == nil {
		return after.Add(b.period), true
	}
	return b.cron.Next(after)
}

func (b beat) nextOr(after time.Time) time.Time {
	if at, ok := b.next(after); ok {
		return at
	}
	return after.Add(maxGrace)
}

// graceAfter is how late the beat may be that is due at a time after the one before.
func (b beat) graceAfter(before, due time.Time) time.Duration {
	if b.grace > 0 {
		return b.grace
	}
	gap := due.Sub(before)
	if b.cron != nil {
		gap = b.nextOr(due).Sub(due)
	}
	return min(gap/2, maxGrace)
}
