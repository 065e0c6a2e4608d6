package probes

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"lookout/engine/uptime"
)

// text is a record's data as dig prints it.
func text(rr dns.RR) string {
	s := strings.TrimPrefix(rr.String(), rr.Header().String())
	switch rr.(type) {
	case *dns.SVCB, *dns.HTTPS: // dig quotes protocols and what it does not know
		var words []string
		for _, w := range strings.Fields(s) {
			key, value, ok := strings.Cut(w, "=")
			switch {
			case ok && strings.Trim(value, `"`) == "":
				w = key
			case ok && key != "alpn" && !strings.HasPrefix(key, "key"):
				w = key + "=" + strings.Trim(value, `"`)
			}
			words = append(words, w)
		}
		return strings.Join(words, " ")
	}
	return s
}

func texts(data []dns.RR) []string {
	var all []string
	for _, rr := range data {
		all = append(all, text(rr))
	}
	return all
}

func listed(data []dns.RR) string {
	if len(data) == 0 {
		return "no record"
	}
	return uptime.Clean(strings.Join(texts(data), ", "), 120)
}

// matches reports whether a person means a record by want: its data as dig
// prints it, the host of an MX or SRV, the text of a TXT without its quotes.
func matches(rr dns.RR, want string) bool {
	switch rr := rr.(type) {
	case *dns.TXT:
		return want == text(rr) || want == strings.Join(rr.Txt, "")
	case *dns.MX:
		return sameData(rr.Mx, want) || sameData(text(rr), want)
	case *dns.SRV:
		return sameData(rr.Target, want) || sameData(text(rr), want)
	case *dns.SVCB, *dns.HTTPS:
		return sameData(strings.ReplaceAll(text(rr), `"`, ""), strings.ReplaceAll(want, `"`, ""))
	case *dns.DNSKEY, *dns.CDNSKEY, *dns.OPENPGPKEY: // base64 has case, and dig cuts it into pieces
		return joined(text(rr)) == joined(want)
	case *dns.DS, *dns.CDS, *dns.TLSA, *dns.SMIMEA, *dns.SSHFP, *dns.ZONEMD: // as does it hexadecimal digits
		return strings.EqualFold(joined(text(rr)), joined(want))
	}
	return sameData(text(rr), want) || sameRecord(rr, want)
}

// sameRecord reads want as a zone file has it: some data has several spellings (LOC).
func sameRecord(rr dns.RR, want string) bool {
	if strings.ContainsAny(want, "\n\r") {
		return false
	}
	h := rr.Header()
	wanted, err := dns.NewRR(h.Name + " 60 IN " + dns.TypeToString[h.Rrtype] + " " + want)
	return err == nil && wanted != nil && dns.IsDuplicate(rr, wanted)
}

// joined is the data of a key or a digest: numbers, then digits in one piece.
func joined(s string) string {
	words := strings.Fields(s)
	numbers := 0
	for numbers < len(words) && numbers < 3 && strings.Trim(words[numbers], "0123456789") == "" {
		numbers++
	}
	return strings.Join(append(words[:numbers:numbers], strings.Join(words[numbers:], "")), " ")
}

func sameData(a, b string) bool { return plainData(a) == plainData(b) }

// plainData is data in one spelling: case, white space, the last dot and the
// ways to write an address make no difference.
func plainData(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.String()
	}
	return strings.TrimSuffix(strings.ToLower(strings.Join(strings.Fields(s), " ")), ".")
}

// dataHints are the addresses that an HTTPS or SVCB record names for its
// target (RFC 9460, 7.3).
func dataHints(rr dns.RR) (target string, hints []netip.Addr) {
	var svcb *dns.SVCB
	switch rr := rr.(type) {
	case *dns.SVCB:
		svcb = rr
	case *dns.HTTPS:
		svcb = &rr.SVCB
	default:
		return "", nil
	}
	if target = svcb.Target; target == "." {
		target = svcb.Hdr.Name
	}
	for _, v := range svcb.Value {
		switch v := v.(type) {
		case *dns.SVCBIPv4Hint:
			for _, ip := range v.Hint {
				if a, ok := netip.AddrFromSlice(ip.To4()); ok {
					hints = append(hints, a)
				}
			}
		case *dns.SVCBIPv6Hint:
			for _, ip := range v.Hint {
				if a, ok := netip.AddrFromSlice(ip.To16()); ok {
					hints = append(hints, a)
				}
			}
		}
	}
	slices.SortFunc(hints, netip.Addr.Compare)
	return target, slices.Compact(hints)
}
