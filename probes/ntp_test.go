package probes

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// timeServer answers with its clock that far ahead; change spoils the packet.
func timeServer(ahead time.Duration, change func([]byte)) func([]byte) [][]byte {
	return func(q []byte) [][]byte {
		if len(q) != 48 || q[0] != 0x23 || !bytes.Equal(q[1:40], make([]byte, 39)) {
			return nil // not a request that gives nothing away
		}
		b := make([]byte, 48)
		b[0], b[1] = 4<<3|4, 2
		now := ntpStamp(time.Now().Add(ahead))
		copy(b[24:], q[40:])
		binary.BigEndian.PutUint64(b[32:], now)
		binary.BigEndian.PutUint64(b[40:], now)
		if change != nil {
			change(b)
		}
		return [][]byte{b}
	}
}

func ntpStamp(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/1e9
}

func asksTime(expect keys, ahead time.Duration, change func([]byte)) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "ntp", "ntp://"+probetest.ServeUDP(timeServer(ahead, change))(t), nil, expect))
	}
}

// kissed makes a kiss-o'-death.
func kissed(code string) func([]byte) { return func(b []byte) { b[1] = 0; copy(b[12:], code) } }

var ntpFaults = []produced{
	{uptime.FaultReplyUnexpected, `it gives us no time: "RATE", it is asked too often`, asksTime(nil, 0, kissed("RATE"))},
	{uptime.FaultReplyUnexpected, `"DENY", access is denied`, asksTime(nil, 0, kissed("DENY"))},
	{uptime.FaultReplyUnexpected, `"INIT", its clock is not synchronised yet`, asksTime(nil, 0, kissed("INIT"))},
	{uptime.FaultReplyUnexpected, "not synchronised (leap 3, stratum 2)", asksTime(nil, 0, func(b []byte) { b[0] |= 3 << 6 })},
	{uptime.FaultReplyUnexpected, "not synchronised (leap 0, stratum 16)", asksTime(nil, 0, func(b []byte) { b[1] = 16 })},
	{uptime.FaultReplyUnexpected, "its clock is 60.0s ahead of ours, at most 1s is expected; or our own is wrong",
		asksTime(keys{"offset_max": time.Second}, time.Minute, nil)},
	{uptime.FaultReplyUnexpected, "its clock is 60.0s behind ours", asksTime(keys{"offset_max": time.Second}, -time.Minute, nil)},
	{uptime.FaultReplyMalformed, "no answer to our request, but", asksTime(nil, 0, func(b []byte) { b[24]++ })}, // another's cookie
	{uptime.FaultReplyMalformed, "no answer to our request, but", asksTime(nil, 0, func(b []byte) { b[0]-- })},  // a client's packet
	{uptime.FaultReplyTimeout, "no reply to", func(t *testing.T) uptime.Result {
		return quickly(t, made(t, testSystem(), "ntp", "ntp://"+probetest.ServeUDP(func([]byte) [][]byte { return nil })(t), nil, nil))
	}},
}

func TestNTP(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		r := asksTime(keys{"offset_max": 2 * time.Hour}, ahead, nil)(t)
		m, ok := r.Measured("offset")
		if r.Outcome != uptime.OutcomeUp || !ok || (m.Duration()-ahead).Abs() > 30*time.Second {
			t.Errorf("%s ahead: %s, offset %s: %s", ahead, r.Outcome, m.Duration(), r.Message)
		}
	}
}

// TestNTPTime has the two eras of the time of NTP.
func TestNTPTime(t *testing.T) {
	for _, want := range []time.Time{time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 26, 12, 0, 0, 5e8, time.UTC), time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got := ntpTime(ntpStamp(want)); !got.Equal(want) {
			t.Errorf("%s, want %s", got.UTC(), want)
		}
	}
}

// TestNTPOffset takes half of what the two ways differ.
func TestNTPOffset(t *testing.T) {
	sent := time.Now()
	r := ntpReply{received: sent.Add(10*time.Second + 3*time.Millisecond), answers: sent.Add(10*time.Second + 4*time.Millisecond)}
	if got := r.offset(sent, sent.Add(7*time.Millisecond)); got != 10*time.Second {
		t.Error(got)
	}
}

func TestNTPMistakes(t *testing.T) {
	for url, key := range map[string]string{"ntp://": "url", "ntp://a/x": "url", "ntp://a:0": "url"} {
		if m := mistaken(t, "ntp", url, nil, nil); len(m) != 1 || m[0].Key != key {
			t.Errorf("%s: %v", url, m)
		}
	}
}

func FuzzNTP(f *testing.F) {
	f.Add(ntpPacket(7))
	f.Add(timeServer(0, nil)(ntpPacket(7))[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := readNTP(b)
		if !ok {
			return
		}
		now := time.Now()
		offset := r.offset(now, now.Add(time.Second))
		if year := now.Add(offset).Year(); year < 1900 || year > 2150 {
			t.Errorf("a clock in the year %d", year)
		}
		if r.refusal("x") == nil && (r.stratum == 0 || r.stratum > 15) {
			t.Errorf("stratum %d passed", r.stratum)
		}
	})
}
