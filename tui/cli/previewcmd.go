package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lookout/engine/alert/desk"
	"lookout/engine/alert/letter"
	"lookout/engine/config"
	"lookout/engine/uptime"
)

func (c *call) alertPreviewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "preview #N",
		Short: "show what is sent about an incident, to whom and why",
		Long: `Shows which [[route]] takes an incident as it is now, whom that tells, after how
long and how often, and every letter as it would leave now, through each
channel's own templates. It follows the configuration file, in force or not, so
a new route can be tried on an old incident before a reload. The incident comes
from the engine, or from the file where none runs. Nothing is sent or changed.

An incident that nobody is told of says why: a maintenance, a pause, what it is
behind, a route with channels = []. Incidents that share a cause are one letter,
and so are they here once that was told; while it is looked into, and of what
max_per_hour holds back, a preview is of each by itself.`,
		Example: "  lookout alert preview '#4711'\n  lookout --config new.toml alert preview '#4711'",
		Args:    between(1, 1, "the number of an incident, as '#4711'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := c.formatOf("text", "json")
			if err != nil {
				return err
			}
			number := "#" + strings.TrimPrefix(args[0], "#")
			about, err := uptime.ParseSelector(number)
			if err != nil || about.Incident == 0 {
				return failf(exitUsage, "%q is no number of an incident, such as '#4711'; lookout history lists them", uptime.Clean(args[0], 60))
			}
			p, err := c.preview(cmd.Context(), about)
			if err != nil {
				return err
			}
			if format == "json" {
				return c.printJSON(p)
			}
			_, err = fmt.Fprint(c.stdout, p)
			return err
		},
	}
}

// preview is what would be sent about an incident, in JSON.
type preview struct {
	Version  int             `json:"version"`
	Kind     string          `json:"kind"`
	Incident uint64          `json:"incident"`
	Monitor  string          `json:"monitor"`
	Why      string          `json:"why"`    // which route takes it
	Silent   string          `json:"silent"` // why nobody is told; "": people are
	DelayMS  int64           `json:"delay_ms"`
	RemindMS int64           `json:"remind_ms"` // 0: no reminders
	AfterMS  int64           `json:"escalate_after_ms"`
	Letters  []previewLetter `json:"letters"`

	in   uptime.Incident
	zone *time.Location
	now  time.Time
}

// previewLetter is one letter to one channel.
type previewLetter struct {
	Channel    string   `json:"channel"`
	Type       string   `json:"type"`
	Target     string   `json:"target"`
	Escalation bool     `json:"escalation"` // only when nobody acknowledged it, or could be told
	Told       []string `json:"told"`       // what this channel has been told so far, as far as the engine remembers
	Subject    string   `json:"subject"`
	Text       string   `json:"text"`
}

