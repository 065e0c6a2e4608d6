// Package channeltest holds the contract that every channel type keeps,
// whatever the other side does: it takes a letter once and says so, or refuses
// it and says why, in one clean line without a secret; it ends in time and when
// it is told to, leaves nothing behind, may be used by many at once, and lets
// nothing through that a hostile text tries to smuggle.
//
// The other sides are real: listeners on the loopback, files, programs. A type
// says how its settings lead to one.
package channeltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// Timeout is that of a try with an other side that is bad.
const Timeout = 100 * time.Millisecond

const (
	margin = 2 * time.Second // how late a try may end on a busy machine
	tries  = 3               // what waits for too long does so each time, what had no processor does not
	// MaxRaw bounds what comes over the line for one letter, however much was to be said.
	MaxRaw = 1 << 20
)

// Case is a channel type under test.
type Case struct {
	Type uptime.ChannelType // of channel.Types: with its guard
	// Good starts an other side that takes letters. It returns the settings that
	// lead there, and what it took so far.
	Good func(testing.TB) (values map[string]any, taken func() []Taken)
	// Refuses are other sides that refuse, by name.
	Refuses map[string]Refuses
	// At are the settings that lead to the listener at an address, host:port; it
	// is called with every kind of bad one. nil: the type calls nobody.
	At func(t testing.TB, address string) map[string]any
	// Bad are further other sides that never take a letter, nor ever end.
	Bad map[string]func(testing.TB) map[string]any
	// Answers starts an other side that refuses with a text, wherever the protocol
	// has one for people. nil: it has none. What was asked stands in place of an
	// Echo in the text, where it is more than one line.
	Answers func(t testing.TB, text string) map[string]any
}

// Refuses is an other side that refuses, and what comes of it.
type Refuses struct {
	Side func(testing.TB) map[string]any
	Want uptime.Refusal // its Reply: a part of it
}

// Echo is where in an answer the request is, with all that it says of who asks.
const Echo = "{request}"

// Taken is a letter as the other side has it.
type Taken struct {
	Raw   string   // what came over the line
	Head  string   // the part of it in which a line has a meaning: headers, commands
	ID    string   // by which a repeat is known; "" where the protocol has none
	Texts []string // what people read there, decoded
}

// Letter is one as package letter writes it.
func Letter(n int) *uptime.Letter {
	return &uptime.Letter{
		ID: fmt.Sprintf("%d-ops@web-1", n), Thread: "4711-ops@web-1", Kind: uptime.AlertOpened,
		Time:    time.Date(2026, 11, 22, 12, 31, 28, 0, time.UTC),
		Subject: "DOWN shop: TCP connect 203.0.113.9:443 refused (3 of 3 places) [web-1]",
		Text:    "shop is DOWN since 12:31:07 CET.\n\n  local   refused   12:31:07\n  fra     refused   12:31:17\n\nlookout ack '#4711' --note \"…\"\n",
		Urgent:  true,
		JSON:    fmt.Appendf(nil, `{"version":1,"kind":"alert","alert":"opened","id":"%d-ops@web-1","subject":"DOWN shop","monitors":["shop"]}`, n),
	}
}

// Contract holds a type against it.
func Contract(t *testing.T, c Case) {
	probetest.Closed(t) // Go's own two descriptors for the network come with the first use of it, and stay
	t.Run("taken", c.taken)
	t.Run("many at once", c.many)
	t.Run("cancelled", c.cancelled)
	t.Run("hostile letters", c.hostileLetters)
	t.Run("wrong settings", c.wrongSettings)
	for _, name := range slices.Sorted(maps.Keys(c.Refuses)) {
		t.Run("refuses/"+name, func(t *testing.T) { c.refuses(t, c.Refuses[name]) })
	}
	if c.Answers != nil {
		t.Run("hostile answers", c.hostileAnswers)
	}
	bad := maps.Clone(c.Bad)
	if bad == nil {
		bad = map[string]func(testing.TB) map[string]any{}
	}
	if c.At != nil {
		for _, l := range probetest.Listeners("tcp") {
			bad[l.Name] = func(t testing.TB) map[string]any { return c.At(t, l.Listen(t)) }
		}
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		t.Run("bad/"+name, func(t *testing.T) { c.bad(t, bad[name]) })
	}
}

// Make makes a channel of the type.
func (c Case) Make(t testing.TB, values map[string]any) uptime.Channel {
	t.Helper()
	ch, mistakes := c.Type.New(uptime.ChannelSettings{Name: "ops", Instance: "web-1", Host: "web-1.example.com", Values: values})
	if ch == nil || len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return ch
}

