package widget

import (
	"testing"
	"time"

	"lookout/engine/uptime"
)

func TestCellOf(t *testing.T) {
	kinds := []uptime.Cell{uptime.CellNone, uptime.CellUp, uptime.CellDegraded, uptime.CellDown, uptime.CellMaintenance, uptime.CellUnknown, 99}
	for _, c := range []struct {
		ascii bool
		want  string
	}{{false, " ▁▄█-??"}, {true, " .sX-??"}} {
		var l Line
		for _, k := range kinds {
			l = append(l, CellOf(k, c.ascii))
		}
		if l.String() != c.want {
			t.Errorf("got %q, want %q", l, c.want)
		}
		sound(t, l, c.ascii)
	}
}

func sparks(ms ...int) (out []uptime.Spark) {
	for _, m := range ms {
		if m < 0 {
			out = append(out, uptime.Spark{Failed: true})
		} else {
			out = append(out, uptime.Spark{Median: time.Duration(m) * time.Millisecond})
		}
	}
	return out
}

func TestSpark(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cells []uptime.Spark
		width int
		want  string
	}{
		{"steady lies at half height", sparks(100, 95, 106), 3, "▄▄▄"},
		{"whatever its level", sparks(3000, 2900, 3200), 3, "▄▄▄"},
		{"one spike", sparks(10, 10, 10, 80), 4, "▁▁▁█"},
		{"a ramp", sparks(10, 20, 30, 40, 50, 60, 70, 80), 8, "▁▂▃▃▄▅▅▆"},
		{"failed and none", sparks(50, 0, -1), 3, "▄ ×"},
		{"only failures", sparks(-1, -1), 3, " ××"},
		{"nothing", nil, 2, "  "},
		{"no room", sparks(1), 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendSpark(nil, tt.cells, tt.width, false)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			sound(t, Spark(tt.cells, tt.width, true), true)
		})
	}
}

func TestCounts(t *testing.T) {
	for _, tt := range []struct {
		name    string
		numbers []int
		want    string
	}{
		{"none at all", []int{0, 0}, "▁▁"},
		{"one is more than none", []int{0, 1, 100}, "▁▂█"},
		{"in proportion", []int{1, 2, 4}, "▂▄█"},
		{"nothing", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Counts(tt.numbers, false).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			sound(t, Counts(tt.numbers, true), true)
		})
	}
}

func TestDays(t *testing.T) {
	d := func(up float64) uptime.Share {
		return uptime.Share{Up: time.Duration(up * float64(day)), Down: time.Duration((1 - up) * float64(day)), Span: day}
	}
	for _, tt := range []struct {
		name  string
		days  []uptime.Share
		width int
		want  string
	}{
		{"worse is higher", []uptime.Share{d(1), d(0.9999), d(0.9993), d(0.998), d(0.995), d(0.98), d(0.95), d(0.85), d(0)}, 9, "▁▂▃▄▅▆▇██"},
		{"not known is not up", []uptime.Share{{Span: day}, d(1)}, 2, " ▁"},
		{"the newest of many", []uptime.Share{d(0), d(1), d(1)}, 2, "▁▁"},
		{"no room", []uptime.Share{d(1)}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Days(tt.days, tt.width, false).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			sound(t, Days(tt.days, tt.width, true), true)
		})
	}
}

func TestLag(t *testing.T) {
	cells := []time.Duration{0, 1, 12, 15, 20, 23, 25, 48, -1}
	for i := range cells {
		cells[i] *= time.Second
	}
	for ascii, want := range map[bool]string{false: " ▁▁▂▅▇██×", true: " ..:+#@@X"} {
		l := Lag(cells, 12*time.Second, 25*time.Second, ascii)
		if l.String() != want {
			t.Errorf("got %q, want %q", l, want)
		}
		sound(t, l, ascii)
	}
}
