// Package topology says what there is on the broker between an engine and its
// probes, who may do what there, and which files each of them needs: names,
// definitions, users and permissions, certificates, keys and configuration. It
// is pure but for the writing of one folder.
//
// One vhost belongs to one instance. The engine and the probes make none of the
// objects; they are imported once, from the definitions that Definitions makes.
package topology

import (
	"errors"
	"fmt"
	"strings"

	"lookout/engine/uptime"
)

// shovel is the last part of the name of a location's user that no probe may have.
const shovel = "shovel"

// The exchanges.
const (
	Up    = "lookout.up"    // topic: what probes say, by Key
	Down  = "lookout.down"  // direct: what one probe is told, by Address
	Ask   = "lookout.ask"   // direct: what any probe of a location is asked, by location
	Dead  = "lookout.dead"  // fanout: what nobody could read; the queue has the same name
	NoRun = "lookout.norun" // fanout: what nobody could run in time; the queue has the same name
)

// The queues of the engine. Dead and NoRun are queues too.
const (
	Results = "lookout.results"
	Hellos  = "lookout.hello"
	Replies = "lookout.replies"
)

// The types of messages. The number is the major version of what is in them.
// Results travel without one, to be small; TypeResult is that of older probes.
const (
	TypeHello    = "lookout.hello.1"
	TypeManifest = "lookout.manifest.1"
	TypeChunk    = "lookout.chunk.1"
	TypeCanary   = "lookout.canary.1"
	TypeAnswer   = "lookout.answer.1"
	TypeRequest  = "lookout.request.1"
	TypeReply    = "lookout.reply.1"
	TypeResult   = "lookout.result.1"

	// TypeCheck is an empty message that "lookout remote check" sends to see
	// whether a routing key leads to its queue. Who gets it says nothing about it.
	TypeCheck = "lookout.check.1"
)

// The kinds of routing keys on Up. Answers to canaries are replies too.
const (
	KindResult = "result"
	KindHello  = "hello"
	KindReply  = "reply"
)

// MaxName is the longest name of a location or a probe, in bytes.
const MaxName = 40

// ErrName reports a location or a probe that cannot be called so.
var ErrName = errors.New("must be 1 to 40 of a-z, 0-9 and -")

// CheckName returns nil where a location or a probe may be called so, else an
// error that wraps ErrName.
func CheckName(name string) error {
	if name == "" || len(name) > MaxName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("%q %w", name, ErrName)
	}
	return nil
}

// ParseProbe splits "LOCATION/NAME" and checks both.
func ParseProbe(id string) (location, name string, err error) {
	location, name, ok := strings.Cut(id, "/")
	if !ok {
		return "", "", fmt.Errorf("%q is not a probe: LOCATION/NAME", id)
	}
	for _, part := range []string{location, name} {
		if err := CheckName(part); err != nil {
			return "", "", fmt.Errorf("probe %q: %w", id, err)
		}
	}
	if location == uptime.Local {
		return "", "", fmt.Errorf("probe %q: %s is the engine's own location; give the place another name", id, uptime.Local)
	}
	if name == shovel {
		return "", "", fmt.Errorf("probe %q: the name %s is taken by the user who carries messages between two brokers", id, shovel)
	}
	return location, name, nil
}

// ProbeQueue is the queue of what one probe is told.
func ProbeQueue(location, name string) string { return "probe." + location + "." + name }

// LocationQueue is the queue of what any probe of a location is asked.
func LocationQueue(location string) string { return "loc." + location }

// Address is the routing key on Down of what one probe is told.
func Address(location, name string) string { return location + "." + name }

// Key is the routing key on Up under which a probe says something of a kind. The
// broker lets nobody else use it.
func Key(kind, location, name string) string { return kind + "." + location + "." + name }

// ParseKey takes a routing key of Up apart. It accepts only what Key makes of a
// known kind and of names that CheckName accepts.
func ParseKey(key string) (kind, location, name string, ok bool) {
	parts := strings.Split(key, ".")
	if len(parts) != 3 || CheckName(parts[1]) != nil || CheckName(parts[2]) != nil {
		return "", "", "", false
	}
	switch parts[0] {
	case KindResult, KindHello, KindReply:
		return parts[0], parts[1], parts[2], true
	}
	return "", "", "", false
}
