package channel

import (
	"testing"

	"lookout/engine/alert/channel/channeltest"
)

func TestTerminal(t *testing.T) {
	channeltest.Contract(t, channeltest.Case{
		Type: typeOf(t, "terminal"),
		Good: func(testing.TB) (map[string]any, func() []channeltest.Taken) { return values{}, nil },
	})
}
