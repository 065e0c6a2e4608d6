// Package channel holds the ways to tell people: one file for each type, one
// line for each in Types, and the guard that stands around every one of them.
//
// A type turns a letter into what the other side understands and says what came
// of it. The guard (guard.go) sees to what no type may forget: the letter is
// clean and bounded before the type has it, the time-out is kept, a panic is a
// refusal, and whatever leaves Send is one clean line without a secret in it.
//
// Another type is a file with a function that returns its uptime.ChannelType (the
// keys, and New that says all that is wrong with them), a line in Types, its
// channeltest.Contract, a row of the README's table and its keys in
// config.example.toml; tests say what is missing. Send says what was refused by a
// *uptime.Refusal: whether a person has to change something, whether it is about
// this letter or all, whether it may have been taken all the same. What a type
// makes of its secrets, and is in no setting as it is, it names by a method
// hidden.
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
