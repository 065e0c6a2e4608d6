package chunk

import (
	"math"
	"math/bits"
)

const perOctave = 6 // 2^6 = 64 bins an octave

// Bin puts microseconds, of either sign, into log-linear bins: exact below 128,
// 64 bins an octave above, so that Micros is off by at most 1/128 (0.8 %). The
// bins are a mergeable sketch as they are (HdrHistogram's layout).
func Bin(micros int64) int32 {
	if micros < 0 {
		if micros = -micros; micros < 0 { // the smallest of all has no opposite
			micros--
		}
		return -bin(uint64(micros))
	}
	return bin(uint64(micros))
}

func bin(v uint64) int32 {
	if v < 2<<perOctave {
		return int32(v)
	}
	shift := bits.Len64(v) - 1 - perOctave
	return int32(shift<<perOctave) + int32(v>>shift)
}

// Micros is the middle of a bin. Bin(Micros(b)) is b for every b that Bin returns.
func Micros(b int32) int64 {
	if b < 0 {
		return -micros(-int64(b))
	}
	return micros(int64(b))
}

func micros(b int64) int64 {
	if b < 2<<perOctave {
		return b
	}
	shift := uint(b>>perOctave) - 1
	if shift > 62-perOctave {
		return math.MaxInt64
	}
	return (b-int64(shift)<<perOctave)<<shift + 1<<shift/2
}
