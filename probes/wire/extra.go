package wire

import (
	"time"

	"lookout/engine/uptime"
)

// hasExtra reports whether a result says what no column holds. The steps of one
// that is up are of no interest to a batch.
func hasExtra(res *uptime.Result, steps bool) bool {
	return res.Size != 0 || res.Content != "" || res.Cert != nil || steps && len(res.Steps) > 0
}

func writeExtra(f *fields, res *uptime.Result, steps bool) {
	f.uint(1, uint64(max(res.Size, 0)))
	f.text(2, uptime.Clean(res.Content, maxWord), maxWord)
	if c := res.Cert; c != nil {
		f.message(3, func(f *fields) { writeCertificate(f, c) })
	}
	if !steps {
		return
	}
	for _, s := range res.Steps[:min(len(res.Steps), maxSteps)] {
		f.message(4, func(f *fields) {
			f.text(1, uptime.Clean(s.Step, maxWord), maxWord)
			f.int(2, units(s.Took))
			f.text(3, uptime.Clean(s.Address, maxWord), maxWord)
			f.text(4, uptime.Clean(s.Error, maxDetail), maxDetail)
			f.text(5, uptime.Clean(s.Errno, maxWord), maxWord)
			f.text(6, uptime.Clean(s.Detail, maxDetail), maxDetail)
			f.uint(7, uint64(min(max(s.Status, 0), 1<<16-1)))
			f.text(8, uptime.Clean(s.URL, maxDetail), maxDetail)
		})
	}
}

func readExtra(r *reader, body []byte, res *uptime.Result) {
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			res.Size = int64(r.uint(v, 1<<62))
		case 2:
			res.Content = r.clean(v, maxWord)
		case 3:
			res.Cert = new(uptime.Certificate)
			readCertificate(r, v, res.Cert)
		case 4:
			if r.room("steps", len(res.Steps), maxSteps) {
				res.Steps = append(res.Steps, r.step(v))
			}
		}
	})
}

func (r *reader) step(body []byte) (s uptime.Step) {
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			s.Step = r.clean(v, maxWord)
		case 2:
			s.Took = r.units(r.int(v, maxUnits))
		case 3:
			s.Address = r.clean(v, maxWord)
		case 4:
			s.Error = r.clean(v, maxDetail)
		case 5:
			s.Errno = r.clean(v, maxWord)
		case 6:
			s.Detail = r.clean(v, maxDetail)
		case 7:
			s.Status = int(r.uint(v, 1<<16-1))
		case 8:
			s.URL = r.clean(v, maxDetail)
		}
	})
	return s
}

func writeCertificate(f *fields, c *uptime.Certificate) {
	for _, n := range c.Names[:min(len(c.Names), maxNames)] {
		f.item(1, uptime.Clean(n, maxWord), maxWord)
	}
	f.text(2, uptime.Clean(c.Issuer, maxDetail), maxDetail)
	f.text(3, uptime.Clean(c.Serial, maxWord), maxWord)
	f.date(4, c.NotBefore)
	f.date(5, c.NotAfter)
	f.text(6, uptime.Clean(c.Version, maxWord), maxWord)
	f.text(7, uptime.Clean(c.Chain, maxDetail), maxDetail)
	f.text(8, uptime.Clean(c.Cipher, maxWord), maxWord)
	f.text(9, uptime.Clean(c.KeyExchange, maxWord), maxWord)
	if c.Fingerprint != (uptime.Hash{}) {
		f.raw(10, c.Fingerprint[:])
	}
	if c.KeyHash != (uptime.Hash{}) {
		f.raw(11, c.KeyHash[:])
	}
}

func readCertificate(r *reader, body []byte, c *uptime.Certificate) {
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			if r.room("names", len(c.Names), maxNames) {
				c.Names = append(c.Names, r.clean(v, maxWord))
			}
		case 2:
			c.Issuer = r.clean(v, maxDetail)
		case 3:
			c.Serial = r.clean(v, maxWord)
		case 4:
			c.NotBefore = r.date(v)
		case 5:
			c.NotAfter = r.date(v)
		case 6:
			c.Version = r.clean(v, maxWord)
		case 7:
			c.Chain = r.clean(v, maxDetail)
		case 8:
			c.Cipher = r.clean(v, maxWord)
		case 9:
			c.KeyExchange = r.clean(v, maxWord)
		case 10:
			r.array(c.Fingerprint[:], v)
		case 11:
			r.array(c.KeyHash[:], v)
		}
	})
}

// date writes Unix seconds: certificates may say any year from 0 to 9999.
func (f *fields) date(tag uint64, t time.Time) {
	if !t.IsZero() {
		f.int(tag, t.Unix())
	}
}

func (r *reader) date(v []byte) time.Time {
	s := r.int(v, maxMillis/1000)
	if r.err != nil {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
