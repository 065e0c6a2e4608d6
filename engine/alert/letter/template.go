package letter

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"lookout/engine/uptime"
)

// Templates are the subject and body of a channel's own; either may be missing.
type Templates struct{ subject, body *template.Template }

const (
	maxSource = 16 << 10 // bytes of a template
	maxOutput = 64 << 10 // … and of what it makes
	maxSteps  = 5_000    // turns of its ranges, and templates that it calls
)

var (
	errTooMuch = errors.New("it makes more than 64 kB")
	errTooLong = errors.New("it does not come to an end: its ranges and templates take more than 5,000 turns")
)

// step is the function that every turn of a range and every call of a template
// begins with: Go's templates range over numbers, and stop for nobody who is not asked.
const step = "_step"

// functions are those that templates have beside Go's own, and Go's own that make
// texts: none may grow beyond what a letter may have, since a text that is doubled
// sixty times is never written.
func functions() template.FuncMap {
	return template.FuncMap{
		"json": func(v any) (string, error) {
			b, err := encode(v)
			return small(string(b), err)
		},
		"join":     func(sep string, list []string) (string, error) { return small(strings.Join(list, sep), nil) },
		"upper":    func(s string) (string, error) { return small(strings.ToUpper(s), nil) },
		"lower":    func(s string) (string, error) { return small(strings.ToLower(s), nil) },
		"time":     func(layout string, t time.Time) (string, error) { return small(t.Format(layout), nil) },
		"ago":      uptime.Ago,
		"print":    func(args ...any) (string, error) { return small(fmt.Sprint(args...), nil) },
		"println":  func(args ...any) (string, error) { return small(fmt.Sprintln(args...), nil) },
		"printf":   func(format string, args ...any) (string, error) { return small(fmt.Sprintf(format, args...), nil) },
		"html":     func(args ...any) (string, error) { return small(template.HTMLEscaper(args...), nil) },
		"js":       func(args ...any) (string, error) { return small(template.JSEscaper(args...), nil) },
		"urlquery": func(args ...any) (string, error) { return small(template.URLQueryEscaper(args...), nil) },
		step:       func() string { return "" }, // run puts another in its place
	}
}

// small passes on a text that is not too long.
func small(s string, err error) (string, error) {
	if err == nil && len(s) > maxOutput {
		return "", errTooMuch
	}
	return s, err
}

// countSteps has a template count its steps.
func countSteps(t *template.Template) error {
	call, err := template.New("").Funcs(functions()).Parse("{{" + step + "}}")
	if err != nil {
		return err
	}
	node := call.Root.Nodes[0]
	for _, t := range t.Templates() {
		if t.Tree == nil || t.Root == nil {
			continue
		}
		countIn(t.Root, node)
		t.Root.Nodes = append([]parse.Node{node.Copy()}, t.Root.Nodes...)
	}
	return nil
}

func countIn(list *parse.ListNode, call parse.Node) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			countIn(n.List, call)
			countIn(n.ElseList, call)
		case *parse.WithNode:
			countIn(n.List, call)
			countIn(n.ElseList, call)
		case *parse.RangeNode:
			countIn(n.List, call)
			countIn(n.ElseList, call)
			n.List.Nodes = append([]parse.Node{call.Copy()}, n.List.Nodes...)
		}
	}
}

// Compile makes a channel's templates of its keys subject and body; "" keeps the
// usual one. Each is tried on an alert of every kind, so that a mistake in it is
// found when the configuration is read; the error names the key.
func Compile(subject, body string) (*Templates, error) {
	t := &Templates{}
	for _, of := range []struct {
		key, source string
		made        **template.Template
	}{{"subject", subject, &t.subject}, {"body", body, &t.body}} {
		if of.source == "" {
			continue
		}
		if len(of.source) > maxSource {
			return nil, fmt.Errorf("%s: a template has at most %d bytes", of.key, maxSource)
		}
		made, err := template.New(of.key).Funcs(functions()).Option("missingkey=error").Parse(of.source)
		if err != nil {
			return nil, mistake(err, of.key)
		}
		if err := countSteps(made); err != nil {
			return nil, fmt.Errorf("%s: %w", of.key, err)
		}
		for _, a := range samples() {
			if _, err := run(made, a); err != nil {
				return nil, mistake(err, of.key)
			}
		}
		*of.made = made
	}
	return t, nil
}

