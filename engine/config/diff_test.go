package config

import "testing"

func TestDiffOfSettings(t *testing.T) {
	old := mustLoad(t, `
instance = "a"
timezone = "UTC"
[retention]
results = "90d"
[[monitor]]
name = "m"
url = "tcp://m:1"
tags = ["prod"]
[[page]]
name = "gone"
[[page]]
name = "public"
tags = ["prod"]
`, testOptions())
	new := mustLoad(t, `
instance = "b"
timezone = "Europe/Amsterdam"
data_dir = "/data"
operators = ["jo", "al"]
secrets_dir = "/s"
socket_group = "ops"
[log]
level = "debug"
file = "/l"
[retention]
results = "30d"
max_size = "20GB"
[[monitor]]
name = "m"
url = "tcp://m:1"
tags = ["prod"]
[[page]]
name = "public"
tags = ["prod"]
names = ["m"]
`, testOptions())
	want := `= data_dir (unset) -> /data
= instance a -> b
= log.file (unset) -> /l
= log.level info -> debug
= operators (unset) -> [jo, al]
= page.gone {} -> (unset)
= page.public {tags = [prod]} -> {names = [m], tags = [prod]}
= retention.max_size (unset) -> 20GB
= retention.results 90d -> 30d
= secrets_dir (unset) -> /s
= socket_group (unset) -> ops
= timezone UTC -> Europe/Amsterdam
`
	if got := Diff(old, new); got.String() != want || got.Empty() {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDiff(t *testing.T) {
	old := mustLoad(t, `
[[monitor]]
name = "gone"
url = "tcp://gone.example.com:1"
[[monitor]]
name = "same"
url = "tcp://same.example.com:1"
[[monitor]]
name = "shop"
url = "https://jo:one@shop.example.com/?t=1"
bearer_token = "one"
degraded_above = "2s"
headers = { A = "one" }
cert_warn = "25%"
[monitor.expect]
json = [{ path = "$.a", equals = 1 }]
`, testOptions())
	new := mustLoad(t, `
[defaults]
note = "x"
[[monitor]]
name = "a"
url = "tcp://a.example.com:1"
[[monitor]]
name = "shop"
url = "https://jo:two@shop.example.com/?t=1"
bearer_token = "two"
degraded_above = "3s"
headers = { A = "two" }
tags = ["p", "q"]
cert_warn = "14d"
rule = "consecutive"
[[monitor]]
name = "same"
url = "tcp://same.example.com:1"
note = ""
`, testOptions())
	d := Diff(old, new)
	want := `+ a
~ shop  bearer_token *** -> ***,  cert_warn 25% -> 14d,  degraded_above 2s -> 3s,  expect.json [{equals = 1, path = $.a}] -> (unset),  failures (unset) -> 3,  group (unset) -> p,  headers {A = ***} -> {A = ***},  note (unset) -> x,  recoveries (unset) -> 2,  retry_interval (unset) -> 20s,  rule evidence -> consecutive,  tags (unset) -> [p, q],  url https://***@shop.example.com/?*** -> https://***@shop.example.com/?***
- gone
`
	if got := d.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := d.Summary(); got != "+1 monitor  ~1 changed  -1 removed" || d.Empty() {
		t.Error(got)
	}
	if d := Diff(new, new); !d.Empty() || d.String() != "" {
		t.Errorf("nothing changed, and it says %s", d)
	}
	if d := Diff(nil, new); len(d.Added) != 3 {
		t.Errorf("%+v", d)
	}
}
