package tui

import (
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestQueryMatches(t *testing.T) {
	w := newWorld()
	find := func(name string) *uptime.State {
		i, ok := (&roster{snap: w.snap}).index(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return w.snap.States[i]
	}
	shop, mx2, cdn, api := find("shop.example.com/checkout"), find("mx2.example.net:25"), find("cdn.example.org"), find("api.example.com/v2/search")
	old, db, fresh, www := find("old.example.com"), find("db-backup.example.com"), find("new-site.example.io"), find("www.example.com")
	www.Cert = &uptime.Certificate{NotAfter: noon.Add(13 * 24 * time.Hour)}
	all := map[string]*uptime.State{"shop": shop, "mx2": mx2, "cdn": cdn, "api": api, "old": old, "db": db, "new": fresh, "www": www}
	for _, c := range []struct{ query, want string }{
		{"", "shop mx2 cdn api old db new www"},
		{"EXAMPLE.COM", "shop api old db www"},
		{"!example.com", "mx2 cdn new"},
		{"example checkout", "shop"},
		{"state:down,warn", "shop mx2 api"},
		{"state:chk", "cdn"},
		{"state:chk?", "cdn"},
		{"state:suspect", "cdn"},
		{"state:mnt,off,new", "old db new"},
		{"group:mail,shop", "shop mx2"},
		{"group:mail,shop !mx", "shop"},
		{"tag:SHOP", "shop"},
		{"url:https://mx", "mx2"},
		{"name:db", "db"},
		{"loc:fra!=ok", "shop mx2 api"},
		{"loc:fra=ok", "cdn"},
		{"loc:fra", "shop mx2 api"},
		{"loc:nyc=failed,slow", "shop mx2 api"},
		{"lat>2s", "mx2 api"},
		{"lat>2000", "mx2 api"},
		{"lat<50ms", "shop cdn db"},
		{"age>1d", "old"},
		{"age<10", "cdn api"},
		{"up24<99.5", "shop mx2"},
		{"cert<14", "www"},
		{"cert<1w", ""},
		{"cert<2w", "www"},
		{"ack:yes", "mx2"},
		{"ack:no", "shop api"},
		{"is:problem", "shop mx2 cdn api"},
		{"is:problem !is:acked", "shop cdn api"},
		{"!state:up,down is:problem", "cdn api"},
	} {
		q, err := parseQuery(c.query)
		if err != nil {
			t.Errorf("%q: %v", c.query, err)
			continue
		}
		var got []string
		for _, name := range strings.Fields("shop mx2 cdn api old db new www") {
			if q.match(all[name], strings.ToLower(all[name].Name), noon) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q matches %v, want %s", c.query, got, c.want)
		}
	}
}

func TestQueryMistakes(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"state:dwn", "state:dwn is none of"},
		{"state:", "needs a value"},
		{"state:,", "needs a value"},
		{"!", "needs a word"},
		{"lat>fast", "needs a number"},
		{"lat:5", "lat takes > or <"},
		{"state>5", "state takes :"},
		{"up24<1h", "needs a number"},
		{"loc:fra=maybe", "none of ok failed"},
		{"loc:=ok", "write loc:"},
		{"cert<NaN", "needs a number"},
	} {
		q, err := parseQuery(c.query)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.query, err, c.want)
		}
		if len(q.terms) != 0 {
			t.Errorf("%q was understood as %+v", c.query, q.terms)
		}
	}
	q, err := parseQuery("checkout state:dwn")
	if err == nil || len(q.terms) != 1 {
		t.Errorf("what is right beside a mistake must hold: %+v, %v", q.terms, err)
	}
}

func TestCompletions(t *testing.T) {
	snap := newWorld().snap
	for _, c := range []struct{ word, want string }{
		{"st", "state:"}, {"!gr", "group:"}, {"lat", "lat> lat<"}, {"state:d", "degraded down"}, {"state:up,wa", "warn"},
		{"group:sh", "shop"}, {"loc:s", "sgp syd"}, {"ack:", "yes no"}, {"zzz", ""}, {"lat>4", ""},
	} {
		if got := strings.Join(completions(c.word, snap), " "); got != c.want {
			t.Errorf("%q completes to %q, want %q", c.word, got, c.want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"state:down,warn", "loc:fra!=ok cert<14", "!x lat>1e9", "!", "a:b:c", "up24<99.9%", "\x00:\xff", "group:,,"} {
		f.Add(s)
	}
	st := newWorld().snap.States[0]
	f.Fuzz(func(t *testing.T, text string) {
		q, _ := parseQuery(text)
		q.match(st, strings.ToLower(st.Name), noon)
		if len(q.terms) > len(strings.Fields(text)) {
			t.Errorf("%q became %d terms", text, len(q.terms))
		}
		for word := range strings.FieldsSeq(text) {
			completions(word, nil)
		}
	})
}
