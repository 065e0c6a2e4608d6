package tui

import (
	"slices"

	"lookout/engine/uptime"
)

// placeFacts say what each place last found of a monitor, and who else can be
// asked about it, with networks where there is room. There is nothing to say
// where this node is alone.
func placeFacts(st *uptime.State, networks bool) []string {
	if len(st.Locations) < 2 && len(st.Others) == 0 && (len(st.Locations) == 0 || st.Locations[0].Location == uptime.Local) {
		return nil
	}
	var out []string
	for _, l := range slices.SortedFunc(slices.Values(st.Locations), func(a, b uptime.LocationState) int { return byPlace(a.Location, b.Location) }) {
		word := "not heard of"
		if l.Asked {
			word = placeWord(l.Outcome)
		}
		out = append(out, placeName(st, l.Location, networks)+" "+word)
	}
	asks := "asks "
	for _, p := range st.Others {
		if !slices.ContainsFunc(st.Locations, func(l uptime.LocationState) bool { return l.Location == p.Location }) {
			out = append(out, asks+placeName(st, p.Location, networks))
			asks = ""
		}
	}
	return out
}

// placeName is a location with its network, where that has a name of its own.
func placeName(st *uptime.State, location string, network bool) string {
	for _, p := range st.Others {
		if network && p.Location == location && p.Network != location && p.Network != "" {
			return location + " (" + p.Network + ")"
		}
	}
	return location
}

func placeWord(o uptime.Outcome) string {
	switch o {
	case uptime.OutcomeUp:
		return "ok"
	case uptime.OutcomeDown:
		return "failed"
	case uptime.OutcomeDegraded:
		return "slow"
	}
	return "no answer"
}
