package channel

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"lookout/engine/uptime"
)

const (
	stars = "***"
	// minSecret is the shortest text that is hidden. What is shorter is no secret:
	// a header "en" is not to turn every "sent" into "s***t".
	minSecret = 4
	// minPart is that of a piece of a secret URL's path.
	minPart = 8
	// maxRaw bounds what is looked at of a text from outside.
	maxRaw = 64 << 10
)

// veil hides secrets, in all the ways in which they are written: as they are,
// escaped for a URL, JSON or HTML, in base64 and hexadecimal.
type veil struct {
	forms []uptime.Secret // the longest first
}

// veilOver gathers the secrets of settings, and those that a channel made of them.
func veilOver(values map[string]any, more []uptime.Secret) veil {
	all := map[string]bool{}
	for _, v := range values {
		switch v := v.(type) {
		case uptime.Secret:
			secretForms(all, v.Reveal())
		case map[string]uptime.Secret:
			for _, s := range v {
				secretForms(all, s.Reveal())
			}
		}
	}
	for _, s := range more {
		secretForms(all, s.Reveal())
	}
	var v veil
	for _, s := range slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	}) {
		v.forms = append(v.forms, uptime.Secret(s))
	}
	return v
}

// secretForms adds the ways in which a secret, and the parts of one that is a URL
// or a header, are written.
func secretForms(all map[string]bool, s string) {
	for _, part := range slices.Concat([]string{s}, urlParts(s), headerParts(s)) {
		if len(part) < minSecret {
			continue
		}
		quoted, _ := json.Marshal(part) // a string has no error
		path, query, b := url.PathEscape(part), url.QueryEscape(part), []byte(part)
		percent := strings.TrimSpace(fmt.Sprintf("% x", b)) // each byte of it
		percent = "%" + strings.ReplaceAll(percent, " ", "%")
		for _, f := range []string{
			part, strings.Trim(part, " \t\r\n"), uptime.Clean(part, 3*len(part)),
			path, strings.ToLower(path), query, strings.ToLower(query), strings.ReplaceAll(query, "+", "%20"),
			percent, strings.ToUpper(percent), html.EscapeString(part),
			string(quoted[1 : len(quoted)-1]), strings.Trim(strconv.Quote(part), `"`),
			base64.StdEncoding.EncodeToString(b), base64.RawStdEncoding.EncodeToString(b),
			base64.URLEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
			hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
		} {
			if len(f) >= minSecret {
				all[f] = true
			}
		}
	}
}

// urlParts are the secret parts of a URL, which others write one by one; nil of what is none.
func urlParts(s string) []string {
	if !strings.Contains(s, "://") {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil
	}
	parts := []string{u.RawQuery, u.Fragment, u.Opaque, u.RequestURI()}
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, u.User.String(), u.User.Username(), password, u.User.Username()+":"+password)
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= minPart {
			parts = append(parts, part)
		}
	}
	return parts
}

// headerParts are what stands in a header without the word before it, "Bearer",
// and the user and the password of Basic; nil of what is no such header.
func headerParts(s string) []string {
	_, rest, ok := strings.Cut(s, " ")
	if rest = strings.TrimSpace(rest); !ok || len(rest) < minPart || strings.Contains(rest, " ") {
		return nil
	}
	parts := []string{rest}
	if b, err := base64.StdEncoding.DecodeString(rest); err == nil {
		if _, password, ok := strings.Cut(string(b), ":"); ok {
			parts = append(parts, string(b), password)
		}
	}
	return parts
}

// over hides the secrets in a text.
func (v veil) over(s string) string {
	for _, f := range v.forms {
		s = strings.ReplaceAll(s, f.Reveal(), stars)
	}
	return s
}

// line makes a text from outside one clean line without secrets. They are hidden
// before and after it is cleaned: what is dropped from a text may make one whole,
// and what is cut off may leave half of one.
func (v veil) line(s string, most int) string {
	if len(s) > maxRaw {
		s = s[:maxRaw]
		if len(v.forms) > 0 {
			s = s[:max(0, maxRaw-len(v.forms[0]))]
		}
	}
	s = v.over(s)
	s = v.over(uptime.Clean(s, len(s)+len(s)/2+16)) // a byte that is no UTF-8 becomes three
	return uptime.Clean(s, most)
}
