package judge

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

func groupType() uptime.CheckType {
	return uptime.CheckType{
		Name:    "group",
		Schemes: []string{"group"},
		Summary: "other monitors taken together: all, any, a number or a share of them has to be up",
		Plain:   true,
		Bare:    true,
		Keys: []uptime.Key{
			{Name: "members", Kind: uptime.Monitors, Doc: "names, tag:T or group:G", Example: `["mx1", "mx2", "tag:web"]`},
			{Name: "need", Kind: uptime.Scalar, Doc: `how many have to be up: "all" (the default), "any", a number or a share`, Example: `"50%"`},
		},
		New: newGroup,
	}
}

// group is several monitors of which enough have to be up.
type group struct {
	noCheck
	members []string
	need    need
}

// need is how many members have to be up.
type need struct {
	count int     // at least so many; 0: by share
	share float64 // of those that are active, 0 to 1
}

var all = need{share: 1}

func newGroup(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
	var wrong mistakes
	wrong.bare(s)
	g := group{noCheck: noCheck{"a group"}, members: uptime.Value(s.Values, "members", []string(nil)), need: all}
	if len(g.members) == 0 {
		wrong.add("", "a group needs members", `Write members = ["mx1", "mx2"], or ["tag:web"]`)
	}
	text := uptime.Value(s.Values, "need", "all")
	n, ok := parseNeed(text)
	if !ok {
		wrong.add("need", fmt.Sprintf("%q is neither all, any, a number from 1 nor a share", uptime.Clean(text, 40)), `Write need = "all", "any", 2 or "50%"`)
	}
	g.need = n
	if len(wrong) > 0 {
		return uptime.Check{}, wrong
	}
	return uptime.Check{Checker: g, Target: fmt.Sprintf("%s of %s", text, strings.Join(g.members, ", ")), Dest: "group"}, nil
}

func parseNeed(text string) (need, bool) {
	switch text {
	case "all":
		return all, true
	case "any":
		return need{count: 1}, true
	}
	if p, ok := strings.CutSuffix(text, "%"); ok {
		f, err := strconv.ParseFloat(p, 64)
		return need{share: f / 100}, err == nil && f > 0 && f <= 100
	}
	n, err := strconv.Atoi(text)
	return need{count: n}, err == nil && n > 0 && n <= 1_000_000
}

// of is how many of n members have to be up.
func (n need) of(members int) int {
	if n.count > 0 {
		return n.count
	}
	want := int(n.share * float64(members))
	if float64(want) < n.share*float64(members)-1e-9 {
		want++
	}
	return max(want, 1)
}

// Members are those that were configured.
func (g group) Members() []string { return g.members }

// Judge counts. Paused members and those in maintenance are left out: nobody
// expects anything of them. What is unknown decides only what it can decide.
func (g group) Judge(k uptime.Known, _ time.Time) uptime.Judgement {
	var up, down, active int
	var why []string
	for _, m := range k.Members {
		if m.Mode != uptime.Active {
			continue
		}
		active++
		switch m.Verdict {
		case uptime.Up, uptime.Degraded:
			up++
		case uptime.Down:
			down++
			why = append(why, m.Name+" ("+m.Fault.String()+")")
		}
	}
	want := g.need.of(active)
	count := fmt.Sprintf("%d of %d members up, %d needed", up, active, want)
	switch unknown := active - up - down; {
	case active == 0:
		return uptime.Judgement{Known: true, Result: uptime.Result{Outcome: uptime.OutcomeUnknown, Message: "no member is being watched"}}
	case up >= want:
		return uptime.Judgement{Known: true, Result: result(uptime.NoFault, "")}
	case up+unknown >= want:
		if pending(k.Members) {
			return uptime.Judgement{}
		}
		return uptime.Judgement{Known: true, Result: uptime.Result{Outcome: uptime.OutcomeUnknown,
			Message: fmt.Sprintf("%s, %d not known", count, unknown)}}
	}
	return uptime.Judgement{Known: true, Result: result(uptime.FaultGroupMembers, count+"; down: "+list(why))}
}

// pending reports whether a member was not checked yet: soon there is more to say.
func pending(members []uptime.Member) bool {
	for _, m := range members {
		if m.Verdict == uptime.Pending && m.Mode == uptime.Active {
			return true
		}
	}
	return false
}

// list names a few.
func list(names []string) string {
	const most = 5
	switch n := len(names); {
	case n == 0:
		return "none"
	case n > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	}
	return strings.Join(names, ", ")
}
