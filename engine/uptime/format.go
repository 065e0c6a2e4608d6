package uptime

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Ago writes a duration for people with at most two units: 1s, 59s, 4m12s, 6h02m, 6d02h.
func Ago(d time.Duration) string { return string(AppendAgo(nil, d)) }

// AppendAgo appends what Ago returns.
func AppendAgo(b []byte, d time.Duration) []byte {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s < 60:
		return append(strconv.AppendInt(b, s, 10), 's')
	case s < 3600:
		return appendPair(b, s/60, 'm', s%60, 's')
	case s < 86400:
		return appendPair(b, s/3600, 'h', s%3600/60, 'm')
	}
	return appendPair(b, s/86400, 'd', s%86400/3600, 'h')
}

func appendPair(b []byte, n int64, unit byte, rest int64, restUnit byte) []byte {
	b = append(strconv.AppendInt(b, n, 10), unit)
	return append(b, byte('0'+rest/10), byte('0'+rest%10), restUnit)
}

// Took writes a measured duration for people in at most six characters: 0.4ms, 18ms, 2.41s, 75s; "-" for none.
func Took(d time.Duration) string { return string(AppendTook(nil, d)) }

// AppendTook appends what Took returns.
func AppendTook(b []byte, d time.Duration) []byte {
	switch {
	case d <= 0:
		return append(b, '-')
	case d < 9950*time.Microsecond:
		return append(strconv.AppendFloat(b, math.Max(float64(d)/1e6, 0.1), 'f', 1, 64), "ms"...)
	case d < 999500*time.Microsecond:
		return append(strconv.AppendInt(b, int64(d.Round(time.Millisecond)/time.Millisecond), 10), "ms"...)
	case d < 9995*time.Millisecond:
		return append(strconv.AppendFloat(b, d.Seconds(), 'f', 2, 64), 's')
	case d < 99950*time.Millisecond:
		return append(strconv.AppendFloat(b, d.Seconds(), 'f', 1, 64), 's')
	}
	return append(strconv.AppendInt(b, int64(d.Round(time.Second)/time.Second), 10), 's')
}

// Span writes a configured duration as a person would: 5y, 90d, 2h, 5m, 60s, 800ms. A share of
// one, as a third of 10s, is rounded to a tenth of a second.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 365*day && d%(365*day) == 0:
		return fmt.Sprintf("%dy", d/(365*day))
	case d >= day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d > 2*time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d >= time.Second && d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	case d%time.Millisecond != 0 && d > time.Second:
		d = d.Round(100 * time.Millisecond)
	}
	return d.String()
}

// Percent writes a share for people: 100%, 99.978%, 99.90%, 99.49%. It never rounds up
// to 100 nor down to 0: what is not whole does not look whole.
func Percent(f float64) string { return string(AppendPercent(nil, f)) }

// AppendPercent appends what Percent returns.
func AppendPercent(b []byte, f float64) []byte {
	p := f * 100
	switch {
	case p >= 100:
		return append(b, "100%"...)
	case !(p > 0):
		return append(b, "0%"...)
	case p < 0.01:
		return append(b, "<0.01%"...)
	}
	// In hundredths, or above 99.9 in thousandths: whole numbers, so that nothing rounds
	// but what a float lacks of a number written in decimals.
	n, digits := int64(p*100+1e-6), 2
	if p >= 99.9 {
		if n, digits = int64(p*1000+1e-6), 3; n%10 == 0 {
			n, digits = n/10, 2
		}
	}
	scale := int64(100)
	if digits == 3 {
		scale = 1000
	}
	b = append(strconv.AppendInt(b, n/scale, 10), '.')
	for scale /= 10; scale > 0; scale /= 10 {
		b = append(b, byte('0'+n/scale%10))
	}
	return append(b, '%')
}

// Between writes the bounds of a share for people: 71.2-99.7%, 0-100%. The lower
// is rounded down and the upper up, and neither to a whole that it is not.
func Between(low, high float64) string { return string(AppendBetween(nil, low, high)) }

// AppendBetween appends what Between returns.
func AppendBetween(b []byte, low, high float64) []byte {
	// But for what a float lacks of a number written in decimals.
	b = appendBound(b, low, func(f float64) float64 { return math.Floor(f + 1e-6) })
	b = appendBound(append(b, '-'), high, func(f float64) float64 { return math.Ceil(f - 1e-6) })
	return append(b, '%')
}

// appendBound writes a share in tenths of a percent, or in hundredths next to 0 and 100.
func appendBound(b []byte, f float64, round func(float64) float64) []byte {
	p := f * 100
	switch {
	case p >= 100:
		return append(b, "100"...)
	case !(p > 0):
		return append(b, '0')
	case p > 0.1 && p < 99.9:
		return strconv.AppendFloat(b, round(p*10)/10, 'f', 1, 64)
	}
	return strconv.AppendFloat(b, min(max(round(p*100)/100, 0.01), 99.99), 'f', 2, 64)
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
