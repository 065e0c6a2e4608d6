package probes

import (
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// TestMatches reads records as dig 9.18 prints them.
func TestMatches(t *testing.T) {
	const key = "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="
	tests := []struct {
		record, want string
		yes          bool
	}{
		{"a. 60 IN A 192.0.2.1", "192.0.2.1", true},
		{"a. 60 IN AAAA 2001:db8::1", "2001:DB8:0:0::1", true},
		{"a. 60 IN CNAME B.test.", "b.test", true},
		{"a. 60 IN NS ns1.test.", "ns1.test.", true},
		{"a. 60 IN MX 10 mx1.test.", "mx1.test", true},
		{"a. 60 IN MX 10 mx1.test.", "20 mx1.test.", false},
		{"a. 60 IN SRV 1 2 443 s.test.", "1 2 443 s.test.", true},
		{"a. 60 IN SOA ns.test. root.test. 7 60 60 60 60", "ns.test. root.test. 7 60 60 60 60", true},
		{"a. 60 IN SOA ns.test. root.test. 7 60 60 60 60", "ns.test. root.test. 8 60 60 60 60", false},
		{`a. 60 IN CAA 0 issue "ca.test"`, `0 issue "ca.test"`, true},
		{`a. 60 IN TXT "v=spf1 " "-all"`, "v=spf1 -all", true},
		{`a. 60 IN NAPTR 10 100 "S" "SIP+D2U" "" _sip._udp.test.`, `10 100 "S" "SIP+D2U" "" _sip._udp.test.`, true},
		{"a. 60 IN DNSKEY 257 3 13 " + key, "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+ KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==", true},
		{"a. 60 IN DNSKEY 257 3 13 " + key, "257 3 13 " + strings.ToLower(key), false},
		{"a. 60 IN DS 2371 13 2 c988ec423e3880eb8dd8a46fe06ca230ee23f35b578d64e78b29c3e1c83d245a", "2371 13 2 C988EC423E3880EB8DD8A46FE06CA230EE23F35B578D64E78B29C3E1 C83D245A", true},
		{"a. 60 IN TLSA 3 1 1 0d6fce3320a3dc4ae3ae1fec1e7d59e01e9d6a9fbfd8e0a1a1a1a1a1a1a1a1a1", "3 1 1 0D6FCE3320A3DC4AE3AE1FEC1E7D59E01E9D6A9FBFD8E0A1A1A1A1A1 A1A1A1A1", true},
		{"a. 60 IN TLSA 3 1 1 0d6f", "3 1 2 0d6f", false},
		{"a. 60 IN SSHFP 4 2 0d6f", "4 2 0D6F", true},
		{`a. 60 IN HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1`, `1 . alpn="h2,h3" ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1`, true},
		{`a. 60 IN HTTPS 1 . alpn="h2,h3" port=8443`, `1 . alpn="h2,h3" port=8443`, true},
		{`a. 60 IN HTTPS 1 . alpn="h2,h3"`, `1 . alpn="h2"`, false},
		{"a. 60 IN SVCB 0 b.test.", "0 b.test.", true},
		{`a. 60 IN SVCB 1 b. alpn="h2" no-default-alpn ech="AAAA" key667="hello"`, `1 b. alpn="h2" no-default-alpn ech=AAAA key667="hello"`, true},
		{"a. 60 IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", true},
		{`a. 60 IN HINFO "a b" "c"`, `"a b" "c"`, true},
		{`a. 60 IN URI 10 1 "https://x.test/"`, `10 1 "https://x.test/"`, true},
	}
	for _, tt := range tests {
		rr, err := dns.NewRR(tt.record)
		if err != nil {
			t.Fatal(err)
		}
		if got := matches(rr, tt.want); got != tt.yes {
			t.Errorf("%s, which prints as %s, is %s: %t", tt.record, text(rr), tt.want, got)
		}
	}
}

// TestDNSTypes asks for every type that a URL can name.
func TestDNSTypes(t *testing.T) {
	for _, kind := range dnsTypes {
		if dns.StringToType[kind] == 0 {
			t.Errorf("%s is no type", kind)
		}
		c := made(t, testSystem(), "dns", "dns:shop.test?type="+kind, nil, nil).Checker.(dnsCheck)
		if c.qtype != dns.StringToType[kind] {
			t.Errorf("%s: asks for %d", kind, c.qtype)
		}
	}
}

func TestHints(t *testing.T) {
	const https = `shop.test. 60 IN HTTPS 1 . alpn="h2" ipv4hint=192.0.2.1 ipv6hint=2001:db8::1`
	a, aaaa := "shop.test. 60 IN A 192.0.2.1", "shop.test. 60 IN AAAA 2001:db8::1"
	tests := []struct {
		name    string
		records []string
		fault   uptime.Fault
		says    string
	}{
		{"the same", []string{https, a, aaaa}, 0, ""},
		{"one of more", []string{https, a, "shop.test. 60 IN A 192.0.2.7", aaaa}, 0, ""},
		{"no hints", []string{`shop.test. 60 IN HTTPS 1 . alpn="h2"`}, 0, ""},
		{"IPv4 moved", []string{https, "shop.test. 60 IN A 192.0.2.7", aaaa}, uptime.FaultDNSWrongAnswer, "DNS shop.test HTTPS: its hint 192.0.2.1 is no address of shop.test, which has 192.0.2.7"},
		{"IPv6 is gone", []string{https, a}, uptime.FaultDNSWrongAnswer, "its hint 2001:db8::1 is no address of shop.test, which has none"},
		{"of another target", []string{"shop.test. 60 IN HTTPS 1 cdn.test. ipv4hint=192.0.2.9", "cdn.test. 60 IN A 192.0.2.9", a}, 0, ""},
		{"of another target, and wrong", []string{"shop.test. 60 IN HTTPS 1 cdn.test. ipv4hint=192.0.2.1", "cdn.test. 60 IN A 192.0.2.9", a}, uptime.FaultDNSWrongAnswer, "no address of cdn.test, which has 192.0.2.9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := nameServer(t, false, book(t, true, tt.records...))
			r := once(t, made(t, testSystem(), "dns", "dns://"+server+"/shop.test?type=HTTPS", nil, nil))
			if r.Fault != tt.fault || !strings.Contains(r.Message, tt.says) {
				t.Errorf("%s: %s", r.Fault, r.Message)
			}
		})
	}
	failing := nameServer(t, false, func(q *dns.Msg, tcp bool) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeHTTPS {
			return rcode(dns.RcodeServerFailure)(q, tcp)
		}
		return zone(t, https)(q, tcp)
	})
	if r := once(t, made(t, testSystem(), "dns", "dns://"+failing+"/shop.test?type=HTTPS", nil, nil)); r.Fault != 0 {
		t.Errorf("nobody knows whether the hints are right: %s: %s", r.Fault, r.Message)
	}
}

