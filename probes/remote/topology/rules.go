package topology

import (
	"fmt"
	"slices"
)

// Action is what a Rule is about.
type Action uint8

// The actions.
const (
	Publish         Action = iota + 1 // to Exchange with Key
	Consume                           // from Queue
	DeclareQueue                      // Queue; "": a new one
	DeclareExchange                   // Exchange
	Bind                              // Queue to Exchange
)

// Rule is one thing that a user of the broker must be able to do, or must not.
type Rule struct {
	May      bool
	Do       Action
	Exchange string
	Key      string
	Queue    string
}

// String says what the rule is about, as what follows "may" in a sentence.
func (r Rule) String() string {
	exchange := "exchange " + r.Exchange
	if r.Exchange == "" {
		exchange = "the default exchange"
	}
	queue := "queue " + r.Queue
	if r.Queue == "" {
		queue = "a queue of its own"
	}
	switch r.Do {
	case Publish:
		return "publish to " + exchange + " with key " + r.Key
	case Consume:
		return "read " + queue
	case DeclareQueue:
		return "declare " + queue
	case DeclareExchange:
		return "declare " + exchange
	case Bind:
		return "bind " + queue + " to " + exchange
	}
	return "do what nobody knows"
}

// Trial is a connection that tries what its user may do, as link.Trial does.
type Trial interface {
	MayPublish(exchange, key string) (may, as bool, err error) // as: in another user's name too
	MayConsume(queue string) (bool, error)
	MayDeclareQueue(name string) (bool, error)
	MayDeclareExchange(name string) (bool, error)
	MayBind(queue, exchange string) (bool, error)
}

// Try reports whether the broker lets the user of a connection do what the rule is about.
func (r Rule) Try(t Trial) (may bool, err error) {
	switch r.Do {
	case Publish:
		may, _, err = t.MayPublish(r.Exchange, r.Key)
	case Consume:
		may, err = t.MayConsume(r.Queue)
	case DeclareQueue:
		may, err = t.MayDeclareQueue(r.Queue)
	case DeclareExchange:
		may, err = t.MayDeclareExchange(r.Exchange)
	case Bind:
		may, err = t.MayBind(r.Queue, r.Exchange)
	default:
		err = fmt.Errorf("there is no action %d", r.Do)
	}
	return may, err
}

// EngineRules are those of the engine.
func (p *Plan) EngineRules() []Rule {
	r := rules{}
	for _, probe := range p.some("") {
		r.may(Publish, Down, Address(probe.Location, probe.Name), "")
		r.mayNot(Consume, "", "", ProbeQueue(probe.Location, probe.Name))
		for _, kind := range kinds() {
			r.mayNot(Publish, Up, Key(kind, probe.Location, probe.Name), "")
		}
		r.mayNot(Publish, "", ProbeQueue(probe.Location, probe.Name), "")
	}
	for _, l := range p.Locations() {
		r.may(Publish, Ask, l, "")
		r.mayNot(Consume, "", "", LocationQueue(l))
	}
	for _, q := range EngineQueues() {
		r.may(Consume, "", "", q)
		r.mayNot(DeclareQueue, "", "", q)
		r.mayNot(Publish, "", q, "")
	}
	r.mayNot(Publish, Dead, "x", "")
	r.mayNot(Publish, NoRun, "x", "")
	r.mayNot(Bind, Up, "", Hellos)
	r.general()
	return r
}

