package main

// nsd serves a zone over DNS. For the udp type it is a server that answers a
// datagram: the question for an address, byte by byte.
func nsd() drill {
	const zone = `$ORIGIN example.test.
$TTL 60
@    SOA ns hostmaster 1 3600 600 86400 60
@    NS  ns
@    MX  10 mail
@    TXT "v=spf1 -all"
@    HTTPS 1 . alpn=h2
ns   A   127.0.0.1
www  A   127.0.0.1
www  AAAA ::1
mail A   127.0.0.1
_443._tcp.www TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
`
	conf := func(zones string) map[string]string {
		return map[string]string{"nsd.conf": `server:
  ip-address: 127.0.0.1@@dns@
  do-ip6: no
  username: ""
  chroot: ""
  server-count: 1
  zonesdir: "@dir@"
  database: ""
  pidfile: "@dir@/nsd.pid"
  xfrdfile: "@dir@/xfrd.state"
  xfrdir: "@dir@"
  zonelistfile: "@dir@/zone.list"
remote-control:
  control-enable: no
` + zones}
	}
	serving := func(name, zone string) map[string]string {
		files := conf("zone:\n  name: " + name + "\n  zonefile: \"" + name + ".zone\"\n")
		if zone != "" {
			files[name+".zone"] = zone
		}
		return files
	}
	servers := []server{{program: "nsd", args: []string{"-d", "-c", "@dir@/nsd.conf"}, ports: []string{"dns"}}}
	const (
		www      = "dns://127.0.0.1:@dns@/www.example.test?type=A"
		question = `send_hex = "abcd 0000 0001 0000 0000 0000 03 777777 07 6578616d706c65 04 74657374 00 0001 0001"` + "\n[monitor.expect]\n" + `banner = '\x7f\x00\x00\x01'`
		gone     = "reply.closed"
	)
	asks := func(query, expect string) check {
		c := check{url: "dns://127.0.0.1:@dns@/" + query, dead: "dns.refused"}
		if expect != "" {
			c.keys = "[monitor.expect]\n" + expect
		}
		return c
	}
	fails := func(name string, files map[string]string, c check, want, says string) state {
		c.want, c.says = want, says
		return state{name: name, files: files, servers: servers, checks: []check{c}}
	}
	udp := check{url: "udp://127.0.0.1:@dns@", keys: question, dead: gone}
	return drill{
		server: "nsd",
		needs:  []need{{"/usr/sbin/nsd", "nsd"}},
		running: state{files: serving("example.test", zone), servers: servers, checks: []check{
			asks("www.example.test?type=A", `answers = ["127.0.0.1"]`),
			asks("www.example.test?type=AAAA", `answers = ["::1"]`),
			asks("example.test?type=MX", `answers_include = ["mail.example.test"]`),
			asks("example.test?type=TXT", `answers_include = ['"v=spf1 -all"']`),
			asks("example.test?type=HTTPS", ""),
			asks("_443._tcp.www.example.test?type=TLSA", ""),
			asks("example.test?type=SOA", "authority = true"),
			asks("none.example.test?type=A", `rcode = "NXDOMAIN"`),
			udp,
		}},
		wrong: []state{
			fails("its zone does not load", serving("example.test", ""), asks("www.example.test?type=A", ""), "dns.servfail", "SERVFAIL"),
			fails("it serves another zone", serving("example.org", zone), asks("www.example.test?type=A", ""), "dns.refused", "REFUSED"),
			fails("the record is gone", serving("example.test", zone), asks("shop.example.test?type=A", ""), "dns.nxdomain", "shop.example.test"),
			fails("a record of another type", serving("example.test", zone), asks("mail.example.test?type=AAAA", ""), "dns.no_aaaa", "mail.example.test"),
			fails("another address", serving("example.test", zone), asks("www.example.test?type=A", `answers = ["192.0.2.7"]`), "dns.wrong_answer", "192.0.2.7"),
			fails("answers no to a datagram", serving("example.org", zone), udp, "reply.unexpected", "does not match"),
			{name: "a web server on its port", files: nginxConf("  server { listen 127.0.0.1:@dns@; }"), servers: nginxServer("dns"), checks: []check{
				{url: www, want: "dns.refused", says: "nothing listens"}}},
		},
	}
}
