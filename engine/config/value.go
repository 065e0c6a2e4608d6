package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// maxFile bounds a file that a key names.
const maxFile = 16 << 20

// wrong is why a value cannot be used.
type wrong struct{ message, hint string }

// convert turns a TOML value into the Go type of its key's kind. The message of
// a wrong one begins with the key. Texts are copied: those of the parser keep
// all in memory that was parsed with them.
func (l *loader) convert(b *block, k uptime.Key, raw any) (any, *wrong) {
	switch k.Kind {
	case uptime.String:
		s, ok := raw.(string)
		if !ok {
			switch v := show(k, raw); raw.(type) {
			case int64, float64, bool:
				if k.Name == "url" {
					break
				}
				k.Example = strconv.Quote(v)
			}
			return nil, mustBe(k, raw, "a text in quotes")
		}
		if len(k.OneOf) == 0 {
			return strings.Clone(s), nil
		}
		for _, o := range k.OneOf {
			if s == o {
				return o, nil
			}
		}
		return nil, &wrong{fmt.Sprintf("%s = %q must be %s", k.Name, shown(s), oneOf(k.OneOf)), didYouMean(s, k.OneOf)}
	case uptime.Scalar:
		switch v := raw.(type) {
		case string:
			return strings.Clone(v), nil
		case int64:
			return strconv.FormatInt(v, 10), nil
		}
		return nil, mustBe(k, raw, "a text in quotes or a whole number")
	case uptime.Strings, uptime.Monitors:
		if s, ok := raw.(string); ok {
			return []string{strings.Clone(s)}, nil
		}
		list, ok := raw.([]any)
		if !ok {
			return nil, mustBe(k, raw, "a list of texts")
		}
		out := make([]string, len(list))
		for i, v := range list {
			s, ok := v.(string)
			if !ok {
				return nil, bad(k, "must be a list of texts, and number %d of it is %s", i+1, typeName(v))
			}
			out[i] = strings.Clone(s)
		}
		if int64(len(out)) < k.Min {
			return nil, &wrong{k.Name + " is an empty list", "Name at least one, or leave the key out"}
		}
		return out, nil
	case uptime.Int:
		n, ok := raw.(int64)
		if !ok {
			return nil, mustBe(k, raw, "a whole number without quotes")
		}
		if k.Max != 0 && (n < k.Min || n > k.Max) {
			return nil, bad(k, "= %d must be from %d to %d", n, k.Min, k.Max)
		}
		return n, nil
	case uptime.Bool:
		v, ok := raw.(bool)
		if !ok {
			return nil, mustBe(k, raw, "true or false, without quotes")
		}
		return v, nil
	case uptime.Duration:
		d, w := duration(k, raw)
		if w != nil {
			return nil, w
		}
		if k.Max != 0 && (int64(d) < k.Min || int64(d) > k.Max) {
			return nil, bad(k, "= %s must be from %s to %s", show(k, raw), uptime.Span(time.Duration(k.Min)), uptime.Span(time.Duration(k.Max)))
		}
		return d, nil
	case uptime.Size:
		n, ok := size(raw)
		if !ok {
			return nil, mustBe(k, raw, "a number of bytes or a size with a unit: KB, MB, GB, TB or KiB, MiB, GiB, TiB")
		}
		if k.Max != 0 && (n < k.Min || n > k.Max) {
			return nil, bad(k, "= %s must be from %s to %s", show(k, raw), sizeText(k.Min), sizeText(k.Max))
		}
		return n, nil
	case uptime.Table:
		m, w := texts(k, raw)
		if w != nil {
			return nil, w
		}
		return m, nil
	case uptime.Tables:
		var tables []any
		switch list := raw.(type) {
		case []any:
			tables = list
		case []map[string]any:
			for _, m := range list {
				tables = append(tables, m)
			}
		default:
			tables = []any{raw}
		}
		out := make([]map[string]string, len(tables))
		for i, t := range tables {
			m, w := texts(k, t)
			if w != nil {
				return nil, mustBe(k, raw, "a list of tables")
			}
			out[i] = m
		}
		return out, nil
	case uptime.SecretText:
		s, ok := raw.(string)
		if !ok {
			return nil, mustBe(k, raw, "a text in quotes")
		}
		v, err := l.secrets.expand(s, nil)
		if err != nil {
			return nil, bad(k, "%s", err)
		}
		if v == s && s != "" {
			l.literal(b, k.Name)
		}
		return uptime.Secret(strings.Clone(v)), nil
	case uptime.SecretTable:
		m, w := texts(k, raw)
		if w != nil {
			return nil, w
		}
		out := make(map[string]uptime.Secret, len(m))
		for name, s := range m {
			v, err := l.secrets.expand(s, nil)
			if err != nil {
				return nil, bad(k, "%s", err)
			}
			out[name] = uptime.Secret(v)
		}
		return out, nil
	case uptime.File:
		s, ok := raw.(string)
		if !ok || s == "" {
			return nil, mustBe(k, raw, "the path of a file, in quotes")
		}
		data, err := readFile(b.file.relative(s), maxFile)
		if err != nil {
			return nil, bad(k, "cannot be read: %s", cause(err))
		}
		return data, nil
	case uptime.PathName:
		s, ok := raw.(string)
		switch {
		case !ok || s == "":
			return nil, mustBe(k, raw, "a path, in quotes")
		case fromHome(s):
			return nil, &wrong{k.Name + homeFault, homeHint}
		}
		path, err := filepath.Abs(b.file.relative(s))
		if err != nil {
			return nil, bad(k, "is relative, and the folder that we are in is not known")
		}
		return path, nil
	case uptime.Limit:
		s, ok := raw.(string)
		if !ok {
			return nil, mustBe(k, raw, "a share or a duration")
		}
		if p, ok := strings.CutSuffix(s, "%"); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
			if err != nil || !(f >= 0 && f <= 100) {
				return nil, mustBe(k, raw, "from 0% to 100%")
			}
			return uptime.Percentage{Share: f / 100}, nil
		}
		d, err := uptime.ParseDuration(s)
		if err != nil {
			return nil, mustBe(k, raw, `a share or a duration, e.g. "25%" or "14d"`)
		}
		return uptime.Percentage{Duration: d}, nil
	case uptime.Servers:
		return servers(k, raw)
	case uptime.Source:
		s, ok := raw.(string)
		if _, err := netip.ParseAddr(s); !ok || err != nil && !interfaceName(s) {
			return nil, mustBe(k, raw, "an address of this machine or the name of an interface")
		}
		return s, nil
	}
	return nil, bad(k, "is of no known kind")
}

