package uptime

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Ago writes a duration for people with at most two units: 1s, 59s, 4m12s, 6h02m, 6d02h.
func Ago(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
	}
	return fmt.Sprintf("%dd%02dh", s/86400, s%86400/3600)
}

// Took writes a measured duration for people in at most six characters: 0.4ms, 18ms, 2.41s, 75s; "-" for none.
func Took(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d < 9950*time.Microsecond:
		return strconv.FormatFloat(math.Max(float64(d)/1e6, 0.1), 'f', 1, 64) + "ms"
	case d < 999500*time.Microsecond:
		return strconv.FormatInt(int64(d.Round(time.Millisecond)/time.Millisecond), 10) + "ms"
	case d < 9995*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + "s"
	case d < 99950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + "s"
}

// Percent writes a share for people: 100%, 99.978%, 99.49%. It never rounds up
// to 100 nor down to 0: what is not whole does not look whole.
func Percent(f float64) string {
	p := f * 100
	switch {
	case p >= 100:
		return "100%"
	case p <= 0:
		return "0%"
	case p >= 99.9:
		return trimZeros(math.Floor(p*1000)/1000, 3) + "%"
	case p < 0.01:
		return "<0.01%"
	}
	return strconv.FormatFloat(math.Floor(p*100)/100, 'f', 2, 64) + "%"
}

func trimZeros(f float64, digits int) string {
	s := strconv.FormatFloat(f, 'f', digits, 64)
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// units of ParseDuration beside those of time.ParseDuration.
var dayUnits = map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}

// ParseDuration reads a duration as configurations and commands write it: that
// of time.ParseDuration, and d, w, y (365 days) in front of it: "90d", "1d12h".
// A bare number is refused.
func ParseDuration(s string) (time.Duration, error) {
	var sum time.Duration
	rest := s
	for rest != "" {
		i := 0
		for i < len(rest) && (rest[i] >= '0' && rest[i] <= '9' || rest[i] == '.') {
			i++
		}
		unit, ok := time.Duration(0), false
		if i < len(rest) {
			unit, ok = dayUnits[rest[i]]
		}
		if i == 0 || !ok {
			break
		}
		n, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil || n*float64(unit) > math.MaxInt64/2 {
			return 0, fmt.Errorf("%q is no duration", Clean(s, 40))
		}
		sum += time.Duration(n * float64(unit))
		rest = rest[i+1:]
	}
	if rest == "" && s != "" {
		return sum, nil
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return 0, fmt.Errorf("%q needs a unit, e.g. %q or %q", Clean(s, 40), Clean(s, 40)+"s", Clean(s, 40)+"m")
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || sum+d < 0 {
		return 0, fmt.Errorf("%q is no duration; write it as 30s, 5m, 2h, 1d, 2w or 1y", Clean(s, 40))
	}
	return sum + d, nil
}
