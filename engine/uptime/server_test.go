package uptime

import "testing"

func TestParseServer(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"192.0.2.53", "192.0.2.53:53"},
		{"192.0.2.53:5353", "192.0.2.53:5353"},
		{"2001:db8::1", "[2001:db8::1]:53"},
		{"[2001:db8::1]", "[2001:db8::1]:53"},
		{"[2001:db8::1]:54", "[2001:db8::1]:54"},
		{"fe80::1%eth0", "[fe80::1%eth0]:53"},
		{"dns.example.com", ""}, {"192.0.2.53:0", ""}, {"192.0.2.53:x", ""}, {"", ""}, {"[]", ""}, {"192.0.2.1, 192.0.2.2", ""},
	} {
		got, err := ParseServer(c.text)
		if (err != nil) != (c.want == "") || err == nil && got.String() != c.want {
			t.Errorf("%q: %s, %v; want %s", c.text, got, err, c.want)
		}
	}
}
