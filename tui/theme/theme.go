// Package theme says how words look: styles as SGR pairs, one glyph and one
// label for each state, and an ASCII twin for each glyph.
//
// State is glyph + word + colour, never colour alone. A colour stands only
// where a person is needed: red text measures worst of all for who does not
// see red, so DOWN is bold white on dark red, WARN black on yellow, and up has
// no colour at all. The contrast test holds every pair to that.
package theme

import "lookout/engine/uptime"

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
	codes := plainCodes
	switch {
	case depth == Sixteen:
		codes = sixteenCodes
	case depth == Many && light:
		codes = lightCodes
	case depth == Many:
		codes = darkCodes
	}
	for i, c := range codes {
		if c != "" {
			t.on[i] = "\x1b[" + c + "m"
		}
	}
	return t
}

// On is what starts a style; "" for Plain. Off ends it.
func (t *Theme) On(s Style) string { return t.on[s] }

var (
	plainCodes = [styles]string{Strong: "1", Faint: "", Accent: "1", Reverse: "7",
		Down: "1;7", Doubt: "1", Warn: "1;4", Unknown: "7", Alarm: "1;7"}
	sixteenCodes = [styles]string{Strong: "1", Faint: "", Accent: "1", Reverse: "7",
		Down: "1;97;41", Doubt: "1", Warn: "30;43", Unknown: "7", Alarm: "1;97;41"}
	darkCodes = [styles]string{Strong: "1", Faint: "38;5;247", Accent: "38;5;80", Reverse: "7", Chart: "38;5;66",
		Down: "1;38;5;231;48;5;124", Doubt: "1", Warn: "38;5;16;48;5;220", Unknown: "7", Alarm: "1;38;5;231;48;5;124"}
	lightCodes = [styles]string{Strong: "1", Faint: "38;5;240", Accent: "38;5;24", Reverse: "7", Chart: "38;5;24",
		Down: "1;38;5;231;48;5;88", Doubt: "1", Warn: "38;5;16;48;5;220", Unknown: "7", Alarm: "1;38;5;231;48;5;88"}
)

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
