package theme

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

type rgb [3]float64 // linear light, 0 to 1

func parse(hex string) rgb {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		panic(err)
	}
	var c rgb
	for i := range c {
		v := float64(n>>(16-8*i)&255) / 255
		if v <= 0.04045 {
			c[i] = v / 12.92
		} else {
			c[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return c
}

// xterm is a colour of the 256 that terminals agree on.
func xterm(n int) rgb {
	switch {
	case n >= 232:
		v := 8 + 10*(n-232)
		return parse(fmt.Sprintf("%02x%02x%02x", v, v, v))
	case n >= 16:
		level := func(i int) int { return []int{0, 95, 135, 175, 215, 255}[i] }
		n -= 16
		return parse(fmt.Sprintf("%02x%02x%02x", level(n/36), level(n/6%6), level(n%6)))
	}
	// The sixteen differ; these are xterm's.
	return parse([]string{"000000", "cd0000", "00cd00", "cdcd00", "0000ee", "cd00cd", "00cdcd", "e5e5e5",
		"7f7f7f", "ff0000", "00ff00", "ffff00", "5c5cff", "ff00ff", "00ffff", "ffffff"}[n])
}

// sights are how colours look to different eyes (Machado, Oliveira and
// Fernandes 2009, severity 1, on linear light), and without any.
var sights = map[string][3]rgb{
	"none":   {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protan": {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deutan": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritan": {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
	"gray":   {{0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}},
}

func seen(c rgb, m [3]rgb) rgb {
	var out rgb
	for i := range m {
		out[i] = min(max(m[i][0]*c[0]+m[i][1]*c[1]+m[i][2]*c[2], 0), 1)
	}
	return out
}

func luminance(c rgb) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

func contrast(a, b rgb) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// pair reads the colours of a style on a terminal's own.
func pair(t *testing.T, code string, fg, bg rgb) (rgb, rgb) {
	t.Helper()
	code = strings.TrimSuffix(strings.TrimPrefix(code, "\x1b["), "m")
	parts := strings.Split(code, ";")
	reverse := false
	for i := 0; i < len(parts); i++ {
		n, _ := strconv.Atoi(parts[i])
		switch {
		case n == 38 || n == 48:
			c, err := strconv.Atoi(parts[i+2])
			if err != nil || parts[i+1] != "5" {
				t.Fatalf("%q is not 256 colours", code)
			}
			if n == 38 {
				fg = xterm(c)
			} else {
				bg = xterm(c)
			}
			i += 2
		case n == 7:
			reverse = true
		case n >= 30 && n <= 37:
			fg = xterm(n - 30)
		case n >= 40 && n <= 47:
			bg = xterm(n - 40)
		case n >= 90 && n <= 97:
			fg = xterm(n - 82)
		}
	}
	if reverse {
		return bg, fg
	}
	return fg, bg
}

func TestContrast(t *testing.T) {
	grounds := map[bool][2]string{false: {"d8d8d8", "1c1c1c"}, true: {"1c1c1c", "ffffff"}}
	for light, ground := range grounds {
		fg, bg := parse(ground[0]), parse(ground[1])
		for _, depth := range []Depth{Many, Sixteen} {
			th := New(depth, light, false)
			for sight, m := range sights {
				worst, lowest := math.Inf(1), Style(0)
				var down float64
				for s := range styles {
					f, b := pair(t, th.On(s), fg, bg)
					c := contrast(seen(f, m), seen(b, m))
					bar := 4.5
					if sight == "tritan" || s == Chart {
						bar = 4.0
					}
					if c < bar {
						t.Errorf("light %v, depth %d, %s: style %d has %.2f", light, depth, sight, s, c)
					}
					if c < worst {
						worst, lowest = c, s
					}
					if s == Down {
						down = c
					}
				}
				if depth == Many && lowest == Down {
					t.Errorf("light %v, %s: DOWN is the faintest of all with %.2f", light, sight, down)
				}
			}
		}
	}
}

// TestStatesDiffer: every state has its own glyph and word, with and without colours.
func TestStatesDiffer(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		th := New(None, false, ascii)
		seen := map[string]bool{}
		for _, s := range []State{th.State(uptime.Down, uptime.Active), th.State(uptime.Suspect, uptime.Active), th.State(uptime.Degraded, uptime.Active),
			th.State(uptime.Unknown, uptime.Active), th.State(uptime.Up, uptime.Active), th.State(uptime.Pending, uptime.Active),
			th.State(uptime.Up, uptime.Maintenance), th.State(uptime.Up, uptime.Paused)} {
			text := string(s.Glyph) + s.Label
			if seen[text] || ascii && s.Glyph >= 0x80 {
				t.Errorf("ascii %v: %q", ascii, text)
			}
			seen[text] = true
		}
		if got := th.State(99, uptime.Active); got.Label != "UNKN" {
			t.Errorf("an unheard-of verdict is %q", got.Label)
		}
	}
}

// TestNoColours: without them no style writes one, and none writes nothing that was asked for.
func TestNoColours(t *testing.T) {
	th := New(None, false, false)
	for s := range styles {
		for p := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(th.On(s), "\x1b["), "m"), ";") {
			if n, _ := strconv.Atoi(p); n >= 30 {
				t.Errorf("style %d writes colour %d", s, n)
			}
		}
	}
	for _, s := range []Style{Down, Unknown, Reverse, Alarm} {
		if !strings.Contains(th.On(s), "7") {
			t.Errorf("style %d is not reverse without colours: %q", s, th.On(s))
		}
	}
}

func TestASCIITwins(t *testing.T) {
	for r := range twins {
		if b := ASCII(r); b < ' ' || b > '~' {
			t.Errorf("%q becomes %#x", r, b)
		}
	}
	if ASCII('a') != 'a' || ASCII('漢') != '?' {
		t.Error("letters and strangers")
	}
}