func bad(k uptime.Key, format string, args ...any) *wrong {
	return &wrong{message: k.Name + " " + fmt.Sprintf(format, args...)}
}

func mustBe(k uptime.Key, raw any, what string) *wrong {
	return &wrong{fmt.Sprintf("%s = %s must be %s", k.Name, show(k, raw), what), example(k)}
}

// texts reads a table whose values are texts, numbers or booleans.
func texts(k uptime.Key, raw any) (map[string]string, *wrong) {
	m, ok := raw.(map[string]any)
	if !ok {
		return nil, &wrong{fmt.Sprintf("%s = %s must be a table", k.Name, show(k, raw)), example(k)}
	}
	out := make(map[string]string, len(m))
	for name, v := range m {
		switch v := v.(type) {
		case string:
			out[strings.Clone(name)] = strings.Clone(v)
		case int64:
			out[strings.Clone(name)] = strconv.FormatInt(v, 10)
		case float64:
			out[strings.Clone(name)] = strconv.FormatFloat(v, 'g', -1, 64)
		case bool:
			out[strings.Clone(name)] = strconv.FormatBool(v)
		default:
			return nil, &wrong{fmt.Sprintf("%s has %s at %q, where a text belongs", k.Name, typeName(v), shown(name)), example(k)}
		}
	}
	return out, nil
}

func example(k uptime.Key) string {
	if k.Example == "" {
		return ""
	}
	return fmt.Sprintf("Write it like %s = %s", k.Name, k.Example)
}

// show writes a value as it may stand in a message: *** for a secret.
func show(k uptime.Key, raw any) string {
	switch {
	case k.Kind == uptime.SecretText || k.Kind == uptime.SecretTable:
		return starred
	case k.Name == "url":
		return `"…"`
	}
	switch v := raw.(type) {
	case string:
		return strconv.Quote(uptime.Clean(v, 40))
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return "(a time)"
	case []any, []map[string]any:
		return "[…]"
	}
	return "{…}"
}

const starred = "***"

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case time.Time:
		return "a time"
	case map[string]any:
		return "a table"
	}
	return "a list"
}

// readFile reads a regular file or a pipe of at most max bytes.
func readFile(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, max)
}

// relative is a path as a file means it.
func (f *file) relative(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}
