//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"

	"github.com/miekg/dns"
)

// serve is the far end: every name under test. has this host's address, where
// HTTP is spoken. It ends when it is killed.
func serve() error {
	answer := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		if len(q.Question) == 1 && q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IP(farAddress.AsSlice())}}
		}
		_ = w.WriteMsg(m) // a lost answer is what this is about
	})
	pc, err := net.ListenPacket("udp4", at(farAddress, 53))
	if err != nil {
		return err
	}
	web, err := net.Listen("tcp4", at(farAddress, 80))
	if err != nil {
		return err
	}
	failed := make(chan error, 2) // servers → us; a slot each
	go func() { failed <- (&dns.Server{PacketConn: pc, Handler: answer}).ActivateAndServe() }()
	go func() {
		failed <- http.Serve(web, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }))
	}()
	if _, err := fmt.Fprint(os.Stdout, "."); err != nil {
		return err
	}
	return <-failed
}

func at(a netip.Addr, port uint16) string { return netip.AddrPortFrom(a, port).String() }
