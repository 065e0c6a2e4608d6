package probes

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lookout/engine/uptime"
)

// Policy is what the checks of a remote probe may do, whoever orders them. Its
// owner wrote it; the engine, or who took its key, has no say in it.
type Policy struct {
	// Allow are addresses that may be gone to although they are refused by
	// default: those of this machine, of a private network or of a link, those
	// that a cloud tells its machines secrets at, and all that is none of one
	// host on the internet.
	Allow []netip.Prefix
	// Methods of HTTP that may be sent; nil: GET and HEAD.
	Methods []string
	// MaxBody is how many bytes an order may have a check send: the body of a
	// request, send and the sends of a dialogue; 0: none.
	MaxBody int64
	// Commands are the names of the exec checks in the probe's own file: it runs no other.
	Commands []string
}

// TypesFor returns the check types as Types does, under the policy of a probe;
// with nil as Types does. Every socket of their checks is made by a door, which
// asks the policy about the address itself, whatever a name, a redirect or a
// zone led to. The system's own resolvers are asked under no policy.
func TypesFor(p *Policy) []uptime.CheckType {
	if p == nil {
		return Types()
	}
	return typesUnder(newSystem("/etc/resolv.conf", "/etc/hosts"), *p)
}

func typesUnder(sys *system, p Policy) []uptime.CheckType {
	sys.guard = &guard{Policy: p}
	types := typesOf(sys)
	for i, ct := range types {
		types[i].New = func(s uptime.Settings) (uptime.Check, []uptime.Mistake) {
			if wrong := p.forbids(ct, s); wrong != nil {
				return uptime.Check{}, wrong
			}
			return ct.New(s)
		}
	}
	return types
}

// forbids says what of the settings of a check the policy has not, whatever
// address it goes to.
func (p Policy) forbids(ct uptime.CheckType, s uptime.Settings) []uptime.Mistake {
	if ct.Filed && !slices.Contains(p.Commands, s.URL.Opaque) {
		return []uptime.Mistake{{Key: "url", Message: fmt.Sprintf("%s is not in the file of this probe, which runs no other", quote(s.URL.Scheme+":"+s.URL.Opaque)),
			Hint: "write a [[" + ct.Name + "]] of that name there"}}
	}
	methods := p.Methods
	if methods == nil {
		methods = []string{http.MethodGet, http.MethodHead}
	}
	if m := strings.ToUpper(uptime.Value(s.Values, "method", http.MethodGet)); ct.Name == "http" && !slices.Contains(methods, m) {
		return []uptime.Mistake{{Key: "method", Message: fmt.Sprintf("this probe sends no %s", quote(m)), Hint: "add it to methods in its [policy]"}}
	}
	if n := payload(s); n > p.MaxBody {
		return []uptime.Mistake{{Key: "body", Message: fmt.Sprintf("the check would send %d bytes, and this probe sends %d at most", n, p.MaxBody),
			Hint: "raise max_body in its [policy]"}}
	}
	return nil
}

// payload is how many bytes of the settings go over the wire as they are.
func payload(s uptime.Settings) int64 {
	n := len(uptime.Value(s.Values, "body", "")) + len(uptime.Value(s.Values, "body_file", []byte(nil))) + len(uptime.Value(s.Values, "send", ""))
	for _, step := range uptime.Value(s.Expect, "dialogue", []map[string]string(nil)) {
		n += len(step["send"])
	}
	return int64(n)
}

// guard is a policy at work. It may be used by any number of checks at once.
type guard struct {
	Policy
	open bool // it lets everything through
	own  atomic.Pointer[interfaces]
}

// anywhere is the policy of who has none.
var anywhere = &guard{open: true}

// interfaces are the addresses of this machine, as they were a moment ago.
type interfaces struct {
	read  time.Time
	addrs []netip.Addr
}

// refused is why an address is not gone to.
type refused struct {
	addr netip.Addr
	why  string
}

func (r *refused) Error() string {
	return fmt.Sprintf("the policy of this probe does not let it go to %s, %s", r.addr, r.why)
}

// failure is a fault of ours: nothing was learned about the target.
func (r *refused) failure(what string) *failure {
	return fail(uptime.FaultLocalBlocked, "%s: the policy of this probe does not let it go to %s, %s; allow in its [policy] can", what, r.addr, r.why)
}

// refuses is nil where an address may be gone to. A nil guard lets nobody through.
func (g *guard) refuses(addr netip.Addr) *refused {
	switch {
	case g == nil:
		return &refused{addr, "as nobody said which policy it has: a bug in lookout"}
	case g.open:
		return nil
	}
	a := addr.WithZone("").Unmap()
	if g.allows(a) {
		return nil
	}
	if why := reserved(a); why != "" {
		return &refused{addr, why}
	}
	if inner, ok := embedded(a); ok {
		if r := g.refuses(inner); r != nil {
			return &refused{addr, "which stands for " + inner.String() + ", " + r.why}
		}
	}
	if slices.Contains(g.ownAddrs(), a) {
		return &refused{addr, "an address of its own machine"}
	}
	return nil
}

func (g *guard) allows(a netip.Addr) bool {
	return slices.ContainsFunc(g.Allow, func(p netip.Prefix) bool { return p.Contains(a) })
}

// ownAddrs are the addresses of this machine. A firewall that guards them
// against others rarely guards them against the machine itself.
func (g *guard) ownAddrs() []netip.Addr {
	now := time.Now()
	if own := g.own.Load(); own != nil && now.Sub(own.read) < fileAge {
		return own.addrs
	}
	own := &interfaces{read: now}
	addrs, _ := net.InterfaceAddrs() // without them the rest is refused all the same
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				own.addrs = append(own.addrs, ip.Unmap())
			}
		}
	}
	g.own.Store(own)
	return own.addrs
}

// permitted leaves out the addresses that may not be gone to; where none is
// left, the first says why.
func (g *guard) permitted(what string, addrs []netip.Addr) ([]netip.Addr, *failure) {
	if g != nil && g.open {
		return addrs, nil
	}
	var first *refused
	var left []netip.Addr
	for _, a := range addrs {
		r := g.refuses(a)
		switch {
		case r == nil:
			left = append(left, a)
		case first == nil:
			first = r
		}
	}
	if len(left) == 0 && first != nil {
		return nil, first.failure(what)
	}
	return left, nil
}
