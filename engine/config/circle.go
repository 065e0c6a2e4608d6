package config

import (
	"fmt"
	"strings"

	"lookout/engine/uptime"
)

// circles finds monitors that, over others, name themselves. Its nodes are
// monitors and the tags and groups that they name, so that it takes as long as
// what is written, and not as what that comes to: many monitors may name one
// tag that many have. No name begins as a tag or a group is written.
type circles struct {
	l     *loader
	refs  map[string][]*reference // by the monitor that names others
	among map[string][]string     // of tag:T and group:G, those monitors
	seen  map[string]int          // 1 + place on the path; done when it is left
	path  []string
}

const done = -1

// checkCircles reports each.
func (l *loader) checkCircles() {
	c := circles{l, make(map[string][]*reference, len(l.refs)), map[string][]string{}, map[string]int{}, nil}
	for i := range l.refs {
		r := &l.refs[i]
		c.refs[r.from] = append(c.refs[r.from], r)
		for _, to := range r.to {
			if sel, err := uptime.ParseSelector(to); err == nil && sel.Name == "" {
				c.among[to] = nil
			}
		}
	}
	for _, j := range l.cfg.Jobs {
		if c.refs[j.Name] == nil {
			continue
		}
		for _, t := range j.Tags {
			c.member("tag:"+t, j.Name)
		}
		c.member("group:"+j.Group, j.Name)
	}
	for i := range l.refs {
		if from := l.refs[i].from; c.seen[from] == 0 {
			c.visit(from)
		}
	}
}

func (c *circles) member(of, name string) {
	if in, named := c.among[of]; named {
		c.among[of] = append(in, name)
	}
}

func (c *circles) visit(node string) {
	c.path = append(c.path, node)
	c.seen[node] = len(c.path)
	for _, r := range c.refs[node] {
		for _, to := range r.to {
			c.follow(to)
		}
	}
	for _, name := range c.among[node] {
		c.follow(name)
	}
	c.path = c.path[:len(c.path)-1]
	c.seen[node] = done
}

func (c *circles) follow(to string) {
	_, group := c.among[to]
	switch at := c.seen[to]; {
	case at > 0:
		c.report(c.path[at-1:])
	case at == 0 && (group || c.refs[to] != nil):
		c.visit(to)
	}
}

// report names a circle after its first monitor, and the monitors in it.
func (c *circles) report(circle []string) {
	at := 0
	for c.refs[circle[at]] == nil {
		at++ // it began at a tag
	}
	circle = append(append([]string(nil), circle[at:]...), circle[:at+1]...)
	var names []string
	for _, n := range circle {
		if c.refs[n] != nil {
			names = append(names, n)
		}
	}
	r := c.leads(circle[0], circle[1])
	message, hint := "depends on itself", "Name another monitor"
	switch {
	case r.key != parentKey && r.key != dependsKey:
		message, hint = "is a member of itself", "Name its members one by one, without itself"
	case r.layer != nil && r.key == parentKey:
		hint = `It has its parent from ` + strings.Join(under(r.layer.path, r.key), ".") + `; write parent = "" in its block`
	case r.layer != nil:
		hint = `It has that from ` + strings.Join(under(r.layer.path, r.key), ".") + `; write depends_on = [] in its block`
	case len(names) > 2:
		hint = "Take one of these out"
	case r.key == dependsKey && len(circle) > 2:
		hint = "Name others one by one, without itself"
	}
	if len(names) > 2 {
		message += ": " + strings.Join(names, " → ")
	}
	c.l.fail(r.at.block(), []string{"monitor", r.key}, fmt.Sprintf("monitor %q %s", shown(r.from), shown(message)), hint)
}

// leads is the reference of a monitor to a node.
func (c *circles) leads(from, to string) *reference {
	for _, r := range c.refs[from] {
		for _, t := range r.to {
			if t == to {
				return r
			}
		}
	}
	return c.refs[from][0]
}
