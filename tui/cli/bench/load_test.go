package main

import (
	"testing"
	"time"
)

func TestPunctuality(t *testing.T) {
	tests := []struct {
		name          string
		before, after []int64
		want          punctual
	}{
		{"on time", []int64{5}, []int64{5, 10005, 20005, 30005}, punctual{3, 0, 0, 0}},
		{"what came before does not count", []int64{5, 17000}, []int64{5, 17000, 20000, 30000}, punctual{2, 0, 0, 0}},
		{"late", nil, []int64{0, 10000, 21200, 30000}, punctual{4, 1, 0, 1200 * time.Millisecond}},
		{"the first is late", nil, []int64{1500, 10000, 20000}, punctual{3, 1, 0, 1500 * time.Millisecond}},
		{"missed", nil, []int64{0, 10000, 30000}, punctual{3, 0, 1, 0}},
		{"asked again in between", nil, []int64{0, 300, 10000, 20000}, punctual{4, 0, 0, 300 * time.Millisecond}},
		{"none at all", []int64{0}, []int64{0}, punctual{0, 0, 1, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := punctuality(map[string][]int64{"x": tt.before}, map[string][]int64{"x": tt.after}, 10*time.Second)
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
