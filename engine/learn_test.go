package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lookout/engine/uptime"
)

const day = 24 * time.Hour

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// shown is a good result with a certificate.
func shown(serial string, from, until time.Time) *uptime.Result {
	return &uptime.Result{Outcome: uptime.OutcomeUp, Cert: &uptime.Certificate{Serial: serial, Issuer: "CN=E8", NotBefore: from, NotAfter: until}}
}

// renewing checks once a day a certificate of a lifetime that is renewed with
// so much left, a few times, and returns when the last one began.
func renewing(l *learned, life, left time.Duration, times int, from time.Time) (began time.Time) {
	at := from
	for i := range times + 1 {
		began = at
		for ; at.Before(began.Add(life - left)); at = at.Add(life / 90) {
			l.take(shown(fmt.Sprint(from.Unix(), i), began, began.Add(life)), time.Minute, at)
		}
	}
	return began
}

func TestRenewalOverdue(t *testing.T) {
	for _, tc := range []struct {
		name  string
		life  time.Duration
		left  time.Duration
		times int
		now   time.Duration // left of the running certificate
		want  string
	}{
		{"26 d left, renewed with 30 four times", 90 * day, 30 * day, 4, 26 * day, "renewal overdue: renewed with at least 30d00h left 4 times before, now 26d00h are left"},
		{"28 d left", 90 * day, 30 * day, 4, 28 * day, ""},
		{"one renewal says nothing", 90 * day, 30 * day, 1, 10 * day, ""},
		{"a certificate of six days", 160 * time.Hour, 53 * time.Hour, 3, 40 * time.Hour, "renewal overdue"},
		{"the same, in time", 160 * time.Hour, 53 * time.Hour, 3, 50 * time.Hour, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var l learned
			began := renewing(&l, tc.life, tc.left, tc.times, noon)
			r := shown(l.newest().Serial, began, began.Add(tc.life))
			l.take(r, time.Minute, began.Add(tc.life-tc.now))
			if (tc.want == "") != (r.Fault == uptime.NoFault) || !strings.HasPrefix(r.Message, tc.want) {
				t.Errorf("%v %q, want %q (%v)", r.Fault, r.Message, tc.want, l.Renewed)
			}
			if r.Outcome != r.Fault.Outcome() {
				t.Errorf("outcome %v of %v", r.Outcome, r.Fault)
			}
		})
	}
	t.Run("a shorter lifetime is compared by its share", func(t *testing.T) {
		var l learned
		at := renewing(&l, 90*day, 30*day, 3, noon).Add(60 * day)
		r := shown("short", at, at.Add(45*day))
		l.take(r, time.Minute, at)
		l.take(r, time.Minute, at.Add(29*day)) // 16 of 45 days are left, more than a third
		if r.Fault != uptime.NoFault {
			t.Errorf("%v %q", r.Fault, r.Message)
		}
	})
}

func TestCertificateChanges(t *testing.T) {
	var l learned
	said := func(r *uptime.Result, at time.Time) string {
		var all []string
		for _, ev := range l.take(r, time.Minute, at) {
			if ev.Kind != uptime.EventCertificate {
				t.Errorf("an event of kind %s", ev.Kind)
			}
			all = append(all, ev.Message)
		}
		return strings.Join(all, "; ")
	}
	old, young := func() *uptime.Result { return shown("01", noon, noon.Add(90*day)) }, func() *uptime.Result { return shown("02", noon.Add(60*day), noon.Add(150*day)) }
	if got := said(old(), noon); got != "" {
		t.Errorf("the first: %q", got)
	}
	at := noon.Add(60 * day)
	said(old(), at)
	if got, want := said(young(), at), "certificate changed: serial 02, valid until 2027-04-21; the old one had 30d00h left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 5 { // nodes that take turns
		if got := said(old(), at) + said(young(), at); got != "" {
			t.Errorf("again: %q", got)
		}
	}
	other := young()
	other.Cert.Issuer, other.Cert.Serial = "CN=R11", "03"
	if got := said(other, at); !strings.Contains(got, "by CN=R11, was by CN=E8") {
		t.Errorf("another issuer: %q", got)
	}
	for i := range 100 {
		l.take(shown(fmt.Sprint("n", i), noon, noon.Add(day)), time.Minute, at.Add(time.Duration(i)*time.Second))
	}
	if len(l.Certs) > maxCerts || len(l.Renewed) > maxRenewals {
		t.Errorf("keeps %d certificates, %d renewals", len(l.Certs), len(l.Renewed))
	}
}

