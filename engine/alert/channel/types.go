// Package channel holds the ways to tell people: one file for each type, one
// line for each in Types, and the guard that stands around every one of them.
//
// A type turns a letter into what the other side understands and says what came
// of it. The guard (guard.go) sees to what no type may forget: the letter is
// clean and bounded before the type has it, the time-out is kept, a panic is a
// refusal, and whatever leaves Send is one clean line without a secret in it.
package channel

import (
	"lookout/engine/uptime"
)

// Types returns the channel types.
func Types() []uptime.ChannelType {
	types := []uptime.ChannelType{
		emailType(),
		webhookType(),
		commandType(),
		fileType(),
		syslogType(),
		journalType(),
		terminalType(),

		ntfyType(),
		gotifyType(),
		pushoverType(),
		slackType(),
		discordType(),
		telegramType(),
		teamsType(),
		matrixType(),
		pagerDutyType(),
		opsgenieType(),
		twilioType(),
	}
	for i := range types {
		types[i] = guarded(types[i])
	}
	return types
}
