package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"lookout/tui/theme"
)

// text is a page that shows a text as it is.
type text struct {
	sheet
	name, about, foot string
	raw               string
}

func newText(name, about, raw, foot string) *text {
	t := &text{name: name, about: about, raw: raw, foot: foot}
	for l := range strings.Lines(raw) {
		l = strings.ReplaceAll(strings.TrimRight(l, "\r\n"), "\t", "    ")
		t.add(func(p *pen) {
			p.to(1)
			p.cell(theme.Plain, l, max(p.w-p.x, 0))
		})
	}
	return t
}

func (t *text) title() string                   { return strings.ToLower(t.name) }
func (t *text) keys() []binding                 { return t.sheet.keys() }
func (t *text) refresh(*shell) tea.Cmd          { return nil }
func (t *text) receive(*shell, tea.Msg) tea.Cmd { return nil }
func (t *text) body(s *shell, p *pen)           { t.draw(p) }
func (t *text) copy(*shell, copyWhat) string    { return t.raw }

func (t *text) head(s *shell, p *pen) {
	p.to(1)
	p.text(theme.Strong, t.name)
	p.say("  ", t.about)
}

func (t *text) status(s *shell, p *pen) {
	p.to(1)
	p.say(t.foot)
}
