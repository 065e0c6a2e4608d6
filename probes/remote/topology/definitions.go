package topology

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// Twice what a probe uses: after a cut the broker keeps the connections that
// were cut for up to 26 s, and "lookout remote check" wants one beside a probe
// that runs.
const (
	maxConnections = 4
	maxChannels    = 12
)

// definitions are what a broker imports: the objects of one vhost, and its users.
type definitions struct {
	Vhosts           []named           `json:"vhosts"`
	Users            []user            `json:"users"`
	Permissions      []permission      `json:"permissions"`
	TopicPermissions []topicPermission `json:"topic_permissions"`
	Parameters       []parameter       `json:"parameters,omitempty"`
	Policies         []policy          `json:"policies"`
	Exchanges        []exchange        `json:"exchanges"`
	Queues           []queue           `json:"queues"`
	Bindings         []binding         `json:"bindings"`
}

type named struct {
	Name string `json:"name"`
}

type user struct {
	Name      string         `json:"name"`
	Hash      string         `json:"password_hash"`
	Algorithm string         `json:"hashing_algorithm"`
	Tags      string         `json:"tags"`
	Limits    map[string]int `json:"limits"`
}

type permission struct {
	User      string `json:"user"`
	Vhost     string `json:"vhost"`
	Configure string `json:"configure"`
	Write     string `json:"write"`
	Read      string `json:"read"`
}

type topicPermission struct {
	User     string `json:"user"`
	Vhost    string `json:"vhost"`
	Exchange string `json:"exchange"`
	Write    string `json:"write"`
	Read     string `json:"read"`
}

type parameter struct {
	Vhost     string         `json:"vhost"`
	Component string         `json:"component"`
	Name      string         `json:"name"`
	Value     map[string]any `json:"value"`
}

type policy struct {
	Vhost      string         `json:"vhost"`
	Name       string         `json:"name"`
	Pattern    string         `json:"pattern"`
	ApplyTo    string         `json:"apply-to"`
	Priority   int            `json:"priority"`
	Definition map[string]any `json:"definition"`
}

type exchange struct {
	Name       string         `json:"name"`
	Vhost      string         `json:"vhost"`
	Type       string         `json:"type"`
	Durable    bool           `json:"durable"`
	AutoDelete bool           `json:"auto_delete"`
	Internal   bool           `json:"internal"`
	Arguments  map[string]any `json:"arguments"`
}

type queue struct {
	Name       string         `json:"name"`
	Vhost      string         `json:"vhost"`
	Durable    bool           `json:"durable"`
	AutoDelete bool           `json:"auto_delete"`
	Arguments  map[string]any `json:"arguments"`
}

type binding struct {
	Source      string         `json:"source"`
	Vhost       string         `json:"vhost"`
	Destination string         `json:"destination"`
	Type        string         `json:"destination_type"`
	Key         string         `json:"routing_key"`
	Arguments   map[string]any `json:"arguments"`
}

// nothing is the pattern that fits no name.
const nothing = "^$"

// Definitions are what the engine's broker imports, as JSON. Importing them again
// changes nothing, and after a probe was added, adds it.
func (p *Plan) Definitions() ([]byte, error) {
	b := builder{vhost: p.Vhost, d: definitions{Vhosts: []named{{p.Vhost}}}}
	b.exchanges(Up, "topic", Down, "direct", Ask, "direct", Dead, "fanout", NoRun, "fanout")
	b.results(p.Quorum)
	b.d.Policies[0].Definition["dead-letter-exchange"] = Dead
	b.hearing()
	b.queue(NoRun, nil)
	b.queue(Dead, nil)
	b.bind(NoRun, "", NoRun)
	b.bind(Dead, "", Dead)
	b.limit("norun", exactly(NoRun), map[string]any{"message-ttl": 30_000, "max-length": 10_000})
	b.limit("dead", exactly(Dead), map[string]any{"message-ttl": 7 * 86_400_000, "max-length": 10_000, "max-length-bytes": 64 << 20})
	b.telling(p.Probes)

	b.user(p.Engine, nil)
	b.allow(p.Engine.Name, oneOf(Down, Ask), oneOf(Results, Hellos, Replies, NoRun, Dead))
	b.speak(p.Engine.Name, nothing)
	for _, probe := range p.Probes {
		if _, far := p.FarOf(probe.Location); !far {
			b.probe(probe)
		}
	}
	for _, far := range p.Far {
		b.user(far.Shovel, nil)
		// What nobody there could run comes back as it does at home.
		b.allow(far.Shovel.Name, oneOf(Up, NoRun), "^"+regexp.QuoteMeta("probe."+far.Location+".")+`[a-z0-9-]+$|`+exactly(LocationQueue(far.Location)))
		b.speak(far.Shovel.Name, `^(result|hello|reply)\.`+far.Location+`\.[a-z0-9-]+$`)
	}
	return b.json()
}

// builder makes the definitions of one vhost.
type builder struct {
	vhost string
	d     definitions
}

