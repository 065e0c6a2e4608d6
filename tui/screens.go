package tui

// screen is a page that a key opens from everywhere.
type screen struct {
	key  string
	name string // in help and in the palette
	open func(s *shell) page
}

// screens lists the pages that stand beside the overview.
func screens() []screen {
	return []screen{
		{"I", "incidents", func(*shell) page { return newIncidents("") }},
		{"P", "probes", func(*shell) page { return newProbes() }},
		{"E", "events", func(*shell) page { return newEvents() }},
		{"W", "maintenance", func(*shell) page { return newMaintenance() }},
	}
}
