package config

import (
	"fmt"
	"strings"

	"lookout/engine/uptime"
)

// shown makes a word of a file fit for a sentence.
func shown(s string) string { return uptime.Clean(s, 60) }

// Near is the known word that was most likely meant; "" when none is close.
func Near(word string, known []string) string {
	if len(word) > maxWord {
		return ""
	}
	limit := 2
	switch {
	case len(word) <= 4:
		limit = 1
	case len(word) >= 12:
		limit = 3
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }
	best, begins, low := "", "", plain(word)
	for _, k := range known {
		p := plain(k)
		if d := distance(low, p); d < len(k) && (d < limit || d == limit && best == "") {
			best, limit = k, d
		}
		if begins == "" && len(low) >= 4 && strings.HasPrefix(p, low) { // bearer is the beginning of bearer_token
			begins = k
		}
	}
	if best == "" {
		return begins
	}
	return best
}

// maxLooked bounds what hints may cost: some for the monitors of a large
// instance, and any number where there are few.
const maxLooked = 1 << 20

// nearest is didYouMean for the words of a configuration, of which there may be
// a million, as there may be mistakes: beyond a bound there are no more hints.
func nearest[V any](l *loader, word string, known map[string]V) string {
	if l.looked += len(known); l.looked > maxLooked {
		return ""
	}
	return didYouMean(word, sorted(known))
}

// didYouMean is Near as a hint.
func didYouMean(word string, known []string) string {
	if n := Near(word, known); n != "" {
		return fmt.Sprintf("Did you mean %q?", n)
	}
	return ""
}

// maxWord is the longest word that a hint is looked for.
const maxWord = 64

// distance is how many letters have to be added, dropped, changed or swapped
// with their neighbour (optimal string alignment; Damerau 1964); 4 for more than 3.
func distance(a, b string) int {
	if len(a) > maxWord || len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 4
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] { // most names of a place begin and end alike
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var rows [3][maxWord + 4]int
	prev2, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		low := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
			low = min(low, cur[j])
		}
		if low > 3 { // and no later one is less
			return 4
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return min(prev[len(b)], 4)
}

// oneOf lists words for people: "a", "b" or "c".
func oneOf(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", w)
	}
	return b.String()
}
