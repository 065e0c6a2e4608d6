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
	if len(word) > 64 {
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
	best, low := "", plain(word)
	for _, k := range known {
		if d := distance(low, plain(k)); d < len(k) && (d < limit || d == limit && best == "") {
			best, limit = k, d
		}
	}
	for _, k := range known { // bearer is the beginning of bearer_token
		if best == "" && len(low) >= 4 && strings.HasPrefix(plain(k), low) {
			best = k
		}
	}
	return best
}

// didYouMean is Near as a hint.
func didYouMean(word string, known []string) string {
	if n := Near(word, known); n != "" {
		return fmt.Sprintf("Did you mean %q?", n)
	}
	return ""
}

// distance is how many letters have to be added, dropped, changed or swapped
// with their neighbour (optimal string alignment; Damerau 1964).
func distance(a, b string) int {
	if len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 4
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
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
