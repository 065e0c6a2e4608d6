package wire

import (
	"time"

	"lookout/engine/uptime"
)

// maxRefusal bounds the sentence of a probe that could not do what was asked, in bytes.
const maxRefusal = 200

// Request is "check now", to any one probe of a location. Nothing is begun
// after the NotAfter of its Seal, however long it took to arrive.
type Request struct {
	Seal
	Monitor uint32        // the number of one that the location was assigned
	Full    *Monitor      // one that it was not; nil: Monitor says which
	Timeout time.Duration // of this check; 0: the monitor's
	MaxAge  time.Duration // a result of the monitor that is no older will do; 0: it has to be a new one
}

// Reply answers a Request.
type Reply struct {
	Nonce   Nonce   // of the request
	Obeyed  Version // the manifest that the probe works by
	Refusal string  // why there is no result, one sentence; "" where there is one
	Clock   time.Time
	Row     Row // meaningless with a Refusal
}

// Request signs the frame of a Request.
func (s Signer) Request(q Request) ([]byte, error) {
	var f fields
	f.uint(1, uint64(q.Monitor))
	if q.Full != nil {
		f.message(2, q.Full.write)
	}
	f.uint(3, uint64(max(q.Timeout, 0)))
	f.uint(4, uint64(max(q.MaxAge, 0)))
	return s.write(kindRequest, q.Seal, &f)
}

// Request reads and verifies the frame of a Request. Who waits before the check
// begins compares its NotAfter once more.
func (v Verifier) Request(frame []byte, now time.Time) (Request, error) {
	var q Request
	seal, err := v.read(kindRequest, frame, now, func(r *reader, body []byte) {
		r.each(body, func(tag uint64, b []byte) {
			switch tag {
			case 1:
				q.Monitor = uint32(r.uint(b, 1<<32-1))
			case 2:
				q.Full = new(Monitor)
				q.Full.read(r, b)
			case 3:
				q.Timeout = r.duration(b, maxInterval)
			case 4:
				q.MaxAge = r.duration(b, maxInterval)
			}
		})
	})
	if err != nil {
		return Request{}, err
	}
	q.Seal = seal
	return q, nil
}

// Reply writes the frame of a Reply.
func (c *Codec) Reply(p Reply) ([]byte, error) {
	var f fields
	f.raw(1, p.Nonce[:])
	f.version(2, p.Obeyed)
	f.text(3, uptime.Clean(p.Refusal, maxRefusal), maxRefusal)
	f.time(4, p.Clock)
	if p.Refusal == "" {
		f.message(5, p.Row.write)
	}
	return c.write(kindReply, &f)
}

// ReadReply reads the frame of a Reply.
func (c *Codec) ReadReply(frame []byte) (Reply, error) {
	var p Reply
	err := c.read(kindReply, frame, func(r *reader, body []byte) {
		said := false
		r.each(body, func(tag uint64, v []byte) {
			switch tag {
			case 1:
				r.array(p.Nonce[:], v)
			case 2:
				p.Obeyed = r.version(v)
			case 3:
				p.Refusal = r.clean(v, maxRefusal)
			case 4:
				p.Clock = r.time(v)
			case 5:
				said = true
				p.Row.read(r, v)
			}
		})
		if said == (p.Refusal != "") {
			r.fail("it has to have either a result or a refusal")
		}
	})
	if err != nil {
		return Reply{}, err
	}
	return p, nil
}