func TestAuthority(t *testing.T) {
	own := nameServer(t, false, book(t, true, "shop.test. 60 IN A 192.0.2.1"))
	resolver := nameServer(t, false, book(t, false, "shop.test. 60 IN A 192.0.2.1"))
	wanted := keys{"authority": true}
	if r := once(t, made(t, testSystem(), "dns", "dns://"+own+"/shop.test", nil, wanted)); r.Fault != 0 {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
	if r := once(t, made(t, testSystem(), "dns", "dns://"+resolver+"/shop.test", nil, wanted)); r.Fault != uptime.FaultDNSLame || !strings.Contains(r.Message, "without authority (AA)") {
		t.Errorf("%s: %s", r.Fault, r.Message)
	}
	if m := mistaken(t, "dns", "dns:shop.test", nil, wanted); len(m) != 1 || m[0].Key != "expect.authority" {
		t.Error(m)
	}
}

func TestSameSerial(t *testing.T) {
	soa := func(serial string) string {
		return "shop.test. 60 IN SOA a.shop.test. root.shop.test. " + serial + " 60 60 60 60"
	}
	resolver := book(t, false, soa("7"), "shop.test. 60 IN NS a.shop.test.", "shop.test. 60 IN NS b.shop.test.",
		"a.shop.test. 60 IN A 127.0.0.3", "b.shop.test. 60 IN A 127.0.0.4")
	tests := []struct {
		name  string
		a, b  answerer
		fault uptime.Fault
		says  string
	}{
		{"the same", book(t, true, soa("7")), book(t, true, soa("7")), 0, ""},
		{"behind", book(t, true, soa("8")), book(t, true, soa("7")), uptime.FaultDNSWrongAnswer, "DNS shop.test SOA: serial 8 at 127.0.0.3, but 7 at 127.0.0.4"},
		{"one is silent", book(t, true, soa("7")), mute, 0, ""},
		{"one is lame", book(t, true, soa("7")), rcode(dns.RcodeRefused), uptime.FaultDNSLame, "127.0.0.4, which the zone is delegated to, does not know it (REFUSED)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := newInternet(t, map[string]answerer{"127.0.0.1": resolver, "127.0.0.3": tt.a, "127.0.0.4": tt.b})
			r := quickly(t, made(t, in.asking("127.0.0.1"), "dns", "dns:shop.test?type=SOA", nil, keys{"same_serial": true}))
			if r.Fault != tt.fault || !strings.Contains(in.plain(r.Message), tt.says) {
				t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
			}
		})
	}
	if m := mistaken(t, "dns", "dns:shop.test?type=NS", nil, keys{"same_serial": true}); len(m) != 1 || m[0].Key != "expect.same_serial" {
		t.Error(m)
	}
}

