package wire

// Owner is the probe, of those that are live, which has a monitor's regular
// checks and its baseline; "" where none is live. Engine and probes come to the
// same answer from the same list, whatever its order. When one probe goes, only its
// monitors move, evenly to all others; when it is back they return (rendezvous
// hashing: Thaler and Ravishankar, IEEE/ACM Transactions on Networking 6(1), 1998).
func Owner(monitor uint32, live []string) string {
	owner, best := "", uint64(0)
	for _, name := range live {
		if w := weight(monitor, name); owner == "" || w > best || w == best && name < owner {
			owner, best = name, w
		}
	}
	return owner
}

// weight is FNV-1a over a name and a number, whose bits are then mixed: two
// names that differ in their last letter have nothing to do with each other.
func weight(monitor uint32, name string) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * prime
	}
	for shift := 0; shift < 32; shift += 8 {
		h = (h ^ uint64(byte(monitor>>shift))) * prime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
