package uptime

import (
	"errors"
	"testing"
)

func TestParseSignal(t *testing.T) {
	for said, want := range map[string]Signal{"": {}, "start": {Start: true}, "fail": {Exit: -1}, "0": {}, "255": {Exit: 255}} {
		if s, err := ParseSignal(said); s != want || err != nil {
			t.Errorf("%q: %+v, %v", said, s, err)
		}
	}
	for _, said := range []string{"ok", "-1", "256", "1.5", "START"} {
		_, err := ParseSignal(said)
		if want := `"` + said + `" is no beat; it is start, fail, or an exit code from 0 to 255`; !errors.Is(err, ErrInvalid) || err.Error() != want {
			t.Errorf("%q: %v", said, err)
		}
	}
}
