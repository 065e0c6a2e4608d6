package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

const heading = "                                        false pages /my               restart  partial  median / p99  missed        60-120 s  checks  notices\n" +
	"rule                              years  all    path   own    other      /my      /my            s  long ones         seen  vs 1/T      /my"

// line is a row of the table.
func (s *score) line(name string) string {
	y := float64(s.years)
	per := func(n int) string { return number(float64(n) / y) }
	return fmt.Sprintf("%-32s %6d  %-6s %-6s %-6s %-6s %6s   %6s   %4.0f / %-4.0f   %5.3f %% of %-6d %4.0f %%   %.4f   %5s", name, s.years,
		per(s.falsePages), per(s.pathPages), per(s.ownPages), per(s.falsePages-s.pathPages-s.ownPages), per(s.restartPages), per(s.partPages),
		s.quantile(0.5), s.quantile(0.99), 100*ratio(s.missed, s.outages), s.outages, 100*ratio(s.seen, s.brief), ratio(s.checks, s.expected), per(s.notices))
}

// partial says how soon people are told of a server that fails some requests.
func (s *score) partial() string {
	var out []string
	for _, share := range slices.Backward(slices.Sorted(maps.Keys(s.flaky))) {
		f := s.flaky[share]
		if len(f.first) == 0 {
			out = append(out, fmt.Sprintf("%.0f %%: never", 100*share))
			continue
		}
		slices.Sort(f.first)
		out = append(out, fmt.Sprintf("%.0f %%: %.0f s (%.0f %% of %d, %.2f pages each)", 100*share, f.first[len(f.first)/2].Seconds(),
			100*ratio(len(f.first), f.incidents), f.incidents, ratio(f.pages, f.incidents)))
	}
	return "  told of half an hour in which a share of the requests fails, median: " + strings.Join(out, ", ")
}

// say prints the figures of a row.
func (c *command) say(r row, s *score) {
	name, every := r.figure, r.s.interval
	if name == "" {
		return
	}
	if c.noise != 1 {
		name += "_at_noise_" + number(c.noise)
	}
	figure := func(what, value, unit string, met bool, goal float64, note string) {
		verdict := "ok"
		if !met {
			verdict = "MISS"
		}
		fmt.Fprintf(c.figures, "figure %s_%s %s %s goal<=%s %s (%s)\n", name, what, value, unit, number(goal), verdict, note)
	}
	most := func(what string, value float64, unit string, goal float64, note string) {
		figure(what, number(value), unit, value <= goal, goal, note)
	}
	years := fmt.Sprintf("%d monitor-years, seeds from %d", s.years, c.seed)
	switch {
	case len(r.s.remotes) == 0:
		most("false_pages_unexplained", float64(s.falsePages-s.pathPages), "pages", 0, fmt.Sprintf("%s; %d with nothing between home and the target", years, s.pathPages))
		return
	case r.world != nil:
		most("pages", float64(s.falsePages), "pages", 0, fmt.Sprintf("%s, in which nothing else is wrong", years))
		return
	}
	most("false_pages", float64(s.falsePages), "pages", 0, years)
	if r.noise > 1 {
		return
	}
	outages := fmt.Sprintf("%d outages of at least %v", s.outages, max(2*every, every+30*time.Second))
	most("page_median", s.quantile(0.5), "s", every.Seconds()/2+25, outages)
	most("page_p99", s.quantile(0.99), "s", every.Seconds()+25, outages)
	missed := outages
	if s.missed > 0 {
		missed += fmt.Sprintf("; %d missed, %d of them within an hour of what made it degraded", s.missed, s.within)
	}
	most("outages_missed", 100*ratio(s.missed, s.outages), "%", 0.01, missed)
	if every != time.Minute {
		return
	}
	most("extra_checks", 100*(ratio(s.checks, s.expected)-1), "%", 1, "confirmation, and a baseline a day for each remote")
	most("notices_per_half_failing", ratio(s.halfTold, s.half), "notices", 2, fmt.Sprintf("%d incidents of 30 minutes in which half of the requests fail", s.half))
}

// number writes a value with two digits that matter behind the point.
func number(v float64) string {
	switch {
	case v == float64(int64(v)) || v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v < 0.1:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
