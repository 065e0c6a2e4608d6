package topology

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Plan is what there is to be on the brokers of one instance. It is kept beside
// the files that are made of it, so that a later run adds to it.
type Plan struct {
	Version int    `json:"version"` // 1
	URL     string `json:"url"`     // of the engine's broker, as one dials it; its path is the vhost
	Vhost   string `json:"vhost"`

	// ServerNames are those of the broker's certificate, which the plan's own CA
	// signed. None: the broker has one from elsewhere.
	ServerNames []string `json:"server_names,omitempty"`

	Quorum bool    `json:"quorum,omitempty"` // results lie on several nodes of a cluster
	Engine User    `json:"engine"`
	Probes []Probe `json:"probes"` // by location and name
	Far    []Far   `json:"far,omitempty"`
}

// User is somebody who logs in at a broker.
type User struct {
	Name string `json:"user"`
	Hash string `json:"password_hash"` // as HashPassword makes it; "" has no password
}

// Probe is a process at another location.
type Probe struct {
	Location string `json:"location"`
	Name     string `json:"name"`
	User
}

// ID is LOCATION/NAME.
func (p Probe) ID() string { return p.Location + "/" + p.Name }

// Far is a broker of its own that the probes of a location dial. A shovel there
// carries everything from and to the engine's broker.
type Far struct {
	Location    string   `json:"location"`
	URL         string   `json:"url"`
	ServerNames []string `json:"server_names,omitempty"`

	Shovel User `json:"shovel"` // at the engine's broker
}

// EngineUser is who the engine of a vhost logs in as. Users belong to a broker and
// not to a vhost, so their names begin with that of theirs.
func EngineUser(vhost string) string { return vhost + ".engine" }

// ProbeUser is who a probe logs in as.
func ProbeUser(vhost, location, name string) string { return vhost + "." + location + "." + name }

// ShovelUser is who the shovel of a location's own broker logs in as, at both ends.
func ShovelUser(vhost, location string) string { return ProbeUser(vhost, location, shovel) }

// maxUser is how long the common name of a certificate may be.
const maxUser = 64

// checkUser makes sure that a certificate can be for a user.
func checkUser(name string) error {
	if len(name) > maxUser {
		return fmt.Errorf("user %s has %d characters, and a certificate is for %d at most: shorten the names of the vhost, the location or the probe", name, len(name), maxUser)
	}
	return nil
}

// ParseURL checks the URL of a broker, and returns it as configurations have it
// and the vhost that it names.
func ParseURL(text string) (plain, vhost string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", "", fmt.Errorf("url %q of the broker: %w", text, errors.Unwrap(err))
	}
	switch {
	case u.Scheme != "amqps" && u.Scheme != "amqp" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "":
		return "", "", fmt.Errorf("url %q of the broker: write amqps://HOST/VHOST or amqps://HOST:PORT/VHOST", u.Redacted())
	case u.User != nil:
		return "", "", errors.New("url of the broker: leave user and password out of it, they get files of their own")
	case u.Scheme == "amqp" && !loopback(u.Hostname()):
		return "", "", fmt.Errorf("url %q of the broker: amqp:// is in clear text and for this machine alone; write amqps://", text)
	}
	vhost = strings.TrimPrefix(u.Path, "/")
	if err := CheckName(vhost); err != nil {
		return "", "", fmt.Errorf("vhost of the url %q: %w; each instance has a vhost of its own, such as /lookout", text, err)
	}
	return u.Scheme + "://" + u.Host + "/" + vhost, vhost, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// secure reports whether a broker is dialled over TLS.
func secure(url string) bool { return strings.HasPrefix(url, "amqps://") }

// Locations are those of the probes, once each, by name.
func (p *Plan) Locations() []string {
	var out []string
	for _, probe := range p.Probes {
		out = append(out, probe.Location)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// FarOf is the broker that the probes of a location dial; false: the engine's.
func (p *Plan) FarOf(location string) (Far, bool) {
	i := slices.IndexFunc(p.Far, func(f Far) bool { return f.Location == location })
	if i < 0 {
		return Far{}, false
	}
	return p.Far[i], true
}

// URLOf is what the probes of a location dial.
func (p *Plan) URLOf(location string) string {
	if far, ok := p.FarOf(location); ok {
		return far.URL
	}
	return p.URL
}

// ours reports whether the certificate of the broker that a location dials is of
// the plan's own CA; "" is the location of the engine.
func (p *Plan) ours(location string) bool {
	if far, ok := p.FarOf(location); ok {
		return len(far.ServerNames) > 0
	}
	return len(p.ServerNames) > 0
}

// put adds a probe, or gives the one that is there its new password.
func (p *Plan) put(probe Probe) {
	p.Probes = slices.DeleteFunc(p.Probes, func(q Probe) bool { return q.ID() == probe.ID() })
	p.Probes = append(p.Probes, probe)
	slices.SortFunc(p.Probes, func(a, b Probe) int {
		return cmp.Or(strings.Compare(a.Location, b.Location), strings.Compare(a.Name, b.Name))
	})
}
