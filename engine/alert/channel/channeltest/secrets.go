package channeltest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

// Secrets are those of settings.
func Secrets(values map[string]any) []string {
	var all []string
	for _, v := range values {
		switch v := v.(type) {
		case uptime.Secret:
			all = append(all, v.Reveal())
		case map[string]uptime.Secret:
			for _, s := range v {
				all = append(all, s.Reveal())
			}
		}
	}
	slices.Sort(all)
	return all
}

// parts are the secrets of settings and what is secret of them by itself: what
// follows Bearer, and of a URL the user, the password, the query, its values, the
// fragment, and the parts of the path.
func parts(values map[string]any) (all []string) {
	for _, s := range Secrets(values) {
		all = append(all, s)
		if scheme, rest, ok := strings.Cut(s, " "); ok && (scheme == "Bearer" || scheme == "Basic") {
			all = append(all, rest)
		}
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			continue
		}
		password, _ := u.User.Password()
		all = append(all, u.User.Username(), password, u.RawQuery, u.Fragment)
		if password != "" {
			all = append(all, u.User.Username()+":"+password)
		}
		for _, v := range u.Query() {
			if strings.HasSuffix(u.Scheme, "http") || strings.HasSuffix(u.Scheme, "https") { // others have options there
				all = append(all, v...)
			}
		}
		for part := range strings.SplitSeq(u.Path, "/") {
			if len(part) >= 8 { // what is shorter is a word of the address
				all = append(all, part)
			}
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) < 4 })
	slices.Sort(all)
	return slices.Compact(all)
}

// forms are the ways in which a secret may be written.
func forms(s string) []string {
	var percent strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&percent, "%%%02X", c)
	}
	quoted, _ := json.Marshal(s) // a string has no error
	return []string{
		s, url.QueryEscape(s), url.PathEscape(s), percent.String(), strings.ToLower(percent.String()), string(quoted[1 : len(quoted)-1]), html.EscapeString(s),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)), fmt.Sprintf("%x", s),
	}
}

// noSecrets looks for the secrets of settings in texts, in the ways in which they may be written.
func noSecrets(t testing.TB, values map[string]any, texts ...string) {
	t.Helper()
	for _, part := range parts(values) {
		all := forms(part)
		if len(part) >= 12 && !strings.Contains(part, "://") {
			all = append(all, part[:8]) // what is left of one that was cut
		}
		for _, form := range all {
			for _, text := range texts {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("the secret %q shows in %q", form, text[max(0, i-60):min(len(text), i+len(form)+20)])
				}
			}
		}
	}
}
