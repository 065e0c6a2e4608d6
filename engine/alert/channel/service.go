package channel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"lookout/engine/uptime"
)

// What the types over the services of shoutrrr have in common. shoutrrr reads
// their url: it says what is wrong with one when the configuration is read. Its
// Send is used where it can be given a client and says on the wire what the
// service documents (ntfy, Gotify, Pushover, Discord). It cannot be where it
// uses the client of the whole process with the proxies of the environment, no
// context and no bound for answers (Slack's API, Teams, Telegram, Opsgenie),
// logs in while it reads a url and has no transaction id (Matrix), or puts what
// matters where the service does not look (PagerDuty). There the request is
// made here, of the settings that shoutrrr read.

// maxReceivers bounds the chats, rooms and numbers of a channel.
const maxReceivers = 20

// dialect is a type over a service.
type dialect struct {
	name    string // of the type, and the scheme of its url
	summary string
	form    string   // of its url: an example
	variant string   // a further scheme, "teams+https"; "": none
	options []string // of the query of a url, in lower case, that have their effect here
	fixed   bool     // the host is the service's own, whatever the url says
	// open reads a url. It may be called more than once.
	open func(u *url.URL, s uptime.ChannelSettings) (service, error)
}

// service is what a url leads to.
type service struct {
	target string   // for people
	secret []string // beside those that a veil finds in the url
	plain  string   // a host that is asked without TLS; "": there is TLS
	to     []string // each gets a request of its own; nil: there is one for all
	each   string   // what one of these is: "chat"
	send   func(w *wire, l *uptime.Letter, to string) (reply string, err error)
}

func (d dialect) channelType() uptime.ChannelType {
	keys := []uptime.Key{{Name: "url", Kind: uptime.SecretText, Doc: "of the service, as shoutrrr writes it", Example: `"` + d.form + `"`}}
	if d.fixed {
		keys = append(keys, uptime.Key{
			Name: "server", Kind: uptime.String, Example: `"https://relay.example.com"`,
			Doc: "ask this one in place of the service's own: a relay, or another that speaks its protocol",
		})
	}
	return uptime.ChannelType{
		Name: d.name, Summary: d.summary, Keys: append(keys, wireKeys()...),
		New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
			f := form{ChannelSettings: s}
			c := serviceChannel{wires: f.wires(), service: f.service(d)}
			if d.fixed {
				if c.wires.server = f.otherServer(); c.wires.server != nil {
					c.target += " by " + c.wires.server.Host
				}
			}
			if c.plain != "" {
				f.readable("url", c.plain)
			}
			return f.done(c)
		},
	}
}

// readable warns of what crosses a network in the open.
func (f *form) readable(key, host string) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return
	}
	f.wrong(key, "use https, if it has it", "it is asked without TLS: letters and secrets can be read on the way")
	f.mistakes[len(f.mistakes)-1].Warning = true
}

// otherServer is the value of the key server, of services whose host is not in their url.
func (f *form) otherServer() *url.URL {
	s := f.text("server", "")
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.wrong("server", `write server = "https://relay.example.com"`, "it is no http or https URL of a server alone")
		return nil
	}
	if u.Scheme == "http" {
		f.readable("server", u.Host)
	}
	return u
}

// service reads the url of a service, and gathers what is wrong with it without
// a piece of it: any may be secret.
func (f *form) service(d dialect) service {
	hint := `write url = "` + d.form + `"`
	text := f.secret("url").Reveal()
	if text == "" {
		f.wrong("url", hint, "it is missing")
		return service{}
	}
	u, err := url.Parse(text)
	if err != nil {
		f.wrong("url", hint+"; characters with a meaning are written %XX", "it is no URL")
		return service{}
	}
	if u.Scheme != d.name && (d.variant == "" || u.Scheme != d.variant) {
		f.wrong("url", hint, "it does not begin with %s://", d.name)
		return service{}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Fragment != "" {
		f.wrong("url", "# and % of a value are written %23 and %25", "what follows its ? is no list of options")
		return service{}
	}
	known := "it takes no options"
	if len(d.options) > 0 {
		known = "it takes " + strings.Join(d.options, ", ")
	}
	for key := range query {
		switch k := strings.ToLower(key); {
		case u.Scheme == d.variant: // it is the address of something else, with the query of that
		case slices.Contains(d.options, k):
		case k == "title":
			f.wrong("url", "see the key subject", "the subject of a letter is its title: it takes no other")
		case k == "disabletlsverification" || k == "insecureskipverify":
			f.wrong("url", "see the key ca_file", "TLS is always verified: it cannot be told not to")
		default:
			f.wrong("url", known, "it has an option that this type does not know")
		}
	}
	if slices.ContainsFunc(f.mistakes, func(m uptime.Mistake) bool { return m.Key == "url" }) {
		return service{}
	}
	c, err := d.read(*u, f.ChannelSettings)
	if err != nil {
		f.wrong("url", hint, "%s", d.wrong(*u, query, f.ChannelSettings, err))
		return service{}
	}
	if len(c.to) > maxReceivers {
		f.wrong("url", "use a group", "it has more than %d %ss", maxReceivers, c.each)
	}
	return c
}

// read has shoutrrr read a url. Some of its readers index what they did not look
// at first, so a panic is a mistake in the url too.
func (d dialect) read(u url.URL, s uptime.ChannelSettings) (c service, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a part of it is empty")
		}
	}()
	return d.open(&u, s)
}

