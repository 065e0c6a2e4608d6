package tui

import (
	"strconv"
	"strings"

	"lookout/engine/uptime"
)

// votes is who said what in an incident: the places that failed in the end, of
// all whose word counted. None at all where its evidence is not known.
func votes(in *uptime.Incident) (failing []string, all int) {
	end := 0 // what comes after the last failure is the recovery
	for i, e := range in.Evidence {
		if e.Vote && e.Outcome == uptime.OutcomeDown {
			end = i + 1
		}
	}
	said := map[string]bool{} // whether it fails
	var order []string
	for _, e := range in.Evidence[:end] {
		if !e.Vote {
			continue
		}
		if _, heard := said[e.Location]; !heard {
			order = append(order, e.Location)
		}
		said[e.Location] = e.Outcome == uptime.OutcomeDown
	}
	for _, place := range order {
		if said[place] {
			failing = append(failing, place)
		}
	}
	return failing, len(order)
}

// voted writes them: "3/3 local fra nyc", or as much of it as there is room for.
func voted(in *uptime.Incident, width int) string {
	failing, all := votes(in)
	if all == 0 {
		if failing = in.ConfirmedBy; len(failing) > 0 {
			failing = append([]string{uptime.Local}, failing...)
		}
		all = len(failing)
	}
	if all == 0 {
		return "-"
	}
	text := strconv.Itoa(len(failing)) + "/" + strconv.Itoa(all)
	if width <= 5 {
		return text
	}
	return text + " " + strings.Join(failing, " ")
}
