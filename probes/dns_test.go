package probes

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

func TestDNSCheck(t *testing.T) {
	server := nameServer(t, true, zone(t,
		"shop.test. 60 IN A 192.0.2.1", "shop.test. 60 IN A 192.0.2.2", "shop.test. 60 IN AAAA 2001:db8::1",
		"shop.test. 60 IN MX 10 mx1.test.", "shop.test. 60 IN MX 20 Mx2.test.", "shop.test. 60 IN SRV 1 2 443 s.test.",
		`shop.test. 60 IN TXT "v=spf1 " "-all"`, `shop.test. 60 IN CAA 0 issue "ca.test"`, "1.2.0.192.in-addr.arpa. 60 IN PTR shop.test."))
	failing := nameServer(t, false, rcode(dns.RcodeServerFailure))
	missing := nameServer(t, false, rcode(dns.RcodeNameError))
	refusing := nameServer(t, false, rcode(dns.RcodeRefused))
	both := []string{"192.0.2.2", "192.0.2.1"}
	tests := []struct {
		name, url string
		expect    keys
		fault     uptime.Fault
	}{
		{"a record", "dns://" + server + "/shop.test", nil, 0},
		{"by type", "dns://" + server + "/shop.test?type=mx", nil, 0},
		{"class and type", "dns://" + server + "/shop.test?class=IN;type=AAAA", keys{"answers": []string{"2001:DB8:0::1"}}, 0},
		{"these and no others", "dns://" + server + "/shop.test", keys{"answers": both}, 0},
		{"one too many", "dns://" + server + "/shop.test", keys{"answers": both[:1]}, uptime.FaultDNSWrongAnswer},
		{"one too few", "dns://" + server + "/shop.test", keys{"answers": append(both, "192.0.2.3")}, uptime.FaultDNSWrongAnswer},
		{"included", "dns://" + server + "/shop.test", keys{"answers_include": both[:1]}, 0},
		{"not included", "dns://" + server + "/shop.test", keys{"answers_include": []string{"192.0.2.3"}}, uptime.FaultDNSWrongAnswer},
		{"MX by host", "dns://" + server + "/shop.test?type=MX", keys{"answers": []string{"mx1.test", "MX2.test."}}, 0},
		{"MX as dig prints it", "dns://" + server + "/shop.test?type=MX", keys{"answers": []string{"10 mx1.test.", "20 mx2.test."}}, 0},
		{"MX of another weight", "dns://" + server + "/shop.test?type=MX", keys{"answers_include": []string{"20 mx1.test."}}, uptime.FaultDNSWrongAnswer},
		{"SRV by host", "dns://" + server + "/shop.test?type=SRV", keys{"answers": []string{"s.test"}}, 0},
		{"SRV as dig prints it", "dns://" + server + "/shop.test?type=SRV", keys{"answers": []string{"1 2 443 s.test."}}, 0},
		{"TXT joined", "dns://" + server + "/shop.test?type=TXT", keys{"answers": []string{"v=spf1 -all"}}, 0},
		{"TXT as dig prints it", "dns://" + server + "/shop.test?type=TXT", keys{"answers": []string{`"v=spf1 " "-all"`}}, 0},
		{"TXT has case", "dns://" + server + "/shop.test?type=TXT", keys{"answers": []string{"V=spf1 -all"}}, uptime.FaultDNSWrongAnswer},
		{"CAA", "dns://" + server + "/shop.test?type=CAA", keys{"answers": []string{`0 issue "ca.test"`}}, 0},
		{"PTR of an address", "dns://" + server + "/192.0.2.1?type=PTR", keys{"answers": []string{"shop.test"}}, 0},
		{"no such type", "dns://" + server + "/shop.test?type=NS", nil, uptime.FaultDNSNodata},
		{"no such type, and NOERROR is enough", "dns://" + server + "/shop.test?type=NS", keys{"rcode": "NOERROR"}, 0},
		{"NXDOMAIN", "dns://" + missing + "/shop.test", nil, uptime.FaultDNSNxdomain},
		{"NXDOMAIN is wanted", "dns://" + missing + "/shop.test", keys{"rcode": "NXDOMAIN"}, 0},
		{"NXDOMAIN is wanted and not given", "dns://" + server + "/shop.test", keys{"rcode": "NXDOMAIN"}, uptime.FaultDNSWrongAnswer},
		{"SERVFAIL", "dns://" + failing + "/shop.test", nil, uptime.FaultDNSServfail},
		{"SERVFAIL is wanted", "dns://" + failing + "/shop.test", keys{"rcode": "SERVFAIL"}, 0},
		{"REFUSED is wanted", "dns://" + refusing + "/shop.test", keys{"rcode": "REFUSED"}, 0},
		{"a closed port is no REFUSED", "dns://" + probetest.Closed(t) + "/shop.test", keys{"rcode": "REFUSED"}, uptime.FaultDNSRefused},
		{"the system's resolver", "dns:shop.test?type=A", keys{"answers": both}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := once(t, made(t, asking(server), "dns", tt.url, nil, tt.expect))
			if r.Fault != tt.fault {
				t.Errorf("%s: %s, want %q", r.Fault, r.Message, tt.fault)
			}
			if _, ok := r.Measured("dns"); !ok {
				t.Errorf("no measure: %+v", r)
			}
		})
	}
}