// wrong says what shoutrrr has against a url: which option it is that cannot be,
// and the innermost of its errors, unless that quotes a piece of the url.
func (d dialect) wrong(u url.URL, query url.Values, s uptime.ChannelSettings, err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	why := err.Error()
	pieces := append(strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' || r == '@' }), u.Host, u.Hostname(), u.User.Username())
	if password, ok := u.User.Password(); ok {
		pieces = append(pieces, password)
	}
	for _, v := range query {
		pieces = append(pieces, v...)
	}
	for _, p := range pieces {
		if len(p) >= minSecret && p != d.name && strings.Contains(why, p) {
			why = ""
		}
	}
	for key := range query {
		without := u
		rest := maps.Clone(query)
		delete(rest, key)
		without.RawQuery = rest.Encode()
		if _, err := d.read(without, s); err == nil {
			return strings.TrimSuffix(fmt.Sprintf("its option %s cannot have that value: %s", strings.ToLower(key), why), ": ")
		}
	}
	return cmp.Or(why, "shoutrrr cannot read it")
}

// serviceChannel is a channel of a type over a service.
type serviceChannel struct {
	service
	wires wires
}

func (c serviceChannel) Target() string { return c.target }

func (c serviceChannel) hidden() []uptime.Secret {
	var all []uptime.Secret
	for _, s := range c.secret {
		all = append(all, uptime.Secret(s))
	}
	return all
}

// Send sends to each. Who refused is left by a name that shows nothing of the
// url, in which they stand: "chat 2".
func (c serviceChannel) Send(ctx context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	if len(c.to) < 2 {
		reply, err := c.one(ctx, l, say, strings.Join(c.to, ""))
		return uptime.Receipt{Reply: reply}, err
	}
	var taken uptime.Receipt
	var refused *uptime.Refusal
	asked := 0
	for i, to := range c.to {
		name := fmt.Sprintf("%s %d", c.each, i+1)
		if l.To != nil && !slices.Contains(l.To, name) {
			continue
		}
		asked++
		reply, err := c.one(ctx, l, say, to)
		if err == nil {
			taken.Reply = reply
			continue
		}
		taken.Left = append(taken.Left, name)
		r := &uptime.Refusal{Reply: err.Error(), Uncertain: true}
		errors.As(err, &r)
		if refused == nil {
			first := *r
			refused = &first
			continue
		}
		// What one may take another time is no matter of what the others do.
		refused.Permanent, refused.Letter = refused.Permanent && r.Permanent, refused.Letter && r.Letter
		refused.Uncertain, refused.Wait = refused.Uncertain || r.Uncertain, max(refused.Wait, r.Wait)
	}
	switch {
	case asked == 0:
		return uptime.Receipt{Reply: "nobody is left who has not had it"}, nil
	case refused == nil:
		return taken, nil
	case len(taken.Left) == asked:
		return uptime.Receipt{}, refused
	}
	taken.Why = fmt.Sprintf("%d of %d %ss: %s", len(taken.Left), asked, c.each, refused.Reply)
	return taken, nil
}

// one sends to one, over a wire of its own.
func (c serviceChannel) one(ctx context.Context, l *uptime.Letter, say func(string), to string) (string, error) {
	w := c.wires.dial(ctx, say)
	defer w.close()
	return c.send(w, l, to)
}

// taken is the reply of a service that took a letter.
func taken(a *answer, id string) string {
	if id == "" {
		return fmt.Sprintf("%d taken", a.status)
	}
	return fmt.Sprintf("%d taken as %s", a.status, id)
}

// passing reports whether a letter opens, at a service that has incidents of its
// own, one that nothing else would close: of what came and went untold, or a test.
func passing(l *uptime.Letter) bool {
	return l.Kind == uptime.AlertCollapsed || l.Kind == uptime.AlertTest
}

// closed is what the reply to a letter says of that.
func closed(l *uptime.Letter) string {
	if passing(l) {
		return "; opened there, and closed at once"
	}
	return ""
}

// halfway is why a letter was refused after so many of its requests were taken.
func halfway(err error, taken int) error {
	if r := (*uptime.Refusal)(nil); taken > 0 && errors.As(err, &r) {
		r.Reply = "opened there, and not closed: " + r.Reply
	}
	return err
}
