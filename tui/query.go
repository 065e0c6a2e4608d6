package tui

// query is a filter as typed and as understood.
type query struct {
	text string
}
