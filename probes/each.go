package probes

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"lookout/engine/uptime"
)

// wholeCheck checks one address of a host to the end: the one in the endpoint.
// Another may be checked at the same time.
type wholeCheck func(ctx context.Context, t *trace, at endpoint) *failure

// seen is what the whole check of one address came to.
type seen struct {
	addr netip.Addr
	t    *trace
	f    *failure // nil: all is well; also why it is degraded
}

// each checks every address of a host, maxEach at most. It does so at once: a
// slow one takes no time from the others. The worst decides: a visitor who is
// led to an address that answers wrongly stays there, where one that is dead
// makes him try the next and is a complaint.
func (s *system) each(ctx context.Context, e endpoint, check wholeCheck) uptime.Result {
	t := newTrace()
	addrs, f := s.resolve(ctx, t, e)
	if f != nil {
		return t.end(f)
	}
	within, cancel := ctx, func() {}
	if t.doubt != nil { // whether private addresses are right is to be asked, too
		within, cancel = context.WithTimeout(ctx, left(ctx)/5*4)
	}
	all := make([]seen, min(len(addrs), maxEach))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = see(within, e, addrs[i], check) })
	}
	wg.Wait()
	cancel()
	return t.end(s.gather(ctx, t, all))
}

// see makes the check of one address. The Runner recovers only the panics
// of its own goroutine.
func see(ctx context.Context, e endpoint, a netip.Addr, check wholeCheck) (v seen) {
	e.at = a
	v = seen{addr: a, t: newTrace()}
	defer func() {
		if p := recover(); p != nil {
			v.f = panicked("the check of "+a.String(), p)
			v.t.res.Outcome = v.f.fault.Outcome()
		}
	}()
	f := check(ctx, v.t, e)
	took := time.Since(v.t.start)
	v.t.finish(f)
	r := &v.t.res
	r.Total = cmp.Or(r.Total, took)
	if r.Fault != uptime.NoFault {
		v.f = &failure{fault: r.Fault, text: r.Message}
	}
	return v
}

// weight orders addresses by what they say of the host, the worst last.
func (v seen) weight() int {
	switch {
	case v.f != nil && v.f.fault == uptime.FaultLocalNoRoute:
		return -2
	case !v.t.reached && v.t.res.Outcome == uptime.OutcomeDown:
		return -1
	}
	return slices.Index([]uptime.Outcome{uptime.OutcomeUp, uptime.OutcomeDegraded, uptime.OutcomeUnknown, uptime.OutcomeDown}, v.t.res.Outcome)
}

// gather makes one finding of those of all addresses, and notes their steps,
// those of the address that decides at the end.
func (s *system) gather(ctx context.Context, t *trace, all []seen) *failure {
	d := dialling{each: true}
	for _, v := range all {
		d.addrs = append(d.addrs, v.addr)
		switch {
		case !v.t.reached:
			d.dead = append(d.dead, deadAddress{v.addr, v.f})
		case v.t.res.Outcome == uptime.OutcomeDown:
			d.wrong = append(d.wrong, deadAddress{v.addr, v.f})
		default:
			d.good = append(d.good, v.addr)
		}
	}
	slices.SortStableFunc(all, func(a, b seen) int {
		by := cmp.Compare(a.weight(), b.weight())
		if by == 0 && a.f == nil && b.f == nil {
			by = cmp.Compare(a.t.res.Total, b.t.res.Total) // of good ones the slowest
		}
		return cmp.Or(by, b.addr.Compare(a.addr)) // of equal ones the first
	})
	decides := all[len(all)-1]
	t.adopt(all, decides)
	switch {
	case len(d.wrong) > 0:
		f := d.wrongly()
		if len(d.good) == 0 {
			f = s.reconsider(ctx, t, f)
		}
		return f
	case decides.t.res.Outcome == uptime.OutcomeUnknown:
		return decides.f
	case len(d.good) == 0:
		return s.reconsider(ctx, t, worst(d.dead))
	}
	t.complainOf(&d)
	if decides.f != nil {
		t.complain(decides.warning(all))
	}
	return nil
}

// warning is why the check is degraded by an address that is, among others that are not.
func (v seen) warning(all []seen) *failure {
	n, reached := 0, 0
	for _, o := range all {
		if o.t.reached {
			reached++
			if o.f != nil {
				n++
			}
		}
	}
	if n == reached {
		return v.f
	}
	return fail(v.f.fault, "%d of %d addresses: %s", n, len(all), at(v.addr, v.f.text))
}

// adopt makes what was seen at all of them part of a check: the figures are
// those of the one that decides. What is compared with the check before does
// not depend on who is the slowest: the certificate is the one that is to
// blame, else the one that ends first; the content is the first address's.
func (t *trace) adopt(all []seen, decides seen) {
	r, of := &t.res, decides.t
	r.Address, r.Status = of.res.Address, of.res.Status
	if of.reached {
		r.Total = of.start.Sub(t.start) + of.res.Total
	}
	for i, taken := range of.taken {
		if taken {
			t.measure(i, of.took[i])
		}
	}
	content := netip.Addr{}
	for _, v := range all {
		r.Steps = append(r.Steps, v.t.res.Steps...)
		if c := v.t.res.Cert; c != nil && (r.Cert == nil || c.NotAfter.Before(r.Cert.NotAfter)) {
			r.Cert = c
		}
		if (v.t.res.Size != 0 || v.t.res.Content != "") && (!content.IsValid() || v.addr.Less(content)) {
			content, r.Size, r.Content = v.addr, v.t.res.Size, v.t.res.Content
		}
	}
	if decides.f != nil && of.res.Cert != nil {
		r.Cert = of.res.Cert
	}
}

// wrongly is the failure of a host some of whose addresses answer wrongly.
func (d *dialling) wrongly() *failure {
	first := *d.wrong[0].f
	if !d.each || len(d.addrs) == 1 {
		return &first
	}
	bad := slices.Concat(d.wrong, d.counted())
	fails := "fail"
	if len(bad) == 1 {
		fails = "fails"
	}
	first.text = fmt.Sprintf("%d of %d addresses %s: ", len(bad), len(d.addrs), fails) + at(bad[0].addr, first.text) + others(bad[1:])
	if len(d.good) > 0 {
		first.text += fmt.Sprintf("; %s is good", d.good[0])
	}
	return &first
}

// at is a sentence about an address, which need not be in it.
func at(a netip.Addr, text string) string {
	if strings.Contains(text, a.String()) {
		return text
	}
	return a.String() + ": " + text
}

// others names further addresses that fail, and the classes of their failures.
func others(bad []deadAddress) string {
	text := ""
	for _, b := range bad[:min(len(bad), 3)] {
		text += ", " + b.addr.String() + " " + strings.TrimPrefix(b.f.fault.String(), "tcp.")
	}
	return text
}
