package tui

import tea "charm.land/bubbletea/v2"

// bindings is the key table of the overview.
func (o *overview) bindings() []binding {
	move := func(_ *shell, key string) tea.Cmd {
		o.goTo(o.pos + moved(key, o.height))
		return nil
	}
	flat := func(*shell) string {
		if !o.want.grouped {
			return "there are no groups; o makes them"
		}
		return ""
	}
	return append(moveKeys("row", move), []binding{
		{keys: []string{"enter"}, group: groupMove, help: "why, or open", hint: "why", verb: "why", run: o.enter},
		{keys: []string{"/"}, group: groupFind, help: "filter", hint: "filter", verb: "filter", rank: 2,
			run: func(s *shell, _ string) tea.Cmd { return s.openFilter(o) }},
		{keys: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, show: "1..9", group: groupFind, help: "saved view",
			run: func(s *shell, key string) tea.Cmd { return s.useView(o, int(key[0]-'1')) }},
		{keys: []string{"s"}, group: groupFind, help: "sort menu", hint: "sort", rank: 9, verb: "sort",
			run: func(s *shell, _ string) tea.Cmd { return s.openPanel(&sortMenu{o}) }},
		{keys: []string{"o"}, group: groupFind, help: "groups or flat", hint: "group", rank: 8, verb: "groups", run: func(s *shell, _ string) tea.Cmd {
			return o.change(s, func(a *arrangement) { a.grouped, a.folds = !a.grouped, nil })
		}},
		{keys: []string{"O"}, group: groupFind, help: "fold all", verb: "fold all", run: o.foldAll, off: flat},
		{keys: []string{"space"}, group: groupDo, help: "mark", hint: "mark", rank: 10, run: o.mark},
		{keys: []string{"*"}, group: groupDo, help: "mark all shown", verb: "mark all shown", run: o.markAll},
		{keys: []string{"w"}, group: groupSee, help: "other columns", verb: "columns", run: func(s *shell, _ string) tea.Cmd {
			o.wider = !o.wider
			return nil
		}, off: func(s *shell) string {
			if s.w >= wideFrom || s.w < wordFrom {
				return "this width shows all that it has room for"
			}
			return ""
		}},
		{keys: []string{"esc"}, group: groupMove, help: "back, no filter", run: o.escape},
	}...)
}

// escape goes one step back: the filter, the marks, the groups.
func (o *overview) escape(s *shell, _ string) tea.Cmd {
	switch {
	case o.want.query != nil:
		return o.filter(s, nil)
	case len(o.marks) > 0:
		o.unmark()
	case o.want.grouped:
		return o.change(s, func(a *arrangement) { a.grouped, a.folds = false, nil })
	default:
		s.say("this is the first screen; q leaves")
	}
	return nil
}

// mark marks the monitor under the cursor, or takes the mark away.
func (o *overview) mark(s *shell, _ string) tea.Cmd {
	st := o.state()
	if st == nil {
		s.say("only monitors can be marked")
		return nil
	}
	if o.marks[st.Name] {
		delete(o.marks, st.Name)
	} else {
		o.marks[st.Name] = true
	}
	o.goTo(o.pos + 1)
	return nil
}

// markAll marks all monitors that pass the filter, or takes all marks away.
func (o *overview) markAll(s *shell, _ string) tea.Cmd {
	if len(o.marks) > 0 {
		o.unmark()
		s.say("no marks")
		return nil
	}
	if o.r != nil {
		for _, i := range o.r.flat {
			o.marks[o.r.snap.States[i].Name] = true
		}
	}
	s.say(group3(len(o.marks)) + " marked; * takes the marks away")
	return nil
}

// enter opens the page of a monitor, or a group.
func (o *overview) enter(s *shell, _ string) tea.Cmd {
	if g := o.group(); g != nil {
		return o.fold(s, g.name, !g.open)
	}
	if st := o.state(); st != nil {
		return s.open(newDetail(st.Name))
	}
	return s.begin()
}

// foldAll closes all groups, or opens them when all are closed.
func (o *overview) foldAll(s *shell, _ string) tea.Cmd {
	if o.r == nil {
		return nil
	}
	open := false
	for i := range o.r.groups {
		open = open || o.r.groups[i].open
	}
	return o.change(s, func(a *arrangement) {
		a.folds = map[string]bool{}
		for i := range o.r.groups {
			a.folds[o.r.groups[i].name] = !open
		}
	})
}
