package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"lookout/engine/uptime"
)

// View is a saved filter.
type View struct {
	Name   string
	Filter string
}

const (
	viewsMax   = 9     // one for each digit
	countedMax = 5_000 // monitors up to which those of each view are counted
)

// viewLine lists the saved filters with their keys, and how many monitors pass
// each, where there are not so many that counting would be felt.
func (s *shell) viewLine() string {
	var parts []string
	for i, v := range s.views {
		part := fmt.Sprintf("%d %s", i+1, v.Name)
		if q, err := parseQuery(v.Filter); err == nil && s.home.r != nil && len(s.home.r.folded) <= countedMax {
			part += " (" + group3(s.home.r.passing(q, s.now)) + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(append(parts, ":view save NAME"), "   ")
}

// passing is how many states pass a filter.
func (r *roster) passing(q *query, now time.Time) int {
	n := 0
	for i, st := range r.snap.States {
		if q.match(st, r.folded[i], now) {
			n++
		}
	}
	return n
}

// useView filters by a saved view; the same key again takes the filter away.
func (s *shell) useView(p filtered, i int) tea.Cmd {
	if i < 0 || i >= len(s.views) {
		s.say(fmt.Sprintf("no view is saved as %d; :view save NAME saves the filter", i+1))
		return nil
	}
	v := s.views[i]
	if o, ok := p.(*overview); ok && o.want.query != nil && o.want.query.text == v.Filter {
		return p.filter(s, nil)
	}
	q, err := parseQuery(v.Filter)
	if err != nil {
		s.fail(err)
	}
	s.say("view " + v.Name + ": " + v.Filter + "   esc shows all")
	return p.filter(s, q)
}

// saveView keeps the filter in force under a name.
func (s *shell) saveView(name string) tea.Cmd {
	name, q := uptime.Clean(name, 40), s.home.want.query
	switch {
	case name == "":
		s.say("view save needs a name")
		return nil
	case q == nil:
		s.say("there is no filter to save; / makes one")
		return nil
	}
	views := slices.Clone(s.views)
	at := slices.IndexFunc(views, func(v View) bool { return v.Name == name })
	if at < 0 {
		if len(views) >= viewsMax {
			s.say("all nine views are taken; save under one of their names, or :view drop NAME")
			return nil
		}
		at = len(views)
		views = append(views, View{})
	}
	views[at] = View{name, q.text}
	s.views = views
	return s.keepViews(fmt.Sprintf("view %s is kept, %d shows it", name, at+1))
}

// dropView forgets a saved view.
func (s *shell) dropView(name string) tea.Cmd {
	at := slices.IndexFunc(s.views, func(v View) bool { return v.Name == name })
	if at < 0 {
		s.say("no view is called " + name)
		return nil
	}
	s.views = slices.Delete(slices.Clone(s.views), at, at+1)
	return s.keepViews("view " + name + " is dropped")
}

// keepViews writes the views down, and says so once they are.
func (s *shell) keepViews(said string) tea.Cmd {
	if s.save == nil {
		s.say(said + ", until you leave")
		return nil
	}
	save, views := s.save, s.views
	return func() tea.Msg {
		if err := save(views); err != nil {
			return saidMsg{err: fmt.Errorf("the views last until you leave; keep them: %w", err)}
		}
		return saidMsg{text: said}
	}
}
