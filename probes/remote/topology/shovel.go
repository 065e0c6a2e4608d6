package topology

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
)

// SecretsAt is where the files of a broker of its own are expected on its machine.
const SecretsAt = "/etc/rabbitmq/lookout"

// FarDefinitions are what the broker of a location's own imports, as JSON. It
// needs the plugin rabbitmq_shovel, and is the one who dials, for both ways: the
// engine's broker need not reach it, and has no plugin. password is that of the
// shovel's user at the engine's broker; no way around the file having it.
//
// Orders and requests come over with the keys that they have, and so do results,
// hellos, replies and what nobody could run. The broker gives each message its
// time to live anew: what an order is worth is the deadline in its signed body.
func (p *Plan) FarDefinitions(far Far, password string) ([]byte, error) {
	b := builder{vhost: p.Vhost, d: definitions{Vhosts: []named{{p.Vhost}}}}
	b.exchanges(Up, "topic", Down, "direct", Ask, "direct", NoRun, "fanout")
	b.results(false)
	b.hearing()
	b.queue(NoRun, nil)
	b.bind(NoRun, "", NoRun)
	b.limit("norun", exactly(NoRun), map[string]any{"message-ttl": 30_000, "max-length": 10_000})
	var probes []Probe
	for _, probe := range p.Probes {
		if probe.Location == far.Location {
			probes = append(probes, probe)
			b.probe(probe)
		}
	}
	b.telling(probes)

	// At this end it logs in from inside the broker, without a password; with
	// none, nobody else does.
	b.user(User{Name: far.Shovel.Name}, nil)
	b.allow(far.Shovel.Name, oneOf(Down, Ask), oneOf(Results, Hellos, Replies, NoRun))
	b.speak(far.Shovel.Name, nothing)
	here, there := "amqp://"+far.Shovel.Name+"@/"+p.Vhost, p.shovelURI(far, password)
	for _, up := range []struct {
		queue, to string
		ahead     int
	}{{Results, Up, 200}, {Hellos, Up, 100}, {Replies, Up, 100}, {NoRun, NoRun, 100}} {
		b.shovel("up "+up.queue, here, up.queue, there, up.to, up.ahead)
	}
	b.shovel("down "+LocationQueue(far.Location), there, LocationQueue(far.Location), here, Ask, 100)
	for _, probe := range probes {
		q := ProbeQueue(probe.Location, probe.Name)
		b.shovel("down "+q, there, q, here, Down, 16)
	}
	return b.json()
}

// shovel moves what is in a queue of one broker to an exchange of another, and
// lets go of a message when the other has confirmed it.
func (b *builder) shovel(name, from, queue, to, exchange string, ahead int) {
	b.d.Parameters = append(b.d.Parameters, parameter{b.vhost, "shovel", name, map[string]any{
		"src-protocol":       "amqp091",
		"src-uri":            from,
		"src-queue":          queue,
		"src-prefetch-count": ahead,
		"dest-protocol":      "amqp091",
		"dest-uri":           to,
		"dest-exchange":      exchange,
		"ack-mode":           "on-confirm",
		"reconnect-delay":    1,
	}})
}

// shovelURI is how the shovel of a location's broker dials the engine's. The
// vhost is never empty: with "" a shovel would be starting for ever.
func (p *Plan) shovelURI(far Far, password string) string {
	u, err := url.Parse(p.URL)
	if err != nil {
		panic(fmt.Sprintf("topology: the url of a plan: %v", err)) // ParseURL made it
	}
	u.User = url.UserPassword(far.Shovel.Name, password)
	if u.Scheme == "amqps" {
		u.Host = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "5671"))
		q := url.Values{
			"verify":     {"verify_peer"},
			"certfile":   {SecretsAt + "/shovel.pem"},
			"keyfile":    {SecretsAt + "/shovel.key"},
			"cacertfile": {"/etc/ssl/certs/ca-certificates.crt"},
		}
		// Erlang would look for an address among the names of the certificate, and
		// there is none; without a name it compares the address that it dialled.
		if net.ParseIP(u.Hostname()) == nil {
			q.Set("server_name_indication", u.Hostname())
		}
		if p.ours("") {
			q.Set("cacertfile", SecretsAt+"/ca.pem")
		}
		u.RawQuery = q.Encode()
	}
	return u.String()
}