// try is what came of sending a letter.
type try struct {
	receipt uptime.Receipt
	err     error
	said    []string
}

// send sends a letter and holds what comes of it against the contract.
func send(ctx context.Context, t testing.TB, ch uptime.Channel, values map[string]any, l *uptime.Letter) try {
	t.Helper()
	var r try
	r.receipt, r.err = ch.Send(ctx, l, func(line string) { r.said = append(r.said, line) })
	texts := append([]string{ch.Target(), r.receipt.Reply, r.receipt.Why}, r.said...)
	if r.err == nil {
		if r.receipt.Reply == "" {
			t.Error("taken without a reply")
		}
	} else {
		refusal := (*uptime.Refusal)(nil)
		if !errors.As(r.err, &refusal) || refusal.Reply == "" {
			t.Errorf("an error that is no refusal with a reason: %#v", r.err)
		}
		texts = append(texts, r.err.Error())
	}
	for _, text := range texts {
		if text != uptime.Clean(text, 1000) {
			t.Errorf("not one clean and short line: %.300q", text)
		}
	}
	noSecrets(t, values, append(texts, fmt.Sprintf("%v %+v %#v", ch, uptime.ChannelConfig{Channel: ch}, uptime.ChannelConfig{Channel: ch}))...)
	return r
}

func (c Case) taken(t *testing.T) {
	values, taken := c.Good(t)
	ch := c.Make(t, values)
	before := probetest.Count()
	for _, n := range []int{1, 1, 2} {
		if r := send(t.Context(), t, ch, values, Letter(n)); r.err != nil {
			t.Fatalf("refused: %v\n%s", r.err, strings.Join(r.said, "\n"))
		} else if r.receipt.Left != nil || r.receipt.Why != "" {
			t.Errorf("left out %q: %s", r.receipt.Left, r.receipt.Why)
		}
	}
	if _, err := ch.Send(t.Context(), Letter(1), func(string) {}); err != nil {
		t.Error("not a second time:", err)
	}
	probetest.Settled(t, before)
	if taken == nil {
		return
	}
	got := taken()
	if len(got) != 4 {
		t.Fatalf("the other side has %d letters of 4", len(got))
	}
	ids := map[string]int{} // how often: what came over a line of its own may be there in any order
	for _, g := range got {
		ids[g.ID]++
	}
	if most := slices.Max(slices.Collect(maps.Values(ids))); ids[""] != len(got) && (len(ids) != 2 || most != 3) {
		t.Errorf("one letter three times and another have the ids %v", ids)
	}
	for _, g := range got {
		if !slices.ContainsFunc(g.Texts, func(s string) bool { return strings.Contains(s, "DOWN shop") }) {
			t.Errorf("nothing in it says DOWN shop: %q", g.Texts)
		}
		c.harmless(t, values, g)
	}
}

func (c Case) many(t *testing.T) {
	const n = 20
	values, taken := c.Good(t)
	ch := c.Make(t, values)
	before := probetest.Count()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { // each keeps its own conversation
			if r := send(t.Context(), t, ch, values, Letter(i)); r.err != nil {
				t.Errorf("refused: %v", r.err)
			}
		})
	}
	wg.Wait()
	probetest.Settled(t, before)
	if taken != nil && len(taken()) != n {
		t.Errorf("the other side has %d letters of %d", len(taken()), n)
	}
}

func (c Case) cancelled(t *testing.T) {
	values, taken := c.Good(t)
	ch := c.Make(t, values)
	before := probetest.Count()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := send(ctx, t, ch, values, Letter(1)); r.err == nil {
		t.Error("taken, although there was no time")
	} else if refusal := r.err.(*uptime.Refusal); refusal.Permanent || refusal.Letter || refusal.Uncertain {
		t.Errorf("%+v", refusal)
	}
	probetest.Settled(t, before)
	if taken != nil && len(taken()) != 0 {
		t.Error("the other side has it")
	}
}

func (c Case) refuses(t *testing.T, side Refuses) {
	values := side.Side(t)
	ch := c.Make(t, values)
	before := probetest.Count()
	r := send(t.Context(), t, ch, values, Letter(1))
	if r.err == nil {
		t.Fatalf("taken: %+v", r.receipt)
	}
	got, want := *r.err.(*uptime.Refusal), side.Want
	if !strings.Contains(got.Reply, want.Reply) {
		t.Errorf("reply %q, want %q in it", got.Reply, want.Reply)
	}
	if got.Reply = want.Reply; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	probetest.Settled(t, before)
}

