// Package theme says how words look: styles as SGR pairs, one glyph and one
// label for each state, and an ASCII twin for each glyph.
//
// State is glyph + word + colour, never colour alone. A colour stands only
// where a person is needed: red text measures worst of all for who does not
// see red, so DOWN is bold white on dark red, WARN black on yellow, and up has
// no colour at all. The contrast test holds every pair to that.
package theme

import (
	"strings"

	"charm.land/lipgloss/v2"

	"lookout/engine/uptime"
)

// Style is a way to write a piece of text. The zero value is Plain.
type Style uint8

// The styles.
const (
	Plain   Style = iota
	Strong        // what the eye should find first
	Faint         // what can be skipped: heads of columns, notes
	Accent        // keys and titles; the one colour that means nothing but "here"
	Reverse       // the selected name, the past, an unknown state
	Down          // badge of a confirmed outage
	Doubt         // being confirmed
	Warn          // badge of a complaint
	Unknown       // badge of what nobody knows
	Alarm         // a line that says lookout itself is blind
	Chart         // small pictures of what is normal
	styles
)

// Depth is how many colours a terminal shows. The zero value is None.
type Depth uint8

// The depths.
const (
	None Depth = iota // attributes only: bold, reverse
	Sixteen
	Many // 256 or more
)

// Theme writes text for one kind of terminal. It is immutable.
type Theme struct {
	ASCII bool // only bytes below 0x80
	Depth Depth
	Light bool // dark text on a light background

	on [styles]string
}

// Off ends every style.
const Off = "\x1b[m"

// New makes the theme for a terminal.
func New(depth Depth, light, ascii bool) *Theme {
	t := &Theme{ASCII: ascii, Depth: depth, Light: light}
	looks := plainLooks()
	switch {
	case depth == Sixteen:
		looks = sixteenLooks()
	case depth == Many && light:
		looks = lightLooks()
	case depth == Many:
		looks = darkLooks()
	}
	for i, look := range looks {
		t.on[i] = opening(look)
	}
	return t
}

// opening is what a Lip Gloss style writes before a text. Rows are drawn with
// it by hand: a style for each cell takes thirty times as long (measured).
func opening(look lipgloss.Style) string {
	const text = "x"
	on, _, _ := strings.Cut(look.Render(text), text)
	return on
}

// On is what starts a style; "" for Plain. Off ends it.
func (t *Theme) On(s Style) string { return t.on[s] }

func bold() lipgloss.Style { return lipgloss.NewStyle().Bold(true) }

// badge is a text in one colour on another, by their numbers of 16 or 256.
func badge(text, ground string) lipgloss.Style {
	return lipgloss.NewStyle().Foreground(lipgloss.Color(text)).Background(lipgloss.Color(ground))
}

func ink(colour string) lipgloss.Style {
	return lipgloss.NewStyle().Foreground(lipgloss.Color(colour))
}

// plainLooks are attributes only.
func plainLooks() [styles]lipgloss.Style {
	reverse := lipgloss.NewStyle().Reverse(true)
	return [styles]lipgloss.Style{Strong: bold(), Accent: bold(), Reverse: reverse, Doubt: bold(), Unknown: reverse,
		Down: bold().Reverse(true), Alarm: bold().Reverse(true), Warn: bold().Underline(true)}
}

func sixteenLooks() [styles]lipgloss.Style {
	looks := plainLooks()
	looks[Down], looks[Alarm] = badge("15", "1").Bold(true), badge("15", "1").Bold(true)
	looks[Warn] = badge("0", "3")
	return looks
}

func darkLooks() [styles]lipgloss.Style {
	looks := plainLooks()
	looks[Down], looks[Alarm] = badge("231", "124").Bold(true), badge("231", "124").Bold(true)
	looks[Warn] = badge("16", "220")
	looks[Faint], looks[Accent], looks[Chart] = ink("247"), ink("80"), ink("66")
	return looks
}

func lightLooks() [styles]lipgloss.Style {
	looks := darkLooks()
	looks[Down], looks[Alarm] = badge("231", "88").Bold(true), badge("231", "88").Bold(true)
	looks[Faint], looks[Accent], looks[Chart] = ink("240"), ink("24"), ink("24")
	return looks
}

// State is how a verdict or a mode is shown.
type State struct {
	Glyph rune
	Label string
	Style Style
}

var ( // by verdict; a mode hides it
	verdicts = [...]State{
		uptime.Pending:  {'◌', "new", Plain},
		uptime.Up:       {'●', "up", Plain},
		uptime.Suspect:  {'▽', "chk?", Doubt},
		uptime.Degraded: {'▲', "WARN", Warn},
		uptime.Down:     {'▼', "DOWN", Down},
		uptime.Unknown:  {'?', "UNKN", Unknown},
	}
	asciiVerdicts = [...]rune{uptime.Pending: '.', uptime.Up: ' ', uptime.Suspect: '?', uptime.Degraded: '+',
		uptime.Down: '!', uptime.Unknown: '?'}
)

// State says how to show a verdict in a mode, in the glyphs of the theme.
func (t *Theme) State(v uptime.Verdict, m uptime.Mode) State {
	switch m {
	case uptime.Maintenance:
		return State{'~', "mnt", Faint}
	case uptime.Paused:
		if t.ASCII {
			return State{'=', "off", Faint}
		}
		return State{'‖', "off", Faint}
	}
	if int(v) >= len(verdicts) {
		v = uptime.Unknown
	}
	s := verdicts[v]
	if t.ASCII {
		s.Glyph = asciiVerdicts[v]
	}
	return s
}

// twins are the glyphs that lookout draws, and what stands for them in ASCII.
var twins = map[rune]byte{
	'●': '*', '▽': '?', '▲': '+', '▼': '!', '‖': '=', '◌': '.', '×': 'x', '·': '-', '…': '~',
	'▾': 'v', '▸': '>', '▌': '_', '↑': '^', '↓': 'v', '→': '>', '←': '<', '–': '-', '—': '-', '✓': 'v',
	'▁': '.', '▂': ':', '▃': ':', '▄': 's', '▅': 'm', '▆': 'm', '▇': 'H', '█': 'X', '▒': '%', '░': ':',
	'│': '|', '─': '-', '┤': '|', '├': '|', '┌': '+', '┐': '+', '└': '+', '┘': '+', '▏': '|', '▕': '|', '▍': '|',
	'“': '"', '”': '"', '‘': '\'', '’': '\'', '°': 'o', 'µ': 'u', ' ': ' ',
}

// ASCII is the twin of a glyph: itself below 0x80, "?" for what has none.
func ASCII(r rune) byte {
	if r < 0x80 {
		return byte(r)
	}
	if b, ok := twins[r]; ok {
		return b
	}
	return '?'
}
