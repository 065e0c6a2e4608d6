package probes

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"lookout/engine/uptime"
)

const (
	xmppHeader   = "<?xml version='1.0'?><stream:stream from='good.test' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	xmppFeatures = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
	xmppProceed  = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
)

// xmppServer is a good server where its texts are empty.
type xmppServer struct{ header, features, answer string }

func (x xmppServer) serve(c net.Conn, config *tls.Config, said chan<- string) {
	for text, standard := range map[*string]string{&x.header: xmppHeader, &x.features: xmppFeatures, &x.answer: xmppProceed} {
		if *text == "" {
			*text = standard
		}
	}
	r := bufio.NewReader(c)
	for {
		tag, err := r.ReadString('>')
		if err != nil {
			return
		}
		name, _, _ := strings.Cut(tag, " ")
		if said != nil {
			said <- name
		}
		switch name {
		case "<stream:stream":
			io.WriteString(c, x.header+x.features)
		case "</stream:stream>":
			io.WriteString(c, tag)
			return
		case "<starttls":
			io.WriteString(c, x.answer)
			sec := tls.Server(c, config)
			if sec.Handshake() != nil {
				return
			}
			c, r, x.features = sec, bufio.NewReader(sec), "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
		}
	}
}

var xmppFaults = []produced{
	{uptime.FaultReplyUnexpected, `refuses the stream with "host-unknown no such host"`, speaking("xmpp", xmppServer{features: "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text>no such host</text></stream:error>"})},
	{uptime.FaultReplyUnexpected, `ends the stream`, speaking("xmpp", xmppServer{features: "</stream:stream>"})},
	{uptime.FaultReplyUnexpected, "has no STARTTLS: its stream does not offer it", speaking("xmpp+starttls", xmppServer{features: "<stream:features><starttls xmlns='urn:other'/></stream:features>"})},
	{uptime.FaultReplyUnexpected, `answers STARTTLS with "<failure`, speaking("xmpp+starttls", xmppServer{answer: "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("xmpp", xmppServer{header: "<html><body>"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("xmpp", xmppServer{header: "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>" + xmppHeader})},
	{uptime.FaultReplyMalformed, "invalid character entity &b;", speaking("xmpp", xmppServer{features: "<stream:features>&b;</stream:features>"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("xmpp", xmppServer{features: "<stream:features><!-- x --></stream:features>"})},
	{uptime.FaultReplyMalformed, "does not speak", speaking("xmpp", xmppServer{features: "<stream:features>" + strings.Repeat("<a>", maxDepth)})},
	{uptime.FaultReplyMalformed, "is too long", speaking("xmpp", xmppServer{features: "<stream:features>" + strings.Repeat("<a/>", maxReply)})},
	{uptime.FaultReplyMalformed, "is too long", speaking("xmpp", xmppServer{features: "<stream:features a='" + strings.Repeat("a", maxReply)})},
	{uptime.FaultReplyTimeout, "no reply from", speaking("xmpp", xmppServer{features: "<stream:features>"})},
}

// TestXMPPName asks for the name that was configured, whatever it holds.
func TestXMPPName(t *testing.T) {
	asked := make(chan string, 1) // server → test: the client's stream
	target, _ := started(t, "xmpp", serverFunc(func(c net.Conn, _ *tls.Config, _ chan<- string) {
		r := bufio.NewReader(c)
		r.ReadString('>')
		tag, _ := r.ReadString('>')
		asked <- tag
	}), nil)
	once(t, made(t, testSystem(), "xmpp", target, keys{"server_name": "a'><b."}, nil))
	if tag := <-asked; !strings.HasPrefix(tag, "<stream:stream to='a&#39;&gt;&lt;b' version='1.0' ") {
		t.Error(tag)
	}
}
