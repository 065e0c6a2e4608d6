package probes

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Tags of LDAP's messages (RFC 4511).
const (
	ldapUnbind        = 0x42
	ldapSearch        = 0x63
	ldapEntry         = 0x64
	ldapDone          = 0x65
	ldapReference     = 0x73
	ldapExtended      = 0x77
	ldapExtendedReply = 0x78
)

// rootDSE are the attributes of a server's description of itself that are read.
var rootDSE = [...]string{"namingContexts", "supportedLDAPVersion", "vendorName", "vendorVersion", "dnsHostName", "supportedSASLMechanisms"}

// ldapService is LDAP version 3 with StartTLS. It reads the root DSE, the
// server's description of itself, as nobody. A server that wants a login first
// is well; one that says it is busy or unavailable is down.
func ldapService() service {
	return service{
		name: "ldap", summary: "reads a directory server's description of itself, without a login",
		port: 389, tlsPort: 636, binary: true,
		hello: func(ctx context.Context, s *session) (string, *failure) {
			var names []byte
			for _, name := range rootDSE {
				names = append(names, berOf(berOctets, []byte(name))...)
			}
			search := berOf(ldapSearch, berOf(berOctets), // base: the root
				[]byte{berEnum, 1, 0, berEnum, 1, 0, berInteger, 1, 0, berInteger, 1, 0, berBoolean, 1, 0}, // that alone; no limits
				berOf(0x87, []byte("objectClass")), berOf(berSequence, names))
			code, said, f := s.ldap(ctx, search, ldapDone)
			if f == nil && code != ldapSuccess && !slices.Contains(ldapWantsLogin, code) {
				f = s.unexpected("answers with", said)
			}
			return said, f
		},
		starttls: func(ctx context.Context, s *session) (string, *failure) {
			code, said, f := s.ldap(ctx, berOf(ldapExtended, berOf(0x80, []byte("1.3.6.1.4.1.1466.20037"))), ldapExtendedReply)
			if f == nil && code != ldapSuccess {
				f = s.lacksTLS("it answers StartTLS with " + quote(said))
			}
			return said, f
		},
		goodbye: func(ctx context.Context, s *session) (string, *failure) {
			s.sent++
			return "", s.say(string(berOf(berSequence, []byte{berInteger, 1, byte(s.sent)}, berOf(ldapUnbind))))
		},
	}
}

// ldapSuccess is the result code of a request that was granted.
const ldapSuccess = 0

// ldapWantsLogin are the result codes of a server that is well and tells nobody
// anything: strongerAuthRequired, confidentialityRequired, noSuchObject,
// inappropriateAuthentication, insufficientAccessRights, unwillingToPerform,
// which is what OpenLDAP says where a login is required.
var ldapWantsLogin = []int{8, 13, 32, 48, 50, 53}

// ldap sends a request and reads up to the reply of that tag: its result code,
// and what the entries before it say, or why the request was not granted.
func (s *session) ldap(ctx context.Context, request []byte, reply byte) (int, string, *failure) {
	s.sent++
	if f := s.say(string(berOf(berSequence, []byte{berInteger, 1, byte(s.sent)}, request))); f != nil {
		return 0, "", f
	}
	var said strings.Builder
	for size := 0; size < maxReply; {
		body, f := s.ber(ctx, berSequence)
		if f != nil {
			return 0, said.String(), f
		}
		size += len(body) + 2
		rest := body
		id, _ := rest.next(berInteger)
		tag, op, ok := rest.any()
		if !ok || len(id) != 1 {
			return 0, said.String(), s.malformed(string(body))
		}
		switch {
		case id[0] == 0 && tag == ldapExtendedReply: // a notice of disconnection (RFC 4511, 4.4.1)
			_, why, _ := ldapResult(op)
			return 0, why, s.unexpected("ends the session with", why)
		case id[0] != byte(s.sent):
			return 0, said.String(), s.malformed(string(body))
		case tag == reply:
			code, why, ok := ldapResult(op)
			if !ok {
				return 0, said.String(), s.malformed(string(body))
			}
			if code != ldapSuccess {
				return code, why, nil
			}
			return code, said.String(), nil
		case tag == ldapEntry:
			attributesOf(op, &said)
		case tag != ldapReference:
			return 0, said.String(), s.malformed(string(body))
		}
	}
	return 0, said.String(), s.endless(said.String())
}

// ldapResult reads an LDAPResult: its code, and code and text for people.
func ldapResult(op elements) (code int, why string, ok bool) {
	result, ok := op.next(berEnum)
	if !ok || len(result) != 1 {
		return 0, "", false
	}
	_, okDN := op.next(berOctets)
	text, okText := op.next(berOctets)
	code = int(result[0])
	return code, strings.TrimSpace("code " + strconv.Itoa(code) + " " + string(text)), okDN && okText
}

// attributesOf writes the attributes of an entry, a line each.
func attributesOf(entry elements, to *strings.Builder) {
	entry.next(berOctets) // its name
	attributes, _ := entry.next(berSequence)
	for {
		attribute, ok := attributes.next(berSequence)
		if !ok {
			return
		}
		name, _ := attribute.next(berOctets)
		values, _ := attribute.next(berSet)
		to.WriteString(string(name) + ":")
		for value, ok := values.next(berOctets); ok; value, ok = values.next(berOctets) {
			to.WriteString(" " + string(value))
		}
		to.WriteByte('\n')
	}
}
