package uptime

import "testing"

func TestResultSide(t *testing.T) {
	for _, c := range []struct {
		kind, target string
		fault        Fault
		want         Side
	}{
		{"dns", "dns:shop.test?type=A", FaultDNSServfail, Path},
		{"dns", "dns://192.0.2.1/shop.test?type=A", FaultDNSServfail, Target},
		{"dns", "dns://192.0.2.1/shop.test?type=A", FaultDNSTimeout, Path},
		{"dns", "dns://192.0.2.1/shop.test?type=A", FaultLocalNoRoute, Ours},
		{"http", "https://shop.test/", FaultDNSServfail, Path},
		{"tcp", "tcp://shop.test:1", FaultTCPRefused, Target},
	} {
		if got := (&Result{Type: c.kind, Target: c.target, Fault: c.fault}).Side(); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.target, c.fault, got, c.want)
		}
	}
}

func TestNameAgreed(t *testing.T) {
	second, zone := Step{Step: StepDNSSecond}, Step{Step: StepDNSZone}
	with := func(s Step, detail string) Step { s.Detail = detail; return s }
	for _, c := range []struct {
		name  string
		steps []Step
		want  bool
	}{
		{"nobody was asked", []Step{{Step: "dns"}}, false},
		{"both agree", []Step{with(second, DetailAgrees), with(zone, DetailAgrees)}, true},
		{"the zone alone", []Step{second, with(zone, DetailAgrees+": NXDOMAIN")}, true},
		{"the second alone", []Step{with(second, DetailAgrees), zone}, false},
		{"the second says otherwise", []Step{with(second, DetailDisagrees+": 192.0.2.1"), with(zone, DetailAgrees)}, false},
		{"the zone says otherwise", []Step{with(second, DetailAgrees), with(zone, DetailDisagrees)}, false},
	} {
		if got := (&Result{Steps: c.steps}).NameAgreed(); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
