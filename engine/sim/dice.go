package main

// dice are random numbers that follow from what they are thrown for: a check
// finds the same whoever makes it, and whatever was checked before.
type dice uint64

// dice for one check or look at a place; salt tells different ones apart.
func (w *world) dice(place int, at int64, salt uint64) dice {
	d := dice(w.seed)
	d = dice(d.next() ^ uint64(place)<<56 ^ salt<<48)
	return dice(d.next() ^ uint64(at))
}

// next is splitmix64.
func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// less reports whether something of a probability happens.
func (d *dice) less(p float64) bool { return float64(d.next()>>11)/(1<<53) < p }
