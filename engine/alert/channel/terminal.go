package channel

import (
	"context"

	"lookout/engine/uptime"
)

// terminalType rings on the consoles. The letter is taken at once: the event of
// that, in which its subject is the reply, is what a console rings by.
func terminalType() uptime.ChannelType {
	return uptime.ChannelType{
		Name:    "terminal",
		Summary: "rings in every open console: bell, title, and a notification where the terminal has them",
		New: func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
			return terminal{}, nil
		},
	}
}

type terminal struct{}

func (terminal) Target() string { return "open consoles" }

func (terminal) Send(_ context.Context, l *uptime.Letter, say func(string)) (uptime.Receipt, error) {
	say("rings: " + l.Subject)
	return uptime.Receipt{Reply: l.Subject}, nil
}