func TestDNSTarget(t *testing.T) {
	tests := map[string]string{
		"dns:Shop.test?type=mx":                        "dns:shop.test?type=MX",
		"dns:shop.test":                                "dns:shop.test?type=A",
		"dns:///shop.test.":                            "dns:shop.test?type=A",
		"dns://192.0.2.1:5353/shop.test":               "dns://192.0.2.1:5353/shop.test?type=A",
		"dns://ns1.test/_http._tcp.shop.test?type=SRV": "dns://ns1.test/_http._tcp.shop.test?type=SRV",
	}
	for url, want := range tests {
		if got := made(t, testSystem(), "dns", url, nil, nil).Target; got != want {
			t.Errorf("%s is shown as %s, want %s", url, got, want)
		}
	}
}

func TestDNSMistakes(t *testing.T) {
	for _, url := range []string{"dns:", "dns://192.0.2.1/", "dns:a?type=WHAT", "dns:a?x=y", "dns:a?class=CH", "dns:a..b", "dns://a..b/a", "dns:" + strings.Repeat("a", 70)} {
		if m := mistaken(t, "dns", url, nil, nil); len(m) == 0 || m[0].Key != "url" {
			t.Errorf("%s: %v", url, m)
		}
	}
	for _, expect := range []keys{{"rcode": "OOPS"}, {"rcode": "NXDOMAIN", "answers": []string{"x"}}} {
		if m := mistaken(t, "dns", "dns:a", nil, expect); len(m) != 1 || m[0].Key != "expect.rcode" {
			t.Errorf("%v: %v", expect, m)
		}
	}
}

func FuzzDNSMessage(f *testing.F) {
	q := new(dns.Msg)
	q.SetQuestion("shop.test.", dns.TypeA)
	q.Id = 0x4142
	good := zone(f, "shop.test. 60 IN CNAME b.test.", "b.test. 60 IN A 127.0.0.1")(q, false)
	b, err := good.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("AB\x81\x80\x00\x01garbage garbage"))
	check := dnsCheck{name: "shop.test.", qtype: dns.TypeA, answers: []string{"127.0.0.1"}}
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, mine := readMessage(b, q)
		if msg != nil && (!mine || msg.Id != q.Id || !msg.Response) {
			t.Fatalf("%v for a message that is not ours", msg)
		}
		if msg == nil || msg.Truncated {
			return
		}
		query{name: "shop.test", zone: "test."}.judge(there, answered{msg: msg})
		if below := referral(msg, "test.", "shop.test"); below != "" && len(hostsOf(msg.Ns, below)) > 0 {
			addressesIn(msg.Extra, hostsOf(msg.Ns, below)[0])
		}
		fail := query{name: "shop.test"}.judge(there, answered{msg: msg})
		if fail == nil {
			canonical("DNS", msg, "shop.test.")
			check.judge(msg, there, check.records(msg))
		}
	})
}
