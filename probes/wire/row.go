package wire

import (
	"time"

	"lookout/engine/uptime"
)

// The bounds of a result's texts, in bytes, and lists: those of what a check reports.
const (
	maxMessage = 300
	maxDetail  = 200
	maxWord    = 100
	maxSteps   = 64
	maxNames   = 20
)

// Durations of checks travel in units of 10 µs.
const (
	unit       = 10 * time.Microsecond
	maxTotal   = time.Hour // of a check: no time-out is longer than ten minutes
	maxUnits   = int64(maxTotal / unit)
	maxMeasure = 1<<31 - 1 // of a measure, either sign: 5 h 57 min, ppm of a loss
)

// Row is one result of a probe.
type Row struct {
	Monitor   uint32 // its number
	Baseline  bool   // not a regular check: taken so that the probe's vote counts
	Unhealthy bool   // the probe failed its own check then: no vote

	// Result has no Monitor, Type, Target and Location: the reader knows them
	// from the number and the routing key. Times are cut to 1 ms; durations are
	// rounded to 10 µs, but the total of one that is up and has no measures to at
	// least 1/128, as the store does. A clock is off by 5 h 57 min at most. In a Batch, Message, Address and Steps travel only with what is
	// not up, and whoever writes one leaves out a Cert that says nothing new.
	Result uptime.Result
}

func units(d time.Duration) int64 {
	return int64(min(max(d, 0), maxTotal).Round(unit) / unit)
}

func (r *reader) units(v int64) time.Duration {
	if v < 0 || v > maxUnits {
		r.fail("a duration is %d units of 10 µs, from 0 to %d", v, maxUnits)
		return 0
	}
	return time.Duration(v) * unit
}

// A share is exact, all other measures are microseconds and rounded.
const share = "loss"

func measureUnits(m uptime.Measure) int64 {
	v := min(max(m.Value, -maxMeasure), maxMeasure)
	switch {
	case m.Name == share:
		return v
	case v < 0:
		return -((-v + 5) / 10)
	}
	return (v + 5) / 10
}

func measured(name string, units int64) uptime.Measure {
	if name != share {
		units *= 10
	}
	return uptime.Measure{Name: name, Value: units}
}

// flags are a byte of a batch.
func (w *Row) flags() (v byte) {
	if w.Baseline {
		v |= 1
	}
	if w.Unhealthy {
		v |= 2
	}
	return v
}

// setFlags skips those that it does not know.
func (w *Row) setFlags(v byte) { w.Baseline, w.Unhealthy = v&1 != 0, v&2 != 0 }

// write writes the whole of a row, as a Reply has it.
func (w *Row) write(f *fields) {
	res := &w.Result
	f.uint(1, uint64(w.Monitor))
	f.uint(2, uint64(w.flags()))
	f.time(3, res.Time)
	f.uint(4, uint64(res.Outcome))
	f.uint(5, uint64(res.Fault))
	f.uint(6, uint64(min(max(res.Status, 0), 1<<16-1)))
	f.text(7, uptime.Clean(res.Message, maxMessage), maxMessage)
	f.text(8, uptime.Clean(res.Address, maxWord), maxWord)
	f.int(9, units(res.Total))
	f.atMost("measures", len(res.Measures), uptime.MaxMeasures)
	for _, m := range res.Measures {
		f.message(10, func(f *fields) {
			f.text(1, m.Name, MaxName)
			f.int(2, measureUnits(m))
		})
	}
	if hasExtra(res, true) {
		f.message(11, func(f *fields) { writeExtra(f, res, true) })
	}
}

func (w *Row) read(r *reader, body []byte) {
	res := &w.Result
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			w.Monitor = uint32(r.uint(v, 1<<32-1))
		case 2:
			w.setFlags(byte(r.uint(v, 1<<64-1)))
		case 3:
			res.Time = r.time(v)
		case 4:
			res.Outcome = uptime.Outcome(r.uint(v, uint64(uptime.OutcomeDown)))
		case 5:
			res.Fault = uptime.Fault(r.uint(v, 1<<16-1))
		case 6:
			res.Status = int(r.uint(v, 1<<16-1))
		case 7:
			res.Message = r.clean(v, maxMessage)
		case 8:
			res.Address = r.clean(v, maxWord)
		case 9:
			res.Total = r.units(r.int(v, maxUnits))
		case 10:
			if r.room("measures", len(res.Measures), uptime.MaxMeasures) {
				res.Measures = append(res.Measures, r.measure(v))
			}
		case 11:
			readExtra(r, v, res)
		}
	})
	if r.err == nil && res.Time.IsZero() {
		r.fail("a result has no time")
	}
}

func (r *reader) measure(body []byte) uptime.Measure {
	var name string
	var value int64
	r.each(body, func(tag uint64, v []byte) {
		switch tag {
		case 1:
			name = r.word(v, MaxName)
		case 2:
			value = r.int(v, maxMeasure)
		}
	})
	return measured(name, value)
}
