package probes

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"lookout/engine/uptime"
)

// ntpType asks a time server for the time, as a client does (RFC 5905).
func ntpType(sys *system) uptime.CheckType {
	return uptime.CheckType{
		Name:     "ntp",
		Schemes:  []string{"ntp"},
		Summary:  "asks a time server, and measures how far its clock is from ours",
		Measures: []string{"dns", "ttfb", "offset"},
		Expect: []uptime.Key{
			{Name: "offset_max", Kind: uptime.Duration, Doc: "how far the server's clock may be from ours; default: any", Example: `"500ms"`, Min: int64(time.Microsecond)},
		},
		New: func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			f := form{Settings: s}
			c := ntpCheck{sys: sys, to: f.endpoint(123), most: uptime.Value(s.Expect, "offset_max", time.Duration(0))}
			f.noPath()
			expect := ""
			if c.most > 0 {
				expect = "offset up to " + uptime.Span(c.most)
			}
			return f.done(uptime.Check{Checker: c, Dest: c.to.String(), Expect: expect})
		},
	}
}

type ntpCheck struct {
	sys  *system
	to   endpoint
	most time.Duration // 0: any
}

// request is one packet that was sent. Its cookie takes the place of our time
// in it, which is none of the server's business, and tells its answer from
// others' and from late ones.
type request struct {
	cookie uint64
	sent   time.Time
}

// Check asks for the time once.
func (c ntpCheck) Check(ctx context.Context) uptime.Result {
	t := newTrace()
	var sent []request
	var far *time.Duration
	f := c.sys.ask(ctx, t, c.to, question{
		packet: func(int) []byte {
			var cookie [8]byte
			rand.Read(cookie[:])
			sent = append(sent, request{binary.BigEndian.Uint64(cookie[:]), time.Now()})
			return ntpPacket(sent[len(sent)-1].cookie)
		},
		take: func(b []byte) (bool, string, *failure) {
			now := time.Now()
			r, ok := readNTP(b)
			i := slices.IndexFunc(sent, func(req request) bool { return ok && req.cookie == r.origin })
			if i < 0 {
				return false, "", fail(uptime.FaultReplyMalformed, "NTP %s: no answer to our request, but %s", t.res.Address, quote(string(b)))
			}
			if f := r.refusal(t.res.Address); f != nil {
				return true, fmt.Sprintf("leap %d, stratum %d", r.leap, r.stratum), f
			}
			offset := r.offset(sent[i].sent, now)
			far = &offset
			return true, fmt.Sprintf("%s ours, stratum %d", apart(offset), r.stratum), c.judge(t.res.Address, offset)
		},
	})
	res := t.end(f)
	if far != nil {
		res.Measures = append(res.Measures, uptime.Measure{Name: "offset", Value: far.Microseconds()})
	}
	return res
}

// judge holds an offset against what it may be.
func (c ntpCheck) judge(address string, offset time.Duration) *failure {
	if c.most == 0 || offset.Abs() <= c.most {
		return nil
	}
	return fail(uptime.FaultReplyUnexpected, "NTP %s: its clock is %s ours, at most %s is expected; or our own is wrong", address, apart(offset), uptime.Span(c.most))
}

// ntpPacket is a client's request of version 4: nothing in it but the cookie.
func ntpPacket(cookie uint64) []byte {
	b := make([]byte, 48)
	b[0] = 4<<3 | 3 // version 4, mode client
	binary.BigEndian.PutUint64(b[40:], cookie)
	return b
}

// ntpReply is what a server's packet says (RFC 5905, 7.3):
//
//	leap 2 bits, version 3, mode 3 | stratum 1 | poll 1 | precision 1 | root delay 4 | root dispersion 4 |
//	reference id 4 | reference time 8 | origin 8 | receive 8 | transmit 8
type ntpReply struct {
	leap, stratum     uint8
	id                [4]byte
	origin            uint64
	received, answers time.Time // by the server's clock
}

// readNTP reads a server's reply.
func readNTP(b []byte) (r ntpReply, ok bool) {
	const server = 4
	if len(b) < 48 || b[0]&7 != server || b[0]>>3&7 == 0 {
		return r, false
	}
	r = ntpReply{leap: b[0] >> 6, stratum: b[1], id: [4]byte(b[12:16]), origin: binary.BigEndian.Uint64(b[24:])}
	r.received, r.answers = ntpTime(binary.BigEndian.Uint64(b[32:])), ntpTime(binary.BigEndian.Uint64(b[40:]))
	return r, true
}

// ntpTime is a time in seconds since 1900 and their fractions. The era that
// began in 2036 is told from the one before by its first bit (RFC 4330, 3).
func ntpTime(t uint64) time.Time {
	seconds := int64(t >> 32)
	if seconds < 1<<31 {
		seconds += 1 << 32
	}
	const from1900to1970 = 2208988800
	return time.Unix(seconds-from1900to1970, int64(t&(1<<32-1)*1e9>>32))
}

// offset is how far the server's clock is ahead of ours, if the way there takes
// as long as the way back. Our clock is read once; the rest is measured.
func (r ntpReply) offset(sent, now time.Time) time.Duration {
	back := sent.Add(now.Sub(sent))
	return (r.received.Sub(sent) + r.answers.Sub(back)) / 2
}

// refusal says why a server's time cannot be used.
func (r ntpReply) refusal(address string) *failure {
	switch {
	case r.stratum == 0 && r.id != [4]byte{}: // a kiss-o'-death (RFC 5905, 7.4)
		return fail(uptime.FaultReplyUnexpected, "NTP %s: it gives us no time: %s", address, kiss(r.id))
	case r.leap == 3 || r.stratum == 0 || r.stratum >= 16:
		return fail(uptime.FaultReplyUnexpected, "NTP %s: its clock is not synchronised (leap %d, stratum %d)", address, r.leap, r.stratum)
	}
	return nil
}

// kiss says what a code means.
func kiss(id [4]byte) string {
	code := quote(string(id[:]))
	switch string(id[:]) {
	case "RATE":
		return code + ", it is asked too often"
	case "DENY", "RSTR":
		return code + ", access is denied"
	case "INIT", "STEP":
		return code + ", its clock is not synchronised yet"
	}
	return code
}

// apart says where another clock is: 1.2ms ahead of, 3s behind.
func apart(offset time.Duration) string {
	if offset < 0 {
		return uptime.Took(-offset) + " behind"
	}
	return uptime.Took(offset) + " ahead of"
}
