package channeltest

import (
	"encoding/base64"
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

// noSecrets looks for the secrets of settings in texts, in the ways in which they may be written.
func noSecrets(t testing.TB, values map[string]any, texts ...string) {
	t.Helper()
	for _, s := range Secrets(values) {
		parts := []string{s}
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			password, _ := u.User.Password()
			parts = append(parts, u.User.Username(), password, u.RawQuery)
			if len(u.Path) > 8 {
				parts = append(parts, u.Path)
			}
		}
		for _, part := range parts {
			if len(part) < 4 {
				continue
			}
			half := part // what is left of one that was cut
			if len(part) >= 12 && !strings.Contains(part, "://") {
				half = part[:8]
			}
			for _, form := range []string{part, half, url.QueryEscape(part), base64.StdEncoding.EncodeToString([]byte(part))} {
				for _, text := range texts {
					if i := strings.Index(text, form); i >= 0 {
						t.Errorf("the secret %q shows in %q", form, text[max(0, i-60):min(len(text), i+len(form)+20)])
					}
				}
			}
		}
	}
}