// run executes a template, within bounds.
func run(t *template.Template, a *Alert) (string, error) {
	own, err := t.Clone()
	if err != nil {
		return "", err
	}
	steps := 0
	own.Funcs(template.FuncMap{step: func() (string, error) {
		if steps++; steps > maxSteps {
			return "", errTooLong
		}
		return "", nil
	}})
	out := &bounded{}
	if err := own.Execute(out, a); err != nil {
		return "", err
	}
	return out.b.String(), nil
}

// bounded is a writer of at most maxOutput bytes.
type bounded struct{ b strings.Builder }

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > maxOutput {
		return 0, errTooMuch
	}
	return w.b.Write(p)
}

// apply puts what the templates make into a letter.
func (t *Templates) apply(a *Alert, l *uptime.Letter) {
	if t == nil {
		return
	}
	var failed []string
	if t.subject != nil {
		s, err := run(t.subject, a)
		if s = short(uptime.Clean(s, 4*maxSubject), maxSubject); err == nil && s != "" {
			l.Subject = s
		} else if err != nil {
			failed = append(failed, mistake(err, "subject").Error())
		}
	}
	if t.body != nil {
		s, err := run(t.body, a)
		if err == nil {
			l.Text, l.Custom = tidy(s, maxOutput), true
		} else {
			failed = append(failed, mistake(err, "body").Error())
		}
	}
	if len(failed) > 0 {
		note := "(the channel's own template failed: " + strings.Join(failed, "; ") + ")\n\n"
		if !l.Custom {
			l.Text = tidy(note+l.Text, maxText)
		}
	}
}

// samples are alerts of every kind, on which a template is tried.
func samples() []*Alert {
	at := time.Date(2026, 11, 22, 12, 31, 7, 0, time.UTC)
	incident := func(n uint64, name string) uptime.Incident {
		return uptime.Incident{Number: n, Monitor: name, Start: at, Verdict: uptime.Down, Fault: uptime.FaultTCPRefused,
			Message: "TCP connect 203.0.113.9:443 refused", Witness: "fra and nyc agree", ConfirmedBy: []string{"fra", "nyc"},
			Evidence: []uptime.Evidence{{Time: at, Location: uptime.Local, Step: "check", Outcome: uptime.OutcomeDown,
				Fault: uptime.FaultTCPRefused, Message: "TCP connect 203.0.113.9:443 refused", Vote: true}}}
	}
	of := func(kind uptime.AlertKind, says string, incidents ...uptime.Incident) *Alert {
		p := &uptime.Parcel{Number: 1, Channel: "ops", Kind: kind, At: at, Count: len(incidents), Says: says, Why: "there is no [[route]]: every channel"}
		for _, in := range incidents {
			p.Incidents = append(p.Incidents, in.Number)
		}
		return newAlert(p, &Facts{Instance: "web-1", Now: at.Add(time.Minute), Incidents: incidents})
	}
	shop, mail := incident(4711, "shop"), incident(4712, "mail")
	var out []*Alert
	for _, k := range []uptime.AlertKind{uptime.AlertOpened, uptime.AlertReminder, uptime.AlertEscalated, uptime.AlertFlapping,
		uptime.AlertRecovered, uptime.AlertCollapsed, uptime.AlertCertificate} {
		out = append(out, of(k, "", shop))
	}
	out = append(out, of(uptime.AlertJoined, "", shop, mail), of(uptime.AlertMore, "", shop, mail))
	for _, k := range []uptime.AlertKind{uptime.AlertNode, uptime.AlertProbe, uptime.AlertBlind, uptime.AlertTest} {
		out = append(out, of(k, "not heard of for 3 minutes"))
	}
	return out
}
