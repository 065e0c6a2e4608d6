package engine

import (
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// learned is what the results of a monitor have shown that a single check
// cannot know: certificates and how early they were renewed, the content and
// the usual size of a body. It is pure; the loop owns it.
type learned struct {
	Certs   []seenCert `json:",omitempty"` // of the last days; several where nodes differ
	Renewed []renewal  `json:",omitempty"` // the newest last
	Changed time.Time  `json:",omitzero"`  // when a change of certificates was last an event
	Content string     `json:",omitempty"`
	Told    time.Time  `json:",omitzero"`  // when a change of content was last an event
	Changes int        `json:",omitempty"` // of the content since, which were not
	Sizes   []int64    `json:",omitempty"` // of the last bodies, the newest last
	Small   int        `json:",omitempty"` // bodies in a row that were much smaller
}

// seenCert is a certificate that a target has shown.
type seenCert struct {
	Serial    string
	Issuer    string
	NotBefore time.Time
	NotAfter  time.Time
	Bad       bool `json:",omitempty"` // a check failed by it when it was last shown
	Seen      time.Time
	Warned    time.Time `json:",omitzero"` // when a check last said that it expires soon
}

// renewal is a certificate that took the place of another in time.
type renewal struct {
	Left time.Duration // what the old one had left
	Life time.Duration // … of a lifetime
}

const (
	maxCerts    = 8                  // of one target
	keepCerts   = 7 * 24 * time.Hour // after one was last shown
	maxRenewals = 8
	fewRenewals = 2  // so many have to be known before one can be overdue
	overdueBy   = 30 // … by so many parts of a lifetime: 3 days of 90

	contentQuiet = 10 * time.Minute // between two events of a content, or a certificate, that changes with every check

	manySizes = 32  // remembered
	fewSizes  = 20  // … of which so many have to be known
	smallPart = 2   // a body is much smaller below this part of the smallest of them
	adoptNew  = 200 // … in a row, and it is the usual size
)

// take learns from a result, in which it may see more than the check did, and
// returns what has changed, as events without a number.
func (l *learned) take(r *uptime.Result, interval time.Duration, now time.Time) []uptime.Event {
	var news []uptime.Event
	if c := r.Cert; c != nil && c.Serial != "" {
		if said := l.certificate(r, c, interval, now); said != "" {
			news = append(news, uptime.Event{Kind: uptime.EventCertificate, Message: said})
		}
	}
	if r.Content != "" {
		if said := l.content(r.Content, now); said != "" {
			news = append(news, uptime.Event{Kind: uptime.EventContent, Message: said})
		}
	}
	if r.Size > 0 && r.Outcome == uptime.OutcomeUp {
		l.size(r)
	}
	return news
}

// certificate notes the one that was shown, and says so where it is new.
func (l *learned) certificate(r *uptime.Result, c *uptime.Certificate, interval time.Duration, now time.Time) string {
	said := ""
	i := slices.IndexFunc(l.Certs, func(s seenCert) bool { return s.Serial == c.Serial && s.Issuer == c.Issuer })
	if i < 0 {
		bad := failedBy(r, c)
		said = l.arrived(c, bad, now)
		if len(l.Certs) >= maxCerts && now.Sub(l.Changed) < contentQuiet {
			said = "" // one that has a new certificate for everybody
		}
		if said != "" {
			l.Changed = now
		}
		l.Certs = append(l.Certs, seenCert{Serial: c.Serial, Issuer: c.Issuer, NotBefore: c.NotBefore, NotAfter: c.NotAfter})
		i = len(l.Certs) - 1
	}
	l.Certs[i].Seen, l.Certs[i].Bad = now, failedBy(r, c)
	if r.Fault == uptime.FaultTLSExpiresSoon {
		l.Certs[i].Warned = now
	}
	shown := l.Certs[i]
	l.Certs = slices.DeleteFunc(l.Certs, func(s seenCert) bool { return now.Sub(s.Seen) > keepCerts })
	if n := len(l.Certs) - maxCerts; n > 0 {
		slices.SortFunc(l.Certs, func(a, b seenCert) int { return a.Seen.Compare(b.Seen) })
		l.Certs = slices.Delete(l.Certs, 0, n)
	}
	if r.Outcome == uptime.OutcomeUp {
		l.overdue(r, shown, now)
	}
	if r.Outcome == uptime.OutcomeUp {
		l.elsewhere(r, shown, max(10*time.Minute, 5*interval), now)
	}
	return said
}

// failedBy reports whether a certificate is what a check failed by. Nobody
// renewed anything where somebody else's stands for a moment.
func failedBy(r *uptime.Result, c *uptime.Certificate) bool {
	return r.Outcome == uptime.OutcomeDown && c.Chain != "" && c.Chain != "ok"
}

// arrived says what a certificate that was not seen before took the place of.
func (l *learned) arrived(c *uptime.Certificate, bad bool, now time.Time) string {
	old := l.newest()
	if old == nil {
		return ""
	}
	left := old.NotAfter.Sub(now)
	if c.NotAfter.After(old.NotAfter) && !bad && !old.Bad {
		if left > 0 {
			l.Renewed = append(l.Renewed, renewal{left, old.NotAfter.Sub(old.NotBefore)})
			if n := len(l.Renewed) - maxRenewals; n > 0 {
				l.Renewed = slices.Delete(l.Renewed, 0, n)
			}
		}
	}
	said := "certificate changed: serial " + c.Serial
	if c.Issuer != old.Issuer {
		said += fmt.Sprintf(" by %s, was by %s", c.Issuer, old.Issuer)
	}
	said += ", valid until " + c.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case left > 0:
		said += "; the old one had " + uptime.Ago(left) + " left"
	default:
		said += "; the old one expired " + uptime.Ago(-left) + " ago"
	}
	return uptime.Clean(said, 300)
}