// bad meets an other side that takes nothing: once with a time-out of the
// channel's own, once with one of the caller.
func (c Case) bad(t *testing.T, side func(testing.TB) map[string]any) {
	values := side(t)
	short := maps.Clone(values)
	short["timeout"] = Timeout
	before := probetest.Count()
	for try := 1; ; try++ {
		start := time.Now()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if r := send(t.Context(), t, c.Make(t, short), values, Letter(1)); r.err == nil {
					t.Errorf("taken: %+v", r.receipt)
				}
			})
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), Timeout)
				defer cancel()
				if r := send(ctx, t, c.Make(t, values), values, Letter(1)); r.err == nil {
					t.Errorf("taken: %+v", r.receipt)
				}
			})
		}
		wg.Wait()
		took := time.Since(start)
		if took <= Timeout+margin {
			break
		}
		if try == tries {
			t.Errorf("took %s with a time-out of %s, the last of %d tries", took, Timeout, tries)
			break
		}
	}
	probetest.Settled(t, before)
}

// smuggled is what the hostile texts try to have taken for a line of a protocol.
var smuggled = regexp.MustCompile(`(?im)^(bcc|x-pwned|rcpt to|mail from|host|\$\(|<\d+>1)[: ]`)

func (c Case) hostileLetters(t *testing.T) {
	texts := map[string]string{
		"headers":     "DOWN shop\r\nBcc: evil@example.com\r\nX-Pwned: yes\r\n\r\nX-Pwned: body",
		"line feeds":  "DOWN shop\nX-Pwned: yes\n\nX-Pwned: body",
		"end of mail": "DOWN shop\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<evil@example.com>\r\n",
		"bare CR":     "DOWN shop\rX-Pwned: yes\n.\rMAIL FROM:<evil@example.com>\n.\n",
		"encoded":     "DOWN shop =?utf-8?q?=0D=0AX-Pwned:_yes?= =?utf-8?b?DQpYLVB3bmVkOiB5ZXM=?=",
		"escapes":     "DOWN shop " + probetest.Hostile,
		"directions":  "DOWN shop \u202egnp.exe\u202c \u2066x\u2069 \u200f\u200e\ufeff\u2028X-Pwned: yes\u2029\u0085X-Pwned: yes",
		"template":    "DOWN shop {{.Text}} {{range $i := .}}x{{end}} ${HOME} $(touch /tmp/pwned) `id` %s %n %!d",
		"markup":      "DOWN shop <!channel> <@U1> @everyone @here [x](http://evil.example) <script>alert(1)</script> &lt;b&gt; *b* _i_ ~s~ `c` ||s||",
		"quotes":      `DOWN shop "}],"x":{"y":"\"; DROP TABLE` + "\x00'",
		"syslog":      "DOWN shop\n<0>1 2026-11-22T12:00:00Z evil kern - - - panic\nPRIORITY=0\nMESSAGE=panic",
		"marks":       "DOWN shop Z" + strings.Repeat("\u0301", 5000),
		"controls":    "DOWN shop " + all(func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) + "\nX-Pwned: yes",
		"formats": "DOWN shop " + all(func(r rune) bool {
			return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
		}),
		"no UTF-8":   "DOWN shop \xc0\xae \xed\xa0\x80\xed\xb0\x80 \xf5\x80\x80\x80 \x80 \xc0\x8d\xc0\x8aX-Pwned: yes \xf0\x9f\x92",
		"huge":       "DOWN shop " + strings.Repeat("error ", 1<<20/6),
		"huge line":  "DOWN shop " + strings.Repeat("x", 1<<20),
		"many lines": "DOWN shop" + strings.Repeat("\n", 1<<20),
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		t.Run(name, func(t *testing.T) {
			text := texts[name]
			values, taken := c.Good(t)
			for _, custom := range []bool{false, true} {
				l := Letter(1)
				l.Subject, l.Text, l.Custom = text, text+"\n"+text, custom
				l.ID, l.Thread = text, text+"@web-1"
				l.Kind = uptime.AlertKind(text[len("DOWN "):])
				l.JSON = []byte(text)
				r := send(t.Context(), t, c.Make(t, values), values, l)
				if r.err != nil {
					t.Errorf("refused: %v", r.err)
				}
			}
			if taken == nil {
				return
			}
			for _, g := range taken() {
				c.harmless(t, values, g)
				if all := strings.Join(g.Texts, " "); name == "template" && strings.Contains(all, "${HOME") == strings.Contains(all, os.Getenv("HOME")+" ") {
					t.Errorf("what looks like a variable is not as it was: %q", all)
				}
			}
		})
	}
}

