package config

import (
	"net/url"
	"strings"

	"lookout/engine/uptime"
)

// Star returns the text of a configuration file with every secret as ***, in
// the same number of lines: for a screen that shows a mistake in its place. It
// stars the values of secret keys and of those that look like one, misspelt or
// not known, and the user info and query of URLs. Text that is no TOML is starred too.
func Star(text string, opt Options) string {
	reg := newRegistry(opt.Types)
	words := append(reg.monitorWords(), topWords()...)
	meant := map[string]string{} // by the word that is not known
	secret := func(path []string) bool {
		return secretKey(reg, path, func(word string) string {
			if _, ok := meant[word]; !ok {
				meant[word] = Near(word, words)
			}
			return meant[word]
		})
	}
	var spans []located
	covered := map[int]bool{} // lines on which some key was understood
	for _, k := range keysOf(text, 1) {
		end := k.line + strings.Count(text[k.from:k.to], "\n")
		for line := k.line; line <= end; line++ {
			covered[line] = true
		}
		if !k.header {
			spans = append(spans, k)
		}
	}
	var b strings.Builder
	pos := 0
	for _, k := range spans {
		if k.from < pos { // inside of a value that was starred whole
			continue
		}
		value := text[k.from:k.to]
		switch {
		case secret(k.path), k.path[len(k.path)-1] == "url" && strings.HasPrefix(value, "{"):
			value = starValue(value)
		case k.path[len(k.path)-1] == "url" || strings.Contains(value, "://"):
			value = starURL(value)
		default:
			continue
		}
		b.WriteString(text[pos:k.from])
		b.WriteString(value)
		pos = k.to
		if value != text[k.from:k.to] { // what a comment says of it may be the old one
			for pos < len(text) && text[pos] != '\n' && k.depth == 0 {
				pos++
			}
		}
	}
	b.WriteString(text[pos:])
	return starLines(b.String(), covered, func(key string) bool { return secret(splitKey(key)) })
}

// starLines stars the lines that hold neither a key nor a header nor a comment,
// and comments that were a secret's key once.
func starLines(text string, covered map[int]bool, secret func(key string) bool) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		t := strings.TrimSpace(l)
		switch {
		case t == "" || covered[i+1]:
		case t[0] == '#':
			key, value, ok := strings.Cut(strings.TrimLeft(t, "# \t"), "=")
			if key = strings.TrimSpace(key); ok && secret(key) {
				lines[i] = "# " + key + " = " + starred
			} else if ok && strings.Contains(value, "://") {
				lines[i] = "# " + key + " = " + starURL(strings.TrimSpace(value))
			}
		case t[0] != '[':
			lines[i] = starred
		}
	}
	return strings.Join(lines, "\n")
}

// secretKey reports whether the value of a key is to be hidden: a secret, the
// nearest to a secret, or one whose name says so.
func secretKey(reg *registry, path []string, meant func(string) string) bool {
	for i := len(path) - 1; i >= 0; i-- { // headers = { "X-Token" = … }
		word := path[i]
		if i > 0 && path[i-1] == "expect" {
			return false // what is expected of a server is no secret of ours
		}
		known := word
		if len(reg.owners[word]) == 0 && reg.common[word].Name == "" {
			known = meant(word)
		}
		for _, k := range reg.kinds {
			if kind := k.values[known].Kind; known != "" && (kind == uptime.SecretText || kind == uptime.SecretTable) {
				return true
			}
		}
		if known == word || strings.HasSuffix(known, fileSuffix) {
			continue
		}
		for _, part := range []string{"secret", "token", "passw", "auth", "credential", "private"} {
			if strings.Contains(strings.ToLower(word), part) {
				return true
			}
		}
	}
	return false
}

// starValue keeps the quotes and the lines of a value.
func starValue(value string) string {
	lines := strings.Count(value, "\n")
	out := `"` + starred + `"`
	if strings.HasPrefix(value, "{") {
		out = "{ " + starred + " }"
	}
	tail := value[len(strings.TrimRight(value, " \t\r")):]
	return out + strings.Repeat("\n"+starred, lines) + tail
}

// starURL stars the user info and what follows ? or # in every URL of a value.
func starURL(value string) string {
	var b strings.Builder
	for value != "" {
		i := strings.IndexAny(value, "\"'")
		if i < 0 {
			// Without quotes, a mistake: all of it is the URL.
			b.WriteString(starOneURL(value))
			break
		}
		b.WriteString(value[:i+1])
		q := value[i]
		end := strings.IndexByte(value[i+1:], q)
		if end < 0 {
			b.WriteString(starOneURL(value[i+1:]))
			break
		}
		b.WriteString(starOneURL(value[i+1:i+1+end]) + string(q))
		value = value[i+1+end+1:]
	}
	return b.String()
}

func starOneURL(s string) string {
	lines := strings.Count(s, "\n")
	u, err := url.Parse(s)
	switch {
	case err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != ""):
		return uptime.RedactURL(u)
	case err != nil || strings.ContainsAny(s, "@?#$"): // no URL, or one in the wrong form
		head, _, ok := strings.Cut(s, "://")
		if !ok {
			return starred + strings.Repeat("\n", lines)
		}
		return head + "://" + starred + strings.Repeat("\n", lines)
	}
	return s
}
