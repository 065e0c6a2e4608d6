// Package tally compares the mails that arrived with the incidents that there
// were: what was lost, and what came twice. It is how drills and tests judge.
package tally

import (
	"bytes"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lookout/engine/alert/channel/smtptest"
)

// told is what arrived of one incident: which kinds, in their order.
type told struct{ kinds []string }

// Count is what all mails come to.
type Count struct {
	Mails     int
	Again     int      // of them, ones that had come before, with the same Message-ID
	Lost      int      // incidents that there were, and that were not told as they should
	Strangers int      // told twice, or out of order, under different Message-IDs
	Examples  []string // of what is lost or strange, at most 20
}

func (c *Count) bad(n *int, format string, args ...any) {
	if *n++; len(c.Examples) < 20 {
		c.Examples = append(c.Examples, fmt.Sprintf(format, args...))
	}
}

// Mails compares the mails to one recipient, in the order of their arrival, with
// the incidents that there were: opened, and perhaps closed, by number.
func Mails(mails []smtptest.Mail, opened, closed map[uint64]bool) (Count, error) {
	c := Count{Mails: len(mails)}
	seen := map[string]string{}
	by := map[uint64]*told{}
	for i := range mails {
		m, err := mail.ReadMessage(bytes.NewReader(mails[i].Data))
		if err != nil {
			return c, fmt.Errorf("mail %d: %w", i, err)
		}
		id, kind := m.Header.Get("Message-ID"), m.Header.Get("X-Lookout-Alert")
		numbers, err := incidents(m)
		if err != nil || id == "" {
			return c, fmt.Errorf("mail %d, id %q: %w", i, id, err)
		}
		what := fmt.Sprintf("%s %d", kind, numbers)
		if was, ok := seen[id]; ok {
			if c.Again++; was != what {
				c.bad(&c.Strangers, "%s is %s and %s", id, was, what)
			}
			continue
		}
		seen[id] = what
		for _, n := range numbers {
			if by[n] == nil {
				by[n] = &told{}
			}
			by[n].kinds = append(by[n].kinds, kind)
		}
	}
	for n := range opened {
		kinds := ""
		if by[n] != nil {
			kinds = strings.Join(by[n].kinds, " ")
		}
		switch {
		case kinds == "collapsed" && closed[n], kinds == "opened recovered" && closed[n], kinds == "opened" && !closed[n]:
		case kinds == "", kinds == "opened", kinds == "recovered":
			c.bad(&c.Lost, "#%d (closed: %v): %q", n, closed[n], kinds)
		default:
			c.bad(&c.Strangers, "#%d (closed: %v): %q", n, closed[n], kinds)
		}
	}
	for n := range by {
		if !opened[n] {
			c.bad(&c.Strangers, "#%d never was: %q", n, by[n].kinds)
		}
	}
	return c, nil
}

// incidents are those that a mail is about: the one of its thread or, where it
// is about several that are over, those that its text names.
func incidents(m *mail.Message) (out []uint64, err error) {
	var n uint64
	if _, err := fmt.Sscanf(m.Header.Get("References"), "<thread-i%d", &n); err == nil {
		return []uint64{n}, nil
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		return nil, err
	}
	for _, found := range regexp.MustCompile(`#(\d+)`).FindAllSubmatch(text, -1) {
		n, err := strconv.ParseUint(string(found[1]), 10, 64)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("about nothing: references %q", m.Header.Get("References"))
	}
	return out, nil
}
