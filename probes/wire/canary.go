package wire

import (
	"time"

	"lookout/engine/uptime"
)

// Canary asks one probe to prove that it works: to run one check of an address
// of its own. All that it says is its Seal.
type Canary struct{ Seal }

// Answer is what became of a Canary.
type Answer struct {
	Nonce   Nonce // of the canary
	Outcome uptime.Outcome
	Fault   uptime.Fault
	Message string        // one sentence for people; "" for a plain success
	Total   time.Duration // of the check, to 10 µs
	Clock   time.Time     // of the probe when it answered
	Obeyed  Version       // the manifest that it works by
}

// Canary signs the frame of a Canary.
func (s Signer) Canary(c Canary) ([]byte, error) { return s.write(kindCanary, c.Seal, &fields{}) }

// Canary reads and verifies the frame of a Canary.
func (v Verifier) Canary(frame []byte, now time.Time) (Canary, error) {
	seal, err := v.read(kindCanary, frame, now, func(r *reader, body []byte) {
		r.each(body, func(uint64, []byte) {})
	})
	return Canary{seal}, err
}

// Answer writes the frame of an Answer.
func (c *Codec) Answer(a Answer) ([]byte, error) {
	var f fields
	f.raw(1, a.Nonce[:])
	f.uint(2, uint64(a.Outcome))
	f.uint(3, uint64(a.Fault))
	f.text(4, uptime.Clean(a.Message, maxMessage), maxMessage)
	f.int(5, units(a.Total))
	f.time(6, a.Clock)
	f.version(7, a.Obeyed)
	return c.write(kindAnswer, &f)
}

// ReadAnswer reads the frame of an Answer.
func (c *Codec) ReadAnswer(frame []byte) (Answer, error) {
	var a Answer
	err := c.read(kindAnswer, frame, func(r *reader, body []byte) {
		r.each(body, func(tag uint64, v []byte) {
			switch tag {
			case 1:
				r.array(a.Nonce[:], v)
			case 2:
				a.Outcome = uptime.Outcome(r.uint(v, uint64(uptime.OutcomeDown)))
			case 3:
				a.Fault = uptime.Fault(r.uint(v, 1<<16-1))
			case 4:
				a.Message = r.clean(v, maxMessage)
			case 5:
				a.Total = r.units(r.int(v, maxUnits))
			case 6:
				a.Clock = r.time(v)
			case 7:
				a.Obeyed = r.version(v)
			}
		})
	})
	if err != nil {
		return Answer{}, err
	}
	return a, nil
}
