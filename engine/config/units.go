package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// duration reads a duration, and says of a bare number which unit it lacks.
func duration(k uptime.Key, raw any) (time.Duration, *wrong) {
	text := ""
	switch v := raw.(type) {
	case string:
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			text = v
			break
		}
		d, err := uptime.ParseDuration(v)
		if err != nil {
			return 0, &wrong{message: fmt.Sprintf("%s = %s", k.Name, err)}
		}
		return d, nil
	case int64, float64:
		text = show(k, v)
	default:
		return 0, &wrong{fmt.Sprintf("%s = %s must be a duration", k.Name, show(k, raw)), example(k)}
	}
	w := &wrong{message: fmt.Sprintf("%s = %s needs a unit", k.Name, show(k, raw))}
	if meant := withUnits(k, text); len(meant) > 0 {
		w.message += ", e.g. " + strings.Join(meant, " or ")
	} else if k.Max != 0 {
		w.message += fmt.Sprintf(", and must be from %s to %s", uptime.Span(time.Duration(k.Min)), uptime.Span(time.Duration(k.Max)))
	}
	return 0, w
}

// withUnits is a bare number with the first two units that the bounds of a key allow.
func withUnits(k uptime.Key, number string) []string {
	var out []string
	for _, unit := range []string{"s", "m", "h", "d", "w", "y", "ms"} {
		d, err := uptime.ParseDuration(number + unit)
		if err == nil && (k.Max == 0 || int64(d) >= k.Min && int64(d) <= k.Max) && len(out) < 2 {
			out = append(out, strconv.Quote(number+unit))
		}
	}
	return out
}

var sizeUnits = map[string]float64{"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}

// size reads a number of bytes, or one with a unit: KB is 1,000 bytes, KiB 1,024.
func size(raw any) (int64, bool) {
	switch v := raw.(type) {
	case int64:
		return v, v >= 0
	case string:
		i := 0
		for i < len(v) && (v[i] >= '0' && v[i] <= '9' || v[i] == '.') {
			i++
		}
		unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(v[i:]))]
		n, err := strconv.ParseFloat(v[:i], 64)
		if !ok || err != nil || n*unit > math.MaxInt64/2 {
			return 0, false
		}
		return int64(n * unit), true
	}
	return 0, false
}

// sizeText writes a number of bytes with the unit that makes it exact, if there is one.
func sizeText(n int64) string {
	units := []struct {
		n, step int64
		name    string
	}{
		{1e12, 1e11, "TB"}, {1e9, 1e8, "GB"}, {1e6, 1e5, "MB"}, {1e3, 100, "KB"},
		{1 << 40, 1 << 40, "TiB"}, {1 << 30, 1 << 30, "GiB"}, {1 << 20, 1 << 20, "MiB"}, {1 << 10, 1 << 10, "KiB"},
	}
	for _, u := range units {
		if n >= u.n && n%u.step == 0 {
			return strconv.FormatFloat(float64(n/u.step)*float64(u.step)/float64(u.n), 'f', -1, 64) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
