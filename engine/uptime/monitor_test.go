package uptime

import (
	"net/url"
	"testing"
)

func TestRedactURL(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"https://www.example.com/a?b=c#d", "https://www.example.com/a?***#***"},
		{"https://jo:secret@www.example.com/", "https://***@www.example.com/"},
		{"https://token@www.example.com//REDACTED@", "https://***@www.example.com//REDACTED@"},
		{"dns:example.com?type=MX", "dns:example.com?***"},
		{"tcp://[2001:db8::1]:25", "tcp://[2001:db8::1]:25"},
	} {
		u, err := url.Parse(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := RedactURL(u); got != c.want {
			t.Errorf("%s is shown as %s, want %s", c.in, got, c.want)
		}
	}
}