// newest is the known certificate that lasts longest, of the good ones if there
// are any; nil without one.
func (l *learned) newest() *seenCert {
	var best *seenCert
	for i := range l.Certs {
		c := &l.Certs[i]
		if best == nil || best.Bad && !c.Bad || best.Bad == c.Bad && c.NotAfter.After(best.NotAfter) {
			best = c
		}
	}
	return best
}

// overdue degrades a good result whose certificate should have been renewed by
// now. Shares of the lifetime are compared: lifetimes shrink.
func (l *learned) overdue(r *uptime.Result, c seenCert, now time.Time) {
	if len(l.Renewed) < fewRenewals || *l.newest() != c {
		return
	}
	least, shown := 1.0, l.Renewed[0].Left
	for _, x := range l.Renewed {
		if share := float64(x.Left) / float64(max(x.Life, 1)); share < least {
			least, shown = share, x.Left
		}
	}
	life, left := c.NotAfter.Sub(c.NotBefore), c.NotAfter.Sub(now)
	if life <= 0 || left <= 0 || float64(left)/float64(life) >= least-1.0/overdueBy {
		return
	}
	r.Fault, r.Outcome = uptime.FaultTLSRenewalOverdue, uptime.OutcomeDegraded
	r.Message = fmt.Sprintf("renewal overdue: renewed with at least %s left %d times before, now %s are left", uptime.Ago(shown), len(l.Renewed), uptime.Ago(left))
}

// elsewhere degrades a good result while another node of the target has lately
// shown a certificate that expires soon: nodes that take turns are one warning.
func (l *learned) elsewhere(r *uptime.Result, c seenCert, lately time.Duration, now time.Time) {
	for _, o := range l.Certs {
		if o.Serial == c.Serial || o.Warned.IsZero() || now.Sub(o.Warned) > lately {
			continue
		}
		r.Fault, r.Outcome = uptime.FaultTLSExpiresSoon, uptime.OutcomeDegraded
		r.Message = fmt.Sprintf("another certificate, shown %s ago, expires in %s (serial %s)", uptime.Ago(now.Sub(o.Seen)), uptime.Ago(o.NotAfter.Sub(now)), o.Serial)
		return
	}
}

// content says that the body is another one.
func (l *learned) content(hash string, now time.Time) string {
	was := l.Content
	l.Content = hash
	switch {
	case was == "" || was == hash:
		return ""
	case now.Sub(l.Told) < contentQuiet:
		l.Changes++
		return ""
	}
	said := fmt.Sprintf("content changed: %s, was %s", hash, was)
	if l.Changes > 0 {
		said += fmt.Sprintf("; %d changes since %s", l.Changes, l.Told.UTC().Format("15:04:05 UTC"))
	}
	l.Told, l.Changes = now, 0
	return said
}

// size degrades a good result with a body much smaller than usual, until that
// has become usual.
func (l *learned) size(r *uptime.Result) {
	if len(l.Sizes) >= fewSizes {
		if least := slices.Min(l.Sizes); r.Size < least/smallPart {
			if l.Small++; l.Small < adoptNew {
				r.Fault, r.Outcome = uptime.FaultHTTPSize, uptime.OutcomeDegraded
				r.Message = fmt.Sprintf("the body has %d bytes, usual are %d and more", r.Size, least)
				return
			}
			l.Sizes = nil
		}
	}
	l.Small = 0
	l.Sizes = append(l.Sizes, r.Size)
	if n := len(l.Sizes) - manySizes; n > 0 {
		l.Sizes = slices.Delete(l.Sizes, 0, n)
	}
}
