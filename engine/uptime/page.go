package uptime

import "slices"

// Page is a named choice of monitors that is exported as a status page. A
// monitor is on it when one of its names, tags or groups is; a page that names
// nothing holds every monitor.
type Page struct {
	Name                string
	Names, Tags, Groups []string
}

// Includes reports whether the monitor is on the page.
func (p *Page) Includes(m *Monitor) bool {
	if len(p.Names)+len(p.Tags)+len(p.Groups) == 0 {
		return true
	}
	if slices.Contains(p.Names, m.Name) || slices.Contains(p.Groups, m.Group) {
		return true
	}
	return slices.ContainsFunc(m.Tags, func(t string) bool { return slices.Contains(p.Tags, t) })
}

// Narrow returns the snapshot with the states that keep accepts, and with
// counts and open incidents to match. It shares the states with s.
func (s *Snapshot) Narrow(keep func(*State) bool) *Snapshot {
	n := *s
	n.States, n.Open, n.Counts, n.Unacked = nil, nil, Counts{}, 0
	kept := make(map[uint64]bool)
	for _, st := range s.States {
		if !keep(st) {
			continue
		}
		n.States = append(n.States, st)
		n.Counts.Add(st.Verdict, st.Mode)
		if st.Incident != 0 {
			kept[st.Incident] = true
		}
	}
	for _, i := range s.Open {
		if kept[i.Number] {
			n.Open = append(n.Open, i)
			if i.Unacked() {
				n.Unacked++
			}
		}
	}
	return &n
}
