package dispatch

import "time"

// An opinion is alone that said down where every other location that was asked
// about the same monitor within doubtLasts said otherwise, and at least one did.
// Where nobody else answered it says nothing of anybody. Only replies to
// questions count, which are asked in doubts: home is no party to it, since its
// word is what the others are asked about.
const (
	doubtLasts = time.Minute
	maxDoubts  = 4096
	hours      = 24
)

// doubts are the opinions of monitors that were asked about lately, and how
// often each location was alone with its own.
type doubts map[string]*doubt

type doubt struct {
	since time.Time
	down  map[string]bool // by location, the newest word
}

// hear notes an opinion.
func (ds doubts) hear(monitor, location string, down bool, now time.Time) {
	d := ds[monitor]
	if d == nil {
		if len(ds) >= maxDoubts {
			return
		}
		d = &doubt{now, make(map[string]bool)}
		ds[monitor] = d
	}
	d.down[location] = down
}

// end takes the doubts out that have lasted, and says who was alone in each.
func (ds doubts) end(now time.Time, said func(location string, alone bool)) {
	for monitor, d := range ds {
		if now.Sub(d.since) < doubtLasts {
			continue
		}
		delete(ds, monitor)
		if len(d.down) < 2 {
			continue
		}
		fails := 0
		for _, down := range d.down {
			if down {
				fails++
			}
		}
		for location, down := range d.down {
			said(location, down && fails == 1)
		}
	}
}

// tally counts opinions by the hour, for a day.
type tally struct {
	hour  int64         // since 1970, of the newest
	said  [hours]uint32 // by the hour of the day
	alone [hours]uint32
}

// turn empties the hours that have passed since it was last told anything.
func (t *tally) turn(now time.Time) (index int64) {
	hour := now.Unix() / 3600
	for h := max(t.hour+1, hour-hours+1); h <= hour; h++ {
		t.said[h%hours], t.alone[h%hours] = 0, 0
	}
	t.hour = max(t.hour, hour)
	return t.hour % hours
}

func (t *tally) add(alone bool, now time.Time) {
	i := t.turn(now)
	t.said[i]++
	if alone {
		t.alone[i]++
	}
}

// share is how many of a day's opinions were alone; below 0 where there are none.
func (t *tally) share(now time.Time) float64 {
	t.turn(now)
	said, alone := 0, 0
	for i := range t.said {
		said, alone = said+int(t.said[i]), alone+int(t.alone[i])
	}
	if said == 0 {
		return -1
	}
	return float64(alone) / float64(said)
}
