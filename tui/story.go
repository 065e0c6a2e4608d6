package tui

import (
	"strings"

	"lookout/engine/uptime"
	"lookout/tui/theme"
)

// storyPart says what became of the open incident since it was opened: another
// cause, that it came back, who acknowledged it. Nothing where nothing did.
func (d *detail) storyPart(s *shell, st *uptime.State, w, h int) *part {
	in := d.openIncident(s, st)
	if in == nil || len(in.Story) < 2 {
		return nil
	}
	story := in.Story
	if n := len(story); h > 0 && h <= 30 && n > 3 { // the newest, where there is no room for all
		story = story[n-3:]
	}
	p := &part{}
	for i, x := range story {
		p.add(func(p *pen) {
			p.to(1)
			if i == 0 && w >= 60 {
				p.text(theme.Accent, "STORY")
			}
			p.to(indent(w))
			p.say(stamp(x.Time, s.now, s.loc), " ")
			p.cell(theme.Faint, x.Phase, min(12, max(p.w-p.x, 0)))
			p.say(" ")
			text := x.Message
			if word := x.Fault.String(); word != "" && !strings.Contains(text, word) {
				text = strings.TrimSpace(text + " (" + word + ")")
			}
			p.cell(theme.Plain, text, max(p.w-p.x-1, 0))
		})
	}
	return p
}