// TestStrayCertificate: somebody else's certificate for a moment is a change,
// and no renewal, however long it lasts.
func TestStrayCertificate(t *testing.T) {
	var l learned
	began := renewing(&l, 90*day, 30*day, 3, noon)
	renewed := len(l.Renewed)
	stray := shown("stray", noon, noon.Add(3650*day))
	stray.Outcome, stray.Fault, stray.Cert.Chain = uptime.OutcomeDown, uptime.FaultTLSSelfSigned, "self-signed"
	serial := l.newest().Serial
	if news := l.take(stray, time.Minute, began.Add(80*day)); len(news) != 1 {
		t.Errorf("the stray one: %+v", news)
	}
	if len(l.Renewed) != renewed {
		t.Errorf("a renewal with %v left", l.Renewed[renewed].Left)
	}
	r := shown(serial, began, began.Add(90*day))
	if l.take(r, time.Minute, began.Add(80*day+time.Minute)); r.Fault != uptime.FaultTLSRenewalOverdue {
		t.Errorf("afterwards: %v %q", r.Fault, r.Message)
	}
}

// TestCertificateForEverybody: one that has another certificate for each check
// does not fill the log of events with them.
func TestCertificateForEverybody(t *testing.T) {
	var l learned
	events := 0
	for i := range 600 { // ten seconds apart
		events += len(l.take(shown(fmt.Sprint("n", i), noon, noon.Add(90*day)), time.Minute, noon.Add(time.Duration(i)*10*time.Second)))
	}
	if events < maxCerts || events > 2*maxCerts+10 {
		t.Errorf("%d events in 100 minutes", events)
	}
}

// TestNodesTakeTurns sees one warning where one of two nodes has an old certificate.
func TestNodesTakeTurns(t *testing.T) {
	var l learned
	for i := range 20 {
		at := noon.Add(time.Duration(i) * time.Minute)
		r := shown("01", noon.Add(-88*day), noon.Add(2*day))
		r.Fault, r.Outcome = uptime.FaultTLSExpiresSoon, uptime.OutcomeDegraded
		if i%2 == 1 {
			r = shown("02", noon, noon.Add(90*day))
		}
		l.take(r, time.Minute, at)
		if r.Fault != uptime.FaultTLSExpiresSoon {
			t.Fatalf("check %d: %v", i, r.Fault)
		}
	}
	r := shown("02", noon, noon.Add(90*day))
	if l.take(r, time.Minute, noon.Add(40*time.Minute)); r.Fault != uptime.NoFault {
		t.Errorf("long after the old one was seen: %v %q", r.Fault, r.Message)
	}
}

func TestContentChanges(t *testing.T) {
	var l learned
	at := noon
	check := func(hash string) string {
		at = at.Add(time.Minute)
		for _, ev := range l.take(&uptime.Result{Outcome: uptime.OutcomeUp, Content: hash}, time.Minute, at) {
			return string(ev.Kind) + " " + ev.Message
		}
		return ""
	}
	if got := check("aa") + check("aa"); got != "" {
		t.Errorf("at first: %q", got)
	}
	if got, want := check("bb"), "content content changed: bb, was aa"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	events := 0
	for i := range 105 { // another with every check
		if check(fmt.Sprint(i)) != "" {
			events++
		}
	}
	if events != 10 {
		t.Errorf("%d events in 105 minutes", events)
	}
	at = at.Add(time.Hour)
	if got := check("cc"); !strings.HasSuffix(got, "; 5 changes since 13:43:00 UTC") {
		t.Errorf("got %q", got)
	}
}

func TestUsualSize(t *testing.T) {
	var l learned
	check := func(size int64) *uptime.Result {
		r := &uptime.Result{Outcome: uptime.OutcomeUp, Size: size}
		l.take(r, time.Minute, noon)
		return r
	}
	for i := range int64(fewSizes) {
		if r := check(100 - 4*i); r.Fault != uptime.NoFault { // nothing is usual yet
			t.Fatalf("%d: %v", i, r.Message)
		}
	}
	if r := check(12); r.Fault != uptime.NoFault {
		t.Errorf("half of the smallest: %q", r.Message)
	}
	for range 5 {
		check(90)
	}
	r := check(5)
	if r.Fault != uptime.FaultHTTPSize || r.Outcome != uptime.OutcomeDegraded || r.Message != "the body has 5 bytes, usual are 12 and more" {
		t.Errorf("%v %v %q", r.Outcome, r.Fault, r.Message)
	}
	down := &uptime.Result{Size: 5, Outcome: uptime.OutcomeDown, Fault: uptime.FaultHTTPStatus}
	l.take(down, time.Minute, noon)
	if down.Fault != uptime.FaultHTTPStatus {
		t.Error("a fault was replaced")
	}
	n := 0
	for ; check(5).Fault != uptime.NoFault; n++ {
		if n > 2*adoptNew {
			t.Fatal("never becomes usual")
		}
	}
	if r := check(5); r.Fault != uptime.NoFault {
		t.Errorf("after %d checks: %q", n, r.Message)
	}
}
