package probes

import (
	"context"
	"encoding/xml"
	"io"
	"strings"
)

const (
	streamSpace = "http://etherx.jabber.org/streams"
	xmppTLS     = "urn:ietf:params:xml:ns:xmpp-tls"
	// maxDepth is how deep elements of a stream may be.
	maxDepth = 16
)

// xmppService is XMPP as a client speaks it (RFC 6120): it opens a stream to
// the server's name and reads what the server offers.
func xmppService() service {
	return service{
		name: "xmpp", summary: "opens a stream to a chat server as a client does, without a login",
		port: 5222, tlsPort: 5223, announce: true, protocols: []string{"xmpp-client"},
		hello: func(ctx context.Context, s *session) (string, *failure) {
			var to strings.Builder
			xml.EscapeText(&to, []byte(strings.TrimSuffix(s.name, ".")))
			f := s.say("<?xml version='1.0'?><stream:stream to='" + to.String() + "' version='1.0' xmlns='jabber:client' xmlns:stream='" + streamSpace + "'>")
			if f != nil {
				return "", f
			}
			if f := s.begins(ctx, "<"); f != nil { // it may never come to a tag
				return "", f
			}
			x := xmlOf(ctx, s)
			from, f := x.open()
			if f != nil {
				return x.said(), f
			}
			_, features, f := x.element()
			return "stream from " + from + "\n" + strings.Join(features, "\n"), f
		},
		starttls: func(ctx context.Context, s *session) (string, *failure) {
			if !offered(s.offers, "starttls") {
				return "", s.lacksTLS("its stream does not offer it")
			}
			if f := s.say("<starttls xmlns='" + xmppTLS + "'/>"); f != nil {
				return "", f
			}
			x := xmlOf(ctx, s)
			name, _, f := x.element()
			if f == nil && name != (xml.Name{Space: xmppTLS, Local: "proceed"}) {
				f = s.unexpected("answers STARTTLS with", x.said())
			}
			return x.said(), f
		},
		goodbye: func(ctx context.Context, s *session) (string, *failure) {
			if f := s.say("</stream:stream>"); f != nil {
				return "", f
			}
			said := ""
			for !strings.HasSuffix(said, "</stream:stream>") && len(said) < maxLine {
				b, f := s.take(ctx, 1)
				if f != nil {
					return said, f
				}
				said += string(b)
			}
			return said, nil
		},
	}
}

// xmlStream reads elements of XML from a dialogue, byte by byte: what follows an
// element is not touched. There are no entities but those of XML itself (RFC
// 6120, 11.1), and so none that grow.
type xmlStream struct {
	*xml.Decoder
	ctx  context.Context // of the one step that the stream is read in
	s    *session
	read []byte
	f    *failure // why it cannot be read on
}

func xmlOf(ctx context.Context, s *session) *xmlStream {
	x := &xmlStream{ctx: ctx, s: s}
	x.Decoder = xml.NewDecoder(x)
	return x
}

func (x *xmlStream) said() string { return string(x.read) }

// ReadByte makes the decoder read no further than it has to.
func (x *xmlStream) ReadByte() (byte, error) {
	if len(x.read) >= maxReply {
		x.f = x.s.endless(x.said())
		return 0, io.ErrUnexpectedEOF
	}
	b, f := x.s.take(x.ctx, 1)
	if f != nil {
		x.f = f
		return 0, io.ErrUnexpectedEOF
	}
	x.read = append(x.read, b[0])
	return b[0], nil
}

// Read is there because a decoder wants it; it uses ReadByte.
func (x *xmlStream) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// token reads the next token that is not white space.
func (x *xmlStream) token() (xml.Token, *failure) {
	for {
		t, err := x.Token()
		switch t := t.(type) {
		case nil:
			if x.f == nil {
				x.f = x.malformed(err)
			}
			return nil, x.f
		case xml.CharData:
			if strings.TrimSpace(string(t)) == "" {
				continue
			}
		case xml.ProcInst:
			if t.Target == "xml" {
				continue
			}
			return nil, x.malformed(nil)
		case xml.Directive, xml.Comment: // RFC 6120, 11.1
			return nil, x.malformed(nil)
		}
		return t, nil
	}
}

func (x *xmlStream) malformed(err error) *failure {
	f := x.s.malformed(x.said())
	if err != nil {
		f.text += " (" + err.Error() + ")"
	}
	return f
}

// open reads the beginning of the server's stream, and whose it is.
func (x *xmlStream) open() (from string, f *failure) {
	t, f := x.token()
	if f != nil {
		return "", f
	}
	start, ok := t.(xml.StartElement)
	if !ok || start.Name != (xml.Name{Space: streamSpace, Local: "stream"}) {
		return "", x.malformed(nil)
	}
	for _, a := range start.Attr {
		if a.Name.Local == "from" {
			from = a.Value
		}
	}
	return from, nil
}

// element reads one whole element: its name, and a line for each element in it,
// with the texts inside. An error of the stream is a failure.
func (x *xmlStream) element() (name xml.Name, inside []string, f *failure) {
	for depth := 0; ; {
		t, f := x.token()
		if f != nil {
			return name, inside, f
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch depth++; {
			case depth == 1:
				name = t.Name
			case depth == 2 && t.Name.Local == "starttls" && t.Name.Space != xmppTLS:
				inside = append(inside, "starttls:"+t.Name.Space)
			case depth == 2 && t.Name.Local == "text": // that of an error
				inside = append(inside, "")
			case depth == 2:
				inside = append(inside, t.Name.Local)
			case depth > maxDepth:
				return name, inside, x.malformed(nil)
			}
		case xml.CharData:
			if len(inside) == 0 {
				return name, inside, x.malformed(nil)
			}
			inside[len(inside)-1] += " " + string(t)
		case xml.EndElement:
			switch depth--; {
			case depth < 0:
				return name, inside, x.s.unexpected("ends the stream:", x.said())
			case depth == 0 && name.Local == "error":
				return name, inside, x.s.unexpected("refuses the stream with", strings.Join(inside, " "))
			case depth == 0:
				return name, inside, nil
			}
		}
	}
}