// TestSecondOpinionOfRecords asks others about a record, too.
func TestSecondOpinionOfRecords(t *testing.T) {
	old := book(t, false, "shop.test. 60 IN MX 10 old.test.", soaRecord, nsRecord, glue)
	own := book(t, true, "shop.test. 60 IN MX 10 new.test.")
	in := newInternet(t, map[string]answerer{"127.0.0.1": old, "127.0.0.2": old, "127.0.0.3": own})
	r := once(t, made(t, in.asking("127.0.0.1", "127.0.0.2"), "dns", "dns:shop.test?type=MX", nil, keys{"answers": []string{"new.test"}}))
	want := "DNS shop.test MX: 10 old.test. from 127.0.0.1, expected new.test, but NOERROR 10 new.test. from its zone's own server 127.0.0.3"
	if r.Fault != uptime.FaultDNSResolversDisagree || in.plain(r.Message) != want {
		t.Errorf("%s: %s\nwant %s", r.Fault, in.plain(r.Message), want)
	}
}

// FuzzAnswers holds what people write against a record of any type.
func FuzzAnswers(f *testing.F) {
	f.Add(uint16(dns.TypeMX), []byte("\x00\x0a\x03mx1\x04test\x00"), "10 mx1.test.")
	f.Add(uint16(dns.TypeHTTPS), []byte("\x00\x01\x00\x00\x04\x00\x04\xc0\x00\x02\x01"), "1 . ipv4hint=192.0.2.1")
	f.Add(uint16(dns.TypeTXT), []byte("\x03a\"b"), `"a\"b"`)
	f.Add(uint16(dns.TypeTLSA), []byte("\x03\x01\x01\x0d\x6f"), "3 1 1 0D 6F")
	f.Fuzz(func(t *testing.T, kind uint16, data []byte, want string) {
		if len(data) > 65535 {
			return
		}
		head := []byte{0, byte(kind >> 8), byte(kind), 0, 1, 0, 0, 0, 60, byte(len(data) >> 8), byte(len(data))}
		rr, _, err := dns.UnpackRR(append(head, data...), 0)
		if err != nil || rr == nil {
			return
		}
		matches(rr, want)
		dataHints(rr)
		if shown := text(rr); rr.Header().Rrtype != dns.TypeOPT && shown == strings.TrimSpace(shown) && !matches(rr, shown) {
			t.Fatalf("%s is not %s", rr, shown)
		}
	})
}

// TestEachServer asks every address of a name server that is watched.
func TestEachServer(t *testing.T) {
	good := book(t, true, "shop.test. 60 IN A 192.0.2.1")
	in := newInternet(t, map[string]answerer{"127.0.0.1": book(t, false, "ns.test. 60 IN A 127.0.0.3", "ns.test. 60 IN A 127.0.0.4"),
		"127.0.0.3": rcode(dns.RcodeRefused), "127.0.0.4": good})
	target := "dns://ns.test:" + strconv.Itoa(int(in.port)) + "/shop.test"
	r := once(t, made(t, in.asking("127.0.0.1"), "dns", target, keys{"ip": "each"}, nil))
	want := "1 of 2 addresses dead: DNS shop.test: REFUSED from 127.0.0.3; 127.0.0.4 answers"
	if r.Fault != uptime.FaultTCPSomeAddressesDead || in.plain(r.Message) != want || in.plain(r.Address) != "127.0.0.4" || len(r.Steps) != 3 {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
	r = once(t, made(t, in.asking("127.0.0.1"), "dns", target, keys{"ip": "each"}, keys{"answers": []string{"192.0.2.2"}}))
	want = "2 of 2 addresses fail: DNS shop.test A: 192.0.2.1 from 127.0.0.4, expected 192.0.2.2, 127.0.0.3 dns.refused"
	if r.Fault != uptime.FaultDNSWrongAnswer || in.plain(r.Message) != want {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
	in = newInternet(t, map[string]answerer{"127.0.0.1": book(t, false, "ns.test. 60 IN A 127.0.0.3", "ns.test. 60 IN A 127.0.0.4"),
		"127.0.0.3": good, "127.0.0.4": book(t, true, "shop.test. 60 IN A 192.0.2.9")})
	target = "dns://ns.test:" + strconv.Itoa(int(in.port)) + "/shop.test"
	r = once(t, made(t, in.asking("127.0.0.1"), "dns", target, keys{"ip": "each"}, keys{"answers": []string{"192.0.2.1"}}))
	want = "1 of 2 addresses fails: DNS shop.test A: 192.0.2.9 from 127.0.0.4, expected 192.0.2.1; 127.0.0.3 is good"
	if r.Fault != uptime.FaultDNSWrongAnswer || in.plain(r.Message) != want || in.plain(r.Address) != "127.0.0.4" {
		t.Errorf("%s: %s\n%+v", r.Fault, r.Message, r.Steps)
	}
}
