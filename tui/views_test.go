package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestViewsAreKept: what is saved comes back, what is dropped does not, and a
// disk that takes nothing is said.
func TestViewsAreKept(t *testing.T) {
	var kept []View
	var fault error
	o := Options{SaveViews: func(v []View) error {
		if fault == nil {
			kept = v
		}
		return fault
	}}
	s := shellOf(newWorld(), o, 80, 24, glyphs)
	s.render()
	keys(t, s, "/", "text:group:mail", "enter", ":", "text:view save my-team", "enter")
	if len(kept) != 2 || kept[1] != (View{"my-team", "group:mail"}) || s.message.text != "view my-team is kept, 2 shows it" {
		t.Fatalf("kept %v, says %q", kept, s.message.text)
	}
	o.Views, o.Notice = kept, "something was left out"
	s = shellOf(newWorld(), o, 80, 24, glyphs)
	if got := plainText(s.render()); !strings.Contains(got, o.Notice) {
		t.Errorf("the notice is not shown:\n%s", got)
	}
	keys(t, s, "/")
	if got := plainText(s.render()); !strings.Contains(got, "1 problems (5)   2 my-team (3)") {
		t.Errorf("the views of the last session:\n%s", got)
	}
	keys(t, s, "esc", "2", ":", "text:view drop problems", "enter")
	if len(kept) != 1 || kept[0].Name != "my-team" {
		t.Errorf("kept %v after one was dropped", kept)
	}
	fault = errors.New("no space left on device")
	keys(t, s, ":", "text:view save other", "enter")
	if !strings.Contains(s.message.text, "no space left") || len(s.views) != 2 {
		t.Errorf("a full disk says %q", s.message.text)
	}
}

func TestNineViews(t *testing.T) {
	var o Options
	for i := range 12 {
		o.Views = append(o.Views, View{fmt.Sprint("v", i), "is:up"})
	}
	s := shellOf(newWorld(), o, 80, 24, glyphs)
	s.render()
	keys(t, s, "9", ":", "text:view save more", "enter")
	if len(s.views) != viewsMax || !strings.Contains(s.message.text, "all nine") {
		t.Errorf("%d views, %q", len(s.views), s.message.text)
	}
}
