// Package letter writes what a channel sends: from the decision to tell (a
// parcel, which holds no text) and the facts as they are when it is sent. It is
// pure, and never fails: an alert with less in it is better than none.
//
// Every text that is not ours is cleaned here once more, whatever was done to
// it before: names, reasons and notes come from targets, probes, files and people.
package letter

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"lookout/engine/uptime"
)

// Facts is what is known when a letter is written.
type Facts struct {
	Instance  string
	Zone      *time.Location // of what people read; nil: UTC
	Now       time.Time
	Snapshot  *uptime.Snapshot  // for what monitors are; nil: not known
	Incidents []uptime.Incident // those of the parcel, in its order, as they are now
	Evidence  []uptime.Evidence // of the event that it is about: of a recovery, what shows it
	Targets   map[string]string // of channels, for who else is told
	Failed    int               // tries before this one
	First     time.Time         // when the first of them was
}

const (
	maxSubject = 120      // characters
	maxText    = 16 << 10 // bytes
	maxName    = 120
	maxSays    = 600
)

// Write writes the letter of a parcel, with the channel's own templates where t
// is not nil. A template that fails leaves the usual text, with a line that says so.
func Write(p *uptime.Parcel, f *Facts, t *Templates) uptime.Letter {
	a := newAlert(p, f)
	l := uptime.Letter{
		ID: a.ID, Thread: a.Thread, Kind: p.Kind, Time: p.At, Subject: a.Subject, Text: a.Text,
		Urgent: a.Urgent, Over: a.Over,
	}
	t.apply(a, &l)
	l.JSON = object(a, &l)
	return l
}

// id is the same whenever a parcel is sent, and of no other: its number, and when
// it was decided, since numbers come again in a data file that was restored.
func id(p *uptime.Parcel, instance string) string {
	return fmt.Sprintf("%d.%s-%s@%s", p.Number, strconv.FormatInt(p.At.UnixMilli(), 36), plain(p.Channel), plain(instance))
}

// thread is that of all letters to a channel about one incident or cause. What
// is about none, a node or a probe, has that of the letter whose end it tells:
// services close by it what they opened by it.
func thread(p *uptime.Parcel, incidents []uptime.Incident, instance string) string {
	if p.Thread == 0 && p.Kind == uptime.AlertMore {
		return fmt.Sprintf("more-%s@%s", plain(p.Channel), plain(instance)) // they have no end: services keep one of them open, not each
	}
	if p.Thread == 0 {
		first := p.Number
		if p.Ends > 0 {
			first = p.Ends
		}
		return fmt.Sprintf("p%d-%s@%s", first, plain(p.Channel), plain(instance))
	}
	at := ""
	for i := range incidents {
		if incidents[i].Number == p.Thread {
			at = "." + strconv.FormatInt(incidents[i].Start.UnixMilli(), 36)
		}
	}
	return fmt.Sprintf("i%d%s-%s@%s", p.Thread, at, plain(p.Channel), plain(instance))
}

// plain makes a name part of an identifier: letters, digits, . _ and -. What had
// to be changed ends in a hash of what it was.
func plain(s string) string {
	const most = 60
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
			b.WriteByte(c)
		case c == '.' && b.Len() > 0 && s[i-1] != '.' && i < len(s)-1:
			b.WriteByte(c)
		default:
			b.WriteByte('-')
		}
	}
	out := b.String()
	if out == s && out != "" && len(out) <= most {
		return out
	}
	h := fnv.New32a()
	h.Write([]byte(s))
	return fmt.Sprintf("%.*s-%08x", most, out, h.Sum32())
}

// signature begins the part of a mail that readers leave out of their answers.
const signature = "-- "

// tidy cleans text of several lines, whose spaces stay.
func tidy(s string, most int) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		words := strings.Split(line, " ")
		for k, w := range words {
			words[k] = uptime.Clean(w, most)
		}
		if lines[i] = strings.Join(words, " "); line != signature {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
	}
	out := strings.Join(lines, "\n")
	if len(out) <= most {
		return out
	}
	const mark = "\n[cut]\n"
	out = out[:most-len(mark)]
	if i := strings.LastIndexByte(out, '\n'); i > most/2 {
		out = out[:i]
	}
	return strings.ToValidUTF8(out, "") + mark
}

// short cuts text to so many characters.
func short(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return strings.TrimRight(string(r[:most-1]), " ,;:") + "…"
}
