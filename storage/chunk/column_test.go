package chunk

import (
	"slices"
	"testing"
)

func TestColumnWays(t *testing.T) {
	few := make([]int64, 500)
	few[3], few[499] = 7, -9
	for _, c := range []struct {
		name string
		col  []int64
		most int // bytes
	}{
		{"constant", []int64{300, 300, 300, 300}, 3},
		{"two exceptions", few, 8},
		{"noise", []int64{5, 9, 3, 7, 6, 8, 4, 5}, 6},
		{"an outlier", []int64{5, 9, 3, 7, 1 << 62, 8, 4, 5}, 18},
	} {
		var e Encoder
		e.column(c.col)
		data := e.bits.flush()
		if len(data) > c.most {
			t.Errorf("%s: %d bytes, at most %d expected", c.name, len(data), c.most)
		}
		got := make([]int64, len(c.col))
		r := bitReader{data: data}
		if err := r.column(got); err != nil || !slices.Equal(got, c.col) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		if err := r.end(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