// all are the characters of a kind, each in a word of its own.
func all(of func(rune) bool) string {
	var b strings.Builder
	for r := range unicode.MaxRune {
		if of(r) {
			fmt.Fprintf(&b, "x%cx ", r)
		}
	}
	return b.String()
}

// harmless holds a letter that was taken against what may be in one.
func (c Case) harmless(t *testing.T, values map[string]any, g Taken) {
	t.Helper()
	if len(g.Raw) > MaxRaw {
		t.Errorf("%d bytes", len(g.Raw))
	}
	if i := strings.IndexFunc(g.Raw, dangerous); i >= 0 {
		t.Errorf("a character that a terminal obeys: %q", g.Raw[max(0, i-40):min(len(g.Raw), i+40)])
	}
	for _, text := range append([]string{g.ID}, g.Texts...) {
		if i := strings.IndexFunc(text, dangerous); i >= 0 {
			t.Errorf("a character that a terminal obeys, once it is decoded: %q", text[max(0, i-40):min(len(text), i+40)])
		}
	}
	if line := smuggled.FindString(strings.ReplaceAll(g.Head, "\r", "\n")); line != "" {
		t.Errorf("smuggled in: %q of\n%.2000s", line, g.Head)
	}
	noSecrets(t, values, g.Texts...)
}

// dangerous are control and format characters, but the ends of lines and tabs.
func dangerous(r rune) bool {
	return r != '\n' && r != '\r' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}

// hostileAnswers has the other side say all that it should not, with the
// secrets that it was told among it.
func (c Case) hostileAnswers(t *testing.T) {
	values := c.Answers(t, "no")
	secrets := Secrets(values)
	var encoded []string
	for _, part := range parts(values) {
		encoded = append(encoded, forms(part)...)
	}
	for name, text := range map[string]string{
		"escapes": "no " + probetest.Hostile,
		"huge":    "no " + strings.Repeat("because ", 1<<20/8),
		"secrets": "no " + strings.Join(secrets, " ") + "\x00" + strings.Join(secrets, "\x00"),
		"cut":     "no " + strings.Repeat(strings.Join(secrets, ""), 1+200_000/(1+len(strings.Join(secrets, "")))),
		"split":   "no " + strings.ReplaceAll(strings.Join(secrets, " "), "e", "e\u200b\x01"),
		"lines":   "no\nX-Pwned: yes\r\n250 2.0.0 ok",
		"encoded": "no " + strings.Join(encoded, " and "),
		"an echo": "no " + Echo,
	} {
		t.Run(name, func(t *testing.T) {
			values := c.Answers(t, text)
			before := probetest.Count()
			for range 3 {
				if r := send(t.Context(), t, c.Make(t, values), values, Letter(1)); r.err == nil {
					t.Errorf("taken: %+v", r.receipt)
				}
			}
			probetest.Settled(t, before)
		})
	}
}

// wrongSettings plants a secret in each secret setting that can't be what it
// says, and looks for it in what is said to be wrong.
func (c Case) wrongSettings(t *testing.T) {
	const planted = "pl4nted-s3cret"
	for _, k := range c.Type.Keys {
		for _, value := range []string{planted, "http://" + planted + ":" + planted + "@[x", "://" + planted, planted + "\r\n", "https://h/?t=" + planted + "\x00"} {
			values := map[string]any{}
			if c.Good != nil {
				good, _ := c.Good(t)
				values = maps.Clone(good)
			}
			switch k.Kind {
			case uptime.SecretText:
				values[k.Name] = uptime.Secret(value)
			case uptime.SecretTable:
				values[k.Name] = map[string]uptime.Secret{"X-Key": uptime.Secret(value)}
			default:
				continue
			}
			ch, mistakes := c.Type.New(uptime.ChannelSettings{Name: "ops", Instance: "web-1", Host: "web-1", Values: values})
			if fatal := slices.ContainsFunc(mistakes, func(m uptime.Mistake) bool { return !m.Warning }); fatal == (ch != nil) {
				t.Errorf("%s: channel %v, mistakes %v", k.Name, ch, mistakes)
			}
			for _, m := range mistakes {
				if strings.Contains(m.String(), planted) {
					t.Errorf("%s: a mistake says the secret: %s", k.Name, m)
				}
			}
			if ch != nil && strings.Contains(ch.Target(), planted) {
				t.Errorf("%s: the target says the secret: %s", k.Name, ch.Target())
			}
		}
	}
}
