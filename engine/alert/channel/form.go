package channel

import (
	"fmt"

	"lookout/engine/uptime"
)

// form reads the settings of one channel and gathers all that is wrong with them.
type form struct {
	uptime.ChannelSettings
	mistakes []uptime.Mistake
}

func (f *form) wrong(key, hint, format string, args ...any) {
	f.mistakes = append(f.mistakes, uptime.Mistake{Key: key, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// text is the value of a String.
func (f *form) text(key, def string) string { return uptime.Value(f.Values, key, def) }

// secret is the value of a SecretText.
func (f *form) secret(key string) uptime.Secret {
	return uptime.Value(f.Values, key, uptime.Secret(""))
}

// done returns the channel, or nothing where there was a mistake.
func (f *form) done(c uptime.Channel) (uptime.Channel, []uptime.Mistake) {
	for _, m := range f.mistakes {
		if !m.Warning {
			return nil, f.mistakes
		}
	}
	return c, f.mistakes
}