// preview gathers what there is to show.
func (c *call) preview(ctx context.Context, about uptime.Selector) (*preview, error) {
	m, e, done, err := c.remember(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	list, err := m.Incidents(ctx, uptime.IncidentQuery{Number: about.Incident, Limit: 1})
	if err == nil && len(list) == 0 {
		err = uptime.ErrNoMonitor
	}
	if err != nil {
		return nil, unheardOf(err, about)
	}
	var cfg *config.Config
	var s *uptime.Snapshot
	if a, ok := m.(*archive); ok {
		cfg = a.in.config
		s, err = c.lastKnown(a)
	} else {
		in, lerr := c.load()
		if lerr != nil {
			return nil, lerr
		}
		var st uptime.Status
		cfg = in.config
		st, err = e.Status(ctx, "", false)
		s = st.Snapshot
	}
	if err != nil {
		return nil, err
	}
	return previewOf(&list[0], cfg, s, c.now())
}

// previewOf decides and writes as the engine does.
func previewOf(in *uptime.Incident, cfg *config.Config, s *uptime.Snapshot, now time.Time) (*preview, error) {
	p := &preview{Version: 1, Kind: "alert_preview", Incident: in.Number, Monitor: in.Monitor, Letters: []previewLetter{}, in: *in, zone: cfg.Timezone, now: now}
	at := now
	if !in.Open() {
		at = in.Start
	}
	o := desk.Options{Instance: cfg.Instance, Zone: cfg.Timezone, Routes: cfg.Routes}
	for _, ch := range cfg.Channels {
		o.Channels = append(o.Channels, ch.Name)
	}
	var whom desk.Whom
	if i := slices.IndexFunc(cfg.Jobs, func(j uptime.Job) bool { return j.Name == in.Monitor }); i >= 0 {
		whom = desk.Told(&o, cfg.Jobs[i].Monitor, in, at)
		p.Silent = silence(in, s, whom)
	} else if whom = heardOf(in, s); len(whom.Channels) == 0 {
		p.Silent = "it is not in the configuration any more"
	}
	p.Why = whom.Why
	p.DelayMS, p.RemindMS = whom.Delay.Milliseconds(), whom.Remind.Milliseconds()
	if len(whom.EscalateTo) > 0 {
		p.AfterMS = whom.EscalateAfter.Milliseconds()
	}
	targets := map[string]string{}
	for _, ch := range cfg.Channels {
		targets[ch.Name] = ch.Channel.Target()
	}
	parcel, about := parcelOf(in, s, now)
	parcel.Why = whom.Why
	facts := letter.Facts{Instance: cfg.Instance, Zone: cfg.Timezone, Now: now, Snapshot: s, Incidents: about, Targets: targets}
	for _, ch := range cfg.Channels {
		first, later := slices.Contains(whom.Channels, ch.Name), slices.Contains(whom.EscalateTo, ch.Name)
		if !first && !later {
			continue
		}
		one := parcel
		one.Channel = ch.Name
		one.Also = slices.DeleteFunc(slices.Clone(whom.Channels), func(name string) bool { return name == ch.Name })
		if !first && in.Open() {
			one.Kind = uptime.AlertEscalated
		}
		t, err := letter.Compile(ch.Subject, ch.Body)
		if err != nil {
			return nil, err
		}
		l := letter.Write(&one, &facts, t)
		p.Letters = append(p.Letters, previewLetter{ch.Name, ch.Type, targets[ch.Name], !first, toldBefore(s, in.Number, ch.Name, p), l.Subject, l.Text})
	}
	return p, nil
}

// parcelOf is what is told of an incident as it is now, alone or, once people were
// told that it shares a cause, with the others; and the incidents that it names.
func parcelOf(in *uptime.Incident, s *uptime.Snapshot, now time.Time) (uptime.Parcel, []uptime.Incident) {
	p := uptime.Parcel{Kind: uptime.AlertOpened, At: now, Incidents: []uint64{in.Number}, Thread: in.Number, Count: 1}
	switch {
	case !in.Open():
		p.Kind = uptime.AlertRecovered
	case in.Verdict == uptime.Degraded && (in.Fault == uptime.FaultTLSExpiresSoon || in.Fault == uptime.FaultTLSRenewalOverdue):
		p.Kind = uptime.AlertCertificate
	}
	all := s.Together(in.Number) // the newest first
	if p.Kind != uptime.AlertOpened || len(all) == 0 {
		return p, []uptime.Incident{*in}
	}
	p.Cause, p.Count, p.Thread, p.Incidents = s.Common().Of(in), len(all), all[len(all)-1].Number, nil
	var about []uptime.Incident
	for i, other := range slices.Backward(all) {
		if i < uptime.MaxNamed-1 || i == len(all)-1 { // the first, and the newest
			p.Incidents, about = append(p.Incidents, other.Number), append(about, *other)
		}
	}
	return p, about
}

// heardOf is who was told of an incident, and is of its end whatever the routes say now.
func heardOf(in *uptime.Incident, s *uptime.Snapshot) desk.Whom {
	var w desk.Whom
	for _, t := range s.Outbox.Told {
		if t.Incident == in.Number && !slices.Contains(w.Channels, t.Channel) {
			w.Channels, w.Why = append(w.Channels, t.Channel), "whoever was told of it: it is not in the configuration any more"
		}
	}
	return w
}

// silence is why nobody is told; "" where people are.
func silence(in *uptime.Incident, s *uptime.Snapshot, whom desk.Whom) string {
	switch i, ok := slices.BinarySearchFunc(s.States, in.Monitor, func(st *uptime.State, name string) int { return strings.Compare(st.Name, name) }); {
	case in.Behind != "":
		return "it is behind " + in.Behind + ", which is down"
	case in.Silenced:
		return "it came in a maintenance, and has not outlasted it"
	case ok && in.Open() && s.States[i].Mode == uptime.Paused:
		return "it is paused"
	case ok && in.Open() && s.States[i].Mode == uptime.Maintenance:
		return "it is in maintenance"
	case len(whom.Channels) == 0 && whom.Why != "":
		return "that route tells nobody"
	case len(whom.Channels) == 0 && in.Verdict == uptime.Degraded:
		return "no route takes what is degraded"
	case len(whom.Channels) == 0:
		return "there is no [[channel]]"
	}
	return ""
}

// toldBefore is what a channel was told of an incident so far.
func toldBefore(s *uptime.Snapshot, number uint64, channel string, p *preview) []string {
	out := []string{}
	for _, t := range slices.Backward(s.Outbox.Told) {
		if t.Incident != number || t.Channel != channel {
			continue
		}
		line := fmt.Sprintf("%s, %s since %s", t.Kind, t.State, p.clock(t.At))
		if t.State == uptime.ToldSent {
			line = fmt.Sprintf("%s, sent %s", t.Kind, p.clock(t.Done))
		}
		if t.Reply != "" {
			line += ": " + t.Reply
		}
		out = append(out, line)
	}
	return out
}

// clock is a time as people read it: with its day where that is not today.
func (p *preview) clock(t time.Time) string {
	t, now := t.In(p.zone), p.now.In(p.zone)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("Mon 2006-01-02 15:04:05")
}

// String is the preview for people: who is told and why, and then each letter.
func (p *preview) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	state := "since " + p.clock(p.in.Start)
	if !p.in.Open() {
		state = fmt.Sprintf("from %s to %s", p.clock(p.in.Start), p.clock(p.in.End))
	}
	line("#%d  %s  %s %s  %s", p.Incident, p.Monitor, p.in.Verdict.Label(), state, p.in.Fault)
	if p.Why != "" {
		line("route      %s", p.Why)
	}
	if p.Silent != "" {
		line("nobody     is told: %s", p.Silent)
		if len(p.Letters) > 0 {
			line("           else it would be as follows")
		}
	}
	ms := func(n int64) string { return uptime.Span(time.Duration(n) * time.Millisecond) }
	if p.DelayMS > 0 {
		line("delay      it has to last %s: to %s", ms(p.DelayMS), p.clock(p.in.Start.Add(time.Duration(p.DelayMS)*time.Millisecond)))
	}
	switch {
	case p.RemindMS > 0 && p.in.Ack != nil:
		line("reminders  none: acknowledged by %s", p.in.Ack.By)
	case p.RemindMS > 0:
		line("reminders  every %s, until somebody acknowledges it", ms(p.RemindMS))
	}
	for i := range p.Letters {
		l := &p.Letters[i]
		line("\n%s  %s  %s", l.Channel, l.Type, l.Target)
		if l.Escalation {
			line("when       only if nobody acknowledges it for %s, or nobody else could be told", ms(p.AfterMS))
		}
		for _, t := range l.Told {
			line("so far     %s", t)
		}
		line("subject    %s\n", l.Subject)
		for text := range strings.Lines(strings.TrimRight(l.Text, "\n")) {
			b.WriteString(strings.TrimRight("  "+strings.TrimRight(text, "\n"), " ") + "\n")
		}
	}
	return b.String()
}
