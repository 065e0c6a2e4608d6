package probes

import (
	"bufio"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// fileAge is how often the system's files are looked at for a change.
const fileAge = 5 * time.Second

// system is what the checks of one registry share of the machine they run on:
// whom it asks for names; and what they learned that others need not: which
// certificates are good, the revocation lists, what registries of domains told.
// The files are read again when they change, as a laptop's do; their paths
// never change.
type system struct {
	resolvConf string // path
	hosts      string // path
	names      atomic.Pointer[naming]
	lists      lists   // of revoked certificates
	guard      *guard  // of all checks
	forced     *naming // asked instead of all that files and monitors name; nil: no such order
	zonePort   uint16  // where a zone's own servers listen
	roots      systemRoots
	verified   verified
	cas        caPools
	registries registries
}

// naming is the content of resolv.conf and hosts, as read at one moment.
type naming struct {
	read   time.Time // when they were last looked at
	stamps [2]fileStamp
	conf
	hosts map[string][]netip.Addr // by lower-case name without the last dot
	named bool                    // a monitor or a person names the servers
	guard *guard                  // of those: which of them may be asked
}

// conf is what a resolv.conf(5) says. Of its options two have an effect:
// ndots and use-vc. The rest is about a schedule and a protocol that are our
// own here (timeout, attempts, rotate, edns0, single-request, …).
type conf struct {
	servers []netip.AddrPort
	domains []string // the search list
	ndots   int      // names with fewer dots are looked for in the search list too
	tcp     bool     // no datagrams
}

type fileStamp struct {
	modified time.Time
	size     int64
}

func newSystem(resolvConf, hosts string) *system {
	return &system{resolvConf: resolvConf, hosts: hosts, zonePort: 53, guard: anywhere, registries: newRegistries(), roots: systemRoots{files: systemRootFiles()}}
}

// namedServers is what is asked where somebody names the servers: these and no
// file, so that what they say is what is seen.
func namedServers(servers []netip.AddrPort, g *guard) *naming {
	return &naming{conf: conf{servers: servers}, hosts: onlyLocalhost, named: true, guard: g}
}

var onlyLocalhost = parseHosts("")

// namesFor returns whom to ask for names on behalf of a monitor.
func (s *system) namesFor(v *via) *naming {
	switch {
	case s.forced != nil:
		return s.forced
	case v != nil && len(v.resolvers) > 0:
		return namedServers(v.resolvers, s.guard)
	}
	return s.naming()
}

// naming returns whom to ask for names. Several checks may find at once that a
// file changed and read it: the same value is stored twice.
func (s *system) naming() *naming {
	now := time.Now()
	old := s.names.Load()
	if old != nil && now.Sub(old.read) < fileAge {
		return old
	}
	stamps := [2]fileStamp{stampOf(s.resolvConf), stampOf(s.hosts)}
	if old != nil && stamps == old.stamps {
		same := *old
		same.read = now
		s.names.Store(&same)
		return &same
	}
	n := &naming{read: now, stamps: stamps}
	resolv, _ := os.ReadFile(s.resolvConf) // without one, this machine is the resolver, as libc has it
	n.conf = parseResolvConf(string(resolv))
	hosts, _ := os.ReadFile(s.hosts)
	n.hosts = parseHosts(string(hosts))
	s.names.Store(n)
	return n
}

func stampOf(path string) fileStamp {
	fi, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{fi.ModTime(), fi.Size()}
}

// parseResolvConf reads the first three servers, the search list and the
// options of a resolv.conf(5); the loopback where it names no server.
func parseResolvConf(text string) conf {
	c := conf{ndots: 1}
	for line := range fieldsOf(text, ";#") {
		if len(line) < 2 {
			continue
		}
		switch line[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(line[1]); err == nil && len(c.servers) < 3 {
				c.servers = append(c.servers, netip.AddrPortFrom(a, 53))
			}
		case "domain":
			c.domains = line[1:2]
		case "search":
			c.domains = line[1:]
		case "options":
			for _, option := range line[1:] {
				if n, ok := strings.CutPrefix(option, "ndots:"); ok {
					dots, err := strconv.Atoi(n)
					if err == nil {
						c.ndots = min(max(dots, 0), 15)
					}
				}
				c.tcp = c.tcp || option == "use-vc"
			}
		}
	}
	if c.servers == nil {
		c.servers = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53"), netip.MustParseAddrPort("[::1]:53")}
	}
	c.domains = c.domains[:min(len(c.domains), maxSearch)]
	return c
}

// maxSearch is how many domains are searched, as libc had it for long.
const maxSearch = 6

// parseHosts reads a hosts(5) file; localhost is the loopback whether it says so or not.
func parseHosts(text string) map[string][]netip.Addr {
	hosts := map[string][]netip.Addr{}
	for line := range fieldsOf(text, "#") {
		a, err := netip.ParseAddr(line[0])
		if err != nil {
			continue
		}
		for _, name := range line[1:] {
			name = strings.ToLower(strings.TrimSuffix(name, "."))
			hosts[name] = append(hosts[name], a)
		}
	}
	if hosts["localhost"] == nil {
		hosts["localhost"] = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}
	}
	return hosts
}

// fieldsOf yields the words of each line that has any, up to a comment mark.
func fieldsOf(text, comment string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		lines := bufio.NewScanner(strings.NewReader(text))
		for lines.Scan() {
			line := lines.Text()
			if i := strings.IndexAny(line, comment); i >= 0 {
				line = line[:i]
			}
			if f := strings.Fields(line); len(f) > 0 && !yield(f) {
				return
			}
		}
	}
}
