package config

import (
	"strings"
	"testing"
)

func TestStar(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"secret", "bearer_token = \"canary\" # was canary", `bearer_token = "***"`},
		{"misspelt", `bearer_tokn = "canary"`, `bearer_tokn = "***"`},
		{"by its name", `api_secret = 'canary'`, `api_secret = "***"`},
		{"without quotes", `bearer_token = canary`, `bearer_token = "***"`},
		{"without the closing quote", "bearer_token = \"canary\nname = \"x\"", "bearer_token = \"***\"\nname = \"x\""},
		{"several lines", "client_key = '''\ncanary\ncanary'''\nname = \"x\"", "client_key = \"***\"\n***\n***\nname = \"x\""},
		{"never closed", "client_key = '''\ncanary\ncanary\n", "client_key = \"***\"\n***\n***\n***"},
		{"a table", `headers = { "X-Token" = "canary", b = "canary" }`, `headers = { *** }`},
		{"a dotted key", `headers."X-Token" = "canary"`, `headers."X-Token" = "***"`},
		{"a header of a table", "[monitor.headers]\nX = \"canary\"", "[monitor.headers]\nX = \"***\""},
		{"in a list at the top", `monitor = [{ name = "x", bearer_token = "canary", note = "y" }]`, `monitor = [{ name = "x", bearer_token = "***", note = "y" }]`},
		{"url", `url = "https://jo:canary@example.com/a?t=canary#canary"`, `url = "https://***@example.com/a?***#***"`},
		{"url that is none", `url = "https://jo:can ary@example.com/"`, `url = "https://***"`},
		{"url without a scheme", `url = "jo:canary@example.com"`, `url = "***"`},
		{"plain url", `url = "https://example.com/a"`, `url = "https://example.com/a"`},
		{"in the defaults", "[defaults.tag.x]\nbasic_auth = 'canary'", "[defaults.tag.x]\nbasic_auth = \"***\""},
		{"no TOML", "bearer_token \"canary\"", "***"},
		{"commented out", "  #bearer_token = \"canary\"", "# bearer_token = ***"},
		{"expected of a server", "[monitor.expect]\nheaders = [{ name = \"a\", matches = \"b\" }]", "[monitor.expect]\nheaders = [{ name = \"a\", matches = \"b\" }]"},
		{"a file", `bearer_token_file = "/etc/token"`, `bearer_token_file = "/etc/token"`},
		{"the rest", "# comment\n\ninterval = \"5s\" # five\n[monitor]\n", "# comment\n\ninterval = \"5s\" # five\n[monitor]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Star(c.in, testOptions())
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if strings.Contains(got, "canary") || strings.Count(got, "\n") != strings.Count(c.in, "\n") {
				t.Errorf("%q", got)
			}
		})
	}
}
