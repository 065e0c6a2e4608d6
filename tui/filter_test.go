package tui

import (
	"strings"
	"testing"
)

func TestFilterLine(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	s.render()
	keys(t, s, "/", "text:gr", "tab", "text:sh", "tab", "enter")
	if got := s.home.want.query; got == nil || got.text != "group:shop" {
		t.Fatalf("the filter is %+v", got)
	}
	if shown, all := s.home.counts(); shown != 3 || all != 1003 {
		t.Errorf("%d of %d are shown", shown, all)
	}
	keys(t, s, "esc")
	if shown, _ := s.home.counts(); shown != 1003 {
		t.Errorf("esc leaves %d", shown)
	}
	keys(t, s, "/", "up")
	if f := s.panel.(*filterLine); f.in.text() != "group:shop" {
		t.Errorf("up brings %q", f.in.text())
	}
	keys(t, s, "ctrl+u", "text:state:down", "enter")
	keys(t, s, ":", "text:view save bad", "enter")
	if !strings.Contains(s.message.text, "until you leave") {
		t.Errorf("a view that nobody keeps says %q", s.message.text)
	}
	if len(s.views) != 2 || s.views[1] != (View{"bad", "state:down"}) {
		t.Errorf("views are %v", s.views)
	}
	keys(t, s, "esc", "2")
	if shown, _ := s.home.counts(); shown != 2 {
		t.Errorf("view 2 shows %d", shown)
	}
}

func TestSortMenu(t *testing.T) {
	s := shellOf(newWorld(), Options{}, 80, 24, glyphs)
	keys(t, s, "s", "n")
	if s.home.want.by != byName || s.home.want.reverse {
		t.Errorf("s n sorts by %+v", s.home.want)
	}
	keys(t, s, "s", "n")
	if !s.home.want.reverse {
		t.Error("again does not reverse")
	}
	keys(t, s, ":", "text:sort lat", "enter")
	if s.home.want.by != byLatency {
		t.Errorf(":sort latency sorts by %s", s.home.want.by)
	}
}