// ProbeRules are those of a probe, at the broker that it dials.
func (p *Plan) ProbeRules(me Probe) []Rule {
	r := rules{}
	queue, asked := ProbeQueue(me.Location, me.Name), LocationQueue(me.Location)
	for _, kind := range kinds() {
		r.may(Publish, Up, Key(kind, me.Location, me.Name), "")
		// Keys that only look like its own.
		r.mayNot(Publish, Up, Key(kind, me.Location, me.Name)+".x", "")
		r.mayNot(Publish, Up, "x."+Key(kind, me.Location, me.Name), "")
		r.mayNot(Publish, Up, kind+"."+me.Location, "")
	}
	r.mayNot(Publish, Up, Key("order", me.Location, me.Name), "")
	r.may(Consume, "", "", queue)
	r.may(Consume, "", "", asked)
	r.mayNot(Publish, Down, Address(me.Location, me.Name), "")
	r.mayNot(Publish, Ask, me.Location, "")
	for _, other := range p.some(me.Location) {
		if other.ID() == me.ID() {
			continue
		}
		for _, kind := range kinds() {
			r.mayNot(Publish, Up, Key(kind, other.Location, other.Name), "")
		}
		r.mayNot(Publish, Down, Address(other.Location, other.Name), "")
		r.mayNot(Publish, "", ProbeQueue(other.Location, other.Name), "")
		r.mayNot(Consume, "", "", ProbeQueue(other.Location, other.Name))
		if other.User.Name != "" { // else the attempt would make it, if it may
			r.mayNot(DeclareQueue, "", "", ProbeQueue(other.Location, other.Name))
		}
		if other.Location != me.Location {
			r.mayNot(Publish, Ask, other.Location, "")
			r.mayNot(Consume, "", "", LocationQueue(other.Location))
		}
	}
	for _, q := range EngineQueues() {
		r.mayNot(Consume, "", "", q)
		r.mayNot(DeclareQueue, "", "", q)
		r.mayNot(Publish, "", q, "")
	}
	for _, q := range []string{queue, asked} {
		r.mayNot(DeclareQueue, "", "", q)
		r.mayNot(Publish, "", q, "")
		r.mayNot(Bind, Up, "", q)
	}
	r.mayNot(Bind, Up, "", Results)
	r.mayNot(Publish, Dead, "x", "")
	r.mayNot(Publish, NoRun, "x", "")
	r.general()
	return r
}

// ShovelRules are those of the shovel of a location's own broker, at the engine's.
func (p *Plan) ShovelRules(far Far) []Rule {
	r := rules{}
	r.may(Consume, "", "", LocationQueue(far.Location))
	r.may(Publish, NoRun, far.Location, "")
	for _, other := range p.some(far.Location) {
		queue := ProbeQueue(other.Location, other.Name)
		switch {
		case other.Location != far.Location:
			r.mayNot(Consume, "", "", queue)
			r.mayNot(Consume, "", "", LocationQueue(other.Location))
		case other.User.Name != "": // it is there
			r.may(Consume, "", "", queue)
		}
		for _, kind := range kinds() {
			r = append(r, Rule{other.Location == far.Location, Publish, Up, Key(kind, other.Location, other.Name), ""})
		}
		r.mayNot(Publish, Down, Address(other.Location, other.Name), "")
		r.mayNot(Publish, Ask, other.Location, "")
		r.mayNot(Publish, "", queue, "")
	}
	for _, q := range EngineQueues() {
		r.mayNot(Consume, "", "", q)
		r.mayNot(DeclareQueue, "", "", q)
		r.mayNot(Publish, "", q, "")
	}
	r.mayNot(Publish, Dead, "x", "")
	r.general()
	return r
}

// kinds are all kinds of routing keys on Up.
func kinds() []string { return []string{KindResult, KindHello, KindReply} }

// EngineQueues are those that the engine reads.
func EngineQueues() []string { return []string{Results, Hellos, Replies, NoRun, Dead} }

// rules is a list that is being made.
type rules []Rule

func (r *rules) may(do Action, exchange, key, queue string) {
	*r = append(*r, Rule{true, do, exchange, key, queue})
}

func (r *rules) mayNot(do Action, exchange, key, queue string) {
	*r = append(*r, Rule{false, do, exchange, key, queue})
}

// general is what nobody may do.
func (r *rules) general() {
	for _, e := range []string{"amq.direct", "amq.fanout", "amq.topic", "amq.headers"} {
		r.mayNot(Publish, e, "x", "")
	}
	for _, e := range []string{Up, Down, Ask} {
		r.mayNot(DeclareExchange, e, "", "")
	}
	r.mayNot(DeclareQueue, "", "", "")
}

// some are the probes to try things with: all of a location, or the first of
// each where there are many, and always two that are in no plan: a
// permission is a pattern, which may fit too much.
func (p *Plan) some(location string) []Probe {
	const many = 32
	var out []Probe
	last := ""
	for _, probe := range p.Probes {
		if probe.Location == location && len(out) < many || len(p.Probes) <= many || probe.Location != last {
			out = append(out, probe)
		}
		last = probe.Location
	}
	if location == "" {
		return out
	}
	return slices.Concat(out, []Probe{{Location: location, Name: "lookout-check"}, {Location: location + "-lookout-check", Name: "1"}})
}
