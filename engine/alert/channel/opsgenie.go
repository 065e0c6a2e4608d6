package channel

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/incident/opsgenie"

	"lookout/engine/uptime"
)

// What an alert of Opsgenie takes, in characters.
const (
	maxOpsgenie     = 130
	maxOpsgenieText = 15_000
)

const (
	opsgenieLooks = 10 // at whether an alert is there
	opsgeniePause = 300 * time.Millisecond
)

// processed waits for what Opsgenie makes of a request: it answers before, and an
// alert that is not there yet is closed in vain. Whatever it says, it is closed then.
func processed(w *wire, address string, auth http.Header) {
	for range opsgenieLooks {
		if a, err := w.ask("GET", address, auth.Clone(), nil); err != nil || a.status != http.StatusNotFound {
			return
		}
		select {
		case <-time.After(opsgeniePause):
		case <-w.ctx.Done():
			return
		}
	}
}

// opsgenieType opens alerts of Opsgenie (docs.opsgenie.com/docs/alert-api), and
// closes them, which shoutrrr does not. All letters about one incident have its
// thread for an alias, so it is one alert there too.
func opsgenieType() uptime.ChannelType {
	return dialect{
		name: "opsgenie", summary: "opens alerts of Opsgenie, and closes them",
		form:    "opsgenie://api.opsgenie.com/APIKEY",
		options: []string{"actions", "details", "entity", "note", "priority", "responders", "source", "tags", "user", "visibleto"},
		open: func(u *url.URL, s uptime.ChannelSettings) (service, error) {
			c := &opsgenie.Config{}
			if err := c.SetURL(u); err != nil {
				return service{}, err
			}
			switch {
			case c.Host == "":
				return service{}, errors.New("it names no host")
			case c.APIKey == "":
				return service{}, opsgenie.ErrAPIKeyMissing
			case c.Priority != "" && !slices.Contains([]string{"P1", "P2", "P3", "P4", "P5"}, c.Priority):
				return service{}, errors.New("a priority is P1 to P5")
			}
			base := "https://" + hostPort(c.Host, c.Port) + "/v2/alerts"
			c.Source = cmp.Or(c.Source, s.Instance, "lookout")
			return service{
				target: "Opsgenie by " + c.Host, secret: []string{c.APIKey},
				send: func(w *wire, l *uptime.Letter, _ string) (string, error) {
					alias := cmp.Or(l.Thread, l.ID, "lookout")
					auth := http.Header{"Authorization": {"GenieKey " + c.APIKey}}
					opens := opsgenie.AlertPayload{
						Message: clip(title(l), maxOpsgenie, runes), Alias: alias, Description: cut(l.Text, maxOpsgenieText, runes),
						Responders: c.Responders, VisibleTo: c.VisibleTo, Actions: c.Actions, Tags: c.Tags, Details: c.Details,
						Entity: c.Entity, Source: c.Source, Priority: "P3", User: c.User, Note: c.Note,
					}
					if l.Urgent {
						opens.Priority = cmp.Or(c.Priority, "P1")
					}
					ask := func(address string, body any) (string, error) {
						a, err := w.json("POST", address, auth.Clone(), body)
						if err != nil {
							return "", err
						}
						if err := a.refusal(); err != nil {
							return "", err
						}
						if a.field("requestId") == "" {
							return "", a.strange("Opsgenie")
						}
						return taken(a, a.field("requestId")), nil
					}
					if !l.Over && !passing(l) {
						return ask(base, opens)
					}
					asked := 0
					if passing(l) {
						w.most = 2 + opsgenieLooks
						if _, err := ask(base, opens); err != nil {
							return "", err
						}
						asked++
						processed(w, base+"/requests/"+url.PathEscape(w.answer.field("requestId")), auth)
					}
					reply, err := ask(base+"/"+url.PathEscape(alias)+"/close?identifierType=alias", map[string]string{
						"source": c.Source, "user": cmp.Or(c.User, "lookout"), "note": cut(whole(l), maxOpsgenieText, runes),
					})
					if err != nil {
						return "", halfway(err, asked)
					}
					return reply + closed(l), nil
				},
			}, nil
		},
	}.channelType()
}
