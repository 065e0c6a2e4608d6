package tui

import (
	"fmt"
	"strconv"
	"time"

	"lookout/engine/uptime"
)

// coarse writes a duration in one unit: now, 12s, 9m, 18h, 3d.
func coarse(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return small[d/time.Second] + "s"
	case d < time.Hour:
		return small[d/time.Minute] + "m"
	case d < 48*time.Hour:
		return small[d/time.Hour] + "h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + "d"
}

// small are the numbers below 60, so that a row allocates nothing for them.
var small = func() (out [60]string) {
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}()

// dayPercent is an uptime in at most four characters, never rounded up.
func dayPercent(s uptime.Share) string {
	up, ok := s.Uptime()
	switch {
	case !ok:
		return "-"
	case up >= 1:
		return "100"
	}
	tenths := int(up * 1000)
	return strconv.Itoa(tenths/10) + "." + strconv.Itoa(tenths%10)
}

// group3 writes a number with commas: 1,003.
func group3(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size3 writes bytes for people: 1.2 GB.
func size3(n int64) string {
	const units = "kMGTP"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1000, 0
	for f >= 999.5 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	return fmt.Sprintf("%.3g %cB", f, units[i])
}