func (b *builder) exchanges(namesAndTypes ...string) {
	for pair := range slices.Chunk(namesAndTypes, 2) {
		b.d.Exchanges = append(b.d.Exchanges, exchange{Name: pair[0], Vhost: b.vhost, Type: pair[1], Durable: true, Arguments: map[string]any{}})
	}
}

func (b *builder) queue(name string, arguments map[string]any) {
	if arguments == nil {
		arguments = map[string]any{}
	}
	b.d.Queues = append(b.d.Queues, queue{Name: name, Vhost: b.vhost, Durable: true, Arguments: arguments})
}

func (b *builder) bind(from, key, to string) {
	b.d.Bindings = append(b.d.Bindings, binding{Source: from, Vhost: b.vhost, Destination: to, Type: "queue", Key: key, Arguments: map[string]any{}})
}

// limit says what the queues of a pattern hold. It is a policy and no argument of
// theirs: those can never be changed.
func (b *builder) limit(name, pattern string, what map[string]any) {
	b.d.Policies = append(b.d.Policies, policy{b.vhost, "lookout." + name, pattern, "queues", 1, what})
}

// alone has a queue feed one consumer at a time.
func alone() map[string]any { return map[string]any{"x-single-active-consumer": true} }

// results is the queue of results. When it is full the broker refuses more,
// and probes keep them.
func (b *builder) results(quorum bool) {
	arguments, limit := alone(), map[string]any{"max-length-bytes": 256 << 20, "overflow": "reject-publish"}
	if quorum {
		arguments["x-queue-type"] = "quorum"
		limit["delivery-limit"] = 1_000_000 // RabbitMQ 4 gives up after 20: an engine that is restarted often would lose them
	}
	b.queue(Results, arguments)
	b.bind(Up, "result.#", Results)
	b.limit("results", exactly(Results), limit)
}

// hearing are the other queues of what probes say.
func (b *builder) hearing() {
	b.queue(Hellos, nil)
	b.queue(Replies, nil)
	b.bind(Up, "hello.#", Hellos)
	b.bind(Up, "reply.#", Replies)
	b.limit("hello", exactly(Hellos), map[string]any{"message-ttl": 60_000, "max-length": 10_000})
	b.limit("replies", exactly(Replies), map[string]any{"message-ttl": 30_000, "max-length": 100_000})
}

// telling are the queues of what probes are told and asked.
func (b *builder) telling(probes []Probe) {
	location := ""
	for _, p := range probes {
		b.queue(ProbeQueue(p.Location, p.Name), alone())
		b.bind(Down, Address(p.Location, p.Name), ProbeQueue(p.Location, p.Name))
		if p.Location != location {
			location = p.Location
			b.queue(LocationQueue(location), nil)
			b.bind(Ask, location, LocationQueue(location))
		}
	}
	b.limit("probe", `^probe\.`, map[string]any{"message-ttl": 600_000, "max-length": 64, "max-length-bytes": 16 << 20, "overflow": "drop-head"})
	b.limit("location", `^loc\.`, map[string]any{"message-ttl": 10_000, "max-length": 10_000, "dead-letter-exchange": NoRun})
}

func (b *builder) user(u User, limits map[string]int) {
	if limits == nil {
		limits = map[string]int{}
	}
	b.d.Users = append(b.d.Users, user{u.Name, u.Hash, "rabbit_password_hashing_sha256", "", limits})
}

func (b *builder) allow(name, write, read string) {
	b.d.Permissions = append(b.d.Permissions, permission{name, b.vhost, nothing, write, read})
}

// speak says which routing keys a user may use on Up. Without it a user who may
// write there may use all.
func (b *builder) speak(name, keys string) {
	b.d.TopicPermissions = append(b.d.TopicPermissions, topicPermission{name, b.vhost, Up, keys, nothing})
}

// probe is a user who speaks for one probe. The pattern's end fits before a line
// end too: ParseKey refuses what is let through by that.
func (b *builder) probe(p Probe) {
	b.user(p.User, map[string]int{"max-connections": maxConnections, "max-channels": maxChannels})
	b.allow(p.User.Name, oneOf(Up), exactly(ProbeQueue(p.Location, p.Name))+"|"+exactly(LocationQueue(p.Location)))
	b.speak(p.User.Name, `^(result|hello|reply)\.`+p.Location+`\.`+p.Name+`$`)
}

func (b *builder) json() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // the & of a shovel's URI
	e.SetIndent("", "  ")
	if err := e.Encode(b.d); err != nil {
		return nil, fmt.Errorf("definitions: %w", err)
	}
	return out.Bytes(), nil
}

// exactly is the pattern of one name.
func exactly(name string) string { return "^" + regexp.QuoteMeta(name) + "$" }

// oneOf is the pattern of some names.
func oneOf(names ...string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += "|"
		}
		out += regexp.QuoteMeta(n)
	}
	if len(names) == 1 {
		return "^" + out + "$"
	}
	return "^(" + out + ")$"
}
