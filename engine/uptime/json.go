package uptime

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// marshal writes an object without the escapes of HTML: a sentence has its < and
// & as they are, for people and grep. Whoever encodes on has to leave them out, too.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

const stampLayout = "2006-01-02T15:04:05.000Z"

// stamp is a time in the JSON of the public interface: UTC to the millisecond, null for zero.
type stamp time.Time

func optional(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

func required(s *stamp) time.Time {
	if s == nil {
		return time.Time{}
	}
	return time.Time(*s)
}

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(nil, `"`+stampLayout+`"`), nil
}

func (s *stamp) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*s = stamp{}
		return nil
	}
	t, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	*s = stamp(t.UTC())
	return err
}

// millis is a duration in the JSON of the public interface: a number of milliseconds, exact to the microsecond.
type millis time.Duration

func (m millis) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Duration(m).Microseconds())/1e3, 'f', -1, 64), nil
}

func (m *millis) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	*m = millis(math.Round(f*1e3) * float64(time.Microsecond))
	return err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
